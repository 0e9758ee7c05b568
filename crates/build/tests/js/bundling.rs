//! What an application imports: files, packages, and what is not there.

use std::process::Command;

use super::{HANDLER, app, printed, problems, problems_of, warned};

#[test]
fn texts_and_bytes_are_imported_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let main = "import page from './page.html';\nimport style from './page.css';\n\
        import picture from './picture.png';\nimport data from './data.json';\n\
        console.log(page, style, picture instanceof Uint8Array, picture.join(), data.key);\n";
    let manifest = app(
        folder.path(),
        &[
            ("src/main.ts", &format!("{main}{HANDLER}")),
            ("src/page.html", "<b>grüße</b>"),
            ("src/page.css", "b { color: red }"),
            ("src/picture.png", "\u{1}\u{7f}"),
            ("src/data.json", "{\"key\": 7}"),
        ],
    );
    assert_eq!(
        printed(&manifest),
        ["<b>grüße</b> b { color: red } true 1,127 7"]
    );
}

/// Bundling changes the names of variables, which are those of classes too.
#[test]
fn classes_have_the_names_of_their_files() {
    let folder = tempfile::tempdir().unwrap();
    let main = "import { Box as Other, Sub } from './box.js';\nimport { Store } from '@edgewit/sdk/kv';\n\
        class Box { static made = new Box(); static first = Box.made.constructor.name; }\n\
        class Mixed extends mix(Box) { static all = [() => Mixed]; }\n\
        function mix(base: typeof Box) { return base; }\n\
        function within() { class Box { static it = () => Box; } return Box; }\n\
        const Outer = class _Inner { static it = () => _Inner; };\n\
        class Named { static name = 'own'; static it = () => Named; }\n\
        class Got { static #n = 1; static get name() { return `got ${Got.#n}`; } }\n\
        const text = `\nclass Box {\n`;\n\
        const all = [Box, Other, Sub, Mixed, within(), Outer, Named, Got, Store];\n\
        console.log(...all.map(({ name }) => name), Box.first, new Box(), text.length);\n";
    let boxed = "export class Box { static it = () => Box; }\nexport class Sub extends Box {}\n\
        class _Inner {}\nconsole.log(_Inner.name);\n";
    let manifest = app(
        folder.path(),
        &[
            ("src/main.ts", &format!("{main}{HANDLER}")),
            ("src/box.ts", boxed),
        ],
    );
    assert_eq!(
        printed(&manifest),
        [
            "_Inner",
            "Box Box Sub Mixed Box _Inner own got 1 Store Box Box {} 13"
        ]
    );
}

/// Without that it would be an exception of each request.
#[test]
fn jsx_is_whose_tsconfig_says_and_a_warning_without() {
    let folder = tempfile::tempdir().unwrap();
    let main = format!("export const it = () => <b>bold</b>;\n{HANDLER}");
    let (built, warnings) = warned(&app(folder.path(), &[("src/main.tsx", &main)]));
    built.unwrap();
    let due = "JSX becomes calls of `React`, which is not imported: in tsconfig.json have `\"jsx\": \"react-jsx\"`, and ";
    assert!(
        warnings.len() == 1 && warnings[0].starts_with(due),
        "{warnings:?}"
    );
    let options = "{\"compilerOptions\": {\"jsx\": \"react-jsx\", \"jsxImportSource\": \"some\"}}";
    let files = [
        (
            "src/main.tsx",
            &*format!("console.log(<b>bold</b>);\n{HANDLER}"),
        ),
        ("tsconfig.json", options),
        (
            "node_modules/some/package.json",
            "{\"exports\": {\"./jsx-runtime\": \"./a.js\"}}",
        ),
        (
            "node_modules/some/a.js",
            "export const jsx = (tag, { children }) => `${tag} ${children}`;",
        ),
    ];
    assert_eq!(printed(&app(folder.path(), &files)), ["b bold"]);
}

/// Bundling numbers the names of functions that several files have.
#[test]
fn functions_have_the_names_of_their_files_after_the_top_level() {
    let folder = tempfile::tempdir().unwrap();
    let functions = "export function handler() {\n  return inner();\n  function inner() {\n    \
        return new Error('it').stack;\n  }\n}\nexport const arrow = async () => {};\n\
        export let handler2 = (a) => a;\n";
    let main = "import * as one from './one.js';\nimport * as other from './other.js';\n\
        const all = [one, other].flatMap((it) => [it.handler, it.arrow, it.handler2]);\n\
        Promise.resolve().then(() => console.log(all.map(({ name }) => name).join()));\n\
        Promise.resolve().then(() => console.log(other.handler().replaceAll('\\n', '')));\n";
    let manifest = app(
        folder.path(),
        &[
            ("src/main.ts", &format!("{main}{HANDLER}")),
            ("src/one.ts", functions),
            ("src/other.ts", functions),
        ],
    );
    let lines = printed(&manifest);
    assert_eq!(lines[0], "handler,arrow,handler2,handler,arrow,handler2");
    let due = "Error: it    at inner (src/other.ts:4:12)    at handler (src/other.ts:2:10)    at ";
    assert!(lines[1].starts_with(due), "{lines:?}");
}

#[test]
fn packages_are_those_for_browsers_and_for_production() {
    let folder = tempfile::tempdir().unwrap();
    let main = "import { which } from 'conditions';\nimport { field } from 'fields';\n\
        import own from '@edge/own';\n\
        console.log(which, field, own, process.env.NODE_ENV, global === globalThis);\n";
    let conditions = |first: &str| {
        format!(
            "{{\"name\": \"conditions\", \"exports\": {{\"node\": \"./node.js\", {first} \
             \"browser\": \"./browser.js\", \"default\": \"./node.js\"}}}}"
        )
    };
    let files = |first: &str| {
        vec![
            ("src/main.ts", format!("{main}{HANDLER}")),
            ("node_modules/conditions/package.json", conditions(first)),
            (
                "node_modules/conditions/node.js",
                "exports.which = 'node';".to_owned(),
            ),
            (
                "node_modules/conditions/browser.js",
                "export const which = 'browser';".to_owned(),
            ),
            (
                "node_modules/conditions/worker.js",
                "export const which = 'worker';".to_owned(),
            ),
            (
                "node_modules/fields/package.json",
                "{\"main\": \"main.js\", \"browser\": \"browser.js\"}".to_owned(),
            ),
            (
                "node_modules/fields/main.js",
                "exports.field = 'main';".to_owned(),
            ),
            (
                "node_modules/fields/browser.js",
                "exports.field = 'browser';".to_owned(),
            ),
            (
                "node_modules/@edge/own/package.json",
                "{\"exports\": {\"edgewit\": \"./edge.js\", \"worker\": \"./none.js\"}}".to_owned(),
            ),
            (
                "node_modules/@edge/own/edge.js",
                "export default 'edgewit';".to_owned(),
            ),
        ]
    };
    for (first, which) in [("\"worker\": \"./worker.js\",", "worker"), ("", "browser")] {
        let files = files(first);
        let files: Vec<_> = files.iter().map(|(path, text)| (*path, &**text)).collect();
        let manifest = app(folder.path(), &files);
        let line = format!("{which} browser edgewit production true");
        assert_eq!(printed(&manifest), [line]);
    }
}

#[test]
fn a_module_of_node_is_named_with_the_package_that_wants_it_and_what_to_use() {
    let folder = tempfile::tempdir().unwrap();
    let main = "import { read } from '@acme/files';\nimport { createServer } from 'node:http';\n\
        import cluster from 'cluster';\nconsole.log(read, createServer, cluster);\n";
    let manifest = app(
        folder.path(),
        &[
            ("src/main.ts", &format!("{main}{HANDLER}")),
            (
                "node_modules/@acme/files/package.json",
                "{\"main\": \"lib/a.js\"}",
            ),
            (
                "node_modules/@acme/files/lib/a.js",
                "\nexports.read = require('fs').readFileSync;\n",
            ),
        ],
    );
    let text = problems(&manifest);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(
        lines,
        [
            "node_modules/@acme/files/lib/a.js:2:24: the package @acme/files imports \"fs\", which is a part of \
             Node and not there at the edge; use a store of `@edgewit/sdk/kv`, or import the file itself \
             (`./page.html` is a string)",
            "src/main.ts:2:30: this imports \"node:http\", which is a part of Node and not there at the edge; use \
             fetch, and export what answers: `export default { fetch(request) { … } }`",
            "src/main.ts:3:21: this imports \"cluster\", which is a part of Node and not there at the edge; only \
             what browsers have is there: look for a package, or an entry of it, for browsers",
        ]
    );
    // One that brings a package of that name is served by it, and a package may say that it does without.
    let manifest = app(
        folder.path(),
        &[
            (
                "src/main.ts",
                &format!(
                    "import {{ on }} from 'events';\nimport fs from 'without';\nconsole.log(on, fs);\n{HANDLER}"
                ),
            ),
            ("node_modules/events/package.json", "{\"main\": \"a.js\"}"),
            ("node_modules/events/a.js", "exports.on = 'theirs';"),
            (
                "node_modules/without/package.json",
                "{\"main\": \"a.js\", \"browser\": {\"fs\": false}}",
            ),
            (
                "node_modules/without/a.js",
                "module.exports = Object.keys(require('fs')).length;",
            ),
        ],
    );
    assert_eq!(printed(&manifest), ["theirs 0"]);
}

/// A module of CommonJS has a `require`, of what was bundled with it.
#[test]
fn require_is_there_for_modules_of_common_js_alone() {
    let folder = tempfile::tempdir().unwrap();
    let main = "import { dep, type } from 'common';\nimport { asked } from 'module';\n\
        console.log(dep, type, asked, typeof require, typeof require === 'function' ? require(dep) : 'none');\n\
        try { require(['f', 's'].join('')); } catch (error) { console.log(error.stack.split('\\n')[0]); }\n";
    let manifest = app(
        folder.path(),
        &[
            ("src/main.ts", &format!("{main}{HANDLER}")),
            ("node_modules/common/package.json", "{\"main\": \"a.js\"}"),
            (
                "node_modules/common/a.js",
                "exports.type = typeof require;\nif (typeof require === 'function') exports.dep = require('./b.js');",
            ),
            ("node_modules/common/b.js", "module.exports = 'dep';"),
            ("node_modules/module/package.json", "{\"main\": \"a.mjs\"}"),
            (
                "node_modules/module/a.mjs",
                "const one = typeof require; export const asked = `${one} ${typeof require}`;",
            ),
        ],
    );
    assert_eq!(
        printed(&manifest),
        [
            "dep function undefined undefined undefined none",
            "Error: Dynamic require of \"fs\" is not supported; instead of `require`: `import`",
        ]
    );
}

/// Installed or not, and with one problem instead of one for each module of Node's that it wants.
#[test]
fn a_server_of_node_is_told_from_what_serves_here() {
    let folder = tempfile::tempdir().unwrap();
    let main = "import express from 'express';\nimport { serve } from '@hono/node-server';\n\
        import { NextResponse } from 'next/server';\nimport { parse } from 'express-like';\n\
        console.log(express, serve, NextResponse, parse);\n";
    let manifest = app(
        folder.path(),
        &[
            ("src/main.ts", &format!("{main}{HANDLER}")),
            (
                "node_modules/express/package.json",
                "{\"main\": \"index.js\"}",
            ),
            (
                "node_modules/express/index.js",
                "exports.http = require('http'); exports.net = require('net');",
            ),
            (
                "node_modules/express-like/package.json",
                "{\"main\": \"index.js\"}",
            ),
            (
                "node_modules/express-like/index.js",
                "try { require('express'); } catch {}\nexports.parse = 1;",
            ),
            (
                "node_modules/express-like/node_modules/express/package.json",
                "{\"main\": \"index.js\"}",
            ),
            (
                "node_modules/express-like/node_modules/express/index.js",
                "exports.own = 1;",
            ),
        ],
    );
    let due = "which needs `node:http`, a part of Node that is not there at the edge; use Hono, or the router of \
        `@edgewit/sdk`, and export the application: nothing listens by itself";
    let text = problems(&manifest);
    assert_eq!(
        text.lines().collect::<Vec<_>>(),
        [
            format!("src/main.ts:1:21: this imports \"express\", {due}"),
            format!("src/main.ts:2:23: this imports \"@hono/node-server\", {due}"),
            format!("src/main.ts:3:30: this imports \"next/server\", {due}"),
        ]
    );
}

#[test]
fn an_import_that_a_package_has_not_is_told_from_one_that_is_not_installed() {
    let folder = tempfile::tempdir().unwrap();
    let main = "import 'closed';\nimport 'closed/b';\nimport 'empty';\nimport 'empty/b';\nimport 'needs';\n\
        import data from './data.xyz';\nimport './Other.js';\nimport './Page';\nimport './parts';\n\
        console.log(data);\n";
    let manifest = app(
        folder.path(),
        &[
            ("src/main.ts", &format!("{main}{HANDLER}")),
            ("src/data.xyz", ""),
            ("src/other.ts", ""),
            ("src/page.html", ""),
            ("src/parts/one.ts", ""),
            (
                "node_modules/closed/package.json",
                "{\"name\": \"closed\", \"exports\": {\".\": {\"node\": \"./a.js\"}, \"./a\": \"./a.js\"}}",
            ),
            ("node_modules/empty/package.json", "{\"main\": \"a.js\"}"),
            ("node_modules/needs/package.json", "{\"main\": \"a.js\"}"),
            ("node_modules/needs/a.js", "require('@acme/uuid/v4');"),
        ],
    );
    let text = problems(&manifest);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(
        lines,
        [
            "node_modules/needs/a.js:1:9: the package needs imports \"@acme/uuid/v4\", which is not installed; run \
             `npm install @acme/uuid` in the application's folder",
            "src/main.ts:1:8: this imports \"closed\", but the path \".\" is not currently exported by package \
             \"closed\"",
            "src/main.ts:2:8: this imports \"closed/b\", but the path \"./b\" is not exported by package \"closed\"",
            "src/main.ts:3:8: this imports \"empty\", whose entry is missing",
            "src/main.ts:4:8: this imports \"empty/b\", which is not in the package empty",
            "src/main.ts:6:18: No loader is configured for \".xyz\" files: src/data.xyz; as `.txt` it is a text, as `.bin` \
             bytes",
            "src/main.ts:7:8: there is no src/Other.ts, whose name may have other upper and lower case",
            "src/main.ts:8:8: this imports \"./Page\", and there is no src/Page; there is src/page.html",
            "src/main.ts:9:8: this imports \"./parts\", which is a folder: name a file in it",
        ]
    );
}

/// The engine has none of Unicode's properties, and Node all.
#[test]
fn properties_of_unicode_in_regular_expressions_are_what_they_are_in_node() {
    let code = r#"
const characters = ["a", "A", "é", "É", "ß", "ǅ", "λ", "Ж", "9", "٣", "_", " ", "-", "\u{1F600}", "\u{1F1E9}",
  "中", "\u{20000}", "\uD800", "\n", "!", "\u0301"];
const part = "\\p{Script=Greek}";
const ofNobody = /\p{Emoji}/u;
const all = [
  /^\p{L}$/u, /^\P{L}$/u, /^[\p{L}\p{Nd}_]$/u, /^[^\p{L}\s]$/u, /^[\P{Lu}]$/u, /^[[\p{Lu}\]]$/u,
  /^\p{Ll}$/iu, /^\P{Lu}$/iu, /^\p{Emoji_Presentation}$/u, /^\p{Cs}$/u, /^\p{Any}$/u,
  /^\P{Any}$/u, /^[\\p]$/u, /\p{L}/, new RegExp("^[" + part + "]$", "u"), RegExp("^" + part, "u"),
  new RegExp(/\p{L}/, "gu"), new RegExp(/^\p{Lu}$/u), new RegExp(/^\p{Ll}$/u, "iu"),
  /^[\p{L}--\p{Lu}]$/v, /^[\p{L}&&[a-z]]$/v, /^\P{Lu}$/v, /^[^\P{Lu}]$/v,
];
const tested = (it, text) => ((it.lastIndex = 0), Number(it.test(text)));
console.log(all.map((it) => characters.map((text) => tested(it, text)).join("")).join(" "));
console.log(all.map((it) => String(it) + (it instanceof RegExp) + (it.constructor === RegExp)).join());
console.log("aéb λ!".split(/\P{L}+/u).join("|"), "Éa1".replace(/\p{Lu}/gu, "<$&>"));
console.log([..."aBc".matchAll(/\p{Lu}/gu)].length, /a/.constructor === RegExp);
const it = /\p{L}/u;
console.log(RegExp(it) === it, new RegExp(it).source, new RegExp(it, "gu"), Object.keys(/a/).length, RegExp("\\p{L}", "u") === it);
class Own extends RegExp {}
console.log(new Own("\\p{Lu}", "u").test("A"), new Own("a") instanceof Own);
"#;
    let folder = tempfile::tempdir().unwrap();
    let node = Command::new("node").args(["-e", code]).output().unwrap();
    assert!(node.status.success(), "{node:?}");
    let due = String::from_utf8(node.stdout).unwrap();
    let files = [("src/main.js", &*format!("{code}{HANDLER}"))];
    assert_eq!(
        printed(&app(folder.path(), &files)),
        due.lines().collect::<Vec<_>>()
    );
}

#[test]
fn what_is_wrong_with_the_source_has_its_place() {
    let cases = [
        ("\nconst a = ;", "src/main.ts:2:11: Unexpected \";\""),
        (
            "import './other.js';",
            "src/main.ts:1:8: this imports \"./other.js\", and there is no src/other.js",
        ),
        (
            "import { testEnv } from '@edgewit/sdk/testing'; testEnv();",
            "src/main.ts:1:25: this imports \"@edgewit/sdk/testing\", which is for tests under Node and no part of an \
             application",
        ),
        (
            "import 'left-pad';",
            "src/main.ts:1:8: this imports \"left-pad\", which is not installed; run `npm install left-pad` in the \
             application's folder",
        ),
        (
            "import { open } from '@edgewit/sdk/nothing'; open();",
            "src/main.ts:1:22: this imports \"@edgewit/sdk/nothing\", which is no part of it; there are \"@edgewit/sdk\", \
             \"@edgewit/sdk/kv\", \"@edgewit/sdk/log\", \"@edgewit/sdk/router\"",
        ),
        (
            "import { nothing } from '@edgewit/sdk/kv'; nothing();",
            "src/main.ts:1:10: No matching export in \"@edgewit/sdk/kv\" for import \"nothing\"",
        ),
        (
            "import { env } from 'cloudflare:workers'; env();",
            "src/main.ts:1:21: this imports \"cloudflare:workers\", which is a part of Cloudflare Workers; `env`, with \
             the stores, and `ctx` are arguments of `fetch(request, env, ctx)`",
        ),
        (
            "import 'bun:sqlite';",
            "src/main.ts:1:8: this imports \"bun:sqlite\", which is a part of Bun; use",
        ),
        (
            "import 'npm:@acme/uuid@^1.2/v4';",
            "src/main.ts:1:8: this imports \"npm:@acme/uuid@^1.2/v4\", which is how Deno names a package; run `npm \
             install @acme/uuid` and import \"@acme/uuid/v4\"",
        ),
        (
            "import 'jsr:@std/path@1';",
            "src/main.ts:1:8: this imports \"jsr:@std/path@1\", which is how Deno names a package; run `npx jsr add \
             @std/path` and import \"@std/path\"",
        ),
        (
            "await import('https://esm.sh/left-pad');",
            "src/main.ts:1:14: this imports \"https://esm.sh/left-pad\", and nothing is downloaded by building; \
             install the package with npm",
        ),
        (
            "export const key = process.env.UPSTREAM_KEY;",
            "src/main.ts:1:20: ReferenceError: process is not defined; instead of `process`: a store with `env` in \
             `edge.toml` for the environment\n",
        ),
        (
            "Deno.serve(() => new Response('it'));",
            "src/main.ts:1:1: ReferenceError: Deno is not defined; instead of `Deno.serve`: `export default { \
             fetch(request) { … } }`\n",
        ),
        (
            "export const bytes = Buffer.from('text');",
            "src/main.ts:1:22: ReferenceError: Buffer is not defined; instead of `Buffer`: `Uint8Array`, \
             `TextEncoder` and `TextDecoder`\n",
        ),
        (
            "export const sent = navigator.sendBeacon('/');",
            "src/main.ts:1:31: TypeError: navigator.sendBeacon is not a function; instead of `navigator.sendBeacon`: \
             `fetch`, handed to `ctx.waitUntil`\n",
        ),
        (
            "\nexport const letters = /\\p{RGI_Emoji}/v;",
            "src/main.ts:2:24: SyntaxError: \\p{RGI_Emoji} in a regular expression: the engine knows no properties of",
        ),
    ];
    for (text, problem) in cases {
        let found = problems_of(&format!("{text}\n{HANDLER}"));
        assert!(found.starts_with(problem), "{found}");
    }
}

#[test]
fn an_application_without_an_entry_is_told_where_it_is_looked_for() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = app(folder.path(), &[("lib/main.ts", HANDLER)]);
    let error = super::warned(&manifest).0.unwrap_err().to_string();
    let due = "has no entry: a file src/main.ts is due, which exports what handles requests by default \
        (src/index, main, index do as well, and .mts, .tsx, .js, .mjs, .jsx)";
    assert!(error.ends_with(due), "{error}");
    // The first of several is the one.
    for (path, text) in [
        ("index.js", "last"),
        ("src/main.js", "second"),
        ("src/main.mts", "first"),
    ] {
        let source = format!("console.log('{text}');\n{HANDLER}");
        let manifest = app(folder.path(), &[(path, &source)]);
        assert_eq!(printed(&manifest), [text]);
    }
}
