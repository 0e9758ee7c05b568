//! The log of a `serve` whose standard error is a pipe that nobody reads for a while.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::mpsc;

use crate::support::{HANG, RAW, Server, guest};

/// What each request logs: its lines, its own, and one of `after-reply`.
const LINES: u64 = 15 + 2;
const REQUESTS: u64 = 20;

fn serve(folder: &Path) -> Server {
    guest(RAW, folder, "");
    let arguments = ["serve", "app.wasm", "--listen", "127.0.0.1:0"];
    Server::start(folder, &arguments, "app: ")
}

/// Far more than a pipe and the buffer before it hold, and every request is answered.
fn fill(server: &Server) {
    for _ in 0..REQUESTS {
        let reply = server.get("/log?bytes=60000&lines=15");
        assert!(reply.ends_with("\r\n\r\nlogged"), "{reply}");
    }
}

#[test]
fn lines_that_nobody_reads_are_lost_and_counted_and_hold_up_no_request() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = serve(folder.path());
    let stderr = BufReader::new(server.stderr());
    fill(&server);
    let (tell, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in stderr.lines() {
            let _ = tell.send(line.unwrap());
        }
    });
    let mut notices = Vec::new();
    let mut read = 0;
    let all = REQUESTS * LINES;
    while read + notices.iter().sum::<u64>() < all {
        let line = lines.recv_timeout(HANG).unwrap();
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        if let Some(lost) = line["lost"].as_u64() {
            let message = format!(
                "{lost} lines of the log were lost here: standard error was read too slowly"
            );
            assert_eq!(line["message"], message);
            assert_eq!(line["level"], "WARN");
            notices.push(lost);
        } else if line.get("request").is_some() {
            read += 1;
        }
    }
    assert_eq!(notices, [all - read]);
    // It logs as before.
    server.get("/report");
    for part in ["GET /report 200", "after-reply"] {
        let line = lines.recv_timeout(HANG).unwrap();
        assert!(line.contains(part), "{line}");
    }
    server.interrupt();
    assert!(lines.recv_timeout(HANG).is_err());
}

#[test]
fn a_log_that_nobody_reads_keeps_no_server_from_ending() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(folder.path());
    fill(&server);
    server.interrupt();
}
