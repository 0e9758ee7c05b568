//! The host without a command line or a port.

use bytes::Bytes;
use edgewit_host::RequestId;
use http_body_util::{BodyExt, Empty, Full};

use crate::events;
use crate::support::{host, raw, run, settings};
use crate::wire::Wire;

#[allow(dead_code, reason = "its `main` is for the example alone")]
#[path = "../../examples/embed.rs"]
mod embed;

#[test]
fn the_example_serves_a_component() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let component = folder.path().join("app.wasm");
        std::fs::write(&component, raw()).unwrap();
        let (address, server) = embed::start(&component, 0).await.unwrap();
        tokio::spawn(server);
        let mut wire = Wire::connect(address).await;
        wire.send("GET /kv?store=visits&op=increment/n/1 HTTP/1.1\r\nhost: a\r\n\r\n")
            .await;
        assert_eq!(wire.response().await.text(), "1\n");
        wire.send("GET /kv?store=visits&op=increment/n/1 HTTP/1.1\r\nhost: a\r\n\r\n")
            .await;
        assert_eq!(wire.response().await.text(), "2\n");
        let missing = embed::start(&folder.path().join("none"), 0).await;
        assert!(missing.is_err());
    });
}

#[test]
fn an_application_answers_without_a_port() {
    run(async {
        let app = host().load("in-process", raw(), settings()).await.unwrap();
        assert_eq!(app.name(), "in-process");
        let request = http::Request::post("http://a.test/echo").body(Full::new(Bytes::from("abc")));
        let response = app.handle(request.unwrap()).await;
        let id = response.extensions().get::<RequestId>().unwrap().0.clone();
        assert_eq!(response.status(), 200);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, "abc");
        let line = events::line("in-process", 1).await;
        assert_eq!(line.field("request"), &*id);
    });
}

#[test]
fn dropping_a_response_tells_the_guest() {
    run(async {
        let app = host().load("dropped", raw(), settings()).await.unwrap();
        let request = http::Request::get("http://a.test/source?pieces=1000&bytes=1000");
        let response = app.handle(request.body(Empty::new()).unwrap()).await;
        assert_eq!(response.status(), 200);
        drop(response);
        events::message("dropped", "after-reply Err(BodyError::Closed)").await;
        assert!(events::errors("dropped").is_empty());
    });
}
