//! The JavaScript SDK inside of a component: applications on it, served by the host and asked over a socket.

#[allow(dead_code, reason = "the host's own tests use more of it")]
#[path = "../../host/tests/host/events.rs"]
mod events;
#[allow(dead_code, reason = "the host's own tests use more of it")]
#[path = "../../host/tests/host/upstream.rs"]
mod upstream;
#[allow(dead_code, reason = "the host's own tests use more of it")]
#[path = "../../host/tests/host/wire.rs"]
mod wire;

#[path = "support/applications.rs"]
mod applications;
#[path = "js/serving.rs"]
mod serving;

#[path = "js/aborting.rs"]
mod aborting;
#[path = "js/absent.rs"]
mod absent;
#[path = "js/bodies.rs"]
mod bodies;
#[path = "js/engine.rs"]
mod engine;
#[path = "js/failing.rs"]
mod failing;
#[path = "js/fetching.rs"]
mod fetching;
#[path = "js/forwarding.rs"]
mod forwarding;
#[path = "js/handling.rs"]
mod handling;
#[path = "js/leaking.rs"]
mod leaking;
#[path = "js/printing.rs"]
mod printing;
#[path = "js/replies.rs"]
mod replies;
#[path = "js/timers.rs"]
mod timers;
#[path = "js/uploads.rs"]
mod uploads;
