//! The JavaScript SDK inside of a component: applications on it, served by the host and asked over a socket.

#[path = "js/aborting.rs"]
mod aborting;
#[path = "js/absent.rs"]
mod absent;
#[path = "support/applications.rs"]
mod applications;
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
#[path = "js/packages.rs"]
mod packages;
#[path = "js/printing.rs"]
mod printing;
#[path = "js/replies.rs"]
mod replies;
#[path = "js/serving.rs"]
mod serving;
#[path = "js/timers.rs"]
mod timers;
#[path = "js/uploads.rs"]
mod uploads;

use applications::{events, upstream, wire};
