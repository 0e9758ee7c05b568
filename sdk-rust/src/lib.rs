//! Write edge applications in Rust: one component, for any host of `edge:sdk`.
//!
//! ```
//! use edgewit::App;
//!
//! const GREETING: &str = "hello";
//!
//! edgewit::export!(
//!     App::new()
//!         .get("/", |c| Ok(c.text(format!("{GREETING}, whoever you are"))))
//!         .get("/hello/:name", |c| {
//!             let visits = c.kv("visits")?.increment(c.param("name"), 1)?;
//!             log::info!("hello visits={visits}");
//!             Ok(c.text(format!("{GREETING} {}, visit {visits}", c.param("name"))))
//!         })
//! );
//! ```
//!
//! An application is a [`Router`], called [`App`] at the top of a program, whose handlers get a [`Context`] and return a
//! [`Response`]; [`handler`] makes one function the whole application instead. Every call blocks: a request has an
//! instance to itself, made when it comes and gone when it is answered, and so nothing is kept from one to the next but
//! what is written to a [store](kv). Requests to other servers are made by [`fetch()`].
//!
//! Bodies are read and made [chunk by chunk](Body) where they are long, and what takes its time need not be waited for one
//! after the other: requests are [sent](fetch::send) and awaited later, and [`poll::select`] waits for several things at
//! once, a [timer](time::Timer) and [the client's going](Context::client_gone) among them. Dropping what is under way
//! cancels it. Work that need not delay the reply is left to [`Context::wait_until`].
//!
//! What Rust takes from an operating system comes from the host. Log lines go through the crate [`log`], with their fields
//! if the feature `log-fields` is on, and a panic's message is one; what `println!` and `eprintln!` write is lost. The
//! clocks are those of [`time`], as the standard library's panic and its `sleep` does, and random bytes those of
//! [`random`], which the crate `getrandom` uses too.
//!
//! An application is called in process by a plain `cargo test`; see [`mod@test`].
//!
//! ```
//! use edgewit::{App, MessageExt};
//!
//! edgewit::export!(App::new().post("/shout", |c| Ok(c.text(c.body().text()?.to_uppercase()))));
//!
//! # fn main() -> Result<(), edgewit::Error> {
//! let request = edgewit::http::Request::post("/shout").body("hello".into())?;
//! assert_eq!(app().handle(request).text()?, "HELLO");
//! # Ok(())
//! # }
//! ```

#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
#[rustfmt::skip]
#[allow(missing_docs, unsafe_code, clippy::all, reason = "generated from the WIT package")]
pub mod generated;

mod after;
mod body;
mod context;
mod error;
pub mod fetch;
#[cfg(target_arch = "wasm32")]
mod guest;
mod headers;
mod host;
pub mod kv;
mod logger;
mod message;
mod pattern;
pub mod poll;
pub mod random;
mod reply;
mod router;
#[cfg(target_arch = "wasm32")]
mod rt;
mod stream;
#[cfg(not(target_arch = "wasm32"))]
pub mod test;
pub mod time;
mod waiting;
mod wire;

pub use body::{Body, BodyError, Chunks};
pub use context::Context;
pub use edgewit_macros::handler;
pub use error::Error;
pub use fetch::{Error as FetchError, Options as FetchOptions, fetch};
pub use headers::HeadersExt;
pub use http;
pub use log;
pub use message::MessageExt;
pub use reply::Hints;
pub use router::{Next, Router};

/// Ends the request as a trap with this reason, as a panic does, but without a place in the program: the client gets an
/// empty 500, the log one line, and nothing more runs, [`Context::wait_until`] included.
/// Panics: in a test, with the reason.
/// Source: `edge:sdk/logging#abort`.
pub fn abort(reason: &str) -> ! {
    host::abort(reason);
    #[cfg(target_arch = "wasm32")]
    // No host returns from that.
    std::process::abort()
}

/// A [`Router`] at the top of a program.
pub type App = Router;

/// A request: the head of the ecosystem's type, and a [`Body`].
/// The URI is absolute, without user information and fragment; field names are in lower case.
/// The builders are those of [`http::Request`], [`http::Request::get`] for one, as the alias has a body already.
/// Source: `edge:sdk/http#request`.
pub type Request = http::Request<Body>;

/// A response: the head of the ecosystem's type, and a [`Body`].
/// A reply's status is 200 to 599, and there is no body with 204, 205 and 304; a handler that returns anything else
/// has failed with [`Error::InvalidStatus`]. The builder is [`http::Response::builder`], as the alias has a body already.
/// Source: `edge:sdk/http#response`, `edge:sdk/handler#reply`.
pub type Response = http::Response<Body>;

/// What `export!` builds on.
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod __private {
    pub use crate::guest::Application;
}

/// Makes an [`App`] the application of this component. It takes an expression of that type, which is evaluated for
/// every request, and defines `pub fn app() -> App`, for tests, beside the exports.
/// A crate exports one application; it is a `cdylib`, and a `rlib` too where tests outside of it call `app`.
/// Source: `edge:sdk/handler`.
#[macro_export]
macro_rules! export {
    ($app:expr) => {
        /// The application of this component.
        pub fn app() -> $crate::App {
            $app
        }

        #[cfg(target_arch = "wasm32")]
        const _: () = {
            struct Exported;

            impl $crate::__private::Application for Exported {
                fn app() -> $crate::App {
                    app()
                }
            }

            $crate::generated::export_app!(Exported);
        };
    };
}
