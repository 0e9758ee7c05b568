//! The attribute `handler`.

mod alone {
    use edgewit::{Error, Request, Response};

    #[edgewit::handler]
    fn handle(request: Request) -> Result<Response, Error> {
        let text = format!("{} {}", request.method(), request.uri().path());
        Ok(Response::new(text.into()))
    }
}

mod with_context {
    use edgewit::{Context, Error, MessageExt, Request, Response};

    #[edgewit::handler]
    fn handle(request: Request, c: &Context) -> Result<Response, Error> {
        Ok(c.text(request.text()?.to_uppercase()))
    }
}

use edgewit::{MessageExt, Request};

#[test]
fn a_function_handles_every_method_and_path() {
    let app = alone::app();
    assert_eq!(app.request("/a/%FF").text().unwrap(), "GET /a/%FF");
    let mut request = Request::new("body".into());
    *request.method_mut() = "PURGE".parse().unwrap();
    assert_eq!(app.handle(request).text().unwrap(), "PURGE /");
}

#[test]
fn a_function_may_take_the_context_too() {
    let request = Request::new("body".into());
    let reply = with_context::app().handle(request);
    assert_eq!(reply.headers()["content-type"], "text/plain; charset=utf-8");
    assert_eq!(reply.text().unwrap(), "BODY");
}
