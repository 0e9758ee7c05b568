// As `edgewit build` writes it, for an `edge.toml` with two stores.
import type {} from "@edgewit/sdk";
import type { Store } from "@edgewit/sdk/kv";

declare module "@edgewit/sdk" {
  interface Env {
    visits: Store;
    settings: Store;
  }
}
