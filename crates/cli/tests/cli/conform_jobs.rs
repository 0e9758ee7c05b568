//! `--jobs`: how many cases are under way at once, on components and over HTTP.

use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::thread::JoinHandle;
use std::time::Duration;

use crate::conform::{cases_of, guests};
use crate::conform_http::request;
use crate::support::ok;

const CASES: [&str; 4] = ["a", "b", "c", "d"];

/// A server that each of the cases asks once. It answers none before `jobs` are asked, and no more may be asked before
/// it has answered one.
fn server_of(jobs: usize) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = std::thread::spawn(move || {
        let mut answered = 0;
        let mut waiting = Vec::new();
        while answered < CASES.len() {
            let (mut stream, _) = listener.accept().unwrap();
            if request(&mut stream).is_none() {
                continue;
            }
            waiting.push(stream);
            if waiting.len() < jobs {
                continue;
            }
            std::thread::sleep(Duration::from_millis(200));
            listener.set_nonblocking(true).unwrap();
            let more = listener.accept();
            assert!(more.is_err(), "more than {jobs} at once");
            listener.set_nonblocking(false).unwrap();
            let reply = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nok a\n";
            // One goes on, or all of the last.
            let ends = if answered + waiting.len() == CASES.len() {
                waiting.len()
            } else {
                1
            };
            for mut stream in waiting.drain(..ends) {
                stream.write_all(reply).unwrap();
                answered += 1;
            }
        }
    });
    (url, serving)
}

fn ask(folder: &Path, cases: &str, jobs: usize, arguments: &[&str]) {
    fs::write(folder.join("mine.toml"), cases).unwrap();
    let jobs = jobs.to_string();
    let from = ["--case", "mine.toml", "--jobs", &jobs];
    let told = ok(folder, &[&["conform"], arguments, &from].concat());
    assert!(told.ends_with("4 passed, 0 failed\n"), "{told}");
}

#[test]
fn so_many_cases_are_under_way_over_http_as_jobs_says() {
    let folder = tempfile::tempdir().unwrap();
    let cases = CASES.map(|name| (name, "steps = ['echo.text a -> ok a']"));
    for jobs in [1, 2] {
        let (url, server) = server_of(jobs);
        ask(folder.path(), &cases_of("", &cases), jobs, &["http", &url]);
        server.join().unwrap();
    }
}

/// The guests of the cases ask the server.
#[test]
fn so_many_cases_are_under_way_on_components_as_jobs_says() {
    let folder = tempfile::tempdir().unwrap();
    let guest = guests().join("raw.wasm");
    for jobs in [1, 2] {
        let (url, server) = server_of(jobs);
        let steps = format!("steps = ['fetch.get {url}/ s -> ok 200']");
        let cases = CASES.map(|name| (name, &*steps));
        let cases = cases_of(&format!("fetch = ['{url}']"), &cases);
        let run = ["run", guest.to_str().unwrap()];
        ask(folder.path(), &cases, jobs, &run);
        server.join().unwrap();
    }
}
