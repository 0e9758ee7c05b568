//! Routers, middleware and the attribute, as a client meets them.

use crate::events;
use crate::serving::{app, handler, run};

#[test]
fn middleware_stands_around_a_mounted_router() {
    run(async {
        let served = app("sdk-mounted").await;
        let reply = served.get("/mounted/a%20b/c").await;
        assert_eq!((reply.status(), reply.text().as_str()), (200, "a b c"));
        assert_eq!(reply.head.one("x-wrapped"), "a b/c");
        let reply = served.get("/mounted/a/b/c").await;
        assert_eq!(
            (reply.status(), reply.text().as_str()),
            (404, "nothing here")
        );
        assert_eq!(reply.head.one("x-wrapped"), "a/b/c");
        let reply = served.get("/mounted/a/fails?answered").await;
        assert_eq!((reply.status(), reply.text().as_str()), (200, "sorry"));
        assert!(events::errors("sdk-mounted").is_empty());
    });
}

#[test]
fn an_error_is_an_empty_500_and_one_line() {
    run(async {
        let served = app("sdk-error").await;
        let reply = served.get("/error").await;
        assert_eq!((reply.status(), reply.text().as_str()), (500, ""));
        events::line("sdk-error", 1).await;
        assert_eq!(
            events::errors("sdk-error"),
            ["handler failed: body: incomplete"]
        );
    });
}

#[test]
fn a_function_is_an_application() {
    run(async {
        let served = handler("sdk-handler").await;
        let mut wire = served.connect().await;
        wire.send("PURGE /a/%FF?b HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nbody")
            .await;
        let reply = wire.response().await;
        assert_eq!(reply.text(), "PURGE /a/%FF body");
        assert_eq!(reply.head.one("content-type"), "text/plain; charset=utf-8");
    });
}
