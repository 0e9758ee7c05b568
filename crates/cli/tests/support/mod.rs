//! What the tests of the command share: programs started with none of cargo's variables, each with a
//! deadline, and a small client.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, Output, Stdio};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

/// The deadline of a hang.
pub const HANG: Duration = Duration::from_secs(300);

/// How long a server may take to end, which is the deadline of a hang: requests under way have a second.
const END: Duration = Duration::from_secs(60);

pub fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().unwrap()
}

/// What tests need is installed first, by the one installer.
pub fn install(tool: edgewit_build::Tool) -> PathBuf {
    let cache = edgewit_build::Cache::from_env().unwrap();
    let report = |event: edgewit_build::Event<'_>| eprintln!("{event:?}");
    let found = edgewit_build::ensure(&cache, tool, &report);
    found.unwrap_or_else(|error| panic!("{error}")).path
}

/// The command under test: this workspace's own, unless another was installed to be tested.
pub fn binary() -> PathBuf {
    let installed = std::env::var_os("EDGEWIT_UNDER_TEST");
    installed.map_or_else(|| env!("CARGO_BIN_EXE_edgewit").into(), PathBuf::from)
}

pub fn command(program: impl AsRef<std::ffi::OsStr>, folder: &Path) -> Command {
    let mut command = Command::new(program);
    let keep = ["CARGO_HOME", "RUSTUP_HOME", "RUSTUP_AUTO_INSTALL"];
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let is_cargos = text.starts_with("CARGO") || text.starts_with("RUST");
        if is_cargos && !keep.contains(&&*text) {
            command.env_remove(&name);
        }
    }
    command.current_dir(folder).stdin(Stdio::null());
    command
}

/// `bytes` with each `from` in them as `to`, which is as long.
pub fn replaced(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = bytes.to_vec();
    for at in 0..bytes.len() - from.len() {
        if bytes[at..].starts_with(from.as_bytes()) {
            bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        }
    }
    bytes
}

pub fn edgewit(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = command(binary(), folder);
    command.args(arguments).output().unwrap()
}

/// Runs the command, which must succeed, and returns what it printed.
pub fn ok(folder: &Path, arguments: &[&str]) -> String {
    let output = edgewit(folder, arguments);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success(),
        "edgewit {arguments:?}: {}\n{stderr}",
        output.status
    );
    String::from_utf8(output.stdout).unwrap()
}

/// Runs the command, which must fail with this code, and returns all that it wrote to standard error.
pub fn fails(folder: &Path, arguments: &[&str], code: i32) -> String {
    let output = edgewit(folder, arguments);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(
        output.status.code(),
        Some(code),
        "edgewit {arguments:?}: {stderr}"
    );
    stderr.trim_end().to_owned()
}

/// As `ok`, with bytes for the command's standard input, and bytes out of it.
pub fn feed(folder: &Path, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut command = command(binary(), folder);
    command.args(arguments).stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It may end before it has read all: what it then says is what counts.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "edgewit {arguments:?}: {stderr}");
    output.stdout
}

/// The component of the example `hello`, built once for all tests.
pub fn hello() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        install(edgewit_build::Tool::Rust);
        let example = root().join("examples/hello/rust");
        let wasm = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hello.wasm");
        ok(&example, &["build", "-o", wasm.to_str().unwrap()]);
        wasm
    })
}

/// The guest whose path says what it does, on raw bindings.
pub const RAW: &str = "tests/guests/raw";

/// Puts a guest into a folder as the application `app.wasm`. `settings` are lines of its manifest.
pub fn guest(guest: &str, folder: &Path, settings: &str) {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let lock = ONE_AT_A_TIME.lock().unwrap();
    install(edgewit_build::Tool::Rust);
    let wasm = folder.join("app.wasm");
    let output = ["build", "--debug", "-o", wasm.to_str().unwrap()];
    ok(&root().join(guest), &output);
    drop(lock);
    let manifest = format!("name = \"app\"\nlanguage = \"rust\"\n{settings}");
    std::fs::write(folder.join("edge.toml"), manifest).unwrap();
}

/// A server that was started and printed an address.
pub struct Server {
    child: Child,
    pub address: String,
    pub printed: String,
    out: BufReader<ChildStdout>,
}

impl Server {
    /// Waits for the line that holds `marker`, and takes the address out of its URL.
    pub fn start(folder: &Path, arguments: &[&str], marker: &str) -> Self {
        let mut command = command(binary(), folder);
        command.args(arguments);
        Self::of(command, marker)
    }

    /// The same for a command that was set up further.
    pub fn of(mut command: Command, marker: &str) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut printed = String::new();
        while !printed.lines().any(|line| line.contains(marker)) {
            if out.read_line(&mut printed).unwrap() == 0 {
                let mut error = String::new();
                child
                    .stderr
                    .take()
                    .unwrap()
                    .read_to_string(&mut error)
                    .unwrap();
                panic!("it ended: {printed}{error}");
            }
        }
        let url = printed.split("http://").nth(1).unwrap();
        let address = url.split('/').next().unwrap().to_owned();
        Self {
            child,
            address,
            printed,
            out,
        }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its standard error, which `interrupt` then leaves alone.
    pub fn stderr(&mut self) -> ChildStderr {
        self.child.stderr.take().unwrap()
    }

    pub fn get(&self, path: &str) -> String {
        self.get_of("localhost", path)
    }

    /// The same of a host by its name.
    pub fn get_of(&self, host: &str, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(HANG)).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"
        )
        .unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        reply
    }

    /// Ends it as nothing should be ended.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ctrl-C, and what was written to standard error. It must end by itself, with success.
    pub fn interrupt(mut self) -> String {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-INT", &pid])
                .status()
                .unwrap()
                .success()
        );
        let deadline = Instant::now() + END;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "Ctrl-C did not end it");
            std::thread::sleep(Duration::from_millis(10));
        };
        assert!(status.success(), "{status}");
        let mut log = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            stderr.read_to_string(&mut log).unwrap();
        }
        self.out.read_to_string(&mut self.printed).unwrap();
        log
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended where the test went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A copy of what a demo needs of the checkout, with its git-ignored folders left out.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        let ignored = ["target", "node_modules", ".edgewit"];
        if ignored.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
