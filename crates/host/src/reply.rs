//! A reply on its way to the client: checked, framed, and told about once it is over.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode, header};
use http_body::{Body as _, Frame, SizeHint};
use tokio::sync::mpsc;

use crate::bindings::BodyError;
use crate::body::Incoming;
use crate::delivery::{Delivered, Delivery, ReplyClient, delivery};
use crate::fields;
use crate::state::State;
use crate::stream;

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
    /// Why it ends, once what came before was left to the connection to write.
    failed: Option<BodyError>,
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
            failed: None,
            delivery: Some(delivery),
        };
        (body, delivered)
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

    fn next_piece(&mut self) -> Bytes {
        let length = self.rest.len();
        let is_stream = stream::cut().is_some();
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
        piece
    }
}

impl http_body::Body for ReplyBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Some(error) = self.failed.take() {
            self.over(Err(error.clone()));
            return Poll::Ready(Some(Err(error)));
        }
        let Poll::Ready(next) = self.poll_next(context) else {
            self.waits();
            return Poll::Pending;
        };
        match &next {
            Some(Ok(frame)) => self.count(frame.data_ref().map_or(0, Bytes::len)),
            Some(Err(error)) => {
                if let Some(delivery) = &self.delivery {
                    delivery.progress.breaks(error);
                }
                // At an error hyper drops what it has not written, the head included; while it waits
                // it writes.
                self.failed = Some(error.clone());
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
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
                    && stream::cut().is_none() =>
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
