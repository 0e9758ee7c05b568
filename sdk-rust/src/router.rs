//! Which handler a request goes to.

use std::borrow::Cow;
use std::fmt;

use http::header::{ALLOW, HeaderValue};
use http::{Method, StatusCode};

use crate::{Context, Error, Response, pattern, reply};

type Handler = Box<dyn Fn(&mut Context) -> Result<Response, Error>>;

/// Sends a request to the handler of the best pattern that matches its path.
///
/// A pattern is segments of literal text, `:name`, or a last `*name`. Literal text beats a parameter beats the rest,
/// segment by segment, whatever the order of registration. A pattern counts if it has a handler for the method: its own,
/// for HEAD also GET's, then that of [`all`](Router::all). A match under another method only is a 405 with `allow`, no
/// match a 404. `:name` never matches an empty segment, and a trailing slash is a different path. Literals are
/// percent-encoded before they are compared; parameters are percent-decoded afterwards, and one that is not UTF-8 then
/// is a 400.
///
/// The methods that register a handler panic if the pattern is malformed, or has a handler for the method already; where
/// patterns are not written in the program, [`route`](Router::route) reports the latter.
#[derive(Default)]
pub struct Router {
    routes: Vec<Route>,
    /// For what no pattern matches.
    fallback: Option<Handler>,
}

struct Route {
    /// `None` stands for every method.
    method: Option<Method>,
    pattern: Cow<'static, str>,
    hash: u64,
    handler: Handler,
}

/// Defines the methods that register a handler for one method.
macro_rules! verbs {
    ($($verb:ident $method:ident),*) => {$(
        #[doc = concat!("Registers a handler for ", stringify!($method), " requests to `pattern`.")]
        #[track_caller]
        pub fn $verb(
            self,
            pattern: impl Into<Cow<'static, str>>,
            handler: impl Fn(&mut Context) -> Result<Response, Error> + 'static,
        ) -> Router {
            self.register(Some(Method::$method), pattern.into(), Box::new(handler))
        }
    )*};
}

impl Router {
    /// A router that answers everything with 404.
    pub fn new() -> Router {
        Router::default()
    }

    verbs!(get GET, post POST, put PUT, patch PATCH, delete DELETE, head HEAD, options OPTIONS);

    /// Registers a handler for requests to `pattern` of every method that has no handler of its own there.
    #[track_caller]
    pub fn all(
        self,
        pattern: impl Into<Cow<'static, str>>,
        handler: impl Fn(&mut Context) -> Result<Response, Error> + 'static,
    ) -> Router {
        self.register(None, pattern.into(), Box::new(handler))
    }

    /// Registers a handler for requests of `method`, or with `None` of every method, to `pattern`.
    /// Errors: `DuplicateRoute` if the pattern has a handler for the method already, by whatever parameter names.
    /// Panics: if the pattern is malformed.
    #[track_caller]
    pub fn route(
        mut self,
        method: Option<Method>,
        pattern: impl Into<Cow<'static, str>>,
        handler: impl Fn(&mut Context) -> Result<Response, Error> + 'static,
    ) -> Result<Router, Error> {
        self.add(method, pattern.into(), Box::new(handler))?;
        Ok(self)
    }

    /// A router that is one handler, for every method and path: what the attribute [`handler`](crate::handler) makes.
    #[doc(hidden)]
    pub fn single(handler: impl Fn(&mut Context) -> Result<Response, Error> + 'static) -> Router {
        Router {
            routes: Vec::new(),
            fallback: Some(Box::new(handler)),
        }
    }

    #[track_caller]
    fn register(
        mut self,
        method: Option<Method>,
        pattern: Cow<'static, str>,
        handler: Handler,
    ) -> Router {
        match self.add(method, pattern, handler) {
            Ok(()) => self,
            Err(error) => panic!("{error}"),
        }
    }

    #[track_caller]
    fn add(
        &mut self,
        method: Option<Method>,
        pattern: Cow<'static, str>,
        handler: Handler,
    ) -> Result<(), Error> {
        if let Err(reason) = pattern::check(&pattern) {
            panic!("malformed pattern `{pattern}`: {reason}");
        }
        let hash = pattern::hash(&pattern);
        let twice = |route: &&Route| {
            route.hash == hash && route.method == method && pattern::same(&route.pattern, &pattern)
        };
        if let Some(route) = self.routes.iter().find(twice) {
            let method = method.as_ref().map_or("all methods", Method::as_str);
            let text = format!("{method} {pattern} beside {}", route.pattern);
            return Err(Error::DuplicateRoute(text));
        }
        self.routes.push(Route {
            method,
            pattern,
            hash,
            handler,
        });
        Ok(())
    }

    /// Handles one request.
    pub(crate) fn dispatch(&self, context: &mut Context) -> Result<Response, Error> {
        let path = context.uri().path();
        let Some(route) = self.find(context.request().method(), path) else {
            return match &self.fallback {
                Some(handler) => handler(context),
                None => Ok(self.no_handler(path)),
            };
        };
        let Some(params) = pattern::values(&route.pattern, path) else {
            return Ok(reply::empty(StatusCode::BAD_REQUEST));
        };
        context.matched(route.pattern.clone(), params);
        (route.handler)(context)
    }

    fn find(&self, method: &Method, path: &str) -> Option<&Route> {
        self.routes
            .iter()
            .filter_map(|route| Some((route.rank(method)?, route)))
            .filter(|(_, route)| pattern::matches(&route.pattern, path))
            .min_by(|(a_rank, a), (b_rank, b)| {
                pattern::prefer(&a.pattern, &b.pattern).then(a_rank.cmp(b_rank))
            })
            .map(|(_, route)| route)
    }

    /// The 404, or the 405 if the path has handlers for other methods.
    fn no_handler(&self, path: &str) -> Response {
        let mut allow: Vec<&str> = Vec::new();
        for route in &self.routes {
            if let Some(method) = &route.method
                && pattern::matches(&route.pattern, path)
            {
                insert(&mut allow, method.as_str());
                if method == Method::GET {
                    insert(&mut allow, Method::HEAD.as_str());
                }
            }
        }
        if allow.is_empty() {
            return reply::empty(StatusCode::NOT_FOUND);
        }
        let mut response = reply::empty(StatusCode::METHOD_NOT_ALLOWED);
        // Method names are tokens, and a list of tokens is a field value.
        if let Ok(value) = HeaderValue::try_from(allow.join(", ")) {
            response.headers_mut().insert(ALLOW, value);
        }
        response
    }
}

/// Keeps a list sorted and without doubles; a sort of the library's would be a tenth of a small component.
fn insert<'a>(sorted: &mut Vec<&'a str>, item: &'a str) {
    if let Err(place) = sorted.binary_search(&item) {
        sorted.insert(place, item);
    }
}

impl Route {
    /// Which of two handlers of one pattern a method prefers, the lesser; `None` if this one does not take it.
    fn rank(&self, method: &Method) -> Option<u8> {
        match &self.method {
            Some(own) if own == method => Some(0),
            Some(own) if own == Method::GET && method == Method::HEAD => Some(1),
            Some(_) => None,
            None => Some(2),
        }
    }
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let routes = self.routes.iter().map(|route| {
            let method = route.method.as_ref().map_or("*", Method::as_str);
            (method, &*route.pattern)
        });
        f.debug_list().entries(routes).finish()
    }
}
