//! The router's rules, on the application as a host would call it.

use edgewit::http::{Method, StatusCode};
use edgewit::{App, Context, Error, MessageExt, Request, Response, Router};

/// Replies with its own name.
fn named(name: &'static str) -> impl Fn(&mut Context) -> Result<Response, Error> {
    move |c| Ok(c.text(name))
}

fn send(app: &Router, method: &str, path: &str) -> Response {
    let request = Request::default().into_parts().0;
    let mut request = Request::from_parts(request, ().into());
    *request.method_mut() = method.parse().unwrap();
    *request.uri_mut() = path.parse().unwrap();
    app.handle(request)
}

fn body(app: &Router, method: &str, path: &str) -> String {
    send(app, method, path).text().unwrap()
}

#[test]
fn the_best_pattern_wins_whatever_the_order() {
    let forward = App::new()
        .get("/a/*rest", named("rest"))
        .get("/a/:x", named("param"))
        .get("/a/:x/c", named("param c"))
        .get("/a/b", named("literal"))
        .get("/a/b/d", named("literal d"));
    let backward = App::new()
        .get("/a/b/d", named("literal d"))
        .get("/a/b", named("literal"))
        .get("/a/:x/c", named("param c"))
        .get("/a/:x", named("param"))
        .get("/a/*rest", named("rest"));
    for app in [forward, backward] {
        assert_eq!(body(&app, "GET", "/a/b"), "literal");
        assert_eq!(body(&app, "GET", "/a/z"), "param");
        assert_eq!(body(&app, "GET", "/a/b/d"), "literal d");
        assert_eq!(body(&app, "GET", "/a/b/c"), "param c");
        assert_eq!(body(&app, "GET", "/a/b/e"), "rest");
        assert_eq!(body(&app, "GET", "/a/"), "rest");
        assert_eq!(send(&app, "GET", "/a").status(), StatusCode::NOT_FOUND);
    }
}

#[test]
fn a_pattern_counts_only_with_a_handler_for_the_method() {
    let app = App::new()
        .post("/a/b", named("post literal"))
        .get("/a/:x", named("get param"))
        .all("/a/*rest", named("all rest"));
    assert_eq!(body(&app, "GET", "/a/b"), "get param");
    assert_eq!(body(&app, "POST", "/a/b"), "post literal");
    assert_eq!(body(&app, "PUT", "/a/b"), "all rest");
    // The better pattern wins over the handler that is more the method's own.
    let app = App::new()
        .get("/a/:x", named("get param"))
        .all("/a/b", named("all literal"));
    assert_eq!(body(&app, "GET", "/a/b"), "all literal");
    assert_eq!(body(&app, "HEAD", "/a/b"), "all literal");
}

#[test]
fn head_prefers_its_own_handler_then_that_of_get_then_that_of_all() {
    let app = App::new()
        .all("/x", named("all"))
        .get("/x", named("get"))
        .head("/x", named("head"));
    assert_eq!(body(&app, "HEAD", "/x"), "head");
    let app = App::new().all("/x", named("all")).get("/x", named("get"));
    assert_eq!(body(&app, "HEAD", "/x"), "get");
    let app = App::new().all("/x", named("all")).post("/x", named("post"));
    assert_eq!(body(&app, "HEAD", "/x"), "all");
}

#[test]
fn another_method_is_405_with_every_allowed_one_sorted() {
    let app = App::new()
        .put("/a/:x", named("put"))
        .get("/a/b", named("get"))
        .delete("/a/:x", named("delete"))
        .post("/a/*rest", named("post"));
    let reply = send(&app, "PATCH", "/a/b");
    assert_eq!(reply.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(reply.headers()["allow"], "DELETE, GET, HEAD, POST, PUT");
    assert_eq!(
        send(&app, "OPTIONS", "/a/b").status(),
        StatusCode::METHOD_NOT_ALLOWED
    );
    let reply = send(&app, "PATCH", "/b");
    assert_eq!(reply.status(), StatusCode::NOT_FOUND);
    assert!(!reply.headers().contains_key("allow"));
}

#[test]
fn parameters_are_decoded_once_and_must_be_text_then() {
    let app = App::new()
        .get("/p/:x", |c| Ok(c.text(c.param("x"))))
        .get("/r/:x/*rest", |c| {
            Ok(c.text(format!("{} {}", c.param("x"), c.param("rest"))))
        });
    assert_eq!(body(&app, "GET", "/p/a%252F%C3%A9"), "a%2Fé");
    assert_eq!(body(&app, "GET", "/r/a/b%20c/d"), "a b c/d");
    assert_eq!(
        send(&app, "GET", "/p/%FF").status(),
        StatusCode::BAD_REQUEST
    );
}

#[test]
fn the_same_pattern_twice_is_a_duplicate_route() {
    let app = || App::new().get("/a/:x", named("first"));
    let error = app()
        .route(Some(Method::GET), "/a/:y", named("second"))
        .unwrap_err();
    assert!(matches!(error, Error::DuplicateRoute(_)), "{error}");
    let app = app()
        .route(Some(Method::POST), "/a/:y", named("post"))
        .unwrap();
    let app = app.route(None, "/a/:z", named("all")).unwrap();
    assert_eq!(body(&app, "GET", "/a/b"), "first");
    assert_eq!(body(&app, "POST", "/a/b"), "post");
    assert_eq!(body(&app, "PUT", "/a/b"), "all");
}

#[test]
#[should_panic(expected = "duplicate route: GET /a/:y beside /a/:x")]
fn a_verb_panics_at_a_duplicate_route() {
    let _ = App::new()
        .get("/a/:x", named("first"))
        .get("/a/:y", named("second"));
}

#[test]
#[should_panic(expected = "malformed pattern `/*rest/b`")]
fn a_verb_panics_at_a_malformed_pattern() {
    let _ = App::new().get("/*rest/b", named("rest"));
}

#[test]
#[should_panic(expected = "the pattern `/a/:x` has no parameter `y`")]
fn a_parameter_that_the_pattern_lacks_is_a_mistake() {
    let app = App::new().get("/a/:x", |c| Ok(c.text(c.param("y"))));
    app.request("/a/b");
}
