// As `edgewit build` writes it, for an `edge.toml` with two stores, one of them with `values`.
import type {} from "@edgewit/sdk";
import type { ReadOnlyStore, Store } from "@edgewit/sdk/kv";

declare module "@edgewit/sdk" {
  interface Env {
    visits: Store;
    settings: ReadOnlyStore;
  }
}
