//! What is no application says so in one line.

use std::path::Path;

use edgewit_host::{Error, Settings};
use edgewit_manifest::Store;

use crate::support::{host, raw, run, settings};

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
