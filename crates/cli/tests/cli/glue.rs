//! The mended glue of the JavaScript engine, without the SDK over it: what a request calls many times
//! fits into its memory.

use std::fs;

use crate::support::{Server, install};
use edgewit_build::Tool;

/// With the default of `memory-bytes`, 128 MiB.
const MANIFEST: &str = "name = \"glue\"\nlanguage = \"js\"\n\n[kv.visits]\n\n[limits]\nguest-ms = 600_000\n\
    head-ms = 600_000\n";

/// 240 MiB as texts of arguments, 300 MiB as bytes of arguments, and 150 MiB each as bytes of results and of what
/// an export returns.
const MAIN: &str = r#"
import { log } from "edge:sdk/logging@0.1.0";
import { open } from "edge:sdk/kv@0.1.0";

const text = "x".repeat(4096);
const bytes = new Uint8Array(1 << 16).fill(7);
const options = { condition: { tag: "always" }, metadata: new Uint8Array(0) };
const ROUNDS = 2400;

const routes = {
  "/log": () => {
    for (let i = 0; i < 60_000; i++) log("debug", "glue", text, []);
  },
  "/set": () => {
    const store = open("visits");
    for (let i = 0; i < 2 * ROUNDS; i++) store.set("key", bytes, options);
  },
  "/get": () => {
    const store = open("visits");
    for (let i = 0; i < ROUNDS; i++) store.get("key");
  },
  "/reply": () => {
    let left = ROUNDS;
    return new ReadableStream({
      pull: (to) => (left-- === 0 ? to.close() : to.enqueue(bytes.slice())),
    });
  },
  // A lowering that fails half-way leaves its first argument for the next call to free.
  "/failing": () => {
    for (let i = 0; i < 60_000; i++) {
      try {
        log("debug", "glue", text, [["name", null]]);
      } catch {
        continue;
      }
      throw new Error("it did not fail");
    }
  },
};

export default {
  fetch(request) {
    return new Response(routes[new URL(request.url).pathname]() ?? "done");
  },
};
"#;

#[test]
fn what_passes_through_a_request_is_freed() {
    install(Tool::JavaScript);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("edge.toml"), MANIFEST).unwrap();
    fs::write(folder.path().join("main.js"), MAIN).unwrap();
    let arguments = ["serve", "--listen", "127.0.0.1:0"];
    let server = Server::start(folder.path(), &arguments, "granted: kv visits");
    for path in ["/log", "/failing", "/set", "/get"] {
        let reply = server.get(path);
        assert!(reply.ends_with("\r\ndone"), "{path}: {reply}");
    }
    let reply = server.get("/reply");
    assert!(reply.starts_with("HTTP/1.1 200"));
    assert!(reply.matches('\u{7}').count() == 2400 << 16);
    server.interrupt();
}
