//! Handlers as an application has them: a second way over the same calls.

use std::cell::Cell;

use edgewit::http::header::{CONTENT_TYPE, SET_COOKIE};
use edgewit::http::{HeaderMap, Request as HttpRequest, Response as HttpResponse, StatusCode};
use edgewit::{Body, Context, Error, MessageExt, Next, Request, Response, Router, fetch};
use serde::{Deserialize, Serialize};

thread_local! {
    /// An instance has one thread; compiled natively, a request has one.
    static REQUESTS: Cell<u64> = const { Cell::new(0) };
}

pub fn router() -> Router {
    Router::new()
        .get("/hello/:name", hello)
        .post("/echo", echo)
        .get("/fields", fields)
        .get("/stream", |_| {
            Ok(Response::new(Body::stream(["one", "two", "three"].map(Ok))))
        })
        .get("/forward", |_| edgewit::fetch(upstream("")?))
        .get("/fan-out", fan_out)
        .get("/error", |_| Err(Error::app("refused: the reason")))
        .get("/panic", |_| panic!("broken: the reason"))
        .get("/later", later)
        .get("/levels", levels)
        .get("/global", |c| {
            REQUESTS.set(REQUESTS.get() + 1);
            Ok(c.text(REQUESTS.get().to_string()))
        })
        .wrap("/wrapped/*rest", outer)
        .wrap("/wrapped/*rest", inner)
        .get("/wrapped/inner", |c| Ok(c.text("inner")))
        .mount("/mounted", mounted())
        .get("/slash", |c| Ok(c.text("without")))
        .get("/slash/", |c| Ok(c.text("with")))
        .get("/caught", |_| Err(Error::app(CAUGHT)))
        .post("/json", json)
        .get("/pattern/:a", |c| {
            Ok(c.text(format!("parameter {}", c.param("a"))))
        })
        .get("/pattern/literal", |c| Ok(c.text("literal")))
        .get("/pattern/*rest", |c| {
            Ok(c.text(format!("rest {}", c.param("rest"))))
        })
}

/// The text of the one error that the application answers by itself.
const CAUGHT: &str = "caught: the reason";

fn mounted() -> Router {
    Router::new()
        .wrap("/*rest", |c, next| {
            let path = c.uri().path().parse()?;
            let mut reply = next.run(c)?;
            reply.headers_mut().insert("mounted", path);
            Ok(reply)
        })
        .get("/", |c| Ok(c.text("root")))
        .get("/:id", |c| Ok(c.text(format!("item {}", c.param("id")))))
}

pub fn not_found(c: &mut Context) -> Result<Response, Error> {
    let path = c.uri().path();
    let mut reply = match path.starts_with("/s/absent/") {
        true => c.text(format!("no {path}")),
        false => Response::new(Body::empty()),
    };
    *reply.status_mut() = StatusCode::NOT_FOUND;
    Ok(reply)
}

pub fn on_error(c: &mut Context, error: Error) -> Result<Response, Error> {
    if error.to_string() != CAUGHT {
        return Err(error);
    }
    let mut reply = c.text(CAUGHT);
    *reply.status_mut() = StatusCode::IM_A_TEAPOT;
    Ok(reply)
}

fn hello(c: &mut Context) -> Result<Response, Error> {
    let visits = c.kv("visits")?.increment(c.param("name"), 1)?;
    let mut reply = c.text(format!("hello {}", c.param("name")));
    reply.headers_mut().insert("visits", visits.into());
    Ok(reply)
}

fn echo(c: &mut Context) -> Result<Response, Error> {
    let mut reply = Response::new(c.take_body());
    if let Some(media_type) = c.request().headers().get(CONTENT_TYPE) {
        reply.headers_mut().insert(CONTENT_TYPE, media_type.clone());
    }
    Ok(reply)
}

fn fields(_: &mut Context) -> Result<Response, Error> {
    Ok(HttpResponse::builder()
        .header(SET_COOKIE, "a=1; expires=Mon, 01 Jan 2035 00:00:00 GMT")
        .header(SET_COOKIE, "b=2")
        .header("x-list", "one")
        .header("x-list", "two")
        .body(Body::empty())?)
}

fn upstream(path: &str) -> Result<Request, Error> {
    Ok(HttpRequest::get(format!("http://up.test/{path}")).body(Body::empty())?)
}

fn fan_out(c: &mut Context) -> Result<Response, Error> {
    let pending = ["1", "2", "3"].map(|path| fetch::send(upstream(path)?));
    let bodies = pending.map(|pending| pending?.wait()?.text());
    let bodies = bodies.into_iter().collect::<Result<Vec<_>, Error>>()?;
    Ok(c.text(bodies.join(",")))
}

fn later(c: &mut Context) -> Result<Response, Error> {
    c.wait_until(|| {
        log::info!("later");
        Ok(())
    });
    Ok(c.text("now"))
}

fn levels(c: &mut Context) -> Result<Response, Error> {
    log::trace!("trace");
    log::debug!("debug");
    log::info!("info");
    log::warn!("warn");
    log::error!("error");
    Ok(c.text(""))
}

/// How many fields a middleware has added before.
fn added(fields: &HeaderMap) -> usize {
    ["outer", "inner"]
        .iter()
        .filter(|name| fields.contains_key(**name))
        .count()
}

fn outer(c: &mut Context, next: Next<'_>) -> Result<Response, Error> {
    let mut reply = next.run(c)?;
    let before = added(reply.headers());
    reply.headers_mut().insert("outer", before.into());
    Ok(reply)
}

fn inner(c: &mut Context, next: Next<'_>) -> Result<Response, Error> {
    if c.param("rest") == "short" {
        let mut reply = c.text("short");
        *reply.status_mut() = StatusCode::FORBIDDEN;
        return Ok(reply);
    }
    let mut reply = next.run(c)?;
    let before = added(reply.headers());
    reply.headers_mut().insert("inner", before.into());
    Ok(reply)
}

#[derive(Deserialize)]
struct Visitor {
    name: String,
    n: i64,
}

#[derive(Serialize)]
struct Greeting {
    hello: String,
    n: i64,
}

fn json(c: &mut Context) -> Result<Response, Error> {
    match c.body().json() {
        Ok(Visitor { name, n }) => c.json(&Greeting { hello: name, n }),
        Err(Error::Json(_)) => {
            let mut reply = c.text("json");
            *reply.status_mut() = StatusCode::BAD_REQUEST;
            Ok(reply)
        }
        Err(other) => Err(other),
    }
}
