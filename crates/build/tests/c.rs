//! Guests in C that can't be built.

mod support;

use std::fs;

use edgewit_build::{Cache, Error, build_c};
use support::{Log, write};

fn refused(source: &str) -> (Error, String) {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out/guest.wasm");
    write(&folder.path().join("guest.c"), source);
    fs::create_dir(folder.path().join("libc")).unwrap();
    let (cache, log) = (Cache::from_env().unwrap(), Log::default());
    let error = build_c(&cache, folder.path(), &output, &|event| log.add(event)).unwrap_err();
    assert!(!output.exists());
    (error, log.text())
}

#[test]
fn what_the_compiler_refuses_is_told() {
    let (error, log) = refused("int f(void) { return nothing; }\n");
    assert!(matches!(error, Error::Failed { .. }), "{error}");
    let place = "guest.c:1:22: error: use of undeclared identifier 'nothing'";
    assert!(log.contains(place), "{log}");
}

#[test]
fn what_the_linker_misses_is_told() {
    let (error, log) = refused(
        "void missing(void);\n__attribute__((export_name(\"f\"))) void f(void) { missing(); }\n",
    );
    assert!(matches!(error, Error::Failed { .. }), "{error}");
    assert!(log.contains("undefined symbol: missing"), "{log}");
}

#[test]
fn a_guest_without_a_handler_is_no_application() {
    let (error, _) = refused("int f(void) { return 1; }\n");
    assert!(matches!(error, Error::NoHandler), "{error}");
}
