//! What is no application says so in one line.

use std::path::{Path, PathBuf};

use edgewit_host::{Error, Host, Settings};
use edgewit_manifest::Store;

use crate::support::{host, raw, run, serve_app, settings, wasi};

async fn refused(bytes: &[u8], settings: Settings) -> Error {
    let loaded = host().load("app", bytes, settings).await;
    let error = loaded.err().expect("no application");
    let text = error.to_string();
    assert!(text.starts_with("app: ") && !text.contains('\n'), "{text}");
    error
}

#[test]
fn bytes_that_are_no_component() {
    run(async {
        for (bytes, what) in [
            (&b""[..], "an empty file"),
            (b"fn main() {}", "text, not a component"),
            (b"\x7fELF\xff", "no WebAssembly"),
            (b"\0asm\x01\0\0\0", "a core module, not a component"),
            (&raw()[..raw().len() / 2], "failed to parse WebAssembly"),
        ] {
            let error = refused(bytes, settings()).await;
            let Error::NotAComponent { found, .. } = error else {
                panic!("{error:?}");
            };
            assert!(found.contains(what), "{found}");
        }
    });
}

/// `bytes` with each `from` in them as `to`, which is as long.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for at in 0..bytes.len() - from.len() {
        if bytes[at..].starts_with(from) {
            bytes[at..at + to.len()].copy_from_slice(to);
        }
    }
    bytes
}

#[test]
fn a_component_of_another_world() {
    run(async {
        // An empty component, and one that imports what no host of applications has.
        let empty = b"\0asm\x0d\0\x01\0";
        let error = refused(empty, settings()).await;
        assert!(matches!(error, Error::OtherWorld { .. }), "{error:?}");
        assert!(error.to_string().contains("edge:sdk/handler"), "{error}");
        let imports = replaced(raw(), b"edge:sdk/kv@0.1.0", b"edge:sdk/kx@0.1.0");
        let error = refused(&imports, settings()).await;
        assert!(matches!(error, Error::OtherWorld { .. }), "{error:?}");
        assert!(error.to_string().contains("edge:sdk/kx@0.1.0"), "{error}");
    });
}

#[test]
fn a_variable_that_is_not_set() {
    run(async {
        let mut settings = settings();
        let store = Store::ReadOnly {
            values: [].into(),
            env: vec!["UPSTREAM_KEY".to_owned()],
        };
        settings.grants.kv.insert("secrets".to_owned(), store);
        let error = refused(raw(), settings).await;
        assert!(matches!(error, Error::Environment { .. }), "{error:?}");
        let text = error.to_string();
        assert!(
            text.contains("secrets") && text.contains("UPSTREAM_KEY"),
            "{text}"
        );
    });
}

#[test]
fn the_interface_is_the_one_of_the_workspace() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let here = std::fs::canonicalize(folder.join("wit")).unwrap();
    let canonical = std::fs::canonicalize(folder.join("../../wit")).unwrap();
    assert_eq!(here, canonical);
}

/// What a folder of compiled components holds.
fn compiled(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn what_is_compiled_is_kept_by_content() {
    run(async {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
        let _ = std::fs::remove_dir_all(&folder);
        let with_cache = || Host::builder().instances(2).cache(&folder).build().unwrap();
        with_cache().compile("raw", raw()).unwrap();
        let of_raw = compiled(&folder);
        with_cache().compile("raw", raw()).unwrap();
        assert_eq!(compiled(&folder), of_raw);
        with_cache().compile("wasi", wasi()).unwrap();
        let mut of_wasi = compiled(&folder);
        of_wasi.retain(|file| !of_raw.contains(file));
        // Where one stands in the other's place it is the other that runs: it was not compiled again.
        assert_eq!((of_raw.len(), of_wasi.len()), (1, 1));
        std::fs::copy(&of_raw[0], &of_wasi[0]).unwrap();
        let app = with_cache().load("wasi", wasi(), settings()).await;
        let served = serve_app("swapped", app.unwrap()).await;
        let reply = served.get("/kv?store=store&op=set/key/value").await;
        assert_eq!(reply.text(), "version 1\n");
        // What is damaged is compiled again.
        std::fs::write(&of_raw[0], b"damaged").unwrap();
        with_cache().compile("raw", raw()).unwrap();
        // A folder that can't be used is done without.
        let file = folder.join("file");
        std::fs::write(&file, b"").unwrap();
        let host = Host::builder()
            .instances(2)
            .cache(file.join("below"))
            .build()
            .unwrap();
        host.compile("raw", raw()).unwrap();
    });
}
