//! `edgewit serve`: several applications, what they are granted, and how it ends.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use edgewit_build::Tool;
use rustls::pki_types::PrivateKeyDer;

use crate::support::{
    RAW, Server, binary, command, edgewit, fails, guest, hello, install, ok, root,
};

const VISITS: &str = "name = \"app\"\nlanguage = \"rust\"\n[kv.visits]\n";

/// A folder with the component of `hello` under these names.
fn components(names: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in names {
        fs::copy(hello(), folder.path().join(name)).unwrap();
    }
    folder
}

fn serve(folder: &Path, arguments: &[&str], marker: &str) -> Server {
    let arguments = [&["serve", "--listen", "127.0.0.1:0"], arguments].concat();
    Server::start(folder, &arguments, marker)
}

#[test]
fn two_applications_share_a_port() {
    let folder = components(&["one.wasm", "Two_2.b.wasm"]);
    let server = serve(folder.path(), &["one.wasm", "Two_2.b.wasm"], "--config");
    assert!(
        server.printed.contains("granted: nothing"),
        "{}",
        server.printed
    );
    assert!(server.get("/one/").ends_with("hello, whoever you are"));
    assert!(server.get("/Two_2.b/").ends_with("hello, whoever you are"));
    // By the host's name each has the whole path.
    for host in ["one.localhost", "two_2.b.localhost:3000"] {
        let reply = server.get_of(host, "/");
        assert!(reply.ends_with("hello, whoever you are"), "{host}: {reply}");
    }
    assert!(
        server
            .get_of("three.localhost", "/")
            .ends_with("Served here:\n/one/\n/Two_2.b/\n")
    );
    for (path, status) in [("/", "HTTP/1.1 200"), ("/three/", "HTTP/1.1 404")] {
        let reply = server.get(path);
        assert!(reply.starts_with(status), "{reply}");
        assert!(
            reply.ends_with("Served here:\n/one/\n/Two_2.b/\n"),
            "{reply}"
        );
    }
    // Nothing was granted: the store is denied, and the line says what to add.
    assert!(server.get("/one/hello/ada").starts_with("HTTP/1.1 500"));
    let log = server.interrupt();
    assert!(
        log.contains("add this to ./edge.toml: [kv.visits]"),
        "{log}"
    );
    assert!(
        log.contains("\"GET /three/ 404, of no application\""),
        "{log}"
    );
    let failed = "handler failed: kv: denied; the last call of kv to fail was open, store ";
    assert!(log.contains(failed), "{log}");
}

#[test]
fn applications_that_share_an_edge_toml_share_its_stores() {
    let folder = components(&["one.wasm", "two.wasm"]);
    let names = ["one.wasm", "two.wasm"];
    for config in ["edge.toml", "granted.toml"] {
        let _ = fs::remove_file(folder.path().join("edge.toml"));
        fs::write(folder.path().join(config), VISITS).unwrap();
        let options = ["--config", config];
        let options = if config == "edge.toml" {
            &[][..]
        } else {
            &options
        };
        let server = serve(folder.path(), &[&names, options].concat(), "two: ");
        let key = config.strip_suffix(".toml").unwrap();
        for (app, visit) in [("one", 1), ("two", 2)] {
            let reply = server.get(&format!("/{app}/hello/{key}"));
            assert!(
                reply.ends_with(&format!("hello {key}, visit {visit}")),
                "{reply}"
            );
        }
        // The command reaches the same stores.
        let get = ["kv", "get", "visits", key];
        assert_eq!(ok(folder.path(), &[&get[..], options].concat()), "2");
        server.interrupt();
        assert_eq!(ok(folder.path(), &[&get[..], options].concat()), "2");
    }
}

/// A folder is built with names, whatever `build` leaves out.
#[test]
fn a_trap_of_a_served_folder_shows_where_it_was() {
    install(Tool::Rust);
    let server = serve(&root().join(RAW), &["."], "granted: nothing");
    assert!(server.get("/panic?text=oh").starts_with("HTTP/1.1 500"));
    let log = server.interrupt();
    let frame = log.lines().find(|line| line.contains("raw::ends::panic"));
    assert!(frame.is_some_and(|it| it.contains("src/ends.rs:")), "{log}");
}

#[test]
fn what_can_not_be_served_is_said_before_anything_is_built() {
    let folder = components(&["My App.wasm", "one.wasm", "text.wasm"]);
    let here = folder.path();
    fs::create_dir(here.join("app")).unwrap();
    // It has no source: a build would fail, and say so.
    fs::write(here.join("app/edge.toml"), VISITS).unwrap();
    fs::create_dir(here.join("sub")).unwrap();
    fs::copy(hello(), here.join("sub/one.wasm")).unwrap();
    let serve = |arguments: &[&str]| fails(here, &[&["serve"], arguments].concat(), 2);
    assert_eq!(
        serve(&["app", "--config", "app/edge.toml"]),
        "edgewit: --config grants a component file what it may reach, and none is named here; a folder \
         has its own edge.toml"
    );
    assert_eq!(
        serve(&["app", "one.wasm", "sub/one.wasm"]),
        "edgewit: two applications are named one; each needs a name of its own"
    );
    assert_eq!(
        serve(&["app", "My App.wasm"]),
        "edgewit: the name \"My App\" can't be a part of a URL, as that of one of several has to be; name \
         the file with letters, digits, `-`, `_` and `.`, or serve it alone"
    );
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    assert_eq!(
        fails(here, &["serve", "app", "--listen", &address], 1),
        format!(
            "edgewit: can't listen on {address}: Address already in use (os error 98); `--listen \
             127.0.0.1:0` picks a free port"
        )
    );
    // Alone it has the whole port.
    let server = self::serve(here, &["My App.wasm"], "My App: ");
    assert!(server.get("/").ends_with("hello, whoever you are"));
    server.interrupt();
}

#[test]
fn secrets_come_from_the_file_beside_and_are_never_shown() {
    let folder = components(&["app.wasm"]);
    let here = folder.path();
    let manifest = format!("{VISITS}[kv.secrets]\nenv = [\"EDGEWIT_TEST_KEY\"]\n");
    fs::write(here.join("edge.toml"), manifest).unwrap();
    let arguments = ["serve", "app.wasm", "--listen", "127.0.0.1:0"];
    let unset = "edgewit: app: the store \"secrets\" takes EDGEWIT_TEST_KEY from the environment, where it is \
                 not set, or from ./.env, which";
    assert_eq!(fails(here, &arguments, 2), format!("{unset} is not there"));
    let mut bytes = command(binary(), here);
    bytes
        .args(arguments)
        .env("EDGEWIT_TEST_KEY", OsStr::from_bytes(b"\xff"));
    let output = bytes.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "edgewit: app: the variable EDGEWIT_TEST_KEY of the store \"secrets\" is set to bytes that are not UTF-8; \
         a value of a store is text\n"
    );
    fs::write(here.join(".env"), "OTHER=1\n").unwrap();
    assert_eq!(
        fails(here, &arguments, 2),
        format!("{unset} does not set it")
    );
    fs::write(
        here.join(".env"),
        "# mine\nEDGEWIT_TEST_KEY=hunter2 is my secret\n",
    )
    .unwrap();
    assert_eq!(
        fails(here, &arguments, 2),
        "edgewit: ./.env:2: not NAME=VALUE; a value with blanks, quotes, `#`, `$` or `\\` goes in single \
         quotes: NAME='VALUE'"
    );
    fs::write(
        here.join(".env"),
        "# mine\nEDGEWIT_TEST_KEY='hunter2 is my secret'\n",
    )
    .unwrap();
    let server = serve(here, &["app.wasm"], "env: EDGEWIT_TEST_KEY is from ./.env");
    assert!(server.get("/hello/ada").ends_with("visit 1"));
    let printed = server.printed.clone();
    let log = server.interrupt();
    assert!(
        !printed.contains("hunter2") && !log.contains("hunter2"),
        "{printed}{log}"
    );
}

/// Both ends of the second that requests under way have.
#[test]
fn ctrl_c_ends_it_at_once_with_a_request_under_way_too() {
    let folder = components(&["app.wasm"]);
    let server = serve(folder.path(), &["app.wasm"], "app: ");
    // Its body, which is read before the application starts, never comes.
    let mut held = TcpStream::connect(&server.address).unwrap();
    write!(
        held,
        "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\n\r\n"
    )
    .unwrap();
    assert!(server.get("/").ends_with("hello, whoever you are"));
    let began = Instant::now();
    let log = server.interrupt();
    assert!(
        began.elapsed() > Duration::from_millis(900),
        "{:?}",
        began.elapsed()
    );
    drop(held);
    assert!(log.contains("\"POST / 503, closed\""), "{log}");

    // Where nothing is under way that second is not waited for. A busy machine may take one by itself, but
    // hardly each time.
    let ends_at_once = || {
        let server = serve(folder.path(), &["app.wasm"], "app: ");
        let _idle = TcpStream::connect(&server.address).unwrap();
        assert!(server.get("/").ends_with("hello, whoever you are"));
        let began = Instant::now();
        server.interrupt();
        began.elapsed() < Duration::from_millis(900)
    };
    assert!((0..10).any(|_| ends_at_once()));
}

/// A guest that computes for a minute, before its reply and in the midst of it.
#[test]
fn requests_under_way_have_their_lines_when_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    guest(RAW, folder.path(), "[limits]\nguest-ms = 60000\n");
    let mut server = serve(folder.path(), &["app.wasm"], "app: ");
    let mut log = BufReader::new(server.stderr());
    let begin = |path: &str| {
        let mut stream = TcpStream::connect(&server.address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
        stream
    };
    let mut begun = begin("/source?pieces=1&end=loop");
    begun.read_exact(&mut [0; 1]).unwrap();
    let _silent = begin("/loop");
    let mut text = String::new();
    while !text.contains("loops") {
        assert_ne!(log.read_line(&mut text).unwrap(), 0, "{text}");
    }
    server.interrupt();
    log.read_to_string(&mut text).unwrap();
    for line in ["\"GET /source 200, closed\"", "\"GET /loop 503, closed\""] {
        assert!(text.contains(line), "{text}");
    }
}

#[test]
fn a_build_for_debugging_has_a_file_and_names_of_its_own() {
    hello();
    let example = root().join("examples/hello/rust");
    let folder = tempfile::tempdir().unwrap();
    let size = |printed: String, name: &str| {
        let (path, size) = printed.trim_end().rsplit_once(" (").unwrap();
        assert!(path.ends_with(name), "{path}");
        let bytes = fs::read(path).unwrap();
        assert_eq!(size, format!("{} bytes)", bytes.len()));
        String::from_utf8_lossy(&bytes).contains(".debug_line")
    };
    let copied = folder.path().join("plain.wasm");
    let plain = ok(&example, &["build", "-o", copied.to_str().unwrap()]);
    assert!(!size(plain, "plain.wasm"));
    let debug = edgewit(&example, &["build", "--debug"]);
    let printed = String::from_utf8(debug.stdout).unwrap();
    assert!(size(printed, "target/edgewit/hello.debug.wasm"));
    // It is packed of what was compiled for the other.
    let steps = String::from_utf8(debug.stderr).unwrap();
    assert_eq!(steps, "compiling hello\n");
}

/// A server that stands in for an origin, which the application knows nothing of.
#[test]
fn an_origin_can_be_another_server() {
    let folder = tempfile::tempdir().unwrap();
    guest(
        RAW,
        folder.path(),
        "fetch = [\"https://api.example.com\"]\n",
    );
    let upstream = TcpListener::bind("127.0.0.1:0").unwrap();
    let peer = format!("http://{}", upstream.local_addr().unwrap());
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = upstream.accept().unwrap();
        let mut request = [0; 4096];
        let length = stream.read(&mut request).unwrap();
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nstand-in")
            .unwrap();
        String::from_utf8_lossy(&request[..length]).into_owned()
    });
    let overridden = format!("https://api.example.com={peer}");
    let unknown = "https://nobody.example=http://127.0.0.1:9";
    let options = ["app.wasm", "--override", &overridden, "--override", unknown];
    let server = serve(folder.path(), &options, "overridden: ");
    let said = format!("overridden: https://api.example.com is {peer}");
    assert!(server.printed.contains(&said), "{}", server.printed);
    let reply = server.get("/fetch?url=https://api.example.com/x");
    assert!(reply.contains("uri https://api.example.com/x\n"), "{reply}");
    assert!(reply.contains(" stand-in\n"), "{reply}");
    let request = answering.join().unwrap();
    assert!(request.starts_with("GET /x HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("host: api.example.com\r\n"), "{request}");
    let log = server.interrupt();
    let warnings: Vec<_> = log
        .lines()
        .filter(|line| line.starts_with("warning: "))
        .collect();
    let warning = "warning: --override: no application here is granted https://nobody.example; to grant it, add \
                   \"https://nobody.example\" to fetch in its edge.toml";
    assert_eq!(warnings, [warning]);
    let wild = [
        "serve",
        "app.wasm",
        "--override",
        "https://*.example.com=http://a",
    ];
    let refused = edgewit(folder.path(), &wild);
    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        said.contains("an origin without wildcards is due"),
        "{said}"
    );
    let none = fails(
        folder.path(),
        &["serve", "app.wasm", "--ca", "edge.toml"],
        2,
    );
    assert_eq!(
        none,
        "edgewit: edge.toml: no certificate in it; a file of certificates in PEM form is due"
    );
}

/// An upstream with a certificate of its own kind, which one run is told to trust and the other is not.
#[test]
fn a_root_of_trust_can_come_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    guest(RAW, folder.path(), "fetch = [\"https://localhost:*\"]\n");
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(folder.path().join("mine.pem"), made.cert.pem()).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key);
    let config = Arc::new(config.unwrap());
    let upstream = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = upstream.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in upstream.incoming() {
            let tls = rustls::ServerConnection::new(config.clone()).unwrap();
            let mut stream = rustls::StreamOwned::new(tls, stream.unwrap());
            // One that does not trust this server ends with an alert.
            if stream.read(&mut [0; 4096]).is_ok_and(|length| length > 0) {
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\ntrusted";
                stream.write_all(answer).unwrap();
            }
        }
    });
    let target = format!("/fetch?url=https://localhost:{port}/");
    for (options, due) in [
        (
            &["app.wasm", "--ca", "mine.pem"][..],
            "body incoming Some(7) trusted\n",
        ),
        (&["app.wasm"], "error FetchError::TlsCertificate("),
    ] {
        let server = serve(folder.path(), options, "granted: fetch");
        let reply = server.get(&target);
        assert!(reply.contains(due), "{options:?}: {reply}");
        server.interrupt();
    }
}
