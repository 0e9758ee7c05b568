//! `edgewit conform http`: a server that has the guest behind it, and one that has not.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::thread::JoinHandle;

use edgewit_build::Tool;

use crate::conform::{cases_of, expect, guests};
use crate::support::{Server, command, copy, edgewit, install, ok, root};

/// The cases that pass on a server with a guest behind it, of which a file says what it owes; the others were not run,
/// and say why.
fn in_reach(server: &Server, expect: &str) -> Vec<String> {
    let url = format!("http://{}", server.address);
    let folder = tempfile::tempdir().unwrap();
    let arguments = [
        "conform",
        "http",
        &url,
        "--expect",
        expect,
        "--report",
        "human,json=http.json",
    ];
    let told = ok(folder.path(), &arguments);
    let more = " not run: they need more than requests and replies, ";
    assert_eq!(told.matches(more).count(), 1, "{told}");
    assert!(!told.contains("it needs"), "{told}");
    let json = fs::read_to_string(folder.path().join("http.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let mut passed = Vec::new();
    for case in json["cases"].as_array().unwrap() {
        let name = case["case"].as_str().unwrap();
        let why = case["why"][0].as_str().unwrap_or_default();
        match case["status"].as_str().unwrap() {
            "ok" | "prevented" => passed.push(name.to_owned()),
            "not-run" => assert!(why.starts_with("it needs"), "{name}: {why}"),
            other => panic!("{name}: {other}: {why}"),
        }
    }
    assert!(passed.len() > 30, "{}", passed.len());
    passed
}

#[test]
fn a_server_that_is_asked_nothing_is_no_pass() {
    let folder = tempfile::tempdir().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let url = &format!("http://{address}");
    let path = &format!("{url}/app");
    for (arguments, said) in [
        (&[url, "--filter", "kv/"][..], "none of the chosen cases"),
        (&[path], "a URL without a path is due"),
        (&["http://127.0.0.1:1"], "refused"),
    ] {
        let output = edgewit(folder.path(), &[&["conform", "http"], arguments].concat());
        assert_eq!(output.status.code(), Some(2));
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains(said), "{told}");
    }
}

/// Both guests behind the command's own server.
#[test]
fn a_server_is_asked_what_is_in_reach() {
    for name in ["raw", "rust"] {
        let server = served(name);
        in_reach(&server, &expect(name));
        server.interrupt();
    }
}

fn served(name: &str) -> Server {
    let file = format!("{name}.wasm");
    let serve = ["serve", &file, "--listen", "127.0.0.1:0"];
    Server::start(guests(), &serve, "http://")
}

/// The guest on the Rust SDK compiled for this machine, on the host that applications' own tests have: the same cases
/// pass as with the component.
#[test]
fn the_guest_compiled_natively_passes_what_is_in_reach() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("native");
    // By its name: rustup's `cargo` holds the compilers that it starts to its own toolchain, in the folders of
    // dependencies too, where files of theirs may name others.
    let mut build = command("cargo", &root().join("sdk-rust/conformance"));
    build.args(["build", "--locked", "--example", "native", "--target-dir"]);
    let built = build.arg(&folder).output().unwrap();
    let told = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success(), "{told}");
    let native = command(folder.join("debug/examples/native"), guests());
    let native = Server::of(native, "http://");
    let passed = in_reach(&native, &expect("rust"));
    let server = served("rust");
    assert_eq!(passed, in_reach(&server, &expect("rust")));
    server.interrupt();
}

/// The guest on the JavaScript SDK under Node, on the host that applications' own tests have: the same cases pass as with
/// the component.
#[test]
fn the_guest_under_node_passes_what_is_in_reach() {
    install(Tool::JavaScript);
    let source = root().join("sdk-js-shim");
    // Where its `node_modules` may be written.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("node");
    let _ = fs::remove_dir_all(&folder);
    copy(&source, &folder);
    for arguments in [
        &["ci", "--ignore-scripts", "--no-audit", "--no-fund"][..],
        &["run", "build"],
    ] {
        let built = command("npm", &folder).args(arguments).output().unwrap();
        let told = String::from_utf8_lossy(&built.stderr);
        assert!(built.status.success(), "{told}");
    }
    let mut node = command("node", &folder.join("conformance"));
    node.arg("native.mjs");
    let native = Server::of(node, "http://");
    let conformance = source.join("conformance");
    let expect = conformance.join("expect.toml");
    let expect = expect.to_str().unwrap();
    let passed = in_reach(&native, expect);
    let wasm = folder.join("component.wasm");
    ok(&conformance, &["build", "-o", wasm.to_str().unwrap()]);
    let server = Server::start(
        &folder,
        &["serve", "component.wasm", "--listen", "127.0.0.1:0"],
        "http://",
    );
    assert_eq!(passed, in_reach(&server, expect));
    server.interrupt();
}

/// Reads a request to the end of its head; none if its client went without one.
pub fn request(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return None,
        }
    }
    Some(String::from_utf8(head).unwrap())
}

/// Answers each request with this until one for `/end`. How many there were.
fn answering(reply: &'static str) -> (String, JoinHandle<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = std::thread::spawn(move || {
        let mut requests = 0;
        while let Ok((mut stream, _)) = listener.accept() {
            match request(&mut stream).as_deref() {
                Some(head) if head.starts_with("GET /end") => break,
                Some(_) => requests += 1,
                None => continue,
            }
            // Whoever asked may be gone.
            let _ = stream.write_all(reply.as_bytes());
        }
        requests
    });
    (url, serving)
}

/// How many requests it had.
fn end((url, serving): (String, JoinHandle<usize>)) -> usize {
    let mut end = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    end.write_all(b"GET /end HTTP/1.1\r\n\r\n").unwrap();
    serving.join().unwrap()
}

/// Told in one line, after a few requests.
#[test]
fn a_server_that_is_no_guest_is_told_as_that() {
    let folder = tempfile::tempdir().unwrap();
    let reply = "HTTP/1.1 404 Not Found\r\ncontent-length: 5\r\nconnection: close\r\n\r\nnone\n";
    let server = answering(reply);
    let arguments = ["conform", "http", &server.0, "--jobs", "1"];
    let output = edgewit(folder.path(), &arguments);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let told = String::from_utf8(output.stderr).unwrap();
    let said = " carries out no scripts of the suite; CONTRACT.md and `edgewit port doctor FILE.wasm` say what is due\n";
    assert!(told.ends_with(said) && told.lines().count() == 1, "{told}");
    assert!(output.stdout.is_empty());
    assert!(end(server) < 10);
}

/// What a server sends reaches no terminal as it is, nor all of it.
#[test]
fn what_a_server_sends_is_told_escaped_and_cut() {
    let folder = tempfile::tempdir().unwrap();
    let text = "ok \u{1b}[31mred".to_owned() + &"x".repeat(100_000);
    let length = text.len();
    let reply =
        format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{text}");
    let server = answering(reply.leak());
    let cases = cases_of("", &[("one", "steps = ['echo.text a -> ok a']")]);
    fs::write(folder.path().join("mine.toml"), cases).unwrap();
    let ask = ["conform", "http", &server.0, "--case", "mine.toml"];
    let output = edgewit(
        folder.path(),
        &[&ask[..], &["--report", "human,tap=t"]].concat(),
    );
    end(server);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let human = String::from_utf8(output.stdout).unwrap();
    let tap = fs::read_to_string(folder.path().join("t")).unwrap();
    for told in [human, tap] {
        let is_raw = |c: char| c.is_control() && c != '\n';
        assert!(!told.contains(is_raw), "{told:?}");
        let red = "expected `ok a`, got `ok \\u{1b}[31mred";
        assert!(told.contains(red), "{told}");
        assert!(told.len() < 5000, "{}", told.len());
        assert!(told.contains("x… and "), "{told}");
    }
}

/// A server that takes requests and answers none is given up with the first.
#[test]
fn a_silent_server_is_given_up_once() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let held = std::thread::spawn(move || {
        let mut requests = 0;
        let mut held = Vec::new();
        while let Ok((mut stream, _)) = listener.accept() {
            match request(&mut stream).as_deref() {
                Some(head) if head.starts_with("GET /end") => break,
                Some(_) => requests += 1,
                None => {}
            }
            held.push(stream);
        }
        requests
    });
    let arguments = [
        "conform",
        "http",
        &url,
        "--filter",
        "http/",
        "--filter",
        "kv/delete",
        "--jobs",
        "1",
    ];
    let output = edgewit(folder.path(), &arguments);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let told = String::from_utf8(output.stdout).unwrap();
    let said = "did not end http/methods within 20 s; what had not ended by then was not run\n";
    assert_eq!(told.matches(said).count(), 1, "{told}");
    assert_eq!(told.matches("no end within 20 s").count(), 1, "{told}");
    assert!(
        told.contains(" not run: the server was silent before\n"),
        "{told}"
    );
    assert!(
        told.contains(" not run: they need more than requests and replies, "),
        "{told}"
    );
    let mut end = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    end.write_all(b"GET /end HTTP/1.1\r\n\r\n").unwrap();
    assert_eq!(held.join().unwrap(), 1);
}

/// Over HTTP as well, what is listed and does not exist fails the run.
#[test]
fn a_list_is_held_both_ways_over_http() {
    let folder = tempfile::tempdir().unwrap();
    let text = "language = 'x'\nlayers = ['wit']\ndrops = 'scope'\n[[failure]]\ncase = 'no/such'\nhow = 'status: expected 200'\nreason = 'r'\n";
    fs::write(folder.path().join("expect.toml"), text).unwrap();
    let server = served("raw");
    let url = format!("http://{}", server.address);
    let arguments = [
        "conform",
        "http",
        &url,
        "--filter",
        "system/text",
        "--expect",
        "expect.toml",
    ];
    let output = edgewit(folder.path(), &arguments);
    server.interrupt();
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(
        told.contains("expect.toml lists \"no/such\", which is no case\n"),
        "{told}"
    );
}
