//! Building: what is imported, what is refused, what is left as it was.

mod support;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::Path;

use edgewit_build::{Error, Event, Options, build};
use edgewit_manifest::Manifest;
use support::{Log, own, ready, write, write_guest};
use wasmparser::{Operator, Parser, Payload};

/// A function that the linker keeps.
const FUNCTION: &str = "#[unsafe(no_mangle)]\npub extern \"C\" fn run() -> u32 { 1 }\n";

fn hello() -> Manifest {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/hello/rust");
    Manifest::read(&folder).unwrap()
}

fn written_to(output: &Path) -> Options {
    Options {
        output: Some(output.to_owned()),
        ..Options::default()
    }
}

/// What a component imports and exports, what its core module's memory and stack are, and the names
/// of the core module's custom sections.
#[derive(Default)]
struct Summary {
    imports: BTreeSet<String>,
    exports: BTreeSet<String>,
    memory_pages: Vec<u64>,
    stack_pointer: Option<i32>,
    sections: BTreeSet<String>,
}

fn summary(component: &Path) -> Summary {
    let bytes = fs::read(component).unwrap();
    let (mut summary, mut depth) = (Summary::default(), 0);
    for payload in Parser::new(0).parse_all(&bytes) {
        match payload.unwrap() {
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 1 => {
                let names = section
                    .into_iter()
                    .map(|it| it.unwrap().name.name.to_owned());
                summary.imports.extend(names);
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                let names = section
                    .into_iter()
                    .map(|it| it.unwrap().name.name.to_owned());
                summary.exports.extend(names);
            }
            Payload::MemorySection(section) => {
                summary
                    .memory_pages
                    .extend(section.into_iter().map(|it| it.unwrap().initial));
            }
            Payload::GlobalSection(section) if summary.stack_pointer.is_none() => {
                let first = section.into_iter().next().unwrap().unwrap();
                if let Operator::I32Const { value } =
                    first.init_expr.get_operators_reader().read().unwrap()
                {
                    summary.stack_pointer = Some(value);
                }
            }
            Payload::CustomSection(section) => {
                summary.sections.insert(section.name().to_owned());
            }
            _ => {}
        }
    }
    summary
}

#[test]
fn hello_imports_what_it_uses_and_starts_small() {
    let cache = ready();
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("hello.wasm");
    let log = Log::default();
    let built = build(&cache, &hello(), &written_to(&output), &|event| {
        log.add(event)
    })
    .unwrap();
    assert_eq!(
        (&built.path, built.bytes),
        (&output, fs::metadata(&output).unwrap().len())
    );
    let summary = summary(&output);
    let used = ["http", "kv", "logging"];
    assert_eq!(
        summary.imports,
        BTreeSet::from(used.map(|it| format!("edge:sdk/{it}@0.1.0")))
    );
    assert_eq!(
        summary.exports,
        BTreeSet::from(["edge:sdk/handler@0.1.0".to_owned()])
    );
    // The stack comes first, so that it can't run over into data.
    assert_eq!(summary.stack_pointer, Some(64 * 1024));
    assert!(
        matches!(summary.memory_pages[..], [2 | 3]),
        "{:?}",
        summary.memory_pages
    );
    let names = |it: &&String| it.starts_with(".debug") || *it == "name";
    assert_eq!(summary.sections.iter().find(names), None);
}

#[test]
fn the_stack_is_as_large_as_the_manifest_says() {
    let cache = ready();
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("hello.wasm");
    let mut manifest = hello();
    manifest.build.stack_bytes = Some(48 * 1024);
    build(&cache, &manifest, &written_to(&output), &|_| {}).unwrap();
    assert_eq!(summary(&output).stack_pointer, Some(48 * 1024));
}

/// The crate `getrandom`, which others take their random bytes from, asks the host for them.
#[test]
fn random_bytes_come_from_the_host() {
    let cache = ready();
    let folder = tempfile::tempdir().unwrap();
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk-rust");
    let dependencies = format!("edgewit = {{ path = {sdk:?} }}\ngetrandom = \"0.3\"");
    let source = "#[edgewit::handler]\nfn random(_: edgewit::Request) -> Result<edgewit::Response, \
                  edgewit::Error> {\n    let mut bytes = [0];\n    \
                  getrandom::fill(&mut bytes).unwrap();\n    \
                  Ok(edgewit::http::Response::new(bytes.to_vec().into()))\n}\n";
    let manifest = write_guest(folder.path(), &dependencies, source);
    let output = folder.path().join("guest.wasm");
    build(&cache, &manifest, &written_to(&output), &|event| {
        eprintln!("{event:?}")
    })
    .unwrap();
    let imports = summary(&output).imports;
    assert!(imports.contains("edge:sdk/system@0.1.0"), "{imports:?}");
}

#[test]
fn a_build_for_debugging_keeps_names_and_lines() {
    let cache = ready();
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("hello.wasm");
    let options = Options {
        debug: true,
        ..written_to(&output)
    };
    build(&cache, &hello(), &options, &|_| {}).unwrap();
    let sections = summary(&output).sections;
    assert!(
        sections.contains("name") && sections.contains(".debug_line"),
        "{sections:?}"
    );
    let bytes = fs::read(&output).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap();
    for place in [&root, cache.root(), &env::home_dir().unwrap()] {
        assert!(
            !text.contains(&*place.to_string_lossy()),
            "{}",
            place.display()
        );
    }
}

#[test]
fn source_that_does_not_compile_is_told_and_leaves_the_old_component() {
    let cache = ready();
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out/guest.wasm");
    write(&output, "\0asm, an old one");
    let manifest = write_guest(folder.path(), "", "pub fn number() -> u32 { \"one\" }\n");
    let log = Log::default();
    let error = build(&cache, &manifest, &written_to(&output), &|event| {
        log.add(event)
    })
    .unwrap_err();
    assert!(matches!(error, Error::Compile { .. }), "{error}");
    assert!(
        error
            .to_string()
            .ends_with("does not compile (cargo: exit status: 101)"),
        "{error}"
    );
    assert!(
        log.text().contains("error[E0308]: mismatched types"),
        "{}",
        log.text()
    );
    assert_eq!(fs::read_to_string(&output).unwrap(), "\0asm, an old one");
    let left: Vec<_> = fs::read_dir(output.parent().unwrap()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn an_application_without_a_handler_is_refused() {
    let cache = ready();
    let folder = tempfile::tempdir().unwrap();
    let built = |source: &str| {
        let manifest = write_guest(folder.path(), "", source);
        let warnings = RefCell::new(Vec::new());
        let report = |event: Event<'_>| {
            if let Event::Warning(text) = event {
                warnings.borrow_mut().push(text.to_owned());
            }
        };
        let error = build(&cache, &manifest, &Options::default(), &report).unwrap_err();
        assert!(matches!(error, Error::NoHandler), "{error}");
        warnings.into_inner()
    };
    assert!(built(FUNCTION).is_empty());
    // What passes its tests on this machine is told of before it is served.
    let clock = "std::time::Instant::now().elapsed().subsec_nanos()";
    let warnings = built(&FUNCTION.replace('1', clock));
    assert!(
        warnings[0].contains("edgewit::time has both"),
        "{warnings:?}"
    );
    let sleep = "{ std::thread::sleep(std::time::Duration::ZERO); 1 }";
    let warnings = built(&FUNCTION.replace('1', sleep));
    assert!(warnings[0].contains("edgewit::time::sleep"), "{warnings:?}");
}

#[test]
fn a_folder_that_cannot_be_written_takes_an_output() {
    let folder = tempfile::tempdir().unwrap();
    let cache = own(&folder.path().join("cache"));
    let manifest = write_guest(folder.path(), "", FUNCTION);
    // No folder of this name can be made any more, by root either.
    write(&folder.path().join("target"), "");
    let error = build(&cache, &manifest, &Options::default(), &|_| {}).unwrap_err();
    assert!(
        error.to_string().contains("name the file to write"),
        "{error}"
    );
    let output = written_to(&folder.path().join("guest.wasm"));
    let error = build(&cache, &manifest, &output, &|_| {}).unwrap_err();
    assert!(matches!(error, Error::NoHandler), "{error}");
}

#[test]
fn imports_of_a_browser_are_told_with_the_package_that_brought_them() {
    let cache = ready();
    let folder = tempfile::tempdir().unwrap();
    let package = |name: &str, dependencies: &str, source: &str| {
        let folder = folder.path().join(name);
        write_guest(&folder, dependencies, source);
        let text = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let text = text
            .replace("\"guest\"", &format!("{name:?}"))
            .replace("[workspace]\n", "");
        write(&folder.join("Cargo.toml"), &text);
    };
    let declared = "#[link(wasm_import_module = \"__wbindgen_placeholder__\")]\n\
                    unsafe extern \"C\" {\n    pub safe fn __wbindgen_describe(v: u32);\n    \
                    pub safe fn __wbindgen_throw(v: u32);\n}\n";
    package("js-sys", "", declared);
    package(
        "chrono",
        "js-sys = { path = \"../js-sys\" }",
        "pub use js_sys::*;\n",
    );
    let source = "#[unsafe(no_mangle)]\npub extern \"C\" fn run() {\n    \
                  chrono::__wbindgen_describe(1);\n    chrono::__wbindgen_throw(1);\n}\n";
    let manifest = write_guest(folder.path(), "chrono = { path = \"chrono\" }", source);
    let error = build(&cache, &manifest, &Options::default(), &|_| {}).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the application imports `__wbindgen_describe` from `__wbindgen_placeholder__` (and 1 more), \
         which no edge host provides; it comes with chrono 0.1.0; take `chrono` without its feature \
         `wasmbind` (`default-features = false`)"
    );
    let manifest = write_guest(
        folder.path(),
        "",
        &format!("{declared}{FUNCTION}").replace("1 }", "__wbindgen_throw(1); 1 }"),
    );
    let error = build(&cache, &manifest, &Options::default(), &|_| {})
        .unwrap_err()
        .to_string();
    assert!(error.contains("imports `__wbindgen_throw` from"), "{error}");
    assert!(error.contains("look for an `extern` block"), "{error}");
}
