//! The SDK inside of a component: applications on it, served by the host and asked over a socket. They are tested here
//! because this package alone may know both.

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
#[path = "sdk/serving.rs"]
mod serving;

#[path = "sdk/bodies.rs"]
mod bodies;
#[path = "sdk/fetching.rs"]
mod fetching;
#[path = "sdk/machine.rs"]
mod machine;
#[path = "sdk/routing.rs"]
mod routing;
#[path = "sdk/uploads.rs"]
mod uploads;
#[path = "sdk/waiting.rs"]
mod waiting;
