//! One fetch from its first hop to the head of the last.

use std::time::Duration;

use http::header::{self, HeaderMap};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{Either, Empty, Full};
use tokio::time::{sleep, timeout_at};
use url::Url;

use super::upload::Upload;
use super::{Fetched, Outbound, OutboundBody, check_grant, origin_form, target};
use crate::bindings::{FetchError, Redirect};
use crate::body::Incoming;
use crate::fields;

const REDIRECTS_MAX: u8 = 20;

pub(super) async fn run(outbound: Outbound) -> Result<Fetched, FetchError> {
    match outbound.times.deadline {
        Some(deadline) => timeout_at(deadline, follow(outbound))
            .await
            .unwrap_or(Err(FetchError::Deadline)),
        None => follow(outbound).await,
    }
}

async fn follow(mut outbound: Outbound) -> Result<Fetched, FetchError> {
    let mut redirects = 0;
    loop {
        let response = hop(&mut outbound).await?;
        let Some(next) = redirect_of(&outbound, &response)? else {
            return finish(outbound, response, redirects);
        };
        if redirects == REDIRECTS_MAX {
            return Err(FetchError::TooManyRedirects);
        }
        redirects += 1;
        check_grant(&outbound.app, &outbound.request_id, &next)?;
        turn(&mut outbound, response.status(), next)?;
    }
}

/// Sends the request once and waits for the head.
async fn hop(outbound: &mut Outbound) -> Result<Response<hyper::body::Incoming>, FetchError> {
    let (uri, host) = origin_form(&outbound.url)?;
    let body = match &mut outbound.body {
        OutboundBody::None => Either::Left(Full::default()),
        OutboundBody::Bytes(bytes) => Either::Left(Full::new(bytes.clone())),
        // The body stays named as sent, so that a redirect knows it can't be sent again.
        OutboundBody::Incoming(incoming) => {
            let spent = Incoming::new(Empty::new(), 0, Duration::ZERO, None);
            Either::Right(std::mem::replace(&mut **incoming, spent))
        }
    };
    let (body, ended) = Upload::new(body);
    let mut request = Request::new(body);
    *request.method_mut() = outbound.method.clone();
    *request.uri_mut() = uri;
    *request.headers_mut() = outbound.headers.clone();
    request.headers_mut().insert(header::HOST, host);
    // Nothing closes the semaphore while a task holds it.
    let _waiting = outbound.waiting.acquire().await;
    let times = outbound.times;
    let sent = outbound
        .app
        .client
        .send(&outbound.url, request, times.connect);
    let late = async {
        // Told by dropping the other end, which hyper does with a body that was sent.
        let _ = ended.await;
        sleep(times.first_byte).await;
    };
    tokio::select! {
        response = sent => response,
        () = late => Err(FetchError::FirstByteTimeout),
    }
}

/// Where a response sends the request on to, if it does and the options let it.
fn redirect_of<B>(outbound: &Outbound, response: &Response<B>) -> Result<Option<Url>, FetchError> {
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
fn turn(outbound: &mut Outbound, status: StatusCode, next: Url) -> Result<(), FetchError> {
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
        outbound.body = OutboundBody::None;
        drop_body_fields(&mut outbound.headers);
    } else if matches!(outbound.body, OutboundBody::Incoming(_)) {
        return Err(FetchError::Redirect(
            "a streamed body can't be sent again".to_owned(),
        ));
    }
    if next.origin() != outbound.url.origin() {
        outbound.headers.remove(header::AUTHORIZATION);
        outbound.headers.remove(header::COOKIE);
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
    response: Response<hyper::body::Incoming>,
    redirects: u8,
) -> Result<Fetched, FetchError> {
    let (head, body) = response.into_parts();
    let status = head.status.as_u16();
    if !(200..=599).contains(&status) {
        return Err(FetchError::Protocol(format!("status {status}")));
    }
    if fields::size(&head.headers) > outbound.app.limits.reply_head_bytes {
        let limit = outbound.app.limits.reply_head_bytes;
        return Err(FetchError::Protocol(format!(
            "a response head larger than {limit} bytes"
        )));
    }
    let limit = outbound.app.limits.fetched_body_bytes;
    let without = outbound.method == Method::HEAD || matches!(status, 204 | 205 | 304);
    let body = (!without).then(|| {
        Incoming::new(body, limit, outbound.times.between_bytes, None)
            .until(outbound.times.deadline)
            .holding(outbound.open)
    });
    Ok(Fetched {
        status,
        headers: fields::received(&head.headers),
        body,
        uri: outbound.url.into(),
        redirects,
        attributes: vec![("network.protocol.version".to_owned(), "1.1".to_owned())],
    })
}
