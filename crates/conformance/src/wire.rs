//! HTTP/1.1 by hand, so that a case sees and says every byte.

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::words;

/// One end of a connection.
pub struct Wire {
    stream: TcpStream,
    unread: Vec<u8>,
}

/// A start line and the fields behind it, names in lower case, sorted by name, stably.
#[derive(Clone, Debug, Default)]
pub struct Head {
    pub start: String,
    pub fields: Vec<(String, Vec<u8>)>,
}

/// A whole message, or what came of one.
#[derive(Clone, Debug, Default)]
pub struct Message {
    pub head: Head,
    pub body: Vec<u8>,
    pub trailers: Vec<(String, Vec<u8>)>,
    /// Whether the body came to the end that its framing tells, and is not longer than is kept.
    pub complete: bool,
}

impl Message {
    /// The lines of its body as text.
    pub fn lines(&self) -> Vec<String> {
        let body = String::from_utf8_lossy(&self.body);
        body.lines().map(str::to_owned).collect()
    }
}

/// What is kept of a body. A guest that sends without end is to fill no memory but its own.
const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What is kept of a head, of trailers, and of what comes before the end of a line.
const HEAD_BYTES_MAX: usize = 1024 * 1024;

/// How the end of a body is told.
enum Framing {
    Length(usize),
    Chunked,
    ToTheEnd,
}

impl Head {
    /// The values of a field, in order, as reports show them.
    pub fn all(&self, name: &str) -> Vec<String> {
        values(&self.fields, name)
    }

    /// Of a reply; 0 if there is none.
    pub fn status(&self) -> u16 {
        let status = self.start.split(' ').nth(1);
        status.and_then(|status| status.parse().ok()).unwrap_or(0)
    }

    fn framing(&self, else_to_the_end: bool) -> Framing {
        let last = |name: &str| {
            self.fields
                .iter()
                .rfind(|(found, _)| found == name)
                .map(|(_, value)| value)
        };
        if last("transfer-encoding").is_some() {
            return Framing::Chunked;
        }
        let length =
            last("content-length").and_then(|value| std::str::from_utf8(value).ok()?.parse().ok());
        match length {
            Some(length) => Framing::Length(length),
            None if else_to_the_end => Framing::ToTheEnd,
            None => Framing::Length(0),
        }
    }
}

/// All values of a field as words.
pub fn values(fields: &[(String, Vec<u8>)], name: &str) -> Vec<String> {
    let named = fields.iter().filter(|(found, _)| found == name);
    named.map(|(_, value)| words::report(value)).collect()
}

impl Wire {
    pub fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            unread: Vec::new(),
        }
    }

    /// A peer that is gone already is for the next read to find.
    pub async fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).await;
    }

    pub async fn half_close(&mut self) {
        let _ = self.stream.shutdown().await;
    }

    /// Ends the connection by a reset.
    pub fn reset(self) {
        let _ = socket2::SockRef::from(&self.stream).set_linger(Some(std::time::Duration::ZERO));
    }

    /// Waits until the peer is gone, whatever it sends before.
    pub async fn gone(&mut self) {
        while let Ok(true) = self.more().await {
            self.unread.clear();
        }
    }

    /// Reads until `bytes` have come, and keeps what came.
    pub async fn until(&mut self, bytes: &[u8]) -> io::Result<()> {
        while !self
            .unread
            .windows(bytes.len().max(1))
            .any(|window| window == bytes)
        {
            if !self.more().await? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }

    /// The next head. Errors: the connection ended before.
    pub async fn head(&mut self) -> io::Result<Head> {
        let lines = self.lines_to_blank().await?;
        let (start, fields) = lines.split_first().ok_or(io::ErrorKind::InvalidData)?;
        Ok(Head {
            start: String::from_utf8_lossy(start).into_owned(),
            fields: parse_fields(fields),
        })
    }

    /// The body of a request behind its head.
    pub async fn request_body(&mut self, head: Head) -> Message {
        let framing = head.framing(false);
        self.body(head, framing).await
    }

    /// A whole reply. Heads of 1xx are passed over. `Err` if none came.
    pub async fn reply(&mut self, to_head: bool) -> io::Result<Message> {
        let head = loop {
            let head = self.head().await?;
            if !(100..200).contains(&head.status()) {
                break head;
            }
        };
        let framing = match head.status() {
            204 | 304 => Framing::Length(0),
            _ if to_head => Framing::Length(0),
            _ => head.framing(true),
        };
        Ok(self.body(head, framing).await)
    }

    async fn body(&mut self, head: Head, framing: Framing) -> Message {
        let mut message = Message {
            head,
            ..Message::default()
        };
        let ended = match framing {
            Framing::Length(length) => self.exactly(length, &mut message.body).await,
            Framing::Chunked => self.chunks(&mut message).await,
            Framing::ToTheEnd => {
                let read = loop {
                    match self.more().await {
                        Ok(true) if self.unread.len() > BODY_BYTES_MAX => {
                            break Err(io::ErrorKind::FileTooLarge.into());
                        }
                        Ok(true) => {}
                        Ok(false) => break Ok(()),
                        Err(error) => break Err(error),
                    }
                };
                message.body.append(&mut self.unread);
                read
            }
        };
        message.complete = ended.is_ok();
        message
    }

    async fn chunks(&mut self, message: &mut Message) -> io::Result<()> {
        loop {
            let line = self.line().await?;
            let size = std::str::from_utf8(&line).unwrap_or_default().trim();
            let size = usize::from_str_radix(size, 16).map_err(|_| io::ErrorKind::InvalidData)?;
            if size == 0 {
                message.trailers = parse_fields(&self.lines_to_blank().await?);
                return Ok(());
            }
            self.exactly(size, &mut message.body).await?;
            self.line().await?;
        }
    }

    async fn exactly(&mut self, length: usize, into: &mut Vec<u8>) -> io::Result<()> {
        if into.len().saturating_add(length) > BODY_BYTES_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let mut due = length;
        while due > 0 {
            if self.unread.is_empty() && !self.more().await? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let taken = due.min(self.unread.len());
            into.extend(self.unread.drain(..taken));
            due -= taken;
        }
        Ok(())
    }

    async fn lines_to_blank(&mut self) -> io::Result<Vec<Vec<u8>>> {
        let (mut lines, mut bytes) = (Vec::new(), 0);
        loop {
            let line = self.line().await?;
            if line.is_empty() {
                return Ok(lines);
            }
            bytes += line.len();
            if bytes > HEAD_BYTES_MAX {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
            lines.push(line);
        }
    }

    async fn line(&mut self) -> io::Result<Vec<u8>> {
        let mut seen = 0;
        loop {
            let unseen = &self.unread[seen..];
            if let Some(at) = unseen.iter().position(|byte| *byte == b'\n') {
                let at = seen + at;
                let mut line: Vec<u8> = self.unread.drain(..=at).collect();
                line.truncate(line.trim_ascii_end().len());
                return Ok(line);
            }
            seen = self.unread.len();
            if seen > HEAD_BYTES_MAX {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
            if !self.more().await? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Whether anything more came.
    async fn more(&mut self) -> io::Result<bool> {
        self.unread.reserve(64 * 1024);
        Ok(self.stream.read_buf(&mut self.unread).await? > 0)
    }
}

fn parse_fields(lines: &[Vec<u8>]) -> Vec<(String, Vec<u8>)> {
    let mut fields: Vec<_> = lines
        .iter()
        .map(|line| {
            let colon = line
                .iter()
                .position(|byte| *byte == b':')
                .unwrap_or(line.len());
            let name = String::from_utf8_lossy(&line[..colon]).to_ascii_lowercase();
            (
                name,
                line.get(colon + 1..)
                    .unwrap_or_default()
                    .trim_ascii()
                    .to_vec(),
            )
        })
        .collect();
    fields.sort_by(|(one, _), (other, _)| one.cmp(other));
    fields
}
