//! An application that is one function.

use edgewit::{Context, Error, MessageExt, Request, Response};

#[edgewit::handler]
fn handle(request: Request, c: &Context) -> Result<Response, Error> {
    let head = format!("{} {}", request.method(), request.uri().path());
    Ok(c.text(format!("{head} {}", request.text()?)))
}
