use edgewit::{BodyError, Context, Error, Response};

use crate::text;

/// A line of each level.
pub fn log(c: &mut Context) -> Result<Response, Error> {
    let text = text(c, "text");
    log::error!("{text}");
    log::warn!("{text}");
    log::info!(target: "a target", "{text}");
    log::debug!("{text}");
    log::trace!("{text}");
    Ok(c.text(""))
}

pub fn panic(c: &mut Context) -> Result<Response, Error> {
    panic!("{}", text(c, "text"))
}

pub fn error(_: &mut Context) -> Result<Response, Error> {
    Err(BodyError::Incomplete.into())
}
