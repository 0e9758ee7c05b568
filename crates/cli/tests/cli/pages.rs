//! No page is mapped, given back or cleared for a request: each would be a fault at the next touch.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use crate::support::{HANG, Server, hello};

const REQUESTS: u64 = 2000;

/// How often the process touched a page that was not there, without a disk.
fn faults(server: &Server) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", server.id())).unwrap();
    // The second field is a name in parentheses, and the tenth is the one.
    let (_, rest) = stat.rsplit_once(") ").unwrap();
    rest.split(' ').nth(7).unwrap().parse().unwrap()
}

fn ask(stream: &mut BufReader<TcpStream>) {
    let request = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";
    stream.get_mut().write_all(request).unwrap();
    let (mut line, mut length) = (String::new(), 0);
    while line != "\r\n" {
        line.clear();
        stream.read_line(&mut line).unwrap();
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    assert_eq!(body, b"hello, whoever you are");
}

#[test]
fn a_small_request_touches_no_new_page() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(hello(), folder.path().join("app.wasm")).unwrap();
    let arguments = ["serve", "app.wasm", "--listen", "127.0.0.1:0"];
    let mut command = crate::support::command(crate::support::binary(), folder.path());
    // Lines of the log that nobody reads would fill a pipe.
    command.args(arguments).env("EDGEWIT_LOG", "error");
    let server = Server::of(command, "--config");
    let stream = TcpStream::connect(&server.address).unwrap();
    stream.set_read_timeout(Some(HANG)).unwrap();
    let mut stream = BufReader::new(stream);
    for _ in 0..REQUESTS {
        ask(&mut stream);
    }
    let before = faults(&server);
    for _ in 0..REQUESTS {
        ask(&mut stream);
    }
    let met = faults(&server) - before;
    // The least that one mapping a request would cost is a fault in each.
    assert!(met < REQUESTS / 4, "{met} faults in {REQUESTS} requests");
    drop(stream);
    server.interrupt();
}
