//! System calls a request of the example `hello`, as strace counts them:
//!
//! ```sh
//! cargo bench -p edgewit-host --bench syscalls
//! ```
//!
//! The server is this program once more, on one thread, under strace. It is asked twice over one kept connection, few
//! times and many times: the difference is what the requests took, and what it took to start is not in it.

mod support;

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

const FEW: u32 = 100;
const MANY: u32 = 5_000;

/// Set in the server, to the component's file.
const SERVES: &str = "EDGEWIT_BENCH_SERVES";

type Counts = BTreeMap<String, u64>;

fn main() -> Result<(), Box<dyn Error>> {
    if let Some(component) = std::env::var_os(SERVES) {
        return serve(&std::fs::read(component)?);
    }
    if Command::new("strace")
        .arg("-V")
        .stdout(Stdio::null())
        .status()
        .is_err()
    {
        println!("system calls a request: not measured: strace is not there");
        return Ok(());
    }
    let (few, many) = {
        let folder = tempfile::tempdir()?;
        let component = folder.path().join("hello.wasm");
        std::fs::write(&component, support::component()?)?;
        (counted(FEW, &component)?, counted(MANY, &component)?)
    };
    println!("system calls a request, of {} requests\n", MANY - FEW);
    let of = |counts: &Counts, name: &str| counts.get(name).copied().unwrap_or(0) as f64;
    let each = |name: &String| (of(&many, name) - of(&few, name)) / f64::from(MANY - FEW);
    // What is less is the noise of two starts.
    for name in many.keys().filter(|name| each(name) >= 0.01) {
        println!("{name:<20} {:>8.2}", each(name));
    }
    Ok(())
}

/// Serves until standard input ends.
fn serve(component: &[u8]) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let address = runtime.block_on(support::hello(component))?;
    println!("{address}");
    std::io::stdin().read_to_end(&mut Vec::new())?;
    runtime.shutdown_background();
    Ok(())
}

/// The calls of a server that was started, asked so many times, and stopped.
fn counted(requests: u32, component: &Path) -> Result<Counts, Box<dyn Error>> {
    let summary = component.with_extension("calls");
    let mut server = Command::new("strace")
        .args(["-f", "-q", "-c", "-o"])
        .arg(&summary)
        .arg(std::env::current_exe()?)
        .env(SERVES, component)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut address = String::new();
    let printed = server.stdout.take().ok_or("no output")?;
    BufReader::new(printed).read_line(&mut address)?;
    if address.is_empty() {
        return Err("strace can't trace here, or the server does not start".into());
    }
    ask(address.trim(), requests)?;
    drop(server.stdin.take());
    server.wait()?;
    let text = std::fs::read_to_string(&summary)?;
    // Share, seconds, microseconds a call, calls, errors if there were any, name.
    let count = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let name = words.last().filter(|name| **name != "total")?;
        Some(((*name).to_owned(), words.get(3)?.parse().ok()?))
    };
    Ok(text.lines().filter_map(count).collect())
}

fn ask(address: &str, requests: u32) -> Result<(), Box<dyn Error>> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let request = format!("GET / HTTP/1.1\r\nhost: {address}\r\n\r\n");
    let mut buffer = vec![0; 16 * 1024];
    for _ in 0..requests {
        stream.write_all(request.as_bytes())?;
        let mut reply = Vec::new();
        while !reply.ends_with(b"hello, whoever you are") {
            let read = stream.read(&mut buffer)?;
            reply.extend_from_slice(&buffer[..read]);
            if read == 0 || !reply.starts_with(b"HTTP/1.1 200 OK\r\n") {
                return Err(
                    format!("an unexpected reply: {:?}", String::from_utf8_lossy(&reply)).into(),
                );
            }
        }
    }
    Ok(())
}
