use edgewit::poll::{Pollable, select};
use edgewit::{Body, Context, Error, Response, fetch};

use crate::{pass, request, text};

/// Sends a request to `url` and waits for that or for the client to go; then says which as a line, waits for `gate`, and
/// answers.
pub fn gone(c: &mut Context) -> Result<Response, Error> {
    let pending = fetch::send(request("GET", &text(c, "url"))?)?;
    let client = c.client_gone();
    let ready = select(&[&pending, &client]);
    log::info!("ready {ready:?}, gone {}", client.is_ready());
    drop(pending);
    pass(&text(c, "gate"))?;
    let body = Body::stream([Ok("still here")]);
    Ok(Response::new(body))
}

/// Replies at once; a request to `url` that is under way is waited for afterwards, another piece of work fails, and a third
/// says how the reply was sent.
pub fn after(c: &mut Context) -> Result<Response, Error> {
    let pending = fetch::send(request("GET", &text(c, "url"))?)?;
    c.wait_until(|| {
        let status = pending.wait()?.status();
        log::info!("after {status}");
        Ok(())
    });
    c.wait_until(|| Err(Error::app("left over")));
    c.after_reply(|sent| {
        log::info!("sent {sent:?}");
        Ok(())
    });
    match text(c, "fail").is_empty() {
        true => Ok(c.text("at once")),
        false => Err(Error::app("failed")),
    }
}
