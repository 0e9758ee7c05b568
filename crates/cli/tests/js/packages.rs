//! Packages of npm that want more than the engine has.

use serde_json::json;

use crate::applications::Address;
use crate::events;
use crate::serving::{PACKAGES, guest, json, run_guest};
use crate::wire::Message;

async fn post(served: &Address, target: &str, body: &str) -> Message {
    let mut wire = served.connect().await;
    let length = body.len();
    wire.send(format!(
        "POST {target} HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n{body}"
    ))
    .await;
    wire.response().await
}

#[test]
fn properties_of_unicode_in_their_regular_expressions_are_known() {
    run_guest(PACKAGES, async {
        let served = guest(PACKAGES, "js-properties").await;
        // Whether an asterisk ends what is emphasized depends on which characters are punctuation.
        let reply = post(&served, "/markdown", "**«sí»**ya *«sí»* **größe**ß\n").await;
        let due = "<p>**«sí»**ya <em>«sí»</em> <strong>größe</strong>ß</p>\n";
        assert_eq!((reply.status(), reply.text().as_str()), (200, due));
        let visit = json!({ "page": "a", "mood": "\u{1f600}" });
        let reply = post(&served, "/visit", &visit.to_string()).await;
        assert_eq!(json(&reply), visit);
    });
}

#[test]
fn an_error_that_one_throws_is_from_the_application_as_well() {
    run_guest(PACKAGES, async {
        let served = guest(PACKAGES, "js-package-fails").await;
        let visit = json!({ "page": "a", "mood": "good" });
        for (target, body) in [("/nothing", ""), ("/visit", &visit.to_string())] {
            let reply = post(&served, target, body).await;
            assert_eq!((reply.status(), reply.text().as_str()), (500, ""));
        }
        events::line("js-package-fails", 2).await;
        let errors = events::errors("js-package-fails");
        let [nothing, visit] = &errors[..] else {
            panic!("{errors:#?}")
        };
        let place = |what: &str| {
            let source =
                include_str!("../../../../sdk-js-shim/test/guests/packages/src/main.ts").lines();
            let index = source.take_while(|line| !line.contains(what)).count();
            format!("src/main.ts:{})", index + 1)
        };
        let from = format!("), from {}", place("marked.parse(undefined"));
        let within = "(node_modules/marked/";
        assert!(
            nothing.contains(within) && nothing.contains(&from),
            "{nothing}"
        );
        let from = format!("] (at fetch ({}", place("visit.parse"));
        assert!(
            visit.starts_with("handler failed: ZodError: [\n") && visit.contains(&from),
            "{visit}"
        );
    });
}
