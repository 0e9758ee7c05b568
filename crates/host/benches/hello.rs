//! Requests a second of the example `hello` through this host, and of bare hyper, in one run:
//!
//! ```sh
//! cargo bench -p edgewit-host
//! ```
//!
//! Each server has the same runtime, socket options and body, and is asked by the same client over
//! kept connections, in turns, so that whatever else the machine does meets all of them alike. Only
//! the ratios mean something. No subscriber for logs is installed: their lines cost what they cost
//! where nobody listens. CPU time and page faults are those of the whole process, the client included: a
//! request that changes a mapping has at least one fault.

mod support;

use std::convert::Infallible;
use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Response, header};
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};

use support::{component, hello};

const CONNECTIONS: usize = 64;
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(1);
/// What Linux counts processor time in, on every architecture that it shows to programs.
const TICKS_PER_SECOND: f64 = 100.0;
const GREETING: &str = "hello, whoever you are";

fn main() -> Result<(), Box<dyn Error>> {
    let component = component()?;
    println!(
        "requests/s, median of {ROUNDS} rounds of {} s in turns, {CONNECTIONS} connections, one client \
         thread; beside it the share of bare hyper's in the same round, and page faults a request\n",
        ROUND.as_secs()
    );
    println!("{:<44}{:>13}{:>13}", "", "one thread", "two threads");
    let rows = [run(&component, 1)?, run(&component, 2)?];
    let line = |name: &str, one: String, two: String| println!("{name:<44}{one:>13}{two:>13}");
    for (one, two) in rows[0].iter().zip(&rows[1]) {
        let both = |name: &str, shown: &dyn Fn(&Row) -> String| line(name, shown(one), shown(two));
        both(one.name, &|row| format!("{:.0}", row.median.rate));
        both("  of bare hyper", &|row| format!("{:.2} x", row.share));
        both("  CPU time a request", &|row| {
            format!("{:.0} us", row.median.cpu_us)
        });
        both("  page faults a request", &|row| {
            format!("{:.2}", row.median.faults)
        });
    }
    Ok(())
}

/// What is asked for, and how its reply ends.
struct Subject {
    name: &'static str,
    address: SocketAddr,
    path: &'static str,
    body_ends: &'static str,
}

/// What one round measured, or all of them in the median.
#[derive(Clone, Copy)]
struct Measured {
    /// Requests a second.
    rate: f64,
    /// Page faults and microseconds of processor time for each request.
    faults: f64,
    cpu_us: f64,
}

struct Row {
    name: &'static str,
    median: Measured,
    share: f64,
}

fn run(component: &[u8], threads: usize) -> Result<Vec<Row>, Box<dyn Error>> {
    let server = Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .build()?;
    let bare = server.block_on(bare_hyper())?;
    let hello = server.block_on(hello(component))?;
    let subject = |name, address, path, body_ends| Subject {
        name,
        address,
        path,
        body_ends,
    };
    let subjects = [
        subject("bare hyper", bare, "/", GREETING),
        subject("hello, a fresh instance a request", hello, "/", GREETING),
        subject(
            "hello with a counter and a log line",
            hello,
            "/hello/ada",
            "",
        ),
    ];
    let client = Builder::new_current_thread().enable_all().build()?;
    let mut rounds: Vec<Vec<Measured>> = subjects.iter().map(|_| Vec::new()).collect();
    // The first round warms up.
    for round in 0..=ROUNDS {
        for (subject, rounds) in subjects.iter().zip(&mut rounds) {
            let measured = ask(&client, subject)?;
            if round > 0 {
                rounds.push(measured);
            }
        }
    }
    let rows = subjects.iter().zip(&rounds).map(|(subject, measured)| {
        let beside = measured.iter().zip(&rounds[0]);
        Row {
            name: subject.name,
            median: Measured {
                rate: median(measured.iter().map(|round| round.rate)),
                faults: median(measured.iter().map(|round| round.faults)),
                cpu_us: median(measured.iter().map(|round| round.cpu_us)),
            },
            share: median(beside.map(|(round, bare)| round.rate / bare.rate)),
        }
    });
    let rows = rows.collect();
    server.shutdown_background();
    Ok(rows)
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// One round.
fn ask(client: &Runtime, subject: &Subject) -> Result<Measured, Box<dyn Error>> {
    let stop = Arc::new(AtomicBool::new(false));
    let count = Arc::new(AtomicU64::new(0));
    let request: Arc<str> = format!(
        "GET {} HTTP/1.1\r\nhost: {}\r\n\r\n",
        subject.path, subject.address
    )
    .into();
    let before = Usage::now()?;
    let start = Instant::now();
    let ended: Result<(), Box<dyn Error + Send + Sync>> = client.block_on(async {
        let connections: Vec<_> = (0..CONNECTIONS)
            .map(|_| {
                let (stop, count, request) = (stop.clone(), count.clone(), request.clone());
                tokio::spawn(connection(
                    subject.address,
                    request,
                    subject.body_ends,
                    stop,
                    count,
                ))
            })
            .collect();
        tokio::time::sleep(ROUND).await;
        stop.store(true, Relaxed);
        for connection in connections {
            connection.await??;
        }
        Ok(())
    });
    ended.map_err(|error| format!("{}: {error}", subject.name))?;
    let (after, count) = (Usage::now()?, count.load(Relaxed) as f64);
    Ok(Measured {
        rate: count / start.elapsed().as_secs_f64(),
        faults: (after.faults - before.faults) / count,
        cpu_us: (after.cpu_seconds - before.cpu_seconds) / count * 1e6,
    })
}

/// Asks over one kept connection until it is told to stop. Any other reply than the one due is an error.
async fn connection(
    address: SocketAddr,
    request: Arc<str>,
    body_ends: &'static str,
    stop: Arc<AtomicBool>,
    count: Arc<AtomicU64>,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; 16 * 1024];
    while !stop.load(Relaxed) {
        stream.write_all(request.as_bytes()).await?;
        let mut filled = 0;
        loop {
            let read = stream.read(&mut buffer[filled..]).await?;
            filled += read;
            let reply = std::str::from_utf8(&buffer[..filled])?;
            if read == 0 || !"HTTP/1.1 200 OK\r\n".starts_with(&reply[..reply.len().min(17)]) {
                return Err(format!("an unexpected reply: {reply:?}").into());
            }
            if whole(reply) && reply.ends_with(body_ends) {
                break;
            }
        }
        count.fetch_add(1, Relaxed);
    }
    Ok(())
}

/// Whether a reply has all of the bytes that its head announces.
fn whole(reply: &str) -> bool {
    let Some((head, body)) = reply.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .split("\r\n")
        .find_map(|line| line.strip_prefix("content-length: "));
    length.and_then(|length| length.parse().ok()) == Some(body.len())
}

/// What this process has used so far, as Linux counts it.
#[derive(Clone, Copy)]
struct Usage {
    /// Minor page faults.
    faults: f64,
    /// Of all threads, kernel included.
    cpu_seconds: f64,
}

impl Usage {
    fn now() -> Result<Self, Box<dyn Error>> {
        let stat = std::fs::read_to_string("/proc/self/stat")?;
        // The name in parentheses may hold blanks; the third field of the file follows it.
        let (_, fields) = stat.rsplit_once(") ").ok_or("no name in /proc/self/stat")?;
        let field = |number: usize| -> Result<f64, Box<dyn Error>> {
            let field = fields.split(' ').nth(number - 3);
            Ok(field.ok_or("/proc/self/stat is too short")?.parse()?)
        };
        Ok(Self {
            faults: field(10)?,
            cpu_seconds: (field(14)? + field(15)?) / TICKS_PER_SECOND,
        })
    }
}

async fn bare_hyper() -> Result<SocketAddr, Box<dyn Error>> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            let service = service_fn(|_request| async {
                let mut response =
                    Response::new(Full::new(Bytes::from_static(GREETING.as_bytes())));
                let text = header::HeaderValue::from_static("text/plain; charset=utf-8");
                response.headers_mut().insert(header::CONTENT_TYPE, text);
                Ok::<_, Infallible>(response)
            });
            let mut http = http1::Builder::new();
            http.half_close(true).timer(TokioTimer::new());
            tokio::spawn(http.serve_connection(TokioIo::new(stream), service));
        }
    });
    Ok(address)
}
