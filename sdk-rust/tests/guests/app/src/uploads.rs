use std::cell::Cell;
use std::io::Write;
use std::rc::Rc;

use edgewit::http::{HeaderMap, HeaderValue};
use edgewit::poll::select;
use edgewit::{Body, BodyError, Context, Error, Request, Response, fetch};

use crate::{number, pass, report, request, text};

fn post(c: &Context) -> Result<Request, Error> {
    let mut request = request("POST", &text(c, "url"))?;
    request.headers_mut().insert("trailer", "x-sum".parse()?);
    if let Some(length) = c.query("length") {
        request
            .headers_mut()
            .insert("content-length", length.parse()?);
    }
    Ok(request)
}

fn trailers(sum: usize) -> HeaderMap {
    HeaderMap::from_iter([("x-sum".parse().unwrap(), HeaderValue::from(sum))])
}

/// Posts `pieces` pieces of `bytes` bytes, made while they are sent, each after `gate` has answered, and an error at the end
/// if there is the text of one. Reports the response, and how many pieces were made.
pub fn stream(c: &mut Context) -> Result<Response, Error> {
    let (gate, error) = (text(c, "gate"), text(c, "error"));
    let (bytes, made) = (number(c, "bytes"), Rc::new(Cell::new(0)));
    let (counted, summed) = (made.clone(), made.clone());
    let pieces = (0..number(c, "pieces")).map(move |piece| {
        pass(&gate)?;
        counted.set(piece + 1);
        Ok(vec![b'x'; bytes])
    });
    let error = (!error.is_empty()).then_some(Err(BodyError::Other(error)));
    let mut request = post(c)?;
    let body = Body::stream(pieces.chain(error));
    *request.body_mut() = body.with_trailers(move || Ok(trailers(summed.get())));
    let report = match edgewit::fetch(request) {
        Ok(response) => report(response),
        Err(error) => format!("error {}\n", error.chain()),
    };
    Ok(c.text(format!("{report}made {}\n", made.get())))
}

/// Posts the request's own body, in upper case, a chunk at a time; the response goes back as it comes.
pub fn forward(c: &mut Context) -> Result<Response, Error> {
    let mut request = post(c)?;
    let body = c.take_body();
    *request.body_mut() = body.map(|chunk| Ok(chunk.to_ascii_uppercase()));
    edgewit::fetch(request)
}

/// Writes up to `pieces` pieces of `bytes` bytes, or for ever, until there is an answer, and reports how that went, and
/// the response.
pub fn write(c: &mut Context) -> Result<Response, Error> {
    let (mut upload, pending) = fetch::upload(post(c)?)?;
    let piece = vec![b'x'; number(c, "bytes")];
    let mut written = 0;
    let mut wrote = Ok(());
    for _ in 0..number(c, "pieces") {
        // The answer alone is no reason to stop; that nobody reads is.
        select(&[&upload]);
        wrote = upload.write_all(&piece);
        if wrote.is_err() {
            break;
        }
        written += 1;
    }
    let finished = if wrote.is_ok() {
        upload.flush().expect("nothing to wait for");
        upload.finish_with(trailers(written))
    } else {
        wrote
    };
    let report = match pending.wait() {
        Ok(response) => report(response),
        Err(error) => format!("error {}\n", error.chain()),
    };
    Ok(c.text(format!("{report}finished {finished:?}\n")))
}

/// Writes a piece, waits for `gate`, lets go of the `upload` or of the `pending`, and reports what the other says.
pub fn abort(c: &mut Context) -> Result<Response, Error> {
    let (mut upload, pending) = fetch::upload(post(c)?)?;
    upload.write_all(b"piece")?;
    pass(&text(c, "gate"))?;
    Ok(c.text(if text(c, "drop") == "upload" {
        drop(upload);
        match pending.wait() {
            Ok(response) => report(response),
            Err(error) => format!("error {}\n", error.chain()),
        }
    } else {
        drop(pending);
        // What the connection had room for is taken still.
        let refused = (0..1000).find_map(|_| upload.write_all(b"piece").err());
        format!("{refused:?}")
    }))
}
