//! What a built application is.

use std::env;
use std::fs;
use std::path::Path;

use edgewit_build::{Cache, Error, Options, build};
use edgewit_manifest::Manifest;
use wasmparser::{Operator, Parser, Payload, TypeRef};

use super::{HANDLER, app, ready, warned};
use crate::support::write;

/// What a component imports and exports.
fn seam(component: &[u8]) -> (Vec<String>, Vec<String>) {
    let (mut imports, mut exports, mut depth) = (Vec::new(), Vec::new(), 0);
    for payload in Parser::new(0).parse_all(component) {
        match payload.unwrap() {
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 1 => {
                let names = section.into_iter();
                imports.extend(names.map(|it| it.unwrap().name.name.to_owned()));
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                let names = section.into_iter();
                exports.extend(names.map(|it| it.unwrap().name.name.to_owned()));
            }
            _ => {}
        }
    }
    (imports, exports)
}

#[test]
fn it_imports_the_interface_and_wasi_alone_and_lies_where_it_should() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = app(folder.path(), &[("src/main.ts", HANDLER)]);
    let built = warned(&manifest).0.unwrap();
    let path = folder.path().canonicalize().unwrap();
    assert_eq!(built.path, path.join("target/edgewit/app.wasm"));
    let bytes = fs::read(&built.path).unwrap();
    assert_eq!(built.bytes, bytes.len() as u64);
    let (imports, exports) = seam(&bytes);
    assert_eq!(exports, ["edge:sdk/handler@0.1.0"]);
    for interface in ["http", "poll", "fetch", "kv", "logging", "system"] {
        let name = format!("edge:sdk/{interface}@0.1.0");
        assert!(imports.contains(&name), "{imports:?}");
    }
    let foreign = |it: &&String| !it.starts_with("edge:sdk/") && !it.starts_with("wasi:");
    assert_eq!(imports.iter().find(foreign), None);
    for interface in ["wasi:http", "wasi:sockets"] {
        let found = imports.iter().find(|it| it.starts_with(interface));
        assert_eq!(found, None);
    }
    // Nothing but the component stays.
    let left: Vec<_> = fs::read_dir(path.join("target/edgewit"))
        .unwrap()
        .map(|it| it.unwrap().file_name())
        .collect();
    assert_eq!(left, ["app.wasm"]);
    wasmparser::Validator::new().validate_all(&bytes).unwrap();
}

#[test]
fn equal_source_gives_equal_bytes_wherever_it_and_the_cache_are() {
    let folder = tempfile::tempdir().unwrap();
    let other = Cache::at(&folder.path().join("a/cache")).unwrap();
    fs::create_dir_all(other.root()).unwrap();
    // Its packages take a minute; the SDK is compiled anew.
    std::os::unix::fs::symlink(ready().root().join("js"), other.root().join("js")).unwrap();
    let main = format!(
        "import {{ App }} from '@edgewit/sdk';\nimport {{ a }} from 'common';\n\
         const table = new Map([['a marker in the source', a]]);\nexport const all = [table, new App()];\n\
         export const random = [Math.random(), crypto.randomUUID()];\n{HANDLER}"
    );
    let bytes = |cache: &Cache, path: &str| {
        let manifest = app(
            &folder.path().join(path),
            &[
                ("src/main.ts", &main),
                ("node_modules/common/package.json", "{\"main\": \"a.js\"}"),
                (
                    "node_modules/common/a.js",
                    "exports.a = new Error('here').stack;",
                ),
            ],
        );
        let built = build(cache, &manifest, &Options::default(), &|_| {}).unwrap();
        fs::read(built.path).unwrap()
    };
    let (one, two) = (bytes(&ready(), "one"), bytes(&other, "at/a longer/path"));
    assert!(one == two);
    let text = String::from_utf8_lossy(&one);
    // The source is in there as it is, and so would be a path in it.
    assert!(text.contains("a marker in the source"));
    for place in [folder.path(), ready().root(), &env::home_dir().unwrap()] {
        assert!(
            !text.contains(&*place.to_string_lossy()),
            "{}",
            place.display()
        );
    }
}

/// What is in the memory of an application that writes down each reply whose fields are read, and does `also` then.
fn rehearsed(also: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let main = format!(
        "import {{ now }} from '@edgewit/sdk';\nlet made = 0;\nexport const told = [];\n\
         const {{ prototype }} = Headers;\nconst each = prototype[Symbol.iterator];\n\
         prototype[Symbol.iterator] = function () {{\ntold.push('the reply number ' + ++made);\n{also}\n\
         return each.call(this);\n}};\n\
         export default {{ fetch: () => new Response(told.push('asked for ' + made)) }};"
    );
    let manifest = app(folder.path(), &[("src/main.js", &main)]);
    let built = warned(&manifest).0.unwrap();
    String::from_utf8_lossy(&fs::read(built.path).unwrap()).into_owned()
}

#[test]
fn its_engine_has_answered_before_and_the_application_has_not() {
    let text = rehearsed("");
    assert!(text.contains("the reply number 3"));
    assert!(!text.contains("asked for 3") && !text.contains("asked for 6"));
}

/// How many pages the first module of a component writes to when it is started.
fn pages_written_first(component: &[u8]) -> usize {
    let mut start = None;
    let mut bodies = Vec::new();
    let mut imported = 0;
    for payload in Parser::new(0).parse_all(component) {
        match payload.unwrap() {
            Payload::ImportSection(section) if start.is_none() => {
                let functions = section.into_imports().map(Result::unwrap);
                imported += functions
                    .filter(|it| matches!(it.ty, TypeRef::Func(_)))
                    .count();
            }
            Payload::StartSection { func, .. } => start = Some(func as usize),
            Payload::CodeSectionEntry(body) => bodies.push(body),
            Payload::DataSection(_) => break,
            _ => {}
        }
    }
    let body = &bodies[start.unwrap() - imported];
    let operators = body.get_operators_reader().unwrap().into_iter();
    operators
        .filter(|it| matches!(it, Ok(Operator::I32Store8 { .. })))
        .count()
}

#[test]
fn its_instances_begin_with_the_pages_that_a_request_writes_to() {
    let folder = tempfile::tempdir().unwrap();
    let pages = |also: &str| {
        let main = format!("{also}\nexport default {{ fetch: () => new Response('a') }};");
        let manifest = app(folder.path(), &[("src/main.js", &main)]);
        let built = warned(&manifest).0.unwrap();
        pages_written_first(&fs::read(built.path).unwrap())
    };
    assert!(pages("") > 64);
    // What answers in the application's stead has the names of before.
    let replaced = "for (const name of ['Headers', 'ReadableStream', 'Request', 'Response', 'TextEncoder', 'URL'])\n\
                    globalThis[name] = class { constructor() { throw new Error('no'); } };";
    assert!(pages(&format!("const {{ Response }} = globalThis;\n{replaced}")) > 64);
    let no_rehearsal = "Headers.prototype[Symbol.iterator] = () => { throw new Error('no'); };";
    assert_eq!(pages(no_rehearsal), 0);
}

#[test]
fn an_application_that_allows_no_rehearsal_has_none() {
    // An error of its own, and one that ends the engine: a call of the host, which there is none of.
    for also in ["throw new Error('no');", "now();"] {
        let text = rehearsed(&format!("{also}\n"));
        assert!(text.contains("the reply number "));
        assert!(!text.contains("the reply number 1"));
    }
}

#[test]
fn a_build_that_fails_leaves_the_component_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = app(folder.path(), &[("src/main.ts", HANDLER)]);
    let path = warned(&manifest).0.unwrap().path;
    let before = fs::read(&path).unwrap();
    write(&folder.path().join("src/main.ts"), "throw 1;");
    warned(&manifest).0.unwrap_err();
    assert!(fs::read(&path).unwrap() == before);
}

#[test]
fn a_component_goes_where_it_is_told_but_over_no_other_file() {
    let folder = tempfile::tempdir().unwrap();
    let manifest: Manifest = app(folder.path(), &[("src/main.ts", HANDLER)]);
    let to = |path: &Path| {
        let options = Options {
            debug: true,
            output: Some(path.to_owned()),
        };
        build(&ready(), &manifest, &options, &|_| {})
    };
    let output = folder.path().join("there.wasm");
    assert_eq!(to(&output).unwrap().path, output);
    let error = to(&folder.path().join("src/main.ts")).unwrap_err();
    assert!(matches!(error, Error::Output { .. }), "{error}");
}
