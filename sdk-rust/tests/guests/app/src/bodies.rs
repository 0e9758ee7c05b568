use std::arch::wasm32::memory_size;
use std::cell::Cell;
use std::rc::Rc;

use edgewit::http::HeaderMap;
use edgewit::{Body, BodyError, Context, Error, Response};

use crate::{number, pass, report_body, text};

/// The request's body in upper case, a chunk at a time, with its length as one more trailer.
pub fn echo(c: &mut Context) -> Result<Response, Error> {
    let length = Rc::new(Cell::new(0));
    let counted = length.clone();
    let shouted = c.take_body().map(move |chunk| {
        counted.set(counted.get() + chunk.len());
        Ok(chunk.to_ascii_uppercase())
    });
    let trailers = move || {
        let length = length.get().into();
        Ok(HeaderMap::from_iter([(
            "x-length".parse().unwrap(),
            length,
        )]))
    };
    Ok(edgewit::http::Response::builder()
        .header("trailer", "x-end, x-length")
        .body(shouted.with_trailers(trailers))?)
}

/// Reads to the end and reports that.
pub fn read(c: &mut Context) -> Result<Response, Error> {
    Ok(c.text(report_body(c.body())))
}

/// Reads the whole at once and reports its length, or the error and how much memory there is by then, in pages.
pub fn length(c: &mut Context) -> Result<Response, Error> {
    let announced = c.body().length();
    Ok(c.text(match c.body().bytes() {
        Ok(bytes) => format!("{announced:?} {}", bytes.len()),
        Err(error) => format!("{} {}", memory_size::<0>(), error.chain()),
    }))
}

/// `pieces` pieces, each after `gate` has answered; then an error if there is the text of one. That it was dropped is
/// a line.
pub fn source(c: &mut Context) -> Result<Response, Error> {
    struct Dropped;
    impl Drop for Dropped {
        fn drop(&mut self) {
            log::info!("source dropped");
        }
    }
    let (gate, error, dropped) = (text(c, "gate"), text(c, "error"), Dropped);
    c.after_reply(|sent| {
        log::info!("sent {sent:?}");
        Ok(())
    });
    let pieces = (0..number(c, "pieces")).map(move |piece| {
        let _ = &dropped;
        pass(&gate)?;
        Ok(piece.to_string())
    });
    let error = (!error.is_empty()).then_some(Err(BodyError::Other(error)));
    Ok(Response::new(Body::stream(pieces.chain(error))))
}
