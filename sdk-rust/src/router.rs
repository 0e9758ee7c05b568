//! Which handler a request goes to.

use std::borrow::Cow;
use std::fmt;

use http::header::{ALLOW, HeaderValue};
use http::{Method, StatusCode};

use crate::context::Matched;
use crate::{Context, Error, Response, pattern, reply};

type Handler = Box<dyn Fn(&mut Context) -> Result<Response, Error>>;
type Middleware = Box<dyn Fn(&mut Context, Next<'_>) -> Result<Response, Error>>;
type ErrorHandler = Box<dyn Fn(&mut Context, Error) -> Result<Response, Error>>;

/// Sends a request to the handler of the best pattern that matches its path.
///
/// A pattern is segments of literal text, `:name`, or a last `*name`; a name is letters, digits, `_` and `-`. Literal text
/// beats a parameter beats the rest, segment by segment, whatever the order of registration. A pattern counts if it has a handler for the method: its own,
/// for HEAD also GET's, then that of [`all`](Router::all). A match under another method only is a 405 with `allow`, no
/// match a 404. `:name` never matches an empty segment, and a trailing slash is a different path. Literals are
/// percent-encoded before they are compared; parameters are percent-decoded afterwards, and one that is not UTF-8 then
/// is a 400.
///
/// The methods that register a handler panic if the pattern is malformed, or has a handler for the method already; where
/// patterns are not written in the program, [`route`](Router::route) reports the latter.
///
/// [`wrap`](Router::wrap) puts a middleware around the handlers, and around the 404 and 405; [`mount`](Router::mount) nests
/// a router; [`not_found`](Router::not_found) and [`on_error`](Router::on_error) replace the empty 404 and 500.
#[derive(Default)]
pub struct Router {
    routes: Vec<Route>,
    /// An application that has nothing of this does not carry the code for it.
    around: Option<Box<Around>>,
}

/// What is around the routes.
struct Around {
    dispatch: fn(&Router, &Around, &mut Context) -> Result<Response, Error>,
    /// Middleware, outermost first.
    layers: Vec<Layer>,
    not_found: Option<Handler>,
    on_error: Option<ErrorHandler>,
}

struct Layer {
    pattern: Cow<'static, str>,
    middleware: Middleware,
}

/// What is behind a middleware: the middlewares registered after it, then the handler.
///
/// It runs once: running it takes it, so that a second time does not compile.
///
/// ```compile_fail,E0382
/// edgewit::App::new().wrap("/*path", |c, next| {
///     next.run(c)?;
///     next.run(c)
/// });
/// ```
pub struct Next<'a> {
    router: &'a Router,
    around: &'a Around,
    layers: usize,
}

impl Next<'_> {
    /// Runs what is behind the middleware and returns its response, the 404 and 405 included.
    /// The request is the context's: a changed URI or method is what the handler is looked for by.
    /// Errors: what the handler, or a middleware before it, failed with.
    pub fn run(self, context: &mut Context) -> Result<Response, Error> {
        let Next { router, around, .. } = self;
        let path = context.uri().path();
        let layers = around.layers.iter().enumerate().skip(self.layers);
        let mut covering = layers.filter(|(_, layer)| pattern::covers(&layer.pattern, path));
        let Some((index, layer)) = covering.next() else {
            let before = context.matched(Matched::default());
            let result = router.respond(context, around.not_found.as_ref());
            context.matched(before);
            return result;
        };
        // A middleware does not decide what is found: a parameter that is not text is the route's 400.
        let values = pattern::values(&layer.pattern, path, |raw| Some(raw.decode_utf8_lossy()));
        let before = context.matched(Matched {
            pattern: layer.pattern.clone(),
            params: values.unwrap_or_default(),
        });
        let next = Next {
            layers: index + 1,
            ..self
        };
        let result = (layer.middleware)(context, next);
        context.matched(before);
        result
    }
}

impl fmt::Debug for Next<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Next").finish_non_exhaustive()
    }
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
        let pattern = pattern.into();
        check(&pattern);
        self.add(method, pattern, Box::new(handler))?;
        Ok(self)
    }

    /// Puts a middleware around everything that `pattern` covers: what it matches and, with a last `*name`, the path before
    /// that too, so that `/admin/*rest` covers `/admin`. It stands around the 404 and 405 answers as well.
    ///
    /// Middlewares form an onion in the order of registration, the first outermost. What `next.run(c)` returns is what comes
    /// from inside; a middleware that does not call it answers by itself. [`Context::param`] answers for the
    /// middleware's own pattern, with U+FFFD for what is not UTF-8.
    /// Panics: if the pattern is malformed.
    ///
    /// ```
    /// use edgewit::App;
    ///
    /// let app = App::new()
    ///     .wrap("/*path", |c, next| {
    ///         let mut reply = next.run(c)?;
    ///         reply.headers_mut().insert("x-request-id", c.request_id().parse()?);
    ///         Ok(reply)
    ///     })
    ///     .get("/", |c| Ok(c.text("hello")));
    /// assert!(app.request("/").headers().contains_key("x-request-id"));
    /// assert!(app.request("/none").headers().contains_key("x-request-id"));
    /// ```
    #[track_caller]
    pub fn wrap(
        mut self,
        pattern: impl Into<Cow<'static, str>>,
        middleware: impl Fn(&mut Context, Next<'_>) -> Result<Response, Error> + 'static,
    ) -> Router {
        self.layer(pattern.into(), Box::new(middleware));
        self
    }

    #[track_caller]
    fn layer(&mut self, pattern: Cow<'static, str>, middleware: Middleware) {
        check(&pattern);
        self.around().layers.push(Layer {
            pattern,
            middleware,
        });
    }

    fn around(&mut self) -> &mut Around {
        self.around.get_or_insert_with(|| {
            Box::new(Around {
                dispatch: Around::dispatch,
                layers: Vec::new(),
                not_found: None,
                on_error: None,
            })
        })
    }

    /// Adds what `router` has, its middlewares included, below `prefix`; its `/` is the prefix itself. Its middlewares stand
    /// where `mount` does in the order of registration. Its `not_found` and `on_error` are left out: those are the top
    /// router's.
    /// Panics: if the prefix is malformed, has a `*name` or ends with `/` (unless it is `/`), or if a method has two handlers
    /// for a pattern then.
    #[track_caller]
    pub fn mount(mut self, prefix: &str, router: Router) -> Router {
        check(prefix);
        if prefix.contains("/*") || prefix.len() > 1 && prefix.ends_with('/') {
            panic!("malformed prefix `{prefix}`: it has a `*name` or ends with `/`");
        }
        for layer in router.around.into_iter().flat_map(|around| around.layers) {
            self.layer(pattern::join(prefix, layer.pattern), layer.middleware);
        }
        for route in router.routes {
            let pattern = pattern::join(prefix, route.pattern);
            if !pattern.ends_with(pattern::ALL) {
                check(&pattern);
            }
            if let Err(error) = self.add(route.method, pattern, route.handler) {
                panic!("{error}");
            }
        }
        self
    }

    /// Answers what no pattern matches, instead of the empty 404. The status of the response is the handler's to set.
    /// A path that has handlers for other methods stays a 405.
    pub fn not_found(
        mut self,
        handler: impl Fn(&mut Context) -> Result<Response, Error> + 'static,
    ) -> Router {
        self.around().not_found = Some(Box::new(handler));
        self
    }

    /// Answers what a handler or the outermost middleware failed with, instead of the empty 500 and its line in the log.
    /// It stands outside of all middleware: none of them sees its reply, and a field that each reply is to have is to be set
    /// here as well. What this fails with itself is an empty 500 and a line. That line is the host's, and adds the last call
    /// of kv that failed, by its key and store, which the error does not hold; an error that is handed on, `Err(error)`, has it.
    pub fn on_error(
        mut self,
        handler: impl Fn(&mut Context, Error) -> Result<Response, Error> + 'static,
    ) -> Router {
        self.around().on_error = Some(Box::new(handler));
        self
    }

    /// A router that is one handler, for every method and path: what the attribute [`handler`](crate::handler) makes.
    #[doc(hidden)]
    pub fn single(handler: impl Fn(&mut Context) -> Result<Response, Error> + 'static) -> Router {
        let all = Route {
            method: None,
            pattern: Cow::Borrowed(pattern::ALL),
            hash: pattern::hash(pattern::ALL),
            handler: Box::new(handler),
        };
        Router {
            routes: vec![all],
            ..Router::default()
        }
    }

    #[track_caller]
    fn register(
        mut self,
        method: Option<Method>,
        pattern: Cow<'static, str>,
        handler: Handler,
    ) -> Router {
        check(&pattern);
        match self.add(method, pattern, handler) {
            Ok(()) => self,
            Err(error) => panic!("{error}"),
        }
    }

    fn add(
        &mut self,
        method: Option<Method>,
        pattern: Cow<'static, str>,
        handler: Handler,
    ) -> Result<(), Error> {
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

    /// Handles one request, to a reply that can be sent.
    pub(crate) fn dispatch(&self, context: &mut Context) -> Result<Response, Error> {
        match &self.around {
            Some(around) => (around.dispatch)(self, around, context),
            None => self.respond(context, None).and_then(reply::check),
        }
    }

    /// What is inside of all middleware.
    fn respond(
        &self,
        context: &mut Context,
        not_found: Option<&Handler>,
    ) -> Result<Response, Error> {
        let path = context.uri().path();
        let Some(route) = self.find(context.request().method(), path) else {
            let response = self.no_handler(path);
            return match not_found {
                Some(handler) if response.status() == StatusCode::NOT_FOUND => handler(context),
                _ => Ok(response),
            };
        };
        let values = pattern::values(&route.pattern, path, |raw| raw.decode_utf8().ok());
        let Some(params) = values else {
            return Ok(reply::empty(StatusCode::BAD_REQUEST));
        };
        context.matched(Matched {
            pattern: route.pattern.clone(),
            params,
        });
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

#[track_caller]
fn check(pattern: &str) {
    if let Err(reason) = pattern::check(pattern) {
        panic!("malformed pattern `{pattern}`: {reason}");
    }
}

impl Around {
    fn dispatch(
        router: &Router,
        around: &Around,
        context: &mut Context,
    ) -> Result<Response, Error> {
        let next = Next {
            router,
            around,
            layers: 0,
        };
        let result = next.run(context).and_then(reply::check);
        match (result, &around.on_error) {
            (Err(error), Some(handler)) => handler(context, error).and_then(reply::check),
            (result, _) => result,
        }
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
