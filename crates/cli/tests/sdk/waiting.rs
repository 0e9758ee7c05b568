//! The client that goes, and work after the reply.

use crate::events;
use crate::serving::{app, q, run};
use crate::upstream::Gate;

#[test]
fn a_client_that_goes_is_seen_while_waiting() {
    run(async {
        let (slow, gate) = (Gate::new().await, Gate::new().await);
        let served = app("sdk-gone").await;
        let target = format!("/gone?url={}&gate={}", q(&slow.url()), q(&gate.url()));
        let wire = served.ask(&target).await;
        slow.arrived(1).await;
        drop(wire);
        events::message("sdk-gone", "ready [1], gone true").await;
        gate.open();
        events::line("sdk-gone", 1).await;
    });
}

#[test]
fn a_client_that_closed_its_half_still_gets_the_reply() {
    run(async {
        let (slow, gate) = (Gate::new().await, Gate::new().await);
        let served = app("sdk-half").await;
        let target = format!("/gone?url={}&gate={}", q(&slow.url()), q(&gate.url()));
        let mut wire = served.ask(&target).await;
        slow.arrived(1).await;
        wire.finish().await;
        events::message("sdk-half", "ready [1], gone true").await;
        gate.open();
        assert_eq!(wire.response().await.text(), "still here");
    });
}

#[test]
fn a_client_that_stays_is_not_gone() {
    run(async {
        let (slow, gate) = (Gate::new().await, Gate::new().await);
        let served = app("sdk-staying").await;
        let target = format!("/gone?url={}&gate={}", q(&slow.url()), q(&gate.url()));
        let mut wire = served.ask(&target).await;
        slow.arrived(1).await;
        slow.open();
        events::message("sdk-staying", "ready [0], gone false").await;
        gate.open();
        assert_eq!(wire.response().await.text(), "still here");
    });
}

#[test]
fn work_left_over_delays_no_reply() {
    run(async {
        let gate = Gate::new().await;
        let served = app("sdk-after").await;
        let url = q(&gate.url());
        let reply = served.get(&format!("/after?url={url}")).await;
        assert_eq!((reply.text().as_str(), reply.complete), ("at once", true));
        gate.arrived(1).await;
        gate.open();
        events::message("sdk-after", "after 200 OK").await;
        events::message("sdk-after", "sent Ok(())").await;
        assert_eq!(events::errors("sdk-after"), ["after the reply: left over"]);

        let served = app("sdk-after-error").await;
        let reply = served.get(&format!("/after?fail=1&url={url}")).await;
        assert_eq!((reply.status(), reply.text().as_str()), (500, ""));
        gate.open();
        events::message("sdk-after-error", "sent Ok(())").await;
        assert_eq!(
            events::errors("sdk-after-error"),
            ["handler failed: failed", "after the reply: left over"]
        );
    });
}
