// What the generated types have to accept and refuse. Each expected error has to be one.
import type { allTypes, Exports, Imports, import_, Pool, Settings } from "./everything.js";

declare const host: Imports;
declare const pool: Pool;

export function calls(): unknown {
  using blob = new host.allTypes.Blob(new Uint8Array(1));
  const settings: Settings = { modes: [{ read: true }, {}, { writeOnly: undefined }] };
  const mode: allTypes.Mode = host.max(settings);
  const [first]: [number] = host.allTypes.delete(1, "this", mode);
  const end: bigint = blob.slice(1n, undefined).new();
  const imports: import_.Imports_ = host.import_.await(pool as import_.Imports_);
  host.inline.paint("light-green");
  host.allTypes.outcome({ tag: "err", val: "why" });
  // @ts-expect-error a `u64` is a bigint
  blob.slice(1, undefined);
  // @ts-expect-error no such colour
  host.inline.paint("blue");
  // @ts-expect-error this case has a value
  host.allTypes.outcome({ tag: "err" });
  // @ts-expect-error the host's class has no such function
  host.allTypes.Blob.split(blob);
  return [first, end, imports];
}

export const nested: allTypes.Options = {
  renamed: { tag: "some", val: 1 },
  nested: { tag: "none" },
};
// @ts-expect-error an option in an option is told by its tag
export const flat: allTypes.Options = { renamed: undefined, nested: { tag: "none" } };

class Counter {
  #at: bigint;
  constructor(start: allTypes.Shape) {
    this.#at = start.tag === "circle" ? BigInt(start.val) : 0n;
  }
  static zero(): Counter {
    return new Counter({ tag: "point" });
  }
  async next(): Promise<bigint> {
    return (this.#at += 1n);
  }
}

class Plain {
  constructor(private_: string) {
    this.get = () => private_;
  }
  get: () => string;
}

export const guest: Exports = {
  run: async (blob) => void blob.slice(0n, 1n),
  provided: { Counter, Plain, start: () => new Plain("") },
};
// @ts-expect-error the class of each exported resource is the guest's to give
export const incomplete: Exports["provided"] = { Counter, start: () => new Plain("") };
