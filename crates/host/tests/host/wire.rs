//! HTTP/1.1 by hand, so that a test sees and says every byte.

use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection's bytes.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// One end of a connection.
pub struct Wire {
    stream: Box<dyn Stream>,
    unread: Vec<u8>,
}

/// A start line and the fields behind it, in order.
#[derive(Clone, Debug)]
pub struct Head {
    pub start: String,
    pub fields: Vec<(String, Vec<u8>)>,
}

/// A whole message.
#[derive(Clone, Debug)]
pub struct Message {
    pub head: Head,
    pub body: Vec<u8>,
    /// Whether the body came to the end that its framing tells.
    pub complete: bool,
}

impl Head {
    /// The values of a field, in order.
    pub fn all(&self, name: &str) -> Vec<String> {
        let named = self.fields.iter().filter(|(found, _)| found == name);
        named
            .map(|(_, value)| String::from_utf8_lossy(value).into_owned())
            .collect()
    }

    /// A field's value; empty where there is none.
    pub fn one(&self, name: &str) -> String {
        let all = self.all(name);
        assert!(all.len() < 2, "{name}: {all:?}");
        all.into_iter().next().unwrap_or_default()
    }

    pub fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(found, _)| found == name)
    }

    /// Of a response.
    pub fn status(&self) -> u16 {
        let status = self.start.split(' ').nth(1).unwrap_or_default();
        status.parse().unwrap_or_else(|_| panic!("{}", self.start))
    }

    fn parse(bytes: &[u8]) -> Self {
        let mut lines = bytes.split(|b| *b == b'\n');
        let mut line = || lines.next().map(|line| line.trim_ascii_end());
        let start = String::from_utf8_lossy(line().unwrap_or_default()).into_owned();
        let mut fields = Vec::new();
        while let Some(line) = line().filter(|line| !line.is_empty()) {
            let colon = line.iter().position(|b| *b == b':').expect("a colon");
            let name = String::from_utf8_lossy(&line[..colon]).into_owned();
            fields.push((name, line[colon + 1..].trim_ascii().to_vec()));
        }
        Self { start, fields }
    }
}

impl Message {
    pub fn status(&self) -> u16 {
        self.head.status()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The lines of the body that begin with `start`, without it.
    pub fn lines(&self, start: &str) -> Vec<String> {
        let text = self.text();
        let found = text.lines().filter_map(|line| line.strip_prefix(start));
        found.map(str::to_owned).collect()
    }

    /// The only line of the body that begins with `start`, without it.
    pub fn line(&self, start: &str) -> String {
        let lines = self.lines(start);
        assert_eq!(lines.len(), 1, "lines {start:?} in {}", self.text());
        lines.into_iter().next().unwrap_or_default()
    }
}

impl Wire {
    pub fn new(stream: impl Stream + 'static) -> Self {
        Self {
            stream: Box::new(stream),
            unread: Vec::new(),
        }
    }

    pub async fn connect(address: SocketAddr) -> Self {
        Self::new(TcpStream::connect(address).await.expect("a listener"))
    }

    /// Sends bytes; a peer that is gone already is for the next read to find.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref()).await;
        let _ = self.stream.flush().await;
    }

    /// Says that nothing more will be sent.
    pub async fn finish(&mut self) {
        self.stream.shutdown().await.expect("a connection");
    }

    /// More bytes; `false` at the end or if the connection broke.
    async fn fill(&mut self) -> bool {
        let mut bytes = [0; 16 * 1024];
        let read = self.stream.read(&mut bytes).await.unwrap_or(0);
        self.unread.extend_from_slice(&bytes[..read]);
        read > 0
    }

    /// Takes what comes up to and with `end`; `None` if the connection ended before.
    async fn until(&mut self, end: &[u8]) -> Option<Vec<u8>> {
        loop {
            let found = self.unread.windows(end.len()).position(|part| part == end);
            if let Some(at) = found {
                return Some(self.unread.drain(..at + end.len()).collect());
            }
            if !self.fill().await {
                return None;
            }
        }
    }

    async fn exactly(&mut self, length: usize) -> Option<Vec<u8>> {
        while self.unread.len() < length {
            if !self.fill().await {
                return None;
            }
        }
        Some(self.unread.drain(..length).collect())
    }

    /// The next head; `None` if there is none any more.
    pub async fn head(&mut self) -> Option<Head> {
        Some(Head::parse(&self.until(b"\r\n\r\n").await?))
    }

    /// One chunk of a chunked body, empty for the last; `None` if the connection ended before.
    pub async fn chunk(&mut self) -> Option<Vec<u8>> {
        let size = String::from_utf8(self.until(b"\r\n").await?).expect("a size");
        let size = usize::from_str_radix(size.trim(), 16).expect("a size");
        if size == 0 {
            return Some(Vec::new());
        }
        let mut chunk = self.exactly(size + 2).await?;
        chunk.truncate(size);
        Some(chunk)
    }

    /// The fields after the last chunk.
    pub async fn trailers(&mut self) -> Option<Head> {
        let mut lines = b"\r\n".to_vec();
        loop {
            let line = self.until(b"\r\n").await?;
            lines.extend_from_slice(&line);
            if line == b"\r\n" {
                return Some(Head::parse(&lines));
            }
        }
    }

    /// Whether the connection is closed by the peer, with no byte before.
    pub async fn closed(&mut self) -> bool {
        self.unread.is_empty() && !self.fill().await
    }

    /// What has arrived until now and at the latest when `time` is over.
    pub async fn within(&mut self, time: std::time::Duration) -> bool {
        !self.unread.is_empty()
            || tokio::time::timeout(time, self.fill())
                .await
                .unwrap_or(false)
    }

    /// The body behind `head`.
    async fn body(&mut self, head: Head, without: bool) -> Message {
        let mut body = Vec::new();
        let length = head.one("content-length").parse().ok();
        let complete = if without {
            true
        } else if head.one("transfer-encoding") == "chunked" {
            loop {
                match self.chunk().await {
                    None => break false,
                    Some(chunk) if chunk.is_empty() => break self.trailers().await.is_some(),
                    Some(chunk) => body.extend(chunk),
                }
            }
        } else if let Some(length) = length {
            let whole = self.exactly(length).await;
            let complete = whole.is_some();
            body = whole.unwrap_or_else(|| std::mem::take(&mut self.unread));
            complete
        } else {
            while head.start.starts_with("HTTP/") && self.fill().await {}
            body = std::mem::take(&mut self.unread);
            true
        };
        Message {
            head,
            body,
            complete,
        }
    }

    /// The next request; `None` if the client is done.
    pub async fn request(&mut self) -> Option<Message> {
        let head = self.head().await?;
        let without = !head.has("content-length") && !head.has("transfer-encoding");
        Some(self.body(head, without).await)
    }

    /// The response to a request whose method was not HEAD.
    pub async fn response(&mut self) -> Message {
        let head = self.head().await.expect("a response");
        let without = matches!(head.status(), 204 | 304);
        self.body(head, without).await
    }
}
