//! Steps that send requests to other servers.

use crate::edge::sdk::fetch::{self, Options, Pending, Redirect, Timeouts};
use crate::edge::sdk::http::{Body, Request};
use crate::script::bodies::Reading;
use crate::script::handles::{Draft, Fetched, Handle};
use crate::script::request::{all_of, attribute, named};
use crate::script::words::{self, Report, Words, wrong};
use crate::script::{Run, Verb};

pub const VERBS: &[(&str, Verb)] = &[
    ("fetch.new", new),
    ("fetch.field", field),
    ("fetch.bytes", bytes),
    ("fetch.forward", forward),
    ("fetch.redirect", redirect),
    ("fetch.timeout", timeout),
    ("fetch.hint", hint),
    ("fetch.send", send),
    ("fetch.stream", stream),
    ("fetch.write", write),
    ("fetch.finish", finish),
    ("fetch.wait", wait),
    ("fetch.get", get),
    ("res.fields", |run, words| {
        Ok(all_of(&run.handles.response(words.word()?)?.headers))
    }),
    ("res.field", |run, words| {
        named(&run.handles.response(words.word()?)?.headers, words)
    }),
    ("res.uri", |run, words| {
        words::value(&run.handles.response(words.word()?)?.uri)
    }),
    ("res.redirects", |run, words| {
        words::word(run.handles.response(words.word()?)?.redirects)
    }),
    ("res.attribute", |run, words| {
        attribute(&run.handles.response(words.word()?)?.attributes, words)
    }),
];

/// As much as one `write` takes.
const PIECE_BYTES: usize = 64 << 10;

/// A request without fields and body.
pub fn request(method: String, uri: String) -> Request {
    Request {
        method,
        uri,
        headers: Vec::new(),
        body: Body::None,
    }
}

pub fn options() -> Options {
    Options {
        redirect: Redirect::Follow,
        timeouts: Timeouts {
            connect_ms: None,
            first_byte_ms: None,
            between_bytes_ms: None,
            total_ms: None,
        },
        hints: Vec::new(),
    }
}

fn new(run: &mut Run, words: &mut Words) -> Report {
    let name = run.handles.free(words.word()?)?;
    let draft = Draft {
        request: request(words.text()?, words.text()?),
        options: options(),
    };
    run.handles.keep(name, Handle::Draft(draft));
    words::nothing()
}

fn field(run: &mut Run, words: &mut Words) -> Report {
    let draft = run.handles.draft(words.word()?)?;
    draft.request.headers.push((words.text()?, words.bytes()?));
    words::nothing()
}

fn bytes(run: &mut Run, words: &mut Words) -> Report {
    let draft = run.handles.draft(words.word()?)?;
    draft.request.body = Body::Bytes(words.bytes()?);
    words::nothing()
}

fn forward(run: &mut Run, words: &mut Words) -> Report {
    let name = words.word()?;
    run.handles.draft(name)?;
    let body = run.handles.take_body(words.word()?)?;
    run.handles.draft(name)?.request.body = body;
    words::nothing()
}

fn redirect(run: &mut Run, words: &mut Words) -> Report {
    let draft = run.handles.draft(words.word()?)?;
    draft.options.redirect = match words.word()? {
        "follow" => Redirect::Follow,
        "manual" => Redirect::Manual,
        "error" => Redirect::Error,
        other => return wrong(format!("no way to follow a redirect: {other}")),
    };
    words::nothing()
}

fn timeout(run: &mut Run, words: &mut Words) -> Report {
    let timeouts = &mut run.handles.draft(words.word()?)?.options.timeouts;
    let which = match words.word()? {
        "connect" => &mut timeouts.connect_ms,
        "first-byte" => &mut timeouts.first_byte_ms,
        "between-bytes" => &mut timeouts.between_bytes_ms,
        "total" => &mut timeouts.total_ms,
        other => return wrong(format!("no timeout {other}")),
    };
    *which = Some(words.number()?);
    words::nothing()
}

fn hint(run: &mut Run, words: &mut Words) -> Report {
    let draft = run.handles.draft(words.word()?)?;
    draft.options.hints.push((words.text()?, words.text()?));
    words::nothing()
}

fn send(run: &mut Run, words: &mut Words) -> Report {
    let (draft, name) = (words.word()?, run.handles.free(words.word()?)?);
    let draft = run.handles.take_draft(draft)?;
    let pending = fetch::send(draft.request, &draft.options)?;
    run.handles.keep(name, Handle::Pending(pending));
    words::nothing()
}

fn stream(run: &mut Run, words: &mut Words) -> Report {
    let draft = words.word()?;
    let name = run.handles.free(words.word()?)?;
    let upload_name = run.handles.free(words.word()?)?;
    let draft = run.handles.take_draft(draft)?;
    let (pending, upload) = fetch::send_streaming(draft.request, &draft.options)?;
    run.handles.keep(name, Handle::Pending(pending));
    run.handles.keep(upload_name, Handle::Upload(upload));
    words::nothing()
}

fn write(run: &mut Run, words: &mut Words) -> Report {
    let upload = run.handles.upload(words.word()?)?;
    let bytes = words.bytes()?;
    let mut rest = bytes.as_slice();
    loop {
        let piece = &rest[..rest.len().min(PIECE_BYTES)];
        let written = upload.write(piece)? as usize;
        rest = rest.get(written..).unwrap_or_default();
        if rest.is_empty() {
            return words::nothing();
        }
    }
}

fn finish(run: &mut Run, words: &mut Words) -> Report {
    let name = words.word()?;
    let trailers = words.fields()?;
    fetch::finish(run.handles.take_upload(name)?, &trailers)?;
    words::nothing()
}

fn wait(run: &mut Run, words: &mut Words) -> Report {
    let (pending, name) = (words.word()?, run.handles.free(words.word()?)?);
    let pending = run.handles.take_pending(pending)?;
    arrived(run, name, pending)
}

fn get(run: &mut Run, words: &mut Words) -> Report {
    let uri = words.text()?;
    let name = run.handles.free(words.word()?)?;
    let pending = fetch::send(request("GET".to_owned(), uri), &options())?;
    arrived(run, name, pending)
}

/// Keeps the response by a name, and reports its status.
fn arrived(run: &mut Run, name: &str, pending: Pending) -> Report {
    let response = fetch::wait(pending)?;
    let fetched = Fetched {
        headers: response.headers,
        uri: response.uri,
        redirects: response.redirects,
        attributes: response.attributes,
        body: Some(Reading::new(response.body)),
    };
    run.handles.keep(name, Handle::Response(fetched));
    words::word(response.status)
}
