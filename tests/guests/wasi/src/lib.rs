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
            import wasi:cli/stdin@0.2.3;
            import wasi:cli/terminal-stdin@0.2.3;
            import wasi:cli/terminal-stdout@0.2.3;
            import wasi:cli/terminal-stderr@0.2.3;
            import wasi:filesystem/preopens@0.2.3;
            import wasi:sockets/instance-network@0.2.3;
            import wasi:sockets/ip-name-lookup@0.2.3;
            import wasi:sockets/tcp-create-socket@0.2.3;
            import wasi:sockets/udp-create-socket@0.2.3;
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
                resource input-stream {
                    read: func(len: u64) -> result<list<u8>, stream-error>;
                    blocking-read: func(len: u64) -> result<list<u8>, stream-error>;
                }
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
                get-arguments: func() -> list<string>;
                initial-cwd: func() -> option<string>;
            }
            interface stdin {
                use wasi:io/streams@0.2.3.{input-stream};
                get-stdin: func() -> input-stream;
            }
            interface terminal-input { resource terminal-input; }
            interface terminal-output { resource terminal-output; }
            interface terminal-stdin {
                use terminal-input.{terminal-input};
                get-terminal-stdin: func() -> option<terminal-input>;
            }
            interface terminal-stdout {
                use terminal-output.{terminal-output};
                get-terminal-stdout: func() -> option<terminal-output>;
            }
            interface terminal-stderr {
                use terminal-output.{terminal-output};
                get-terminal-stderr: func() -> option<terminal-output>;
            }
            interface exit { exit: func(status: result); }
        }
        package wasi:filesystem@0.2.3 {
            interface types {
                use wasi:io/streams@0.2.3.{input-stream};
                enum error-code {
                    access, would-block, already, bad-descriptor, busy, deadlock, quota, exist, file-too-large,
                    illegal-byte-sequence, in-progress, interrupted, invalid, io, is-directory, loop, too-many-links,
                    message-size, name-too-long, no-device, no-entry, no-lock, insufficient-memory,
                    insufficient-space, not-directory, not-empty, not-recoverable, unsupported, no-tty,
                    no-such-device, overflow, not-permitted, pipe, read-only, invalid-seek, text-file-busy,
                    cross-device
                }
                flags path-flags { symlink-follow }
                flags open-flags { create, directory, exclusive, truncate }
                flags descriptor-flags {
                    read, write, file-integrity-sync, data-integrity-sync, requested-write-sync, mutate-directory
                }
                resource descriptor {
                    read-via-stream: func(offset: u64) -> result<input-stream, error-code>;
                    open-at: func(path-flags: path-flags, path: string, open-flags: open-flags,
                        %flags: descriptor-flags) -> result<descriptor, error-code>;
                    unlink-file-at: func(path: string) -> result<_, error-code>;
                }
            }
            interface preopens {
                use types.{descriptor};
                get-directories: func() -> list<tuple<descriptor, string>>;
            }
        }
        package wasi:sockets@0.2.3 {
            interface network {
                resource network;
                enum error-code {
                    unknown, access-denied, not-supported, invalid-argument, out-of-memory, timeout,
                    concurrency-conflict, not-in-progress, would-block, invalid-state, new-socket-limit,
                    address-not-bindable, address-in-use, remote-unreachable, connection-refused, connection-reset,
                    connection-aborted, datagram-too-large, name-unresolvable, temporary-resolver-failure,
                    permanent-resolver-failure
                }
                enum ip-address-family { ipv4, ipv6 }
            }
            interface instance-network {
                use network.{network};
                instance-network: func() -> network;
            }
            interface ip-name-lookup {
                use network.{network, error-code};
                resource resolve-address-stream;
                resolve-addresses: func(network: borrow<network>, name: string)
                    -> result<resolve-address-stream, error-code>;
            }
            interface tcp {
                use network.{error-code};
                resource tcp-socket {
                    start-listen: func() -> result<_, error-code>;
                }
            }
            interface tcp-create-socket {
                use network.{error-code, ip-address-family};
                use tcp.{tcp-socket};
                create-tcp-socket: func(address-family: ip-address-family) -> result<tcp-socket, error-code>;
            }
            interface udp {
                resource udp-socket {
                    unicast-hop-limit: func() -> u8;
                }
            }
            interface udp-create-socket {
                use network.{error-code, ip-address-family};
                use udp.{udp-socket};
                create-udp-socket: func(address-family: ip-address-family) -> result<udp-socket, error-code>;
            }
        }
    "#,
    world: "test:wasi/guest",
    generate_all,
});

use edge::sdk::http::{BodyError, Request};
use exports::edge::sdk::handler::{Context, Guest, GuestBodySource, Reply, ReplyBody};
use wasi::cli::{
    environment, exit, stderr, stdin, stdout, terminal_stderr, terminal_stdin, terminal_stdout,
};
use wasi::clocks::{monotonic_clock, wall_clock};
use wasi::filesystem::preopens;
use wasi::filesystem::types::{DescriptorFlags, OpenFlags, PathFlags};
use wasi::io::poll;
use wasi::random::random;
use wasi::sockets::network::IpAddressFamily;
use wasi::sockets::{instance_network, ip_name_lookup, tcp_create_socket, udp_create_socket};

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
            Some("report") => report(),
            Some(function) => refused(function),
            None => String::new(),
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

/// What a function says that has nothing to give. Where it gives something after all, that is used as a runtime would.
fn refused(function: &str) -> String {
    match function {
        "get-environment" => format!("{:?}", environment::get_environment()),
        "get-arguments" => format!("{:?}", environment::get_arguments()),
        "initial-cwd" => format!("{:?}", environment::initial_cwd()),
        "get-stdin" => {
            let stdin = stdin::get_stdin();
            format!("{:?} {:?}", stdin.read(1), stdin.blocking_read(1))
        }
        "get-terminal-stdin" => format!("{:?}", terminal_stdin::get_terminal_stdin()),
        "get-terminal-stdout" => format!("{:?}", terminal_stdout::get_terminal_stdout()),
        "get-terminal-stderr" => format!("{:?}", terminal_stderr::get_terminal_stderr()),
        "get-directories" => {
            let folders = preopens::get_directories();
            if let Some((folder, name)) = folders.first() {
                let opened = folder.open_at(
                    PathFlags::empty(),
                    name,
                    OpenFlags::empty(),
                    DescriptorFlags::READ,
                );
                let stream = opened.and_then(|file| file.read_via_stream(0));
                return format!("{:?} {:?}", stream.is_ok(), folder.unlink_file_at(name));
            }
            format!("{folders:?}")
        }
        "instance-network" => {
            let network = instance_network::instance_network();
            format!(
                "{:?}",
                ip_name_lookup::resolve_addresses(&network, "a.test")
            )
        }
        "create-tcp-socket" => {
            let socket = tcp_create_socket::create_tcp_socket(IpAddressFamily::Ipv4);
            format!(
                "{:?}",
                socket
                    .and_then(|socket| socket.start_listen())
                    .map_err(|error| error.name())
            )
        }
        "create-udp-socket" => {
            let socket = udp_create_socket::create_udp_socket(IpAddressFamily::Ipv4);
            format!(
                "{:?}",
                socket
                    .map(|socket| socket.unicast_hop_limit())
                    .map_err(|error| error.name())
            )
        }
        _ => "no such function".to_owned(),
    }
}
