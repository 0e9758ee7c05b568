//! `edgewit kv`, on the file and through a running `serve`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use edgewit_host::kv::{Backend, Condition, File, SetOptions};

use crate::support::{Server, edgewit, fails, feed, hello, ok};

/// A folder with an application that has the store `s`, for values of any length.
fn app(folder: &Path) {
    let manifest =
        "name = \"app\"\nlanguage = \"rust\"\n[kv.s]\n[limits]\nkv-value-bytes = 1073741824\n";
    fs::write(folder.join("edge.toml"), manifest).unwrap();
}

fn serve(folder: &Path) -> Server {
    fs::copy(hello(), folder.join("app.wasm")).unwrap();
    let arguments = ["serve", "app.wasm", "--listen", "127.0.0.1:0"];
    Server::start(folder, &arguments, "granted: kv s")
}

fn rights(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_value_of_any_length_goes_through_a_running_serve() {
    let folder = tempfile::tempdir().unwrap();
    // Deeper than the address of a socket can say.
    let folder = folder.path().join("deep/".repeat(30));
    fs::create_dir_all(&folder).unwrap();
    app(&folder);
    let server = serve(&folder);
    let long: Vec<u8> = (0..70_000_000_u32).map(|at| (at % 251) as u8).collect();
    for value in [&long[..], b"", b"a\n\xff\0"] {
        feed(&folder, &["kv", "set", "s", "k", "-"], value);
        let got = edgewit(&folder, &["kv", "get", "s", "k"]);
        assert!(got.status.success());
        assert_eq!(got.stdout.len(), value.len());
        assert!(got.stdout == value);
    }
    // Nobody but its user reads the stores, or writes to them.
    assert_eq!(rights(&folder.join(".edgewit")), 0o700);
    server.interrupt();
    assert!(!folder.join(".edgewit/serve.sock").exists());
}

#[test]
fn what_a_serve_that_was_killed_leaves_is_in_nobodys_way() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    app(folder);
    let server = serve(folder);
    ok(folder, &["kv", "set", "s", "k", "one"]);
    server.kill();
    assert!(folder.join(".edgewit/serve.sock").exists());
    assert_eq!(ok(folder, &["kv", "get", "s", "k"]), "one");
    let server = serve(folder);
    ok(folder, &["kv", "set", "s", "k", "two"]);
    assert_eq!(ok(folder, &["kv", "get", "s", "k"]), "two");
    server.interrupt();
}

#[test]
fn values_expire_and_keys_have_prefixes() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    app(folder);
    // Whoever looks at what was never written makes nothing.
    assert_eq!(ok(folder, &["kv", "list", "s"]), "");
    let none = "edgewit: no key \"a\" in the store \"s\"";
    for look in ["get", "delete"] {
        assert_eq!(fails(folder, &["kv", look, "s", "a"], 1), none);
    }
    assert!(!folder.join(".edgewit").exists());
    for key in ["b/2", "b/1", "a", "-5"] {
        ok(folder, &["kv", "set", "s", key, key]);
    }
    assert_eq!(ok(folder, &["kv", "list", "s"]), "-5\na\nb/1\nb/2\n");
    let listed = ok(folder, &["kv", "list", "s", "--prefix", "b/"]);
    assert_eq!(listed, "b/1\nb/2\n");
    assert_eq!(ok(folder, &["kv", "list", "s", "--prefix", "-"]), "-5\n");
    assert_eq!(ok(folder, &["kv", "list", "s", "--prefix", "c"]), "");
    // A minus is no option, and an option is one wherever it stands.
    ok(folder, &["kv", "set", "s", "a", "-5"]);
    ok(folder, &["kv", "set", "s", "--ttl-ms", "600000", "k", "-1"]);
    assert_eq!(ok(folder, &["kv", "get", "s", "a"]), "-5");
    assert_eq!(ok(folder, &["kv", "get", "s", "k"]), "-1");
    ok(folder, &["kv", "delete", "s", "-5"]);

    let began = Instant::now();
    ok(folder, &["kv", "set", "s", "k", "v", "--ttl-ms", "300"]);
    while edgewit(folder, &["kv", "get", "s", "k"]).status.success() {
        assert!(began.elapsed() < Duration::from_secs(20));
    }
    assert!(began.elapsed() >= Duration::from_millis(300));
    let gone = "edgewit: no key \"k\" in the store \"s\"";
    assert_eq!(fails(folder, &["kv", "get", "s", "k"], 1), gone);
    assert_eq!(fails(folder, &["kv", "delete", "s", "k"], 1), gone);
    fails(folder, &["kv", "set", "s", "k", "v", "--ttl-ms", "0"], 2);
}

/// A listing is asked for in pages, of which nobody sees anything.
#[test]
fn more_keys_than_a_page_has_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    app(folder);
    let keys: Vec<String> = (0..2001).map(|number| format!("{number:04}")).collect();
    fs::create_dir(folder.join(".edgewit")).unwrap();
    let file = File::open(&folder.join(".edgewit/kv.redb")).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        for key in &keys {
            let options = SetOptions {
                ttl_ms: None,
                condition: Condition::Always,
                metadata: Vec::new(),
            };
            file.set(0, "s", key, Vec::new(), options).await.unwrap();
        }
    });
    drop(file);
    let listed = || ok(folder, &["kv", "list", "s"]);
    let all = keys.join("\n") + "\n";
    assert_eq!(listed(), all);
    let server = serve(folder);
    assert_eq!(listed(), all);
    ok(folder, &["kv", "delete", "s", "0000"]);
    assert_eq!(listed(), all["0000\n".len()..]);
    server.interrupt();
}
