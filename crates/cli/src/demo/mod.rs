//! `edgewit demo`: every example in every language behind one port, and a page that compares them.

use std::convert::Infallible;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use edgewit_build::Cache;
use edgewit_host::{Answer, App, ReplyBody, RequestId, Routes, Target, kv};
use edgewit_manifest::FILE_NAME;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body, Incoming};
use serde::{Deserialize, Serialize};

use crate::args::Demo;
use crate::error::Error;
use crate::load::{self, Found};
use crate::logs::{self, Kept, Line};
use crate::output::{say, tell};
use crate::serve::{block_on, host_builder, interrupted, listen, reply};
use crate::sink::Guard;

const PAGE: &str = include_str!("page.html");

/// What the page sends at first, in `examples/NAME/demo.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sample {
    path: String,
}

/// One application as the page knows it.
#[derive(Clone, Serialize)]
struct Entry {
    example: String,
    language: String,
    sample: String,
    prefix: String,
}

/// What the page asks for.
#[derive(Deserialize)]
struct Ask {
    prefix: String,
    method: String,
    path: String,
    #[serde(default)]
    body: String,
}

/// What came of it.
#[derive(Serialize)]
struct Told {
    status: u16,
    fields: Vec<(String, String)>,
    body: String,
    bytes: usize,
    /// Why there is no more of the body, unless that is all of it.
    end: Option<&'static str>,
    milliseconds: f64,
    request: String,
    log: Vec<Line>,
}

struct Shown {
    entries: Vec<Entry>,
    apps: Vec<App>,
    kept: Kept,
}

pub fn run(demo: &Demo) -> Result<(), Error> {
    let here = std::env::current_dir().map_err(Error::io("find", Path::new(".")))?;
    let root = here
        .ancestors()
        .find(|folder| folder.join("wit/edge.wit").is_file() && folder.join("examples").is_dir())
        .ok_or(Error::NoCheckout {
            what: "demo shows the examples of a checkout of Edgewit",
        })?;
    let mut all = Vec::new();
    for (example, language, folder) in examples(&root.join("examples"))? {
        let sample = sample(&root.join("examples").join(&example))?;
        let prefix = format!("/{example}/{language}");
        let entry = Entry {
            example,
            language,
            sample,
            prefix,
        };
        all.push((entry, load::find(&folder, None)?));
    }
    block_on(serve(demo, all)).map(drop)
}

/// `examples/NAME/LANGUAGE/edge.toml`, by name and language.
fn examples(folder: &Path) -> Result<Vec<(String, String, PathBuf)>, Error> {
    let mut found = Vec::new();
    for example in folders(folder)? {
        for language in folders(&folder.join(&example))? {
            let app = folder.join(&example).join(&language);
            if app.join(FILE_NAME).is_file() {
                found.push((example.clone(), language, app));
            }
        }
    }
    Ok(found)
}

fn folders(folder: &Path) -> Result<Vec<String>, Error> {
    let read = Error::io("read", folder);
    let entries = fs::read_dir(folder)
        .and_then(|entries| entries.collect::<Result<Vec<_>, _>>())
        .map_err(read)?;
    let folders = entries.into_iter().filter(|entry| entry.path().is_dir());
    let mut names: Vec<String> = folders
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    Ok(names)
}

fn sample(example: &Path) -> Result<String, Error> {
    let path = example.join("demo.toml");
    let text = fs::read_to_string(&path).map_err(Error::io("read", &path))?;
    let sample: Sample = toml::from_str(&text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        Error::Text {
            path,
            line: text[..at].matches('\n').count() + 1,
            reason: error.message().to_owned(),
        }
    })?;
    Ok(sample.path)
}

/// The examples with their components. Those of a language whose tools can't be had here are left out, and said to be, as
/// long as there are others.
fn built(all: Vec<(Entry, Found)>, cache: &Cache) -> Result<Vec<(Entry, Found, PathBuf)>, Error> {
    let mut built = Vec::new();
    let mut missing = None;
    for (entry, found) in all {
        match found.component(cache) {
            Ok(component) => built.push((entry, found, component)),
            Err(error @ Error::Build(edgewit_build::Error::Missing { .. })) => {
                let Entry {
                    example, language, ..
                } = &entry;
                tell(format_args!("{example} in {language} is left out: {error}"));
                missing = Some(error);
            }
            Err(error) => return Err(error),
        }
    }
    match missing {
        Some(error) if built.is_empty() => Err(error),
        _ => Ok(built),
    }
}

async fn serve(demo: &Demo, all: Vec<(Entry, Found)>) -> Result<Guard, Error> {
    let kept = Kept::default();
    let logs = logs::start(Some(kept.clone()))?;
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], demo.port));
    let (listener, address) = listen(address, "--port 0").await?;
    let cache = Cache::from_env()?;
    let all = built(all, &cache)?;
    let host = host_builder().build()?;
    let mut shown = Shown {
        entries: Vec::new(),
        apps: Vec::new(),
        kept,
    };
    let mut routes = Routes::new();
    for (entry, found, component) in all {
        // The stores of a demo are gone with it.
        let stores = Arc::new(kv::Memory::new());
        let app = load::load(&host, &found, &component, Some(stores)).await?;
        routes = routes.add(None, &entry.prefix, Target::App(app.clone()));
        shown.entries.push(entry);
        shown.apps.push(app);
    }
    let interrupted = interrupted()?;
    for entry in &shown.entries {
        let Entry {
            example,
            language,
            sample,
            prefix,
        } = entry;
        let _ = say(format_args!(
            "{example} in {language}: http://{address}{prefix}{sample}"
        ));
    }
    let _ = say(format_args!("side by side: http://{address}/"));
    let _ = say("Ctrl-C ends it");
    let shown = Arc::new(shown);
    let page = move |request| -> Answer { Box::pin(answer(shown.clone(), request)) };
    let routes = routes.add(None, "/", Target::Service(Arc::new(page)));
    edgewit_host::serve(listener, routes, interrupted).await;
    Ok(logs)
}

async fn answer(shown: Arc<Shown>, request: Request<Incoming>) -> Response<ReplyBody> {
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/") => reply(StatusCode::OK, "text/html; charset=utf-8", PAGE.into()),
        (&Method::GET, "/-/examples") => json(&shown.entries),
        (&Method::POST, "/-/send") => match send(&shown, request).await {
            Ok(told) => json(&told),
            Err(reason) => reply(
                StatusCode::BAD_REQUEST,
                "text/plain; charset=utf-8",
                reason.into(),
            ),
        },
        _ => reply(
            StatusCode::NOT_FOUND,
            "text/plain; charset=utf-8",
            "no such page".into(),
        ),
    }
}

fn json<T: Serialize>(value: &T) -> Response<ReplyBody> {
    let text = serde_json::to_vec(value).unwrap_or_default();
    reply(StatusCode::OK, "application/json", text.into())
}

/// Sends one request to one application, as the page asks.
async fn send(shown: &Shown, request: Request<Incoming>) -> Result<Told, String> {
    let whole = Limited::new(request.into_body(), 1024 * 1024)
        .collect()
        .await;
    let bytes = whole.map_err(|error| error.to_string())?.to_bytes();
    let ask: Ask = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
    let index = shown
        .entries
        .iter()
        .position(|entry| entry.prefix == ask.prefix);
    let app = index
        .map(|index| &shown.apps[index])
        .ok_or_else(|| format!("no example at {:?}", ask.prefix))?;
    let body = Full::new(Bytes::from(ask.body));
    let request = Request::builder()
        .method(ask.method.as_str())
        .uri(&ask.path)
        .header(header::HOST, "localhost")
        .body(body.map_err(|error: Infallible| match error {}))
        .map_err(|error| error.to_string())?;
    let began = Instant::now();
    let response = app.handle(request).await;
    let id = response
        .extensions()
        .get::<RequestId>()
        .map(|id| id.0.to_string())
        .unwrap_or_default();
    let (head, body) = response.into_parts();
    let (body, end) = as_far_as_it_came(body).await;
    let milliseconds = began.elapsed().as_secs_f64() * 1000.0;
    let text = |value: &header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    Ok(Told {
        status: head.status.as_u16(),
        fields: head
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), text(value)))
            .collect(),
        body: String::from_utf8_lossy(&body).into_owned(),
        bytes: body.len(),
        end,
        milliseconds,
        log: shown.kept.of_request(&id).await,
        request: id,
    })
}

/// The page is no place for more.
const SHOWN_BYTES_MAX: usize = 1024 * 1024;

/// A body, or the first part of one that is cut or too long for the page, and which of both.
async fn as_far_as_it_came<B>(mut body: B) -> (Vec<u8>, Option<&'static str>)
where
    B: Body<Data = Bytes> + Unpin,
{
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            return (bytes, Some("then cut"));
        };
        bytes.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
        if bytes.len() > SHOWN_BYTES_MAX {
            bytes.truncate(SHOWN_BYTES_MAX);
            return (bytes, Some("and more"));
        }
    }
    (bytes, None)
}

#[cfg(test)]
mod tests {
    use http_body_util::StreamBody;
    use hyper::body::Frame;

    use super::*;

    async fn shown(pieces: &[Result<&'static str, ()>]) -> (usize, Option<&'static str>) {
        let frames = pieces
            .iter()
            .map(|piece| piece.map(|text| Frame::data(Bytes::from(text))));
        let body = StreamBody::new(futures_util::stream::iter(frames.collect::<Vec<_>>()));
        let (bytes, end) = as_far_as_it_came(body).await;
        (bytes.len(), end)
    }

    #[tokio::test]
    async fn a_body_is_shown_as_far_as_it_came() {
        assert_eq!(shown(&[Ok("abc"), Ok("de")]).await, (5, None));
        assert_eq!(shown(&[Ok("abc"), Err(())]).await, (3, Some("then cut")));
        let mib = "x".repeat(SHOWN_BYTES_MAX).leak();
        assert_eq!(shown(&[Ok(mib)]).await, (SHOWN_BYTES_MAX, None));
        assert_eq!(
            shown(&[Ok(mib), Ok("x")]).await,
            (SHOWN_BYTES_MAX, Some("and more"))
        );
    }
}
