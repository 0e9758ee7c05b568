//! An application that imports a part of WASI, in words of its own, as a language's runtime would.

wit_bindgen::generate!({
    path: "../../../wit",
    inline: r#"
        package test:wasi;
        world guest {
            include edge:sdk/app@0.1.0;
            import wasi:random/random@0.2.3;
            import wasi:clocks/wall-clock@0.2.3;
            import wasi:clocks/monotonic-clock@0.2.3;
            import wasi:cli/stdout@0.2.3;
            import wasi:cli/stderr@0.2.3;
            import wasi:cli/environment@0.2.3;
            import wasi:cli/exit@0.2.3;
            import wasi:filesystem/preopens@0.2.3;
        }
        package wasi:random@0.2.3 {
            interface random {
                get-random-bytes: func(len: u64) -> list<u8>;
                get-random-u64: func() -> u64;
            }
        }
        package wasi:io@0.2.3 {
            interface poll {
                resource pollable { ready: func() -> bool; block: func(); }
                poll: func(in: list<borrow<pollable>>) -> list<u32>;
            }
            interface error { resource error; }
            interface streams {
                use error.{error};
                variant stream-error { last-operation-failed(error), closed }
                resource output-stream {
                    check-write: func() -> result<u64, stream-error>;
                    write: func(contents: list<u8>) -> result<_, stream-error>;
                    blocking-flush: func() -> result<_, stream-error>;
                }
            }
        }
        package wasi:clocks@0.2.3 {
            interface wall-clock {
                record datetime { seconds: u64, nanoseconds: u32 }
                now: func() -> datetime;
            }
            interface monotonic-clock {
                use wasi:io/poll@0.2.3.{pollable};
                now: func() -> u64;
                subscribe-duration: func(when: u64) -> pollable;
            }
        }
        package wasi:cli@0.2.3 {
            interface stdout {
                use wasi:io/streams@0.2.3.{output-stream};
                get-stdout: func() -> output-stream;
            }
            interface stderr {
                use wasi:io/streams@0.2.3.{output-stream};
                get-stderr: func() -> output-stream;
            }
            interface environment {
                get-environment: func() -> list<tuple<string, string>>;
                initial-cwd: func() -> option<string>;
            }
            interface exit { exit: func(status: result); }
        }
        package wasi:filesystem@0.2.3 {
            interface types { resource descriptor; }
            interface preopens {
                use types.{descriptor};
                get-directories: func() -> list<tuple<descriptor, string>>;
            }
        }
    "#,
    world: "test:wasi/guest",
    generate_all,
});

use edge::sdk::http::{BodyError, Request};
use exports::edge::sdk::handler::{BodySource, Context, Guest, GuestBodySource, Reply, ReplyBody};
use wasi::cli::{environment, exit, stderr, stdout};
use wasi::clocks::{monotonic_clock, wall_clock};
use wasi::filesystem::preopens;
use wasi::io::poll;
use wasi::random::random;

struct App;

/// Replies here are never streamed.
struct NoSource;

export!(App);

impl GuestBodySource for NoSource {
    fn read(&self) -> Result<edge::sdk::http::Chunk, BodyError> {
        Err(BodyError::Closed)
    }
}

impl Guest for App {
    type BodySource = NoSource;

    fn handle(request: Request, _: Context) -> Result<Reply, String> {
        let report = match request.uri.rsplit('/').next() {
            Some("print") => print(),
            Some("exit") => {
                exit::exit(Err(()));
                "exit returned".to_owned()
            }
            _ => report(),
        };
        Ok(Reply {
            status: 200,
            headers: Vec::new(),
            body: ReplyBody::Bytes(report.into_bytes()),
            hints: Vec::new(),
        })
    }

    fn after_reply(_: Result<(), BodyError>) {}
}

fn report() -> String {
    let begun = monotonic_clock::now();
    let long = monotonic_clock::subscribe_duration(3_600_000_000_000);
    let short = monotonic_clock::subscribe_duration(20_000_000);
    let (at_once, ready) = (short.ready(), poll::poll(&[&long, &short]));
    short.block();
    let waited = monotonic_clock::now() - begun;
    let now = wall_clock::now();
    format!(
        "at once {at_once}\nready {ready:?}\nwaited {}\nwall {}.{:09}\nrandom {:?}\nnumber {}\n\
         environment {:?}\ncwd {:?}\nfolders {}\n",
        waited >= 20_000_000,
        now.seconds,
        now.nanoseconds,
        random::get_random_bytes(4),
        random::get_random_u64(),
        environment::get_environment(),
        environment::initial_cwd(),
        preopens::get_directories().len(),
    )
}

fn print() -> String {
    let (out, err) = (stdout::get_stdout(), stderr::get_stderr());
    let room = out.check_write();
    for (stream, text) in [
        (&out, "one\ntw"),
        (&err, "wrong\n"),
        (&out, "o\nno line feed"),
    ] {
        if stream.write(text.as_bytes()).is_err() || stream.blocking_flush().is_err() {
            return "a write failed".to_owned();
        }
    }
    format!("room {}", room.is_ok_and(|room| room > 0))
}
