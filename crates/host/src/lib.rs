//! An embeddable host for components of `edge:sdk`: a component file in, HTTP out.
//!
//! A [`Host`] holds the engine; [`Host::load`] makes an [`App`] of a component and what it is granted;
//! [`App::handle`] answers one request in an instance of its own. [`serve`] puts applications behind a
//! port. What guests log, and one line for each request, are `tracing` events; the line has a field `ended` where the
//! reply did not reach its client whole: the case of [`BodyError`] that tells why, as in `closed`.
//!
//! ```no_run
//! # async fn example(bytes: &[u8]) -> Result<(), edgewit_host::Error> {
//! use edgewit_host::{Host, Settings};
//!
//! let host = Host::builder().build()?;
//! let app = host.load("hello", bytes, Settings::default()).await?;
//! let request = http::Request::get("http://localhost/").body(http_body_util::Empty::new());
//! let response = app.handle(request.expect("a valid request")).await;
//! println!("{}", response.status());
//! # Ok(())
//! # }
//! ```
//!
//! The program `examples/embed.rs` does the same with a store and a port.

mod app;
mod bindings;
mod body;
mod compiled;
mod connection;
mod delivery;
mod end;
mod engine;
mod fetch;
mod fields;
mod handle;
mod imports;
mod inbound;
mod instances;
pub mod kv;
mod meter;
mod parts;
mod reply;
mod respond;
mod run;
mod seam;
mod server;
mod state;
mod stream;
mod value;

pub use app::{App, Builder, Component, Error, Host, Settings};
pub use bindings::BodyError;
pub use inbound::{ClientAddress, ListenerAddress};
pub use parts::{Clock, Random, Resolver, System};
pub use reply::ReplyBody;
pub use run::RequestId;
pub use seam::{Call, Hook};
pub use server::{Answer, Routes, Target, serve};
pub use value::Value;
