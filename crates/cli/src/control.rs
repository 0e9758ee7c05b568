//! How `edgewit kv` reaches the stores that a running `serve` holds.
//!
//! `serve` listens on a socket beside the stores, in a folder that only its user can enter: nobody else
//! answers there, and nobody else calls. A call is one line of JSON followed by the bytes that it
//! announces, and so is the answer.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use edgewit_host::kv::{self, Backend, Condition, SetOptions};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::timeout;

use crate::error::Error;

/// What can be done with a store.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    Get {
        key: String,
    },
    Set {
        key: String,
        ttl_ms: Option<u64>,
    },
    /// One page of keys.
    List {
        prefix: String,
        cursor: Option<String>,
    },
    Delete {
        key: String,
    },
}

/// What came of it. Bytes of a value travel behind the line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Found,
    NotFound,
    Done,
    Keys {
        keys: Vec<String>,
        cursor: Option<String>,
        /// What is wrong with those that can't be read.
        damaged: Vec<String>,
    },
    Failed(String),
}

#[derive(Serialize, Deserialize)]
struct Call {
    store: String,
    operation: Operation,
    bytes: usize,
}

#[derive(Serialize, Deserialize)]
struct Answer {
    outcome: Outcome,
    bytes: usize,
}

/// How long a caller waits for each step of a call. The longest is the commit of a large value.
const PATIENCE: Duration = Duration::from_secs(30);

/// Carries an operation out.
pub async fn carry_out(
    stores: &dyn Backend,
    store: &str,
    operation: Operation,
    value: Vec<u8>,
) -> (Outcome, Vec<u8>) {
    match try_carry_out(stores, store, operation, value).await {
        Ok(done) => done,
        Err(error) => (Outcome::Failed(error.text()), Vec::new()),
    }
}

async fn try_carry_out(
    stores: &dyn Backend,
    store: &str,
    operation: Operation,
    value: Vec<u8>,
) -> Result<(Outcome, Vec<u8>), kv::Error> {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let now = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
    let none = Vec::new();
    Ok(match operation {
        Operation::Get { key } => {
            let mut found = stores.get(now, store, &[key], u64::MAX).await?;
            match found.pop().flatten() {
                Some(entry) => (Outcome::Found, entry.value),
                None => (Outcome::NotFound, none),
            }
        }
        Operation::Set { key, ttl_ms } => {
            let options = SetOptions {
                condition: Condition::Always,
                ttl_ms,
                metadata: Vec::new(),
            };
            stores.set(now, store, &key, value, options).await?;
            (Outcome::Done, none)
        }
        Operation::List { prefix, cursor } => {
            let page = stores
                .keys(now, store, &prefix, cursor.as_deref(), 1000)
                .await?;
            let damaged = damaged(stores, now, store, &page.keys).await?;
            let (keys, cursor) = (page.keys, page.cursor);
            let page = Outcome::Keys {
                keys,
                cursor,
                damaged,
            };
            (page, none)
        }
        Operation::Delete { key } => match stores.delete(now, store, &key).await? {
            true => (Outcome::Done, none),
            false => (Outcome::NotFound, none),
        },
    })
}

/// What is wrong with each record that can't be read.
async fn damaged(
    stores: &dyn Backend,
    now: u64,
    store: &str,
    keys: &[String],
) -> Result<Vec<String>, kv::Error> {
    let mut damaged = Vec::new();
    for key in keys {
        match stores.exists(now, store, key).await {
            Err(kv::Error::Other(reason)) => damaged.push(reason),
            Err(error) => return Err(error),
            Ok(_) => {}
        }
    }
    Ok(damaged)
}

/// The listening end; dropping it takes its socket away.
pub struct Control {
    file: PathBuf,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Control {
    fn drop(&mut self) {
        self.task.abort();
        // Where nobody listens on a socket that stays, a caller takes it for none.
        let _ = fs::remove_file(&self.file);
    }
}

const SOCKET: &str = "serve.sock";

/// The socket's path for a system call, which takes no more than some 100 bytes: on Linux by way of the
/// open folder, so that the folder may lie as deep as it likes.
fn address(data: &Path, open: &File) -> PathBuf {
    if cfg!(target_os = "linux") {
        format!("/proc/self/fd/{}/{SOCKET}", open.as_raw_fd()).into()
    } else {
        data.join(SOCKET)
    }
}

impl Control {
    /// Listens in the data folder of the stores, which the caller holds.
    pub async fn start(data: &Path, stores: Arc<dyn Backend>) -> Result<Self, Error> {
        let file = data.join(SOCKET);
        let listener = listen(data, &file).map_err(Error::io("listen for `edgewit kv` at", &file));
        let listener = listener?;
        let task = tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else {
                    // Out of file descriptors, mostly: others will end meanwhile.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                };
                let stores = stores.clone();
                tokio::spawn(async move { answer(stream, &*stores).await });
            }
        });
        Ok(Self { file, task })
    }
}

fn listen(data: &Path, file: &Path) -> io::Result<UnixListener> {
    // One that was ended by force leaves its socket.
    match fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let folder = File::open(data)?;
    UnixListener::bind(address(data, &folder))
}

/// One connection; a caller that breaks off gets no answer.
async fn answer(stream: UnixStream, stores: &dyn Backend) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let call: Call = read_line(&mut stream).await?;
    let value = read_bytes(&mut stream, call.bytes).await?;
    let (outcome, bytes) = carry_out(stores, &call.store, call.operation, value).await;
    send(
        &mut stream,
        &Answer {
            outcome,
            bytes: bytes.len(),
        },
        &bytes,
    )
    .await
}

/// Calls a running `serve`; `None` if there is none.
pub async fn call(
    data: &Path,
    store: &str,
    operation: &Operation,
    value: &[u8],
) -> io::Result<Option<(Outcome, Vec<u8>)>> {
    call_within(PATIENCE, data, store, operation, value).await
}

async fn call_within(
    limit: Duration,
    data: &Path,
    store: &str,
    operation: &Operation,
    value: &[u8],
) -> io::Result<Option<(Outcome, Vec<u8>)>> {
    let Some(mut stream) = connect(data).await? else {
        return Ok(None);
    };
    let call = Call {
        store: store.to_owned(),
        operation: operation.clone(),
        bytes: value.len(),
    };
    within(limit, send(&mut stream, &call, value)).await?;
    let answer: Answer = within(limit, read_line(&mut stream)).await?;
    let bytes = within(limit, read_bytes(&mut stream, answer.bytes)).await?;
    Ok(Some((answer.outcome, bytes)))
}

async fn connect(data: &Path) -> io::Result<Option<BufReader<UnixStream>>> {
    let connected = match File::open(data) {
        Ok(folder) => UnixStream::connect(address(data, &folder)).await,
        Err(error) => Err(error),
    };
    match connected {
        Ok(stream) => Ok(Some(BufReader::new(stream))),
        Err(error) => match error.kind() {
            ErrorKind::NotFound | ErrorKind::ConnectionRefused => Ok(None),
            _ => Err(error),
        },
    }
}

async fn within<T>(limit: Duration, step: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(limit, step).await.unwrap_or_else(|_| {
        let text = format!(
            "no answer in {} s; once that `serve` has ended, `edgewit kv` works on the file",
            limit.as_secs()
        );
        Err(io::Error::new(ErrorKind::TimedOut, text))
    })
}

async fn send<T: Serialize>(
    stream: &mut BufReader<UnixStream>,
    line: &T,
    bytes: &[u8],
) -> io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    stream.write_all(&text).await?;
    stream.write_all(bytes).await?;
    stream.flush().await
}

async fn read_line<T: for<'a> Deserialize<'a>>(
    stream: &mut BufReader<UnixStream>,
) -> io::Result<T> {
    let mut line = Vec::new();
    // A page of keys is the longest line.
    stream
        .take(4 * 1024 * 1024)
        .read_until(b'\n', &mut line)
        .await?;
    Ok(serde_json::from_slice(&line)?)
}

/// As many bytes as were announced, or an error. Memory is taken for what comes, not for what is
/// announced.
async fn read_bytes(stream: &mut BufReader<UnixStream>, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    stream.take(length as u64).read_to_end(&mut bytes).await?;
    if bytes.len() < length {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[tokio::test]
    async fn a_serve_that_does_not_answer_is_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let _silent = listen(folder.path(), &folder.path().join(SOCKET)).unwrap();
        let (limit, get) = (
            Duration::from_millis(50),
            Operation::Get { key: "k".into() },
        );
        let began = Instant::now();
        let error = call_within(limit, folder.path(), "s", &get, b"").await;
        assert!(began.elapsed() < Duration::from_secs(10));
        let error = error.unwrap_err().to_string();
        assert!(error.starts_with("no answer in 0 s; "), "{error}");
    }

    #[tokio::test]
    async fn bytes_that_are_announced_and_do_not_come_take_no_memory() {
        let (stream, mut caller) = UnixStream::pair().unwrap();
        caller.write_all(b"abc").await.unwrap();
        drop(caller);
        let mut stream = BufReader::new(stream);
        let error = read_bytes(&mut stream, usize::MAX).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    }

    #[tokio::test]
    async fn a_socket_where_nobody_listens_is_none() {
        let folder = tempfile::tempdir().unwrap();
        drop(listen(folder.path(), &folder.path().join(SOCKET)).unwrap());
        assert!(folder.path().join(SOCKET).exists());
        let delete = Operation::Delete { key: "k".into() };
        let called = call(folder.path(), "s", &delete, b"").await.unwrap();
        assert!(called.is_none());
    }
}
