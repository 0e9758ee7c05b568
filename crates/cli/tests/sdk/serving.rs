//! Applications of `sdk-rust/tests/guests`.

use edgewit_manifest::Limits;

use crate::applications::{self, Address, Served};
pub use crate::applications::{END, chunk, q};

const APP: &str = "sdk-rust/tests/guests/app";
const HANDLER: &str = "sdk-rust/tests/guests/handler";

pub fn run(test: impl Future<Output = ()>) {
    applications::run(&[APP, HANDLER], test);
}

/// Serves the application whose path says what it does, as `name`, which no other test may use.
pub async fn app(name: &'static str) -> Address {
    limited(name, Limits::default()).await
}

pub async fn limited(name: &'static str, limits: Limits) -> Address {
    serve(APP, name, limits).await
}

/// Serves the one that is a function.
pub async fn handler(name: &'static str) -> Address {
    serve(HANDLER, name, Limits::default()).await
}

async fn serve(folder: &'static str, name: &'static str, limits: Limits) -> Address {
    let served = Served {
        folder,
        name,
        limits,
        hook: None,
    };
    served.start().await
}
