//! The Rust SDK under test: an application that carries out what `tests/conformance/CONTRACT.md`
//! says.
//! A request with a script goes to that, whatever its path; any other to the handlers.

mod bodies;
mod cases;
mod echo;
mod ends;
mod fetching;
mod handlers;
mod replies;
mod requests;
mod routes;
mod script;
mod stores;
mod system;
mod waiting;
mod words;

use edgewit::App;

edgewit::export!(
    App::new()
        .wrap("/*path", |c, next| {
            match script::steps(c.request().headers()) {
                Some(steps) => script::run(c, steps),
                None => next.run(c),
            }
        })
        .mount("/s", handlers::router())
        .not_found(handlers::not_found)
        .on_error(handlers::on_error)
);
