//! Starting other programs: a clean environment, their output by line, an end to waiting.

use std::env;
use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crate::{Error, Event, Report};

/// Variables of cargo's that say where things are and how they are reached, not what is built.
const KEPT: [&str; 6] = [
    "CARGO_HOME",
    "CARGO_HTTP_",
    "CARGO_NET_",
    "CARGO_REGISTRIES_",
    "CARGO_REGISTRY_",
    "CARGO_SOURCE_",
];

/// A command that inherits nothing that would change what cargo and rustc build.
pub(crate) fn clean(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null());
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        let theirs = text.starts_with("CARGO") || text.starts_with("RUSTC");
        let flags = matches!(&*text, "RUSTFLAGS" | "RUSTDOC" | "RUSTDOCFLAGS");
        if flags || theirs && !KEPT.iter().any(|kept| text.starts_with(kept)) {
            command.env_remove(&name);
        }
    }
    if env::var_os("CARGO").is_some() {
        // Under `cargo run` these name the toolchain of whatever is run, and how deep rustup is in.
        command
            .env_remove("RUSTUP_TOOLCHAIN")
            .env_remove("RUST_RECURSION_COUNT");
    }
    command
}

/// The program and its arguments, for an error.
pub(crate) fn text(command: &Command) -> String {
    let words = [command.get_program()]
        .into_iter()
        .chain(command.get_args());
    words
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Runs a command and returns what it wrote to stdout; stderr is reported.
/// Errors: `Failed` if it does not succeed.
pub(crate) fn output(mut command: Command, report: Report<'_>) -> Result<Vec<u8>, Error> {
    let output = command.output().map_err(|reason| Error::Start {
        command: text(&command),
        reason,
    })?;
    for line in String::from_utf8_lossy(&output.stderr).lines() {
        report(Event::Output(line));
    }
    if !output.status.success() {
        return Err(Error::Failed {
            command: text(&command),
            status: output.status,
        });
    }
    Ok(output.stdout)
}

/// Runs a command, reports what it prints line by line, and returns how it ended.
/// Errors: `TimedOut` if it runs longer than `limit`.
pub(crate) fn run(
    mut command: Command,
    limit: Option<Duration>,
    report: Report<'_>,
) -> Result<ExitStatus, Error> {
    let name = text(&command);
    let failed = |reason| Error::Start {
        command: name.clone(),
        reason,
    };
    let (reader, writer) = io::pipe().map_err(failed)?;
    command
        .stdout(writer.try_clone().map_err(failed)?)
        .stderr(writer);
    let mut child = command.spawn().map_err(failed)?;
    // It holds the writing ends, without whose drop the reader sees no end.
    drop(command);
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(reader).split(b'\n').map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    let start = Instant::now();
    loop {
        let rest = limit.map_or(Duration::MAX, |limit| limit.saturating_sub(start.elapsed()));
        match lines.recv_timeout(rest) {
            Ok(line) => report(Event::Output(String::from_utf8_lossy(&line).trim_end())),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                let _ = child.kill();
                let _ = child.wait();
                let seconds = start.elapsed().as_secs();
                return Err(Error::TimedOut {
                    command: name,
                    seconds,
                });
            }
        }
    }
    child.wait().map_err(failed)
}

/// As [`run`], for a command that must succeed.
/// Errors: `Failed` if it does not.
pub(crate) fn succeed(
    command: Command,
    limit: Option<Duration>,
    report: Report<'_>,
) -> Result<(), Error> {
    let name = text(&command);
    let status = run(command, limit, report)?;
    if status.success() {
        Ok(())
    } else {
        Err(Error::Failed {
            command: name,
            status,
        })
    }
}

/// The file that `program` is on the path, if it is there.
pub(crate) fn which(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn silent(_: Event<'_>) {}

    #[test]
    fn variables_of_a_cargo_around_it_are_left_out() {
        // The one that runs this test sets them.
        assert!(env::var_os("CARGO_MANIFEST_DIR").is_some());
        let seen = output(clean("env"), &silent).unwrap();
        let seen = String::from_utf8_lossy(&seen).into_owned();
        let ours = |line: &&str| line.starts_with("CARGO") || line.starts_with("RUSTUP_TOOLCHAIN=");
        let left: Vec<_> = seen.lines().filter(ours).collect();
        assert!(
            left.iter()
                .all(|line| KEPT.iter().any(|it| line.starts_with(it))),
            "{left:?}"
        );
        assert!(seen.lines().any(|line| line.starts_with("PATH=")));
    }

    #[test]
    fn what_takes_too_long_is_ended() {
        let start = Instant::now();
        let mut command = clean("sleep");
        command.arg("20");
        let error = run(command, Some(Duration::from_millis(100)), &silent).unwrap_err();
        assert_eq!(error.to_string(), "`sleep 20` was ended after 0 s");
        assert!(start.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn lines_of_both_streams_are_reported_and_a_failure_is_told() {
        let mut command = clean("sh");
        command.args(["-c", "echo out; echo err >&2; exit 3"]);
        let lines = std::cell::RefCell::new(Vec::new());
        let report = |event: Event<'_>| {
            if let Event::Output(line) = event {
                lines.borrow_mut().push(line.to_owned());
            }
        };
        let error = succeed(command, None, &report).unwrap_err();
        assert!(
            error.to_string().ends_with("failed (exit status: 3)"),
            "{error}"
        );
        assert_eq!(lines.into_inner(), ["out", "err"]);
    }
}
