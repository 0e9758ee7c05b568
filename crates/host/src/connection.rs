//! One client's connection: its socket as the server uses it, and as the host watches it.

use std::future::Future;
use std::io::{self, IoSlice};
use std::net::{IpAddr, Shutdown, SocketAddr};
use std::os::fd::AsFd;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::FutureExt;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::handle::Ready;

/// How long a new connection may take to its first request.
const FIRST_REQUEST: Duration = Duration::from_secs(30);

/// How much longer than an application allows a client may take nothing: its own check comes first, and
/// knows which request it is.
const GRACE: Duration = Duration::from_secs(1);

/// What the host knows of a connection beside its bytes.
pub(crate) struct Connection {
    stream: TcpStream,
    /// Taken at the start: a client that has gone has no address any more.
    pub(crate) client: Option<IpAddr>,
    pub(crate) listener: Option<SocketAddr>,
    has_requests: AtomicBool,
    /// How long the client may take nothing, in milliseconds: as the application answering it has it.
    idle_ms: AtomicU64,
    is_late: AtomicBool,
}

impl Connection {
    pub(crate) fn new(stream: TcpStream) -> Arc<Self> {
        Arc::new(Self {
            client: stream.peer_addr().ok().map(|address| address.ip()),
            listener: stream.local_addr().ok(),
            stream,
            has_requests: AtomicBool::new(false),
            idle_ms: AtomicU64::new(FIRST_REQUEST.as_millis() as u64),
            is_late: AtomicBool::new(false),
        })
    }

    pub(crate) fn request_began(&self) {
        self.has_requests.store(true, Relaxed);
    }

    pub(crate) fn set_idle(&self, idle_ms: u64) {
        self.idle_ms.store(idle_ms, Relaxed);
    }

    /// Whether the connection was ended because the client took nothing for too long.
    pub(crate) fn is_late(&self) -> bool {
        self.is_late.load(Relaxed)
    }

    /// Whether the client has reset the connection: what is written from then on, nobody gets.
    pub(crate) fn is_reset(&self) -> bool {
        // The system's word: what the runtime knows of a socket comes later than what woke a task.
        self.stream.peer_addr().is_err()
    }

    /// The socket once more, so that its end is seen whatever lies unread before it.
    fn watch(&self) -> io::Result<TcpStream> {
        let again = self.stream.as_fd().try_clone_to_owned()?;
        TcpStream::from_std(again.into())
    }
}

/// The socket as a server reads and writes it. A client that sends no first request, or takes nothing
/// of what is written, for too long is an error, which ends the connection.
pub(crate) struct Io {
    connection: Arc<Connection>,
    first_request: Option<Pin<Box<Sleep>>>,
    write: Option<Pin<Box<Sleep>>>,
}

impl Io {
    pub(crate) fn new(connection: Arc<Connection>) -> Self {
        Self {
            connection,
            first_request: Some(Box::pin(sleep(FIRST_REQUEST))),
            write: None,
        }
    }

    fn poll_first_request(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        if self.connection.has_requests.load(Relaxed) {
            self.first_request = None;
        }
        match &mut self.first_request {
            Some(timer) => {
                ready!(timer.as_mut().poll(context));
                Poll::Ready(late("no request on a new connection"))
            }
            None => Poll::Pending,
        }
    }

    fn poll_write_with(
        &mut self,
        context: &mut Context<'_>,
        write: impl Fn(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            if self
                .connection
                .stream
                .poll_write_ready(context)?
                .is_pending()
            {
                let idle = Duration::from_millis(self.connection.idle_ms.load(Relaxed));
                let timer = self
                    .write
                    .get_or_insert_with(|| Box::pin(sleep(idle + GRACE)));
                ready!(timer.as_mut().poll(context));
                self.connection.is_late.store(true, Relaxed);
                return Poll::Ready(Err(late("the client took nothing (idle-ms)")));
            }
            match write(&self.connection.stream) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => {
                    self.write = None;
                    return Poll::Ready(written);
                }
            }
        }
    }
}

/// Others may look at the socket still; for the client the connection ends with its server.
impl Drop for Io {
    fn drop(&mut self) {
        // One that is gone already needs no end.
        let _ = SockRef::from(&self.connection.stream).shutdown(Shutdown::Both);
    }
}

fn late(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, what)
}

impl AsyncRead for Io {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            if self
                .connection
                .stream
                .poll_read_ready(context)?
                .is_pending()
            {
                return self.poll_first_request(context).map(Err);
            }
            let read = self
                .connection
                .stream
                .try_read(buffer.initialize_unfilled());
            match read {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => {
                    buffer.advance(read?);
                    return Poll::Ready(Ok(()));
                }
            }
        }
    }
}

impl AsyncWrite for Io {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_with(context, |stream| stream.try_write(bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_with(context, |stream| stream.try_write_vectored(pieces))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(SockRef::from(&self.connection.stream).shutdown(Shutdown::Write))
    }
}

/// What `client-gone` waits for: the end of the client's connection, or of its stream within one.
pub(crate) struct ClientGone {
    told: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    socket: Option<TcpStream>,
}

impl ClientGone {
    /// `told` is cancelled by whoever learns of it on the way; `connection` is the one that carries this
    /// request alone, if there is such a one.
    pub(crate) fn new(told: &CancellationToken, connection: Option<&Connection>) -> Self {
        Self {
            told: Some(Box::pin(told.clone().cancelled_owned())),
            // Without a descriptor left the socket is not watched: failing to write tells as well.
            socket: connection.and_then(|connection| connection.watch().ok()),
        }
    }

    fn poll_socket(&self, context: &mut Context<'_>) -> Poll<()> {
        let Some(socket) = &self.socket else {
            return Poll::Pending;
        };
        while let Poll::Ready(Ok(())) = socket.poll_read_ready(context) {
            let ready = socket.ready(Interest::READABLE).now_or_never();
            if ready.is_some_and(|ready| ready.is_ok_and(|ready| ready.is_read_closed())) {
                return Poll::Ready(());
            }
            // What the client sends meanwhile wakes, and is left for the server to read.
            let _ = socket.try_io(Interest::READABLE, || {
                Err::<(), _>(io::ErrorKind::WouldBlock.into())
            });
        }
        Poll::Pending
    }
}

impl Ready for ClientGone {
    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(told) = &mut self.told else {
            return Poll::Ready(());
        };
        let is_told = told.as_mut().poll(context).is_ready();
        if is_told || self.poll_socket(context).is_ready() {
            self.told = None;
            return Poll::Ready(());
        }
        Poll::Pending
    }
}
