//! The SDK inside of a component: applications on it, served by the host and asked over a socket. They are tested here
//! because this package alone may know both.

#[path = "support/applications.rs"]
mod applications;
#[path = "sdk/bodies.rs"]
mod bodies;
#[path = "sdk/fetching.rs"]
mod fetching;
#[path = "sdk/machine.rs"]
mod machine;
#[path = "sdk/routing.rs"]
mod routing;
#[path = "sdk/serving.rs"]
mod serving;
#[path = "sdk/uploads.rs"]
mod uploads;
#[path = "sdk/waiting.rs"]
mod waiting;

use applications::{events, upstream, wire};
