use std::time::Duration;

use edgewit::fetch::{self, Options, Origin, Redirect};
use edgewit::poll::{Pollable, select};
use edgewit::time::Timer;
use edgewit::{Context, Error, Response};

use crate::{number, request, text};

/// The response to a GET, or the error.
pub fn report(c: &mut Context) -> Result<Response, Error> {
    let redirect = match &*text(c, "redirect") {
        "manual" => Redirect::Manual,
        "error" => Redirect::Error,
        _ => Redirect::Follow,
    };
    let options = Options {
        redirect,
        ..Options::default()
    };
    let mut request = request("GET", &text(c, "url"))?;
    request.headers_mut().insert("x-from", "guest".parse()?);
    Ok(c.text(match fetch::with_options(request, &options) {
        Ok(response) => {
            let origin: &Origin = response.extensions().get().expect("an origin");
            let origin = format!("{} {}", origin.uri, origin.redirects);
            format!("{origin}\n{}", crate::report(response))
        }
        Err(error) => format!("error {}\n", error.chain()),
    }))
}

/// Sends a request to each `url` and reports the first that has an answer; a timer of `ms`, if there is one, is first in
/// the list.
pub fn first(c: &mut Context) -> Result<Response, Error> {
    let urls = c.query_pairs().filter(|(name, _)| name == "url");
    let pending = urls.map(|(_, url)| fetch::send(request("GET", &url)?));
    let mut pending = pending.collect::<Result<Vec<_>, _>>()?;
    let timer = match number(c, "ms") {
        0 => Timer::after(Duration::MAX),
        ms => Timer::after(Duration::from_millis(ms as u64)),
    };
    let mut sources: Vec<&dyn Pollable> = vec![&timer];
    sources.extend(pending.iter().map(|it| it as &dyn Pollable));
    let ready = select(&sources);
    let last = ready[ready.len() - 1];
    let mut report = format!("ready {ready:?}\n");
    if last > 0 {
        report += &crate::report(pending.remove(last - 1).wait()?);
    }
    // The others are cancelled here, before the reply.
    drop(pending);
    Ok(c.text(report))
}

/// Hands the request's body on to `url`, and the response back.
pub fn proxy(c: &mut Context) -> Result<Response, Error> {
    let mut request = request("POST", &text(c, "url"))?;
    request.headers_mut().insert("trailer", "x-end".parse()?);
    *request.body_mut() = c.take_body();
    edgewit::fetch(request)
}
