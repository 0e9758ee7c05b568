//! A reply on its way to the client: checked, framed, and told about once it is over.

use std::convert::Infallible;
use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode, header};
use http_body::{Body as _, Frame, SizeHint};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Sleep, sleep};
use tokio_util::sync::CancellationToken;

use crate::bindings::BodyError;
use crate::body::Incoming;
use crate::delivery::{Delivered, Delivery, ReplyClient, delivery};
use crate::fields;
use crate::state::State;

/// Bodies are handed over by pieces of at most so many bytes, so that one counts as taken only while it is taken.
const PIECE_BYTES: usize = 64 * 1024;

/// An HTTP/2 connection takes a piece once its client takes the first byte of it, and holds the rest. It asks for the
/// next when that is on its way, so the last one is as small as this: what it may hold of a reply that is over, and
/// that no limit of time ends any more.
const LAST_PIECE_BYTES: usize = 1024;

/// The body of a response, as it is produced. An error cuts the connection.
pub struct ReplyBody {
    kind: Kind,
    /// What is left of the piece that is being taken.
    rest: Bytes,
    /// What the head announces of a body that is streamed: a connection takes no more than that, and
    /// does not ask for the end.
    announced: Option<u64>,
    /// What resets the stream that it is sent on, if it is.
    stream: Option<CancellationToken>,
    /// Of a stream: ready once the connection lets go of the last piece.
    last: Option<oneshot::Receiver<Infallible>>,
    /// Why it ends too early, until what came before is on its way.
    failed: Option<Failed>,
    delivery: Option<Delivery>,
}

enum Kind {
    Empty,
    /// What is there from the start.
    Whole,
    Forward(Box<Incoming>),
    Source(Source),
    /// Everything was handed over, or a reply to HEAD that needs nothing but its length.
    Over,
    /// The length of another message: in reply to HEAD, or with 304.
    HeadOnly(u64),
}

/// A body that the guest produces: pieces arrive one ahead of what the connection takes.
struct Source {
    pieces: mpsc::Receiver<Piece>,
    promised: Option<u64>,
}

/// What a source sends. A channel that closes without an end cuts the connection.
pub(crate) enum Piece {
    Bytes(Bytes),
    End(HeaderMap),
}

/// Why a body breaks off. At its error the connection drops what it has not written, the head included.
struct Failed {
    error: BodyError,
    /// The last piece as the connection of a stream has it, and for how long.
    last: Option<(oneshot::Receiver<Infallible>, Pin<Box<Sleep>>)>,
}

/// A piece whose dropping is told. That of a stream is queued behind all before it, and dropped once its turn has
/// come or its stream has ended.
struct Told {
    bytes: Bytes,
    #[expect(dead_code, reason = "dropping it tells")]
    tell: oneshot::Sender<Infallible>,
}

impl AsRef<[u8]> for Told {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Failed {
    /// The error, once nothing before it can be lost or its client took nothing for too long.
    fn poll_due(&mut self, context: &mut Context<'_>) -> Poll<BodyError> {
        if let Some((gone, late)) = &mut self.last
            && Pin::new(gone).poll(context).is_pending()
        {
            ready!(late.as_mut().poll(context));
        }
        Poll::Ready(self.error.clone())
    }
}

impl From<Bytes> for ReplyBody {
    fn from(bytes: Bytes) -> Self {
        let mut body = Self::new(if bytes.is_empty() {
            Kind::Empty
        } else {
            Kind::Whole
        });
        body.rest = bytes;
        body
    }
}

impl ReplyBody {
    /// No body.
    pub fn empty() -> Self {
        Self::new(Kind::Empty)
    }

    fn new(kind: Kind) -> Self {
        Self {
            kind,
            rest: Bytes::new(),
            announced: None,
            stream: None,
            last: None,
            failed: None,
            delivery: None,
        }
    }

    fn watched(kind: Kind, rest: Bytes, client: ReplyClient) -> (Self, Delivered) {
        let (delivery, delivered) = delivery(client);
        let announced = match &kind {
            Kind::Forward(incoming) => incoming.length_to_forward(),
            Kind::Source(source) => source.promised,
            _ => None,
        };
        let body = Self {
            kind,
            rest,
            announced,
            stream: None,
            last: None,
            failed: None,
            delivery: Some(delivery),
        };
        (body, delivered)
    }

    /// The same as the body that is sent on a stream, rather than read by an embedder or written to a connection of
    /// HTTP/1.1.
    pub(crate) fn on_stream(mut self, stream: Option<CancellationToken>) -> Self {
        self.stream = stream;
        self
    }

    /// A reply that its connection does not even get.
    pub(crate) fn lost(mut self) {
        self.over(Err(BodyError::Closed));
    }

    fn over(&mut self, result: Result<(), BodyError>) {
        self.kind = Kind::Over;
        if let Some(delivery) = self.delivery.take() {
            delivery.over(result);
        }
    }

    fn count(&self, bytes: usize) {
        if let Some(delivery) = &self.delivery {
            delivery.progress.taken(bytes);
        }
    }

    fn waits(&self) {
        if let Some(delivery) = &self.delivery {
            delivery.progress.waits();
        }
    }

    fn counted(&self) -> Option<u64> {
        self.delivery.as_ref().map(|it| it.progress.bytes())
    }

    fn poll_next(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        while self.rest.is_empty() {
            match &mut self.kind {
                Kind::Empty | Kind::Whole | Kind::Over | Kind::HeadOnly(_) => {
                    return Poll::Ready(None);
                }
                Kind::Forward(incoming) => {
                    match ready!(Pin::new(&mut **incoming).poll_frame(context)) {
                        Some(Ok(frame)) => match frame.into_data() {
                            Ok(bytes) => self.rest = bytes,
                            Err(trailers) => {
                                self.kind = Kind::Over;
                                return Poll::Ready(Some(Ok(trailers)));
                            }
                        },
                        end => return Poll::Ready(end),
                    }
                }
                Kind::Source(source) => match ready!(source.pieces.poll_recv(context)) {
                    Some(Piece::Bytes(bytes)) => self.rest = bytes,
                    Some(Piece::End(trailers)) if !trailers.is_empty() => {
                        self.kind = Kind::Over;
                        return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
                    }
                    Some(Piece::End(_)) => return Poll::Ready(None),
                    None => return Poll::Ready(Some(Err(BodyError::Incomplete))),
                },
            }
        }
        Poll::Ready(Some(Ok(Frame::data(self.next_piece()))))
    }

    /// Begins to break off.
    fn fail(
        &mut self,
        error: BodyError,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let mut idle = Duration::ZERO;
        if let Some(delivery) = &self.delivery {
            delivery.progress.breaks(&error);
            // From here on it is the body that sees to the client's time.
            delivery.progress.waits();
            idle = delivery.client.idle;
        }
        match (self.last.take(), &self.stream) {
            (Some(last), _) => {
                let last = Some((last, Box::pin(sleep(idle))));
                self.failed = Some(Failed { error, last });
            }
            // Of nothing but a head no connection tells when it goes. It does before a stream that nobody answers any
            // more is reset.
            (None, Some(stream)) => {
                let stream = stream.clone();
                self.over(Err(error));
                stream.cancel();
                return Poll::Pending;
            }
            // While it waits, a connection of HTTP/1.1 writes.
            (None, None) => {
                self.failed = Some(Failed { error, last: None });
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
        self.poll_failed(context)
    }

    fn poll_failed(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Some(failed) = &mut self.failed else {
            return Poll::Ready(None);
        };
        let error = ready!(failed.poll_due(context));
        self.failed = None;
        self.over(Err(error.clone()));
        Poll::Ready(Some(Err(error)))
    }

    fn next_piece(&mut self) -> Bytes {
        let length = self.rest.len();
        let is_stream = self.stream.is_some();
        let most = match is_stream && length > LAST_PIECE_BYTES {
            true => length - LAST_PIECE_BYTES,
            false => length,
        };
        let piece = self.rest.split_to(most.min(PIECE_BYTES));
        // A connection that is told of the end with the last piece does not ask again. A stream of more than one is
        // asked: until the last is taken, its client may reset it.
        let is_first = self.counted().is_none_or(|bytes| bytes == 0);
        if matches!(self.kind, Kind::Whole) && self.rest.is_empty() && (is_first || !is_stream) {
            self.kind = Kind::Over;
        }
        if !is_stream || matches!(self.kind, Kind::Whole | Kind::Over) {
            return piece;
        }
        let (tell, last) = oneshot::channel();
        self.last = Some(last);
        Bytes::from_owner(Told { bytes: piece, tell })
    }
}

impl http_body::Body for ReplyBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if self.failed.is_some() {
            return self.poll_failed(context);
        }
        let Poll::Ready(next) = self.poll_next(context) else {
            self.waits();
            return Poll::Pending;
        };
        match &next {
            Some(Ok(frame)) => self.count(frame.data_ref().map_or(0, Bytes::len)),
            Some(Err(error)) => return self.fail(error.clone(), context),
            None => self.over(Ok(())),
        }
        Poll::Ready(next)
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.kind, Kind::Empty | Kind::Over)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Empty | Kind::Over => SizeHint::with_exact(0),
            Kind::HeadOnly(length) => SizeHint::with_exact(*length),
            Kind::Whole => SizeHint::with_exact(self.rest.len() as u64),
            Kind::Forward(incoming) => incoming.size_hint(),
            Kind::Source(source) => source
                .promised
                .map_or_else(SizeHint::default, SizeHint::with_exact),
        }
    }
}

/// A connection takes the last frame and lets go: what was not handed over by then never will be. Of a reply without a
/// body, and of one whose only piece is its last, nothing tells whether its stream was reset just before: only its
/// head would have, which hyper keeps to itself.
impl Drop for ReplyBody {
    fn drop(&mut self) {
        let result = match self.kind {
            Kind::Empty | Kind::Over | Kind::HeadOnly(_) => Ok(()),
            // A stream asks for the end even so.
            Kind::Forward(_) | Kind::Source(_)
                if self.announced.is_some()
                    && self.counted() == self.announced
                    && self.stream.is_none() =>
            {
                Ok(())
            }
            Kind::Whole | Kind::Forward(_) | Kind::Source(_) => Err(BodyError::Closed),
        };
        self.over(result);
    }
}

/// A guest's reply without its body's bytes.
pub(crate) struct Head {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    client: ReplyClient,
}

/// Checks what a guest replied. The error is why its handler has failed.
pub(crate) fn check(
    state: &State,
    status: u16,
    guest_fields: Vec<crate::bindings::Field>,
    hints: &[(String, String)],
    has_body: bool,
) -> Result<Head, String> {
    // This host knows none for a reply: what is asked for is left out, what is demanded can't be had.
    if let Some((name, _)) = hints.iter().find(|(name, _)| name.starts_with('!')) {
        return Err(format!("invalid reply: the hint {name} is not known"));
    }
    let code = StatusCode::from_u16(status)
        .ok()
        .filter(|code| (200..=599).contains(&code.as_u16()));
    let Some(code) = code else {
        return Err(format!("invalid reply: status {status}; 200 to 599 is due"));
    };
    if has_body && matches!(status, 204 | 205 | 304) {
        return Err(format!("invalid reply: a body with status {status}"));
    }
    let limits = &state.app.limits;
    if guest_fields.len() as u64 > limits.reply_fields {
        let (limit, met) = (limits.reply_fields, guest_fields.len());
        return Err(format!(
            "invalid reply: reply-fields: limit {limit}, met {met}"
        ));
    }
    let id = state.request_id();
    let headers = fields::to_send(guest_fields, |name| {
        tracing::debug!(target: "edgewit::host", request = &*id, app = &*state.app.name, "reply: {name} is the host's and left out");
    })
    .map_err(|reason| format!("invalid reply: {reason}"))?;
    let size = fields::size(&headers);
    if size > limits.reply_head_bytes {
        return Err(format!(
            "invalid reply: reply-head-bytes: limit {}, met {size}",
            limits.reply_head_bytes
        ));
    }
    Ok(Head {
        status: code,
        headers,
        client: state.client(),
    })
}

impl Head {
    /// An empty reply.
    pub(crate) fn empty(status: StatusCode, client: ReplyClient) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            client,
        }
    }

    fn with(self, body: ReplyBody) -> Response<ReplyBody> {
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }

    fn watched(self, kind: Kind) -> (Response<ReplyBody>, Delivered) {
        self.watched_from(kind, Bytes::new())
    }

    fn watched_from(self, kind: Kind, rest: Bytes) -> (Response<ReplyBody>, Delivered) {
        let (body, delivered) = ReplyBody::watched(kind, rest, self.client.clone());
        (self.with(body), delivered)
    }

    /// A reply without a body. The guest's own length stays in reply to HEAD and with 304, where it
    /// speaks of another message.
    pub(crate) fn none(mut self, is_head: bool) -> (Response<ReplyBody>, Delivered) {
        let kept = if is_head || self.status == StatusCode::NOT_MODIFIED {
            fields::promised_length(&self.headers).ok().flatten()
        } else {
            None
        };
        self.headers.remove(header::CONTENT_LENGTH);
        if let Some(length) = kept {
            self.headers.insert(header::CONTENT_LENGTH, length.into());
        }
        self.watched(kept.map_or(Kind::Empty, Kind::HeadOnly))
    }

    pub(crate) fn bytes(
        mut self,
        bytes: Vec<u8>,
        is_head: bool,
    ) -> (Response<ReplyBody>, Delivered) {
        self.headers.remove(header::CONTENT_LENGTH);
        if is_head {
            return self.watched(Kind::HeadOnly(bytes.len() as u64));
        }
        if bytes.is_empty() {
            return self.watched(Kind::Empty);
        }
        self.watched_from(Kind::Whole, bytes.into())
    }

    pub(crate) fn forward(
        mut self,
        incoming: Incoming,
        is_head: bool,
    ) -> (Response<ReplyBody>, Delivered) {
        self.headers.remove(header::CONTENT_LENGTH);
        if is_head {
            let length = incoming.length_to_forward();
            return self.watched(length.map_or(Kind::Empty, Kind::HeadOnly));
        }
        self.watched(Kind::Forward(Box::new(incoming)))
    }

    /// A body that the guest goes on to produce; `promised` is the length that its head announced.
    pub(crate) fn source(
        mut self,
        promised: Option<u64>,
    ) -> (Response<ReplyBody>, Delivered, mpsc::Sender<Piece>) {
        self.headers.remove(header::CONTENT_LENGTH);
        let (sender, pieces) = mpsc::channel(1);
        let (response, delivered) = self.watched(Kind::Source(Source { pieces, promised }));
        (response, delivered, sender)
    }
}

/// What the host itself answers: a status and nothing else.
pub(crate) fn bare(status: StatusCode) -> Response<ReplyBody> {
    Head::empty(status, ReplyClient::default()).with(ReplyBody::empty())
}
