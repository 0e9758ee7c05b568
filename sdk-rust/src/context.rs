//! One request, while it is handled.

use std::borrow::Cow;
use std::mem;
use std::net::IpAddr;

use http::Uri;
use serde::Serialize;

use crate::poll::ClientGone;
use crate::{Body, BodyError, Error, Request, Response, after, host, kv, pattern, reply};

/// What the host says of a request beside the request itself. Source: `edge:sdk/handler#context`.
#[derive(Debug, Default)]
pub(crate) struct Info {
    pub(crate) request_id: String,
    pub(crate) client: Option<String>,
    pub(crate) attributes: Vec<(String, String)>,
}

/// One request, while it is handled: the request, what the host knows of it, and short ways to reply.
#[derive(Debug)]
pub struct Context {
    request: Request,
    info: Info,
    matched: Matched,
}

/// The pattern that matched, and the values of its parameters in order.
#[derive(Debug, Default)]
pub(crate) struct Matched {
    pub(crate) pattern: Cow<'static, str>,
    pub(crate) params: Vec<String>,
}

impl Context {
    pub(crate) fn new(request: Request, info: Info) -> Context {
        Context {
            request,
            info,
            matched: Matched::default(),
        }
    }

    /// Sets what [`param`](Context::param) answers for, and gives what it was.
    pub(crate) fn matched(&mut self, matched: Matched) -> Matched {
        mem::replace(&mut self.matched, matched)
    }

    /// The request.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// The request, to change it.
    pub fn request_mut(&mut self) -> &mut Request {
        &mut self.request
    }

    /// Takes the request. What stays behind has its method and URI, no fields, and a body that is consumed.
    pub fn take_request(&mut self) -> Request {
        let mut left = Request::default();
        *left.method_mut() = self.request.method().clone();
        *left.uri_mut() = self.request.uri().clone();
        let mut taken = mem::replace(&mut self.request, left);
        // `take` leaves behind what a body that is gone looks like.
        let body = taken.body().take();
        *self.request.body_mut() = mem::replace(taken.body_mut(), body);
        taken
    }

    /// The request's body, to read it.
    pub fn body(&self) -> &Body {
        self.request.body()
    }

    /// Takes the request's body, to hand it on; what stays behind is consumed.
    pub fn take_body(&self) -> Body {
        self.request.body().take()
    }

    /// The parameter `name` of the pattern that matched, percent-decoded; `:name` is never empty, `*name` may be.
    /// Panics: if the pattern has no such parameter, which is a mistake in the program.
    pub fn param(&self, name: &str) -> &str {
        let Matched { pattern, params } = &self.matched;
        match pattern::position(pattern, name) {
            Some(index) => &params[index],
            None => panic!("the pattern `{pattern}` has no parameter `{name}`"),
        }
    }

    /// The first value of `name` in the query, decoded as `application/x-www-form-urlencoded`.
    pub fn query(&self, name: &str) -> Option<Cow<'_, str>> {
        self.query_pairs()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
    }

    /// The pairs of the query in order, decoded as `application/x-www-form-urlencoded`.
    pub fn query_pairs(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        form_urlencoded::parse(self.uri().query().unwrap_or("").as_bytes())
    }

    /// The request's URI.
    pub fn uri(&self) -> &Uri {
        self.request.uri()
    }

    /// What the host calls this request in its log; unique to it.
    pub fn request_id(&self) -> &str {
        &self.info.request_id
    }

    /// The client's address; a proxy's word for it only where the application trusts it. `None` if the host does not know
    /// it.
    pub fn client(&self) -> Option<IpAddr> {
        self.info.client.as_deref()?.parse().ok()
    }

    /// What else the host knows of the request, by OpenTelemetry's names.
    pub fn attributes(&self) -> &[(String, String)] {
        &self.info.attributes
    }

    /// The client's going away, for [`select`](crate::poll::select): ready once it is gone, as far as the host can tell. Over
    /// HTTP/1.1 a client that closed only its sending half looks the same and still gets the reply.
    /// Source: `edge:sdk/poll#client-gone`.
    pub fn client_gone(&self) -> ClientGone {
        ClientGone(host::ClientGone::current())
    }

    /// Hands over work that need not delay the reply: it runs when that was sent, or could not be, in the order handed over.
    /// What it fails with is a line of the log. It is lost with an instance that a panic or a limit ends.
    /// Source: `edge:sdk/handler#after-reply`.
    ///
    /// ```
    /// use edgewit::{App, Body, fetch, http::Request};
    ///
    /// let app = App::new().get("/", |c| {
    ///     let request = Request::post("https://stats.example.com/").body(Body::empty())?;
    ///     // On its way now, and nobody waits for the answer but this.
    ///     let pending = fetch::send(request)?;
    ///     c.wait_until(|| pending.wait().map(drop));
    ///     Ok(c.text("hello"))
    /// });
    /// # edgewit::test::on_fetch(|_| Ok(edgewit::Response::default()));
    /// # assert_eq!(app.request("/").status(), 200);
    /// ```
    pub fn wait_until(&self, work: impl FnOnce() -> Result<(), Error> + 'static) {
        after::add(Box::new(|_| work()));
    }

    /// As [`wait_until`](Context::wait_until), for work that asks how the sending ended: `Ok` once the last byte was handed
    /// to the connection, which does not say that the client has it; `Closed` if the client went, `Timeout` if it took
    /// nothing for too long, `Incomplete` if a promised length was missed, and a body's own error as it was.
    pub fn after_reply(
        &self,
        work: impl FnOnce(Result<(), BodyError>) -> Result<(), Error> + 'static,
    ) {
        after::add(Box::new(work));
    }

    /// Opens the store `name`, as [`kv::open`].
    pub fn kv(&self, name: &str) -> Result<kv::Store, kv::Error> {
        kv::open(name)
    }

    /// A 200 with `text`, as `text/plain; charset=utf-8`.
    pub fn text(&self, text: impl Into<String>) -> Response {
        let body = text.into().into();
        reply::of_type("text/plain; charset=utf-8", body)
    }

    /// A 200 with `value` as `application/json`; NaN and infinities are `null`.
    /// Errors: `Json` if `value` can't be JSON, a map whose keys are not text, say.
    pub fn json<T: Serialize + ?Sized>(&self, value: &T) -> Result<Response, Error> {
        let body = serde_json::to_vec(value)?.into();
        Ok(reply::of_type("application/json", body))
    }
}
