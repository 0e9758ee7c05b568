//! Bodies of one GiB through a `serve` of its own, whose memory is looked at from outside.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::thread::JoinHandle;

use edgewit_build::Tool;

use crate::support::{HANG, RAW, Server, guest, install, ok};

const GIB: usize = 1 << 30;
const PIECE: usize = 64 * 1024;

/// What a host may hold beyond what it holds when it is idle.
const MORE_KIB_MAX: u64 = 32 * 1024;

const SETTINGS: &str = "fetch = [\"http://127.0.0.1:*\"]\n[limits]\nrequest-body-bytes = 1073741824\n\
                        fetched-body-bytes = 1073741824\nhead-ms = 600000\n";

/// A body's bytes from `at` on, as many as fit into a piece: no two places within some MiB are alike.
struct Pattern(Vec<u8>);

impl Pattern {
    const PERIOD: usize = 65_521;

    fn new() -> Self {
        let byte = |at: usize| (at % Self::PERIOD).wrapping_mul(0x9e37_79b9).to_le_bytes()[2];
        Self((0..Self::PERIOD + PIECE).map(byte).collect())
    }

    fn at(&self, at: usize, length: usize) -> &[u8] {
        &self.0[at % Self::PERIOD..][..length]
    }
}

/// Sends a whole body, of whole pieces.
fn send(mut stream: TcpStream, length: usize) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let pattern = Pattern::new();
        for at in (0..length).step_by(PIECE) {
            stream.write_all(pattern.at(at, PIECE)).unwrap();
        }
    })
}

/// Reads a head, up to the empty line.
fn head(stream: &mut impl BufRead) -> String {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(stream.read_line(&mut head).unwrap(), 0, "{head}");
    }
    head
}

/// A server that answers each request with its own body, while that arrives.
fn echo() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(|| echo_all(stream.unwrap()));
        }
    });
    url
}

fn echo_all(mut stream: TcpStream) {
    let mut reader = BufReader::with_capacity(PIECE, stream.try_clone().unwrap());
    while !reader.fill_buf().unwrap().is_empty() {
        let head = head(&mut reader).to_ascii_lowercase();
        let length = head.split("content-length: ").nth(1).unwrap();
        let length: u64 = length.lines().next().unwrap().parse().unwrap();
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
        stream.write_all(answer.as_bytes()).unwrap();
        let copied = std::io::copy(&mut (&mut reader).take(length), &mut stream);
        assert_eq!(copied.unwrap(), length);
    }
}

/// A `serve`, and what it held when it was idle.
struct Host {
    server: Server,
    idle_kib: u64,
}

impl Host {
    fn start(app: &str, folder: &Path) -> Self {
        guest(app, folder, SETTINGS);
        Self::of(folder)
    }

    /// Of what is in the folder already.
    fn of(folder: &Path) -> Self {
        let arguments = ["serve", "app.wasm", "--listen", "127.0.0.1:0"];
        let server = Server::start(folder, &arguments, "granted: fetch");
        server.get("/report");
        let mut this = Self {
            server,
            idle_kib: 0,
        };
        this.idle_kib = this.status_kib("VmRSS:");
        // From here on the highest is kept.
        fs::write(format!("/proc/{}/clear_refs", this.server.id()), "5").unwrap();
        this
    }

    fn status_kib(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.server.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kib = line.unwrap().trim().strip_suffix(" kB").unwrap();
        kib.parse().unwrap()
    }

    fn ask(&self, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.server.address).unwrap();
        stream.set_read_timeout(Some(HANG)).unwrap();
        write!(
            stream,
            "{request} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n"
        )
        .unwrap();
        stream
    }

    /// A request whose body is on its way.
    fn post(&self, target: &str, length: usize) -> (TcpStream, JoinHandle<()>) {
        let mut stream = self.ask(&format!("POST {target}"));
        write!(stream, "content-length: {length}\r\n\r\n").unwrap();
        let sent = send(stream.try_clone().unwrap(), length);
        (stream, sent)
    }

    fn held_little(&self) {
        let most = self.status_kib("VmHWM:");
        let idle = self.idle_kib;
        assert!(
            most.saturating_sub(idle) <= MORE_KIB_MAX,
            "{idle} KiB when idle, {most} KiB"
        );
    }
}

#[test]
fn a_gib_is_uploaded() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::start(RAW, folder.path());
    let (mut stream, sent) = host.post("/read", GIB);
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    sent.join().unwrap();
    assert!(reply.ends_with("end\nend\n"), "{reply}");
    let pieces = reply.lines().filter_map(|line| line.strip_prefix("bytes "));
    let bytes: usize = pieces.map(|bytes| bytes.parse::<usize>().unwrap()).sum();
    assert_eq!(bytes, GIB);
    host.held_little();
}

#[test]
fn a_gib_is_replied() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::start(RAW, folder.path());
    let target = format!(
        "/source?pieces={}&bytes={PIECE}&field=content-length:{GIB}",
        GIB / PIECE
    );
    let mut stream = host.ask(&format!("GET {target}"));
    stream.write_all(b"\r\n").unwrap();
    let mut reply = BufReader::with_capacity(PIECE, stream);
    assert!(head(&mut reply).starts_with("HTTP/1.1 200"));
    let mut piece = vec![0; PIECE];
    for number in 0..GIB / PIECE {
        reply.read_exact(&mut piece).unwrap();
        assert_eq!(piece, vec![b'0' + (number % 10) as u8; PIECE], "{number}");
    }
    assert_eq!(reply.read(&mut piece).unwrap(), 0);
    host.held_little();
}

/// Hands the request's body on, and the response back, and does nothing else. How much larger memory is afterwards
/// than it was at the start is logged.
const FORWARDER: &str = r#"
edgewit::export!(edgewit::App::new().post("/proxy", |c| {
    c.after_reply(|sent| {
        unsafe extern "C" {
            /// The linker puts it at the end of the memory that there is at the start.
            static __heap_end: u8;
        }
        let bytes = std::arch::wasm32::memory_size::<0>() << 16;
        let grown = bytes - (&raw const __heap_end).addr();
        edgewit::log::info!("sent {sent:?}, memory grew by {grown} bytes");
        Ok(())
    });
    let mut request = edgewit::Request::new(c.take_body());
    *request.method_mut() = c.request().method().clone();
    *request.uri_mut() = c.query("url").unwrap_or_default().parse().expect("a URL");
    edgewit::fetch(request)
}));
"#;

/// To a server and back from it, at once.
#[test]
fn a_gib_is_forwarded_both_ways_with_the_guest_s_memory_at_its_initial_size() {
    let folder = tempfile::tempdir().unwrap();
    install(Tool::Rust);
    ok(folder.path(), &["new", "--lang", "rust", "forwarder"]);
    let app = folder.path().join("forwarder");
    fs::write(app.join("src/lib.rs"), FORWARDER).unwrap();
    ok(&app, &["build", "-o", "../app.wasm"]);
    let manifest = format!("name = \"app\"\nlanguage = \"rust\"\n{SETTINGS}");
    fs::write(folder.path().join("edge.toml"), manifest).unwrap();
    let mut host = Host::of(folder.path());
    let target = format!("/proxy?url={}", echo());
    forward(&host, &target, GIB);
    host.held_little();
    // It is written once the client has all, and so perhaps later than the client is here.
    let mut log = BufReader::new(host.server.stderr()).lines();
    let told = log.find_map(|line| {
        let line = line.unwrap();
        let (_, grew) = line.split_once("sent Ok(()), memory grew by ")?;
        Some(grew.to_owned())
    });
    let grew = told.expect("what the application logs at its end");
    assert!(grew.starts_with("0 bytes"), "{grew}");
    host.server.interrupt();
}

fn forward(host: &Host, target: &str, length: usize) {
    let (stream, sent) = host.post(target, length);
    let mut reply = BufReader::with_capacity(PIECE, stream);
    assert!(head(&mut reply).starts_with("HTTP/1.1 200"));
    let (pattern, mut piece) = (Pattern::new(), vec![0; PIECE]);
    for at in (0..length).step_by(PIECE) {
        reply.read_exact(&mut piece).unwrap();
        assert!(piece == pattern.at(at, PIECE), "{at}");
    }
    assert_eq!(reply.read(&mut piece).unwrap(), 0);
    sent.join().unwrap();
}
