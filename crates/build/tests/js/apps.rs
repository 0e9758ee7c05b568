//! New applications, their packages, their types and their tests.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use edgewit_build::{Cache, Error, Options, Tool, build, doctor, ensure, new_app, test, types};
use edgewit_manifest::{Language, Manifest};

use super::{HANDLER, app, ready, warned};
use crate::support::{Log, again, assert_success, is_again, write};

fn new(folder: &Path, language: Language) -> Manifest {
    let path = new_app(&ready(), folder, "greeter", language, &|_| {}).unwrap();
    Manifest::read(&path).unwrap()
}

/// Runs `work` and returns what it says beside how it ended.
fn said<T>(work: impl FnOnce(&Log) -> T) -> (T, String) {
    let log = Log::default();
    let result = work(&log);
    let text = log.text();
    (result, text)
}

#[test]
fn new_applications_are_tested_checked_and_built() {
    let cache = ready();
    let folder = tempfile::tempdir().unwrap();
    for (language, main) in [
        (Language::TypeScript, "src/main.ts"),
        (Language::JavaScript, "src/main.js"),
    ] {
        let path = folder.path().join(language.to_string());
        let manifest = new(&path, language);
        let tested = |arguments: &[&str]| {
            let arguments: Vec<_> = arguments.iter().map(|it| (*it).into()).collect();
            said(|log| test(&cache, &manifest, &arguments, &|event| log.add(event)))
        };
        let (passed, text) = tested(&[]);
        passed.unwrap();
        assert!(text.contains("✔ greets and counts"), "{text}");
        let (none, text) = tested(&["no such test"]);
        assert!(matches!(none, Err(Error::Tests { .. })), "{none:?}");
        assert!(!text.contains("✔ greets and counts"), "{text}");
        assert!(text.contains("\nno test ran: one is a call of "), "{text}");
        for reporter in [&["--test-reporter=tap"][..], &["--test-reporter", "tap"]] {
            let (passed, text) = tested(reporter);
            passed.unwrap();
            assert!(text.contains("ok 1 - greets and counts"), "{text}");
        }
        types(&cache, &manifest, &|_| {}).unwrap();
        assert_eq!(warned(&manifest).1, [""; 0]);

        // A store that is not granted, and a number where a `bigint` is due.
        let source = fs::read_to_string(path.join(main)).unwrap();
        for (from, to, problem) in [
            (
                "\"visits\"",
                "\"visitors\"",
                "'\"visitors\"' is not assignable",
            ),
            (
                "1n",
                "1",
                "'number' is not assignable to parameter of type 'bigint'",
            ),
            ("\"name\"", "\"nome\"", "'\"nome\"' is not assignable"),
        ] {
            write(&path.join(main), &source.replace(from, to));
            let (checked, text) = said(|log| types(&cache, &manifest, &|event| log.add(event)));
            assert!(matches!(checked, Err(Error::Compile { .. })), "{checked:?}");
            assert!(text.contains(problem), "{text}");
        }
        write(
            &path.join(main),
            &source.replace("GREETING = \"hello\"", "GREETING = \"hi\""),
        );
        let (failed, text) = tested(&[]);
        assert!(matches!(failed, Err(Error::Tests { .. })), "{failed:?}");
        // Where it failed is told in the file that was written.
        let place = path.canonicalize().unwrap().join("test/main.test.");
        assert!(text.contains(&*place.to_string_lossy()), "{text}");
    }
}

/// Tests an application with these files beside its entry.
fn tested(files: &[(&str, &str)]) -> (Result<(), Error>, String) {
    let folder = tempfile::tempdir().unwrap();
    let manifest = app(
        folder.path(),
        &[&[("src/main.ts", HANDLER)], files].concat(),
    );
    said(|log| test(&ready(), &manifest, &[], &|event| log.add(event)))
}

#[test]
fn a_test_of_another_runner_is_told_what_runs_it() {
    // Vitest may have its functions be globals.
    let package = "{\"devDependencies\": {\"vitest\": \"4\"}}";
    let installed = [
        ("package.json", package),
        ("node_modules/vitest/package.json", "{}"),
        ("src/a.test.ts", "test(\"one\", () => {});\n"),
    ];
    let imported = [(
        "src/a.test.ts",
        "import { test } from \"vitest\";\ntest(\"one\", () => {});\n",
    )];
    for files in [&installed[..], &imported] {
        let (failed, text) = tested(files);
        assert!(matches!(failed, Err(Error::Tests { .. })), "{failed:?}");
        let due = "src/a.test.ts is a test of Vitest's, which `edgewit test` does not run: `npm test` does, with \
                   `edgewit types && vitest run` as the script `test` in package.json\n";
        assert!(text.ends_with(due), "{text}");
    }
}

/// Nothing is proved by what did not run.
#[test]
fn no_test_is_no_success() {
    const TEST: &str = "import { test } from \"node:test\";\n";
    let (passed, text) = tested(&[(
        "src/a.spec.ts",
        &format!("{TEST}test(\"one\", () => {{}});"),
    )]);
    passed.unwrap();
    assert!(text.contains("✔ one"), "{text}");
    for (files, told) in [
        (
            &[][..],
            "no tests: they are in files that are named like test/main.test.ts or ",
        ),
        (
            &[("src/a.test.ts", "describe(\"one\", () => {});")],
            "src/a.test.ts has no test of Node's runner, which runs it: write it with `import { test } from",
        ),
        (
            &[(
                "src/a.test.ts",
                &*format!("{TEST}test.skip(\"one\", () => {{}});"),
            )],
            "no test ran: ",
        ),
    ] {
        let (failed, text) = tested(files);
        assert!(matches!(failed, Err(Error::Tests { .. })), "{failed:?}");
        assert!(
            text.lines().last().is_some_and(|it| it.starts_with(told)),
            "{text}"
        );
    }
}

/// Node's runner knows of which test it is, as long as that is under way.
#[test]
fn a_rejection_that_nobody_handles_fails_the_test_that_called() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = new(&folder.path().join("rejecting"), Language::TypeScript);
    let main = folder.path().join("rejecting/src/main.ts");
    let source = fs::read_to_string(&main).unwrap();
    let call = "console.info(`hello visits=${visits}`);";
    write(
        &main,
        &source.replace(call, "void Promise.reject(new Error(\"of nobody\"));"),
    );
    let (failed, text) = said(|log| test(&ready(), &manifest, &[], &|event| log.add(event)));
    assert!(matches!(failed, Err(Error::Tests { .. })), "{failed:?}");
    let (_, of_test) = text.split_once("✖ greets and counts").expect(&text);
    let (error, place) = of_test.split_once("Error: of nobody\n").expect(&text);
    assert!(
        error.lines().count() == 2 && place.contains("src/main.ts:9:"),
        "{text}"
    );
}

/// What the types of the Web have beyond that compiles, and is missed by who asks for it.
#[test]
fn the_types_have_what_is_there_and_nothing_of_what_is_absent() {
    let cache = ready();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("absent");
    let manifest = new(&path, Language::TypeScript);
    let main = path.join("src/main.ts");
    let there = "addEventListener(\"fetch\", (event) => event.respondWith(answer(event.request)));\n\
                 async function answer({ body, signal }: Request) {\n  \
                 for await (const text of body!.pipeThrough(new TextDecoderStream())) console.log(text);\n  \
                 await crypto.subtle.digest(\"SHA-256\", new Uint8Array(1));\n  \
                 const { readable }: FixedLengthStream = new FixedLengthStream(2);\n  \
                 await ReadableStream.from([\"a\"]).pipeTo(new WritableStream<string>());\n  \
                 console.log(readable);\n  \
                 const pairs = Array.from(new Headers(), ([name]) => `${name} ${performance.now()}`);\n  \
                 return self.fetch(URL.parse(navigator.userAgent) ?? pairs.join(), { signal });\n}\n";
    write(&main, there);
    let imports = LISTENER_TEST.replace("main.js", "main.ts");
    write(&path.join("test/main.test.ts"), &imports);
    types(&cache, &manifest, &|_| {}).unwrap();
    let all = [
        "new WebSocket(\"ws://a/\");",
        "caches;",
        "self.indexedDB;",
        "globalThis.localStorage;",
        "WebAssembly.compile;",
        "new BroadcastChannel(\"a\");",
        "crypto.subtle.encrypt;",
        "performance.mark;",
        "navigator.sendBeacon;",
        "onmessage = () => {};",
        "process.env;",
        "Buffer;",
        "new Intl.NumberFormat();",
        "\"text\".normalize();",
        "new SharedArrayBuffer(1);",
        "Atomics.load;",
    ];
    write(&main, &format!("{there}{}\n", all.join("\n")));
    let (checked, text) = said(|log| types(&cache, &manifest, &|event| log.add(event)));
    assert!(matches!(checked, Err(Error::Compile { .. })), "{checked:?}");
    for (index, line) in all.iter().enumerate() {
        let place = format!("src/main.ts({},", there.lines().count() + 1 + index);
        assert!(text.contains(&place), "{line}: {text}");
    }
}

/// It imports nothing of the SDK, and has its types all the same.
#[test]
fn an_application_that_listens_is_tested_checked_and_built() {
    let cache = ready();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("listening");
    let manifest = new(&path, Language::TypeScript);
    let main = path.join("src/main.ts");
    let source = "addEventListener(\"fetch\", (event) => {\n  \
                  event.respondWith(new Response(event.request.url));\n});\n";
    write(&main, source);
    write(&path.join("test/main.test.ts"), LISTENER_TEST);
    types(&cache, &manifest, &|_| {}).unwrap();
    let (passed, text) = said(|log| test(&cache, &manifest, &[], &|event| log.add(event)));
    passed.unwrap();
    assert!(text.contains("✔ listens"), "{text}");
    assert_eq!(warned(&manifest).1, [""; 0]);

    write(
        &main,
        &source.replace("new Response(event.request.url)", "event.request.url"),
    );
    let (checked, text) = said(|log| types(&cache, &manifest, &|event| log.add(event)));
    assert!(matches!(checked, Err(Error::Compile { .. })), "{checked:?}");
    assert!(text.contains("'string' is not assignable"), "{text}");
}

const LISTENER_TEST: &str = r#"
import assert from "node:assert/strict";
import { test } from "node:test";
import { listener, request } from "@edgewit/sdk/testing";

test("listens", async () => {
  const app = await listener(() => import("../src/main.js"));
  const reply = await request(app, "/hello");
  assert.equal(await reply.text(), "http://localhost/hello");
});
"#;

/// `EDGEWIT_BLESS=1` writes the lock file's template anew.
#[test]
fn a_fresh_clone_is_built_and_plain_npm_installs_after_that() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("greeter");
    let manifest = new(&path, Language::TypeScript);
    let lock = path.join("package-lock.json");
    let npm = |subcommand: &str| {
        let mut npm = Command::new("npm");
        npm.args([subcommand, "--no-audit", "--no-fund", "--prefer-offline"]);
        assert!(npm.current_dir(&path).status().unwrap().success());
    };
    if env::var_os("EDGEWIT_BLESS").is_some() {
        fs::remove_file(&lock).unwrap();
        npm("install");
        let text = fs::read_to_string(&lock).unwrap();
        let template =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/npm/package-lock.json.in");
        write(&template, &text.replace("\"greeter\"", "\"{{name}}\""));
    }
    let locked = fs::read_to_string(&lock).unwrap();
    let ignored = fs::read_to_string(path.join(".gitignore")).unwrap();
    assert_eq!(ignored, "/.edgewit/\n/.env\n/node_modules/\n/target/\n");
    for ignored in [".edgewit", "node_modules", "target"] {
        let _ = fs::remove_dir_all(path.join(ignored));
    }
    let (built, text) = said(|log| {
        build(&ready(), &manifest, &Options::default(), &|event| {
            log.add(event)
        })
    });
    built.unwrap();
    assert!(
        text.contains("installing @edgewit/sdk, @types/node with npm"),
        "{text}"
    );
    npm("install");
    // Neither found anything to change, and nothing is installed a second time.
    assert_eq!(fs::read_to_string(&lock).unwrap(), locked);
    let (built, text) = said(|log| {
        build(&ready(), &manifest, &Options::default(), &|event| {
            log.add(event)
        })
    });
    built.unwrap();
    assert!(!text.contains("npm"), "{text}");
}

#[test]
fn the_sdk_in_an_application_is_that_of_the_command() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("greeter");
    let manifest = new(&path, Language::JavaScript);
    let index = path.join(".edgewit/sdk/dist/index.js");
    let ours = fs::read_to_string(&index).unwrap();
    write(&index, "export const App = 1;");
    write(
        &path.join(".edgewit/sdk/.edgewit"),
        "0.0.1-of-another-version",
    );
    warned(&manifest).0.unwrap();
    assert_eq!(fs::read_to_string(&index).unwrap(), ours);
    let licence = fs::read_to_string(path.join(".edgewit/sdk/LICENSE-MIT")).unwrap();
    assert!(licence.contains("MIT"), "{licence}");
    assert!(path.join(".edgewit/sdk/LICENSE-APACHE").is_file());
    // Where an application's own README says that it is.
    let readme = fs::read_to_string(path.join("node_modules/@edgewit/sdk/README.md")).unwrap();
    assert!(readme.starts_with("# @edgewit/sdk\n"), "{readme}");
}

#[test]
fn the_types_of_stores_follow_the_manifest() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = app(folder.path(), &[("src/main.ts", HANDLER)]);
    types(&ready(), &manifest, &|_| {}).unwrap();
    let path = folder.path().join(".edgewit/types/env.d.ts");
    let env = fs::read_to_string(&path).unwrap();
    assert!(
        env.contains("interface Env {\n    \"visits\": Store;\n  }"),
        "{env}"
    );
    write(
        &folder.path().join("edge.toml"),
        "name = \"app\"\nlanguage = \"ts\"\n[kv.two-words]\n[kv.fixed]\nvalues = {}\n\
         [kv.secrets]\nenv = []\n",
    );
    types(&ready(), &Manifest::read(folder.path()).unwrap(), &|_| {}).unwrap();
    let env = fs::read_to_string(&path).unwrap();
    assert!(
        env.contains(
            "interface Env {\n    \"fixed\": ReadOnlyStore;\n    \"secrets\": ReadOnlyStore;\n    \
             \"two-words\": Store;\n  }"
        ),
        "{env}"
    );
}

#[test]
fn types_that_cannot_be_written_are_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = app(
        folder.path(),
        &[("src/main.ts", HANDLER), (".edgewit", "no folder")],
    );
    let (built, warnings) = warned(&manifest);
    built.unwrap();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    let begin = "the types of its stores: can't create ";
    assert!(warnings[0].starts_with(begin), "{warnings:?}");
}

#[test]
fn packages_that_another_manager_installs_are_left_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = app(
        folder.path(),
        &[
            ("src/main.ts", HANDLER),
            (
                "package.json",
                "{\"dependencies\": {\"left-pad\": \"1.3.0\"}}",
            ),
            ("pnpm-lock.yaml", ""),
        ],
    );
    let error = warned(&manifest).0.unwrap_err();
    assert!(matches!(error, Error::Missing { .. }), "{error}");
    let text = error.to_string();
    assert!(text.starts_with("left-pad in "), "{text}");
    assert!(
        text.ends_with("is missing; run `pnpm install` there"),
        "{text}"
    );
    write(&folder.path().join("package.json"), "{\n\"name\": }");
    let text = warned(&manifest).0.unwrap_err().to_string();
    assert!(
        text.contains("package.json: is no package of npm's: expected value at line 2 column 9"),
        "{text}"
    );
}

#[test]
fn packages_that_cannot_be_had_are_an_error_of_npm() {
    let name = "apps::packages_that_cannot_be_had_are_an_error_of_npm";
    if is_again() {
        let folder = tempfile::tempdir().unwrap();
        let package = "{\"dependencies\": {\"left-pad\": \"1.3.0\"}}";
        let manifest = app(
            folder.path(),
            &[("src/main.ts", HANDLER), ("package.json", package)],
        );
        let error = warned(&manifest).0.unwrap_err();
        assert!(
            matches!(error, Error::Dependencies { tool: "npm", .. }),
            "{error}"
        );
        return;
    }
    ready();
    let folder = tempfile::tempdir().unwrap();
    let mut command = again(name, &[]);
    command
        .env("npm_config_cache", folder.path())
        .env("npm_config_fetch_retries", "0")
        .env("npm_config_registry", "http://127.0.0.1:9/");
    assert_success(&command.output().unwrap());
}

#[test]
fn without_node_it_is_said_what_to_install_and_rust_needs_none() {
    let name = "apps::without_node_it_is_said_what_to_install_and_rust_needs_none";
    if is_again() {
        let cache = Cache::from_env().unwrap();
        let error = ensure(&cache, Tool::JavaScript, &|_| {}).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, Error::Missing { .. }), "{text}");
        assert!(
            text.starts_with("Node is missing; install Node 20 or newer from https://nodejs.org"),
            "{text}"
        );
        let statuses = doctor(&cache);
        let node = statuses.iter().find(|it| it.tool == "node").unwrap();
        assert!(node.keeps_from(Language::TypeScript) && !node.keeps_from(Language::Rust));
        return;
    }
    let empty = tempfile::tempdir().unwrap();
    let mut command = again(name, &[]);
    command.env("PATH", empty.path());
    assert_success(&command.output().unwrap());
}

#[test]
fn an_old_node_is_told() {
    let name = "apps::an_old_node_is_told";
    if is_again() {
        let error = ensure(&Cache::from_env().unwrap(), Tool::JavaScript, &|_| {}).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("/node is Node 18.19.0; install Node 20 or newer"),
            "{text}"
        );
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    crate::support::write_script(&folder.path().join("node"), "echo v18.19.0");
    let mut command = again(name, &[]);
    command.env("PATH", crate::support::path_with(folder.path()));
    assert_success(&command.output().unwrap());
}
