//! The bytes of a connection to another server.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};
use tokio_util::sync::CancellationToken;

/// How much longer than `idle-ms` a server may take nothing: whoever writes has a limit of its own, and
/// knows which request it is.
const GRACE: Duration = Duration::from_secs(1);

/// How long the last of a connection may take to be written.
const SHUTDOWN: Duration = Duration::from_secs(1);

/// A connection on which a write that fails, or is not taken for too long, is no error: what the server
/// said before it stopped reading is there to be read, and ends with the end of the connection. Whoever
/// has more to write is told.
pub(super) struct Socket<S> {
    stream: S,
    refuses: CancellationToken,
    /// How long the server may take nothing.
    idle: Option<Duration>,
    write: Option<Pin<Box<Sleep>>>,
    shutdown: Option<Pin<Box<Sleep>>>,
}

impl<S> Socket<S> {
    pub(super) fn new(stream: S, refuses: CancellationToken, idle: Option<Duration>) -> Self {
        Self {
            stream,
            refuses,
            idle,
            write: None,
            shutdown: None,
        }
    }

    /// The same, where a write may have to wait. Nothing more is written once one has waited too long.
    fn poll_settled<T>(
        &mut self,
        context: &mut Context<'_>,
        taken: T,
        write: impl FnOnce(Pin<&mut S>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>>
    where
        S: Unpin,
    {
        if self.refuses.is_cancelled() {
            return Poll::Ready(Ok(taken));
        }
        let written = write(Pin::new(&mut self.stream), context);
        if let Poll::Ready(written) = written {
            self.write = None;
            return Poll::Ready(self.settle(written, taken));
        }
        let Some(idle) = self.idle else {
            return Poll::Pending;
        };
        let timer = self
            .write
            .get_or_insert_with(|| Box::pin(sleep(idle + GRACE)));
        ready!(timer.as_mut().poll(context));
        self.refuses.cancel();
        Poll::Ready(Ok(taken))
    }

    /// What a write came to, `taken` where it leads nowhere.
    fn settle<T>(&self, written: io::Result<T>, taken: T) -> io::Result<T> {
        Ok(written.unwrap_or_else(|_| {
            self.refuses.cancel();
            taken
        }))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Socket<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Socket<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_settled(context, bytes.len(), |stream, context| {
            stream.poll_write(context, bytes)
        })
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let all = pieces.iter().map(|piece| piece.len()).sum();
        self.poll_settled(context, all, |stream, context| {
            stream.poll_write_vectored(context, pieces)
        })
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_settled(context, (), |stream, context| stream.poll_flush(context))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shutdown = Pin::new(&mut self.stream).poll_shutdown(context);
        if shutdown.is_ready() {
            return shutdown;
        }
        let timer = self
            .shutdown
            .get_or_insert_with(|| Box::pin(sleep(SHUTDOWN)));
        // What is left is dropped with the connection.
        timer.as_mut().poll(context).map(Ok)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncWriteExt, BufWriter, duplex};
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn a_close_that_the_server_does_not_take_is_one() {
        let (near, _far) = duplex(1);
        let buffered = BufWriter::new(near);
        let mut socket = Socket::new(buffered, CancellationToken::new(), None);
        socket.write_all(&[0; 100]).await.unwrap();
        let closed = timeout(Duration::from_secs(30), socket.shutdown()).await;
        closed.expect("an end").unwrap();
    }
}
