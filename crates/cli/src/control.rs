//! How `edgewit kv` reaches the stores that a running `serve` holds.
//!
//! `serve` listens on a loopback port and writes the port, with a secret, into a file beside the stores
//! that only its user can read. A call is one line of JSON followed by the bytes that it announces, and
//! so is the answer.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use edgewit_host::kv::{self, Backend, Condition, SetOptions};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

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
    },
    Failed(String),
}

#[derive(Serialize, Deserialize)]
struct Call {
    secret: String,
    store: String,
    operation: Operation,
    bytes: usize,
}

#[derive(Serialize, Deserialize)]
struct Answer {
    outcome: Outcome,
    bytes: usize,
}

#[derive(Serialize, Deserialize)]
struct Address {
    port: u16,
    secret: String,
}

/// The most bytes that a value has; the stores' own limit is below.
const BYTES_MAX: usize = 64 * 1024 * 1024;

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
        Operation::Get { key } => match stores
            .get(now, store, &[key], u64::MAX)
            .await?
            .pop()
            .flatten()
        {
            Some(entry) => (Outcome::Found, entry.value),
            None => (Outcome::NotFound, none),
        },
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
            (
                Outcome::Keys {
                    keys: page.keys,
                    cursor: page.cursor,
                },
                none,
            )
        }
        Operation::Delete { key } => {
            let found = stores.delete(now, store, &key).await?;
            (
                if found {
                    Outcome::Done
                } else {
                    Outcome::NotFound
                },
                none,
            )
        }
    })
}

/// The listening end; dropping it takes its file away.
pub struct Control {
    file: PathBuf,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Control {
    fn drop(&mut self) {
        self.task.abort();
        // A file that stays names a port where nobody answers, which a caller takes for no file.
        let _ = fs::remove_file(&self.file);
    }
}

fn address_file(data: &Path) -> PathBuf {
    data.join("serve.json")
}

impl Control {
    pub async fn start(data: &Path, stores: Arc<dyn Backend>) -> Result<Self, Error> {
        let file = address_file(data);
        let failed = || Error::io("listen for `edgewit kv` by", &file);
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(failed())?;
        let port = listener.local_addr().map_err(failed())?.port();
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)
            .map_err(|error| failed()(std::io::Error::other(error.to_string())))?;
        let secret: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        write_private(
            &file,
            &Address {
                port,
                secret: secret.clone(),
            },
        )?;
        let secret: Arc<str> = secret.into();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (stores, secret) = (stores.clone(), secret.clone());
                tokio::spawn(async move { answer(stream, &*stores, &secret).await });
            }
        });
        Ok(Self { file, task })
    }
}

fn write_private(file: &Path, address: &Address) -> Result<(), Error> {
    use std::io::Write;
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // A file of an earlier run may have other rights.
    match fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(Error::io("replace", file)(error));
        }
        _ => {}
    }
    let text =
        serde_json::to_string(address).map_err(|error| Error::io("write", file)(error.into()))?;
    let written = options
        .open(file)
        .and_then(|mut out| out.write_all(text.as_bytes()));
    written.map_err(Error::io("write", file))
}

/// One connection; a caller that breaks off gets no answer.
async fn answer(stream: TcpStream, stores: &dyn Backend, secret: &str) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let call: Call = read_line(&mut stream).await?;
    if call.secret != secret || call.bytes > BYTES_MAX {
        return Ok(());
    }
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
) -> std::io::Result<Option<(Outcome, Vec<u8>)>> {
    let address: Address = match fs::read(address_file(data)) {
        Ok(text) => serde_json::from_slice(&text)?,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let stream = match TcpStream::connect(("127.0.0.1", address.port)).await {
        Ok(stream) => stream,
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut stream = BufReader::new(stream);
    let call = serde_json::json!({
        "secret": address.secret, "store": store, "operation": operation, "bytes": value.len(),
    });
    send(&mut stream, &call, value).await?;
    let answer: Answer = read_line(&mut stream).await?;
    let bytes = read_bytes(&mut stream, answer.bytes).await?;
    Ok(Some((answer.outcome, bytes)))
}

async fn send<T: Serialize>(
    stream: &mut BufReader<TcpStream>,
    line: &T,
    bytes: &[u8],
) -> std::io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    stream.write_all(&text).await?;
    stream.write_all(bytes).await?;
    stream.flush().await
}

async fn read_line<T: for<'a> Deserialize<'a>>(
    stream: &mut BufReader<TcpStream>,
) -> std::io::Result<T> {
    let mut line = Vec::new();
    // A page of keys is the longest line.
    stream
        .take(4 * 1024 * 1024)
        .read_until(b'\n', &mut line)
        .await?;
    Ok(serde_json::from_slice(&line)?)
}

async fn read_bytes(stream: &mut BufReader<TcpStream>, length: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; length.min(BYTES_MAX)];
    stream.read_exact(&mut bytes).await?;
    Ok(bytes)
}
