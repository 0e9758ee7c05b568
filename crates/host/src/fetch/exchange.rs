//! One fetch from its first hop to the head of the last.

use std::sync::Arc;
use std::time::Duration;

use http::header::{self, HeaderMap};
use http::{Method, Request, StatusCode};
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::connect::{Answer, Unanswered};
use super::outgoing::Abort;
use super::request::{check_grant, target};
use super::upload::{Ends, Source, Upload};
use super::{Fetched, Outbound, OutboundBody, queue};
use crate::bindings::{BodyError, FetchError, Redirect};
use crate::body::Incoming;
use crate::fields;
use crate::inbound::protocol_version;

const REDIRECTS_MAX: u8 = 20;

/// How often a request is sent that its servers refuse to look at.
const TRIES_MAX: u32 = 3;

/// Runs a request to the head of its answer. An upload is told how that went, also where the request is
/// dropped before it began.
pub(super) fn run(
    outbound: Outbound,
    body: OutboundBody,
) -> impl Future<Output = Result<Fetched, FetchError>> {
    let abort = AbortOnDrop(outbound.abort.clone());
    async move {
        let deadline = outbound.times.deadline;
        let fetched = match deadline {
            Some(deadline) => timeout_at(deadline, follow(outbound, body))
                .await
                .unwrap_or(Err(FetchError::Deadline)),
            None => follow(outbound, body).await,
        };
        // A body that the deadline ended fails with its connection, which may be seen first.
        let is_past = deadline.is_some_and(|deadline| Instant::now() >= deadline);
        let fetched = fetched.map_err(|error| match is_past {
            true => FetchError::Deadline,
            false => error,
        });
        abort.0.by_peer(match &fetched {
            Ok(_) => BodyError::Unwanted,
            Err(FetchError::RequestBody(error)) => error.clone(),
            Err(FetchError::Deadline | FetchError::FirstByteTimeout) => BodyError::Timeout,
            Err(_) => BodyError::Closed,
        });
        fetched
    }
}

/// Tells an upload at the latest by its own end that nobody takes it any more.
struct AbortOnDrop(Arc<Abort>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.by_peer(BodyError::Closed);
    }
}

async fn follow(mut outbound: Outbound, mut body: OutboundBody) -> Result<Fetched, FetchError> {
    let mut redirects = 0;
    loop {
        let cancel = CancellationToken::new();
        // An upload goes on beside the answer that is returned, and beside nothing else.
        let cancels = cancel.clone().drop_guard();
        let answer = repeated(&mut outbound, &mut body, &cancel).await?;
        let Some(next) = redirect_of(&outbound, &answer)? else {
            let fetched = finish(outbound, answer, redirects, cancel)?;
            cancels.disarm();
            return Ok(fetched);
        };
        if redirects == REDIRECTS_MAX {
            return Err(FetchError::TooManyRedirects);
        }
        redirects += 1;
        check_grant(&outbound.app, &outbound.request_id, &next)?;
        redirect(&mut outbound, &mut body, answer.response.status(), next)?;
    }
}

/// Sends the request, again where the server has not seen it and the body can be, and waits for the head.
async fn repeated(
    outbound: &mut Outbound,
    body: &mut OutboundBody,
    cancel: &CancellationToken,
) -> Result<Answer, FetchError> {
    let mut tries = 1;
    loop {
        match hop(outbound, body.source(), cancel).await {
            Ok(answer) => return Ok(answer),
            Err(failed) if failed.is_unseen && body.is_lasting() && tries < TRIES_MAX => tries += 1,
            Err(failed) => return Err(failed.error),
        }
    }
}

/// Sends the request once and waits for the head.
async fn hop(
    outbound: &mut Outbound,
    source: Source,
    cancel: &CancellationToken,
) -> Result<Answer, Unanswered> {
    let is_written = matches!(source, Source::Written(_));
    let ends = Ends {
        cancel: cancel.clone(),
        over: outbound.over.clone(),
        idle: Duration::from_millis(outbound.app.limits.idle_ms),
        deadline: outbound.times.deadline,
    };
    let (body, mut status) = Upload::new(source, ends);
    let mut request = Request::new(body);
    *request.method_mut() = outbound.method.clone();
    *request.headers_mut() = outbound.headers.clone();
    let queued = outbound.queued.take();
    let queued = queued.unwrap_or_else(|| queue(&outbound.waiting));
    // Nothing closes the semaphore while a task holds it.
    let _waiting = queued.await;
    let outbound = &*outbound;
    let times = outbound.times;
    let client = &outbound.app.client;
    let sent = client.send(outbound, request);
    let late = async {
        // Told by dropping the other end, which hyper does with a body that was sent.
        let _ = (&mut status.ended).await;
        sleep(times.first_byte).await;
    };
    let sent = tokio::select! {
        biased;
        sent = sent => sent,
        // A connection that waits for the server to read does not look for the end of the body.
        aborted = outbound.abort.guest_aborts(), if is_written => Err(FetchError::RequestBody(aborted).into()),
        () = late => Err(FetchError::FirstByteTimeout.into()),
    };
    sent.map_err(|failed| Unanswered {
        error: status.error(failed.error),
        ..failed
    })
}

/// Where a response sends the request on to, if it does and the options let it.
fn redirect_of(outbound: &Outbound, answer: &Answer) -> Result<Option<Url>, FetchError> {
    let response = &answer.response;
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let Some(location) = response.headers().get(header::LOCATION) else {
        return Ok(None);
    };
    match outbound.redirect {
        Redirect::Manual => return Ok(None),
        Redirect::Error => return Err(FetchError::Redirect(response.status().to_string())),
        Redirect::Follow => {}
    }
    let bad = |reason: String| FetchError::Redirect(format!("location {location:?}: {reason}"));
    let text = std::str::from_utf8(location.as_bytes()).map_err(|error| bad(error.to_string()))?;
    let mut next = outbound
        .url
        .join(text)
        .map_err(|error| bad(error.to_string()))?;
    next.set_fragment(None);
    target(next.as_str())
        .map(Some)
        .map_err(|error| match error {
            FetchError::InvalidRequest(reason) => FetchError::Redirect(reason),
            other => other,
        })
}

/// Makes the request that a redirect asks for.
fn redirect(
    outbound: &mut Outbound,
    body: &mut OutboundBody,
    status: StatusCode,
    next: Url,
) -> Result<(), FetchError> {
    let method = &outbound.method;
    let becomes_get = match status.as_u16() {
        303 => *method != Method::HEAD,
        301 | 302 => *method == Method::POST,
        _ => false,
    };
    if becomes_get {
        if *method != Method::GET {
            outbound.method = Method::GET;
        }
        // The answer is still to come, and what is written is not waited for.
        outbound.abort.by_peer(BodyError::Unwanted);
        *body = OutboundBody::None;
        drop_body_fields(&mut outbound.headers);
    } else if matches!(body, OutboundBody::Once(None)) {
        return Err(FetchError::Redirect(
            "a streamed body can't be sent again".to_owned(),
        ));
    }
    if next.origin() != outbound.url.origin() {
        outbound.headers.remove(header::AUTHORIZATION);
        outbound.headers.remove(header::COOKIE);
        // It stood for the origin that was asked.
        outbound.connect_to = None;
    }
    outbound.url = next;
    Ok(())
}

fn drop_body_fields(headers: &mut HeaderMap) {
    for name in [
        header::CONTENT_ENCODING,
        header::CONTENT_LANGUAGE,
        header::CONTENT_LENGTH,
        header::CONTENT_LOCATION,
        header::CONTENT_TYPE,
    ] {
        headers.remove(name);
    }
}

fn finish(
    outbound: Outbound,
    answer: Answer,
    redirects: u8,
    cancel: CancellationToken,
) -> Result<Fetched, FetchError> {
    let version = protocol_version(answer.response.version());
    let (head, body) = answer.response.into_parts();
    let status = head.status.as_u16();
    if !(200..=599).contains(&status) {
        return Err(FetchError::Protocol(format!("status {status}")));
    }
    let limits = &outbound.app.limits;
    let (limit, met) = (limits.reply_head_bytes, fields::size(&head.headers));
    if met > limit {
        let reason = format!("reply-head-bytes: limit {limit}, met {met} of a fetched response");
        tracing::warn!(
            target: "edgewit::host", request = &*outbound.request_id, app = &*outbound.app.name, "{reason}"
        );
        return Err(FetchError::Protocol(reason));
    }
    let without = outbound.method == Method::HEAD || matches!(status, 204 | 205 | 304);
    let body = (!without).then(|| {
        Incoming::new(
            body,
            limits.fetched_body_bytes,
            outbound.times.between_bytes,
            None,
        )
        .until(outbound.times.deadline)
        .holding(outbound.open, answer.place)
        .cancelling(cancel)
    });
    Ok(Fetched {
        status,
        headers: fields::received(&head.headers),
        body,
        uri: outbound.url.into(),
        redirects,
        attributes: vec![
            ("network.protocol.version".to_owned(), version.to_owned()),
            ("network.peer.address".to_owned(), answer.peer.to_string()),
        ],
    })
}
