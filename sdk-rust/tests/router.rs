//! The router's rules, on the application as a host would call it.

use edgewit::http::{Method, StatusCode};
use edgewit::test::take_log;
use edgewit::{App, Body, Context, Error, MessageExt, Next, Request, Response, Router};

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

/// A middleware that leaves its name in the field `via` on the way out.
fn via(name: &'static str) -> impl Fn(&mut Context, Next<'_>) -> Result<Response, Error> {
    move |c, next| {
        let mut reply = next.run(c)?;
        reply.headers_mut().append("via", name.parse()?);
        Ok(reply)
    }
}

fn vias(reply: &Response) -> String {
    let vias = reply.headers().get_all("via").iter();
    vias.map(|via| via.to_str().unwrap())
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn middleware_is_an_onion_in_order_of_registration_around_404_and_405() {
    let app = App::new()
        .wrap("/*path", via("first"))
        .get("/admin/x", named("x"))
        .wrap("/admin/*rest", via("second"))
        .wrap("/:any", via("third"));
    for (method, path, status, expected) in [
        ("GET", "/admin/x", 200, "second first"),
        ("POST", "/admin/x", 405, "second first"),
        ("GET", "/admin/none", 404, "second first"),
        ("GET", "/admin/%FF", 404, "second first"),
        ("GET", "/admin", 404, "third second first"),
        ("GET", "/", 404, "first"),
    ] {
        let reply = send(&app, method, path);
        assert_eq!(reply.status(), status, "{path}");
        assert_eq!(vias(&reply), expected, "{path}");
    }
}

#[test]
fn middleware_may_answer_change_the_request_and_see_errors() {
    let app = App::new()
        .wrap("/*path", |c, next| match next.run(c) {
            Err(error) => Ok(c.text(format!("seen: {error}"))),
            reply => reply,
        })
        .wrap("/closed/*path", |c, _| Ok(c.text("closed")))
        .wrap("/old", |c, next| {
            *c.request_mut().uri_mut() = "http://localhost/new".parse().unwrap();
            next.run(c)
        })
        .get("/closed/x", |_| unreachable!())
        .get("/fails", |_| Err(Error::app("sorry")))
        .get("/new", named("new"));
    assert_eq!(body(&app, "GET", "/closed/x"), "closed");
    assert_eq!(body(&app, "GET", "/fails"), "seen: sorry");
    assert_eq!(body(&app, "GET", "/old"), "new");
}

#[test]
fn parameters_are_those_of_the_pattern_that_is_running() {
    let app = App::new()
        .wrap("/:shop/*rest", |c, next| {
            let before = format!("{} {}", c.param("shop"), c.param("rest"));
            let inner = next.run(c)?.text()?;
            assert_eq!(before, format!("{} {}", c.param("shop"), c.param("rest")));
            Ok(c.text(format!("{before}; {inner}")))
        })
        .wrap("/a/:other", |c, next| next.run(c))
        .get("/a/:item", |c| Ok(c.text(c.param("item"))));
    assert_eq!(body(&app, "GET", "/a/b%20c"), "a b c; b c");
    assert_eq!(body(&app, "GET", "/a%FF/b"), "a\u{fffd} b; ");
}

#[test]
fn mounted_routers_are_below_their_prefix() {
    let items = || {
        Router::new()
            .wrap("/*path", via("items"))
            .get("/", named("all"))
            .get("/:item", |c| {
                Ok(c.text(format!("{} {}", c.param("shop"), c.param("item"))))
            })
            .not_found(|_| unreachable!())
            .on_error(|_, _| unreachable!())
    };
    let shop = Router::new()
        .mount("/items", items())
        .get("/", named("shop"));
    let app = App::new()
        .wrap("/*path", via("top"))
        .mount("/shops/:shop", shop)
        .get("/shops/:shop/about", named("about"));
    assert_eq!(body(&app, "GET", "/shops/a"), "shop");
    assert_eq!(body(&app, "GET", "/shops/a/items"), "all");
    assert_eq!(body(&app, "GET", "/shops/a/items/b"), "a b");
    assert_eq!(vias(&send(&app, "GET", "/shops/a/items/b")), "items top");
    assert_eq!(vias(&send(&app, "GET", "/shops/a/items")), "items top");
    assert_eq!(vias(&send(&app, "GET", "/shops/a/about")), "top");
    for path in ["/shops/a/", "/shops/a/items/", "/items"] {
        assert_eq!(send(&app, "GET", path).status(), StatusCode::NOT_FOUND);
    }
    assert_eq!(send(&app, "POST", "/shops/a/items").status(), 405);

    let single = Router::single(|c| Ok(c.text(c.uri().path())));
    let app = App::new().mount("/x", single).get("/x/y", named("y"));
    for (path, expected) in [("/x", "/x"), ("/x/%FF/", "/x/%FF/"), ("/x/y", "y")] {
        assert_eq!(body(&app, "GET", path), expected);
    }
}

#[test]
#[should_panic(expected = "duplicate route: GET /a/b beside /a/b")]
fn a_mounted_route_twice_is_a_duplicate() {
    let _ = App::new()
        .get("/a/b", named("first"))
        .mount("/a", Router::new().get("/b", named("second")));
}

#[test]
#[should_panic(expected = "malformed pattern `/:x/:x`")]
fn a_parameter_of_the_prefix_is_not_another() {
    let _ = App::new().mount("/:x", Router::new().get("/:x", named("x")));
}

#[test]
fn not_found_replaces_the_404_alone() {
    let app = App::new()
        .wrap("/*path", via("top"))
        .get("/a", named("a"))
        .get("/404", |_| {
            let mut reply = Response::default();
            *reply.status_mut() = StatusCode::NOT_FOUND;
            Ok(reply)
        })
        .get("/p/:x", named("p"))
        .not_found(|c| {
            let mut reply = c.text(format!("no {}", c.uri().path()));
            *reply.status_mut() = StatusCode::NOT_FOUND;
            Ok(reply)
        });
    let reply = send(&app, "GET", "/b");
    assert_eq!(
        (reply.status(), vias(&reply).as_str()),
        (StatusCode::NOT_FOUND, "top")
    );
    assert_eq!(reply.text().unwrap(), "no /b");
    assert_eq!(body(&app, "GET", "/404"), "");
    assert_eq!(send(&app, "POST", "/a").status(), 405);
    assert_eq!(send(&app, "GET", "/p/%FF").status(), 400);
}

#[test]
fn on_error_replaces_the_500_and_its_failure_is_an_empty_one() {
    let fails = || App::new().get("/", |_| Err(Error::app("first")));
    let app = fails()
        .wrap("/*path", |c, next| {
            let mut reply = next.run(c)?;
            reply.headers_mut().insert("via", "x".parse()?);
            Ok(reply)
        })
        .on_error(|c, error| Ok(c.text(format!("sorry: {error}"))));
    let reply = send(&app, "GET", "/");
    // No middleware sees it.
    assert_eq!(reply.headers().get("via"), None);
    assert_eq!(reply.text().unwrap(), "sorry: first");
    assert_eq!(take_log(), []);

    for app in [
        fails().on_error(|_, _| Err(Error::app("second"))),
        fails().on_error(|_, _| {
            let body = Body::from("x");
            body.bytes()?;
            Ok(Response::new(body))
        }),
    ] {
        let reply = send(&app, "GET", "/");
        assert_eq!(reply.status(), 500);
        assert_eq!(reply.text().unwrap(), "");
        assert_eq!(take_log().len(), 1);
    }

    // What can't be a reply is a failure of the handler too, and one of not_found as well.
    let app = App::new()
        .get("/", |_| {
            let mut reply = Response::new(Body::from("x"));
            *reply.status_mut() = StatusCode::NO_CONTENT;
            Ok(reply)
        })
        .not_found(|_| Err(Error::app("none")))
        .on_error(|c, error| Ok(c.text(error.chain())));
    assert_eq!(body(&app, "GET", "/"), "invalid status: 204 has no body");
    assert_eq!(body(&app, "GET", "/none"), "none");
}
