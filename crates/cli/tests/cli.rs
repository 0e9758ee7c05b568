//! The command as its users run it: a new application from the first line to its counter and log, the
//! demo's page in a browser, and what goes wrong.

#[path = "cli/conform.rs"]
mod conform;
#[path = "cli/conform_cases.rs"]
mod conform_cases;
#[path = "cli/conform_components.rs"]
mod conform_components;
#[path = "cli/conform_expect.rs"]
mod conform_expect;
#[path = "cli/conform_http.rs"]
mod conform_http;
#[path = "cli/conform_jobs.rs"]
mod conform_jobs;
#[path = "cli/glue.rs"]
mod glue;
#[path = "cli/kv.rs"]
mod kv;
// It looks at /proc.
#[cfg(target_os = "linux")]
#[path = "cli/large.rs"]
mod large;
#[path = "cli/logs.rs"]
mod logs;
#[path = "cli/mistakes.rs"]
mod mistakes;
// It looks at /proc.
#[cfg(target_os = "linux")]
#[path = "cli/pages.rs"]
mod pages;
#[path = "cli/port.rs"]
mod port;
#[path = "cli/readmes.rs"]
mod readmes;
#[path = "cli/serving.rs"]
mod serving;
mod support;

use std::fs;
use std::path::Path;

use edgewit_build::Tool;
use support::{Server, binary, command, copy, edgewit, fails, install, ok, root};

/// `new`, `build`, `test`, `serve`, `kv`, in an empty folder.
#[test]
fn a_new_application_goes_all_the_way() {
    install(Tool::Rust);
    let folder = tempfile::tempdir().unwrap();
    ok(folder.path(), &["new", "--lang", "rust", "greeter"]);
    let app = folder.path().join("greeter");
    let building = edgewit(&app, &["build"]);
    let built = String::from_utf8(building.stdout).unwrap();
    assert!(
        built.contains("greeter.wasm (") && built.contains(" bytes)"),
        "{built}"
    );
    // It takes a minute, and shows what it is at.
    let steps = String::from_utf8(building.stderr).unwrap();
    assert!(steps.contains("   Compiling edgewit v"), "{steps}");
    let tested = ok(&app, &["test"]);
    assert!(
        tested.contains("running 1 test") && !tested.contains("0 tests"),
        "{tested}"
    );

    let server = Server::start(
        &app,
        &["serve", "--listen", "127.0.0.1:0"],
        "granted: kv visits",
    );
    assert!(
        server.printed.contains("granted: kv visits: read-write"),
        "{}",
        server.printed
    );
    assert!(server.get("/hello/ada").ends_with("hello ada, visit 1"));
    assert!(server.get("/hello/ada").ends_with("hello ada, visit 2"));
    // Through the running server, which holds the file.
    assert_eq!(ok(&app, &["kv", "get", "visits", "ada"]), "2");
    ok(&app, &["kv", "set", "visits", "bob", "41"]);
    assert!(server.get("/hello/bob").ends_with("hello bob, visit 42"));
    assert_eq!(ok(&app, &["kv", "list", "visits"]), "ada\nbob\n");
    // A second one is told what is wrong, where, and what would be right; the first one is none the worse.
    let second = fails(&app, &["serve", "--listen", "127.0.0.1:0"], 1);
    assert!(
        second.contains("kv.redb: another process has these stores open, as `edgewit serve` has")
            && second.ends_with("stop it first, or use another folder"),
        "{second}"
    );
    assert_eq!(ok(&app, &["kv", "get", "visits", "ada"]), "2");
    ok(&app, &["kv", "set", "visits", "eve", "many"]);
    assert!(server.get("/hello/eve").starts_with("HTTP/1.1 500"));
    let log = server.interrupt();
    let failed = "handler failed: kv: not a number; the last call of kv to fail was increment of \\\"eve\\\", \
                  store \\\"visits\\\" (";
    assert!(log.contains(failed), "{log}");
    assert!(log.contains("hello visits=42"), "{log}");
    assert!(
        log.lines()
            .any(|line| line.contains("GET /hello/bob 200") && line.contains("guest_us")),
        "{log}"
    );

    // On the file, once nobody holds it.
    assert_eq!(ok(&app, &["kv", "get", "visits", "bob"]), "42");
    ok(&app, &["kv", "delete", "visits", "bob"]);
    let gone = fails(&app, &["kv", "get", "visits", "bob"], 1);
    assert_eq!(gone, "edgewit: no key \"bob\" in the store \"visits\"");

    // What follows `--` is for the test runner.
    for (name, is_run) in [("greets_and", true), ("no_such_test", false)] {
        let told = edgewit(&app, &["test", "--", name]);
        assert!(told.status.success());
        let said = [told.stdout, told.stderr].concat();
        let ran = String::from_utf8_lossy(&said).contains("test tests::greets_and_counts ... ok");
        assert_eq!(ran, is_run, "{name}");
    }

    // Its test watches the greeting.
    let source = app.join("src/lib.rs");
    let text = fs::read_to_string(&source).unwrap();
    fs::write(
        &source,
        text.replace("GREETING: &str = \"hello\"", "GREETING: &str = \"hi\""),
    )
    .unwrap();
    fails(&app, &["test"], 1);
}

/// The same in TypeScript, and where an exception is from.
#[test]
fn a_new_application_in_typescript_goes_all_the_way() {
    install(Tool::JavaScript);
    let folder = tempfile::tempdir().unwrap();
    ok(folder.path(), &["new", "--lang", "ts", "greeter"]);
    let app = folder.path().join("greeter");
    assert!(ok(&app, &["test"]).contains("✔ greets and counts"));
    ok(&app, &["types"]);
    let built = ok(&app, &["build"]);
    assert!(built.contains("target/edgewit/greeter.wasm ("), "{built}");
    let source = app.join("src/main.ts");
    let text = fs::read_to_string(&source).unwrap();
    let failing = "\n  if (visits > 2n) throw new RangeError(\"too many\");\n  console.info(";
    fs::write(&source, text.replace("\n  console.info(", failing)).unwrap();

    let listen = ["serve", "--listen", "127.0.0.1:0"];
    let server = Server::start(&app, &listen, "granted: kv visits");
    assert!(server.get("/hello/ada").ends_with("hello ada, visit 1"));
    assert!(server.get("/hello/ada").ends_with("hello ada, visit 2"));
    assert!(server.get("/hello/ada").starts_with("HTTP/1.1 500"));
    assert_eq!(ok(&app, &["kv", "get", "visits", "ada"]), "3");
    let log = server.interrupt();
    assert!(log.contains("hello visits=2"), "{log}");
    let line = 1 + text
        .lines()
        .position(|it| it.contains("console.info("))
        .unwrap();
    let failed = format!("(src/main.ts:{line})");
    let told = log.contains("handler failed: RangeError: too many") && log.contains(&failed);
    assert!(told, "{log}");

    // A store that is not granted is a wrong type, and an application that is wrong has no component.
    fs::write(&source, text.replace("\"visits\"", "\"visitors\"")).unwrap();
    let wrong = fails(&app, &["types"], 1);
    assert!(
        wrong.contains("src/main.ts(8,29): error TS2345: "),
        "{wrong}"
    );
    fs::write(&source, format!("{text}throw new Error(\"not now\");\n")).unwrap();
    let wrong = fails(&app, &["build"], 1);
    let line = text.lines().count() + 1;
    let due = format!("edgewit: src/main.ts:{line}:7: Error: not now\n");
    assert!(wrong.contains(&due), "{wrong}");
}

/// The page shows each reply with the lines of its own request, and a changed greeting after a rebuild.
#[test]
fn the_demo_page_shows_a_changed_greeting() {
    let browser = install(Tool::Chromium);
    install(Tool::Rust);
    install(Tool::JavaScript);
    let folder = tempfile::tempdir().unwrap();
    for part in ["examples", "sdk-rust", "wit"] {
        copy(&root().join(part), &folder.path().join(part));
    }
    let source = folder.path().join("examples/hello/rust/src/lib.rs");
    for greeting in ["hello", "good morning"] {
        let text = fs::read_to_string(&source).unwrap();
        fs::write(
            &source,
            text.replace(
                "GREETING: &str = \"hello\"",
                &format!("GREETING: &str = \"{greeting}\""),
            ),
        )
        .unwrap();
        // The page has its lines whatever the terminal shows.
        let mut demo = command(binary(), folder.path());
        demo.args(["demo", "--port", "0"])
            .env("EDGEWIT_LOG", "error");
        let server = Server::of(demo, "side by side");
        assert!(
            server
                .get("/hello/rust/hello/eve")
                .ends_with(&format!("{greeting} eve, visit 1"))
        );
        let page = dump(
            &browser,
            &format!("http://{}/", server.address),
            folder.path(),
        );
        // The one in TypeScript greets as before.
        for (language, greeting) in [("rust", greeting), ("ts", "hello")] {
            assert!(page.contains(language), "{page}");
            assert!(page.contains(&format!("{greeting} ada, visit 1")), "{page}");
        }
        assert!(page.contains("content-type"), "{page}");
        assert!(page.contains("class=\"status ok\">200</span>"), "{page}");
        let time = page.split(" ms</span>").next().unwrap().rsplit('>').next();
        assert!(
            time.unwrap().parse::<f64>().is_ok_and(|it| it > 0.0),
            "{page}"
        );
        // The line of the page's own request, and none of the one before it.
        let log = page
            .split("class=\"log\">")
            .nth(1)
            .unwrap()
            .split("</pre>")
            .next()
            .unwrap();
        assert!(
            log.contains("hello visits=1") && log.contains("GET /hello/ada 200"),
            "{log}"
        );
        assert!(!log.contains("/hello/eve"), "{log}");
        server.interrupt();
    }
}

/// The document after its scripts ran.
fn dump(browser: &Path, url: &str, folder: &Path) -> String {
    let profile = format!("--user-data-dir={}", folder.join("browser").display());
    let mut command = command(browser, folder);
    command.args([
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--virtual-time-budget=5000",
        "--dump-dom",
        &profile,
        url,
    ]);
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// The store's reason, not the form that a debugger shows.
#[test]
fn what_a_store_answers_is_said_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let manifest = "name = \"x\"\nlanguage = \"rust\"\n[kv.s]\n";
    fs::write(here.join("edge.toml"), manifest).unwrap();
    ok(here, &["kv", "set", "s", "good", "1"]);
    let table: redb::TableDefinition<(&str, &str), &[u8]> = redb::TableDefinition::new("entries");
    let file = redb::Database::open(here.join(".edgewit/kv.redb")).unwrap();
    let transaction = file.begin_write().unwrap();
    let mut entries = transaction.open_table(table).unwrap();
    entries.insert(("s", "bad"), b"short".as_slice()).unwrap();
    drop(entries);
    transaction.commit().unwrap();
    // Not while another has it open either.
    let get = ["kv", "get", "s", "bad"];
    assert!(fails(here, &get, 1).contains("stop it first"));
    drop(file);
    let reason = "edgewit: the file of stores: the record of the key \"bad\" in the store \"s\" is cut short; \
                  writing or deleting it mends that";
    assert_eq!(fails(here, &get, 1), reason);
    assert_eq!(ok(here, &["kv", "get", "s", "good"]), "1");
    // Every key is listed, and what is wrong is said.
    let listed = edgewit(here, &["kv", "list", "s"]);
    assert_eq!(listed.status.code(), Some(1));
    assert_eq!(listed.stdout, b"bad\ngood\n");
    assert_eq!(String::from_utf8_lossy(&listed.stderr).trim_end(), reason);
    ok(here, &["kv", "delete", "s", "bad"]);
    assert_eq!(ok(here, &["kv", "list", "s"]), "good\n");
}

#[test]
fn generated_bindings_are_up_to_date() {
    for language in ["rust", "c", "ts"] {
        assert!(ok(&root(), &["bindgen", "--lang", language, "--check"]).contains("up to date"));
    }
    assert!(ok(&root(), &["bindgen", "--all", "--check"]).contains("up to date"));
}

#[test]
fn completions_and_doctor_answer() {
    let folder = tempfile::tempdir().unwrap();
    let completions = ok(folder.path(), &["completions", "bash"]);
    assert!(
        completions.contains("port__subcmd__doctor"),
        "{completions}"
    );
    install(Tool::Rust);
    // No Chromium is found, which no application needs.
    let mut doctor = command(binary(), folder.path());
    let path = std::env::var_os("PATH").unwrap();
    let without = std::env::split_paths(&path).filter(|it| !it.join("chromium").exists());
    let programs = folder.path().join("programs");
    fs::create_dir(&programs).unwrap();
    for program in ["rustc", "cargo", "cc"] {
        if let Some(found) = std::env::split_paths(&path).find(|it| it.join(program).exists()) {
            std::os::unix::fs::symlink(found.join(program), programs.join(program)).unwrap();
        }
    }
    let path = std::env::join_paths(without.chain([programs])).unwrap();
    let output = doctor.arg("doctor").env("PATH", path).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let missing =
        "missing  chromium, for Edgewit's own tests of the demo's page; no application needs it: ";
    assert!(text.contains(missing), "{text}");
    assert!(
        text.contains("found    rust std for wasm32-unknown-unknown"),
        "{text}"
    );
}

/// What a reader of an example is told to run.
#[test]
fn the_examples_own_tests_pass() {
    install(Tool::Rust);
    install(Tool::JavaScript);
    for example in fs::read_dir(root().join("examples")).unwrap() {
        let example = example.unwrap().path();
        let apps = ["rust", "ts"].map(|language| example.join(language));
        assert!(apps.iter().any(|app| app.join("edge.toml").is_file()));
        for app in apps.iter().filter(|app| app.join("edge.toml").is_file()) {
            ok(app, &["test"]);
        }
    }
    ok(&root().join("examples/hello/ts"), &["types"]);
}
