use edgewit::fetch::{self, Options, Origin, Pending, Redirect, Upload};
use edgewit::http::Request as HttpRequest;
use edgewit::{Body, Request, Response};

use crate::requests::first;
use crate::script::{Run, Table, done};
use crate::words::{Failure, Operands, Outcome, Report, mistake};

pub const VERBS: Table = &[
    ("fetch.new", new),
    ("fetch.field", field),
    ("fetch.bytes", bytes),
    ("fetch.forward", forward),
    ("fetch.redirect", redirect),
    ("fetch.timeout", timeout),
    ("fetch.hint", hint),
    ("fetch.send", send),
    ("fetch.stream", stream),
    ("fetch.write", write),
    ("fetch.finish", finish),
    ("fetch.wait", wait),
    // To cancel is to drop it, and nobody holds it then.
    ("fetch.cancel", |_, _| Ok(Report::prevented())),
    ("fetch.get", get),
    ("res.fields", res_fields),
    ("res.field", res_field),
    ("res.uri", res_uri),
    ("res.redirects", res_redirects),
    ("res.attribute", res_attribute),
];

/// A request that is not sent yet, with what http's types had against its method or URI.
struct Draft {
    request: Request,
    refused: Option<edgewit::Error>,
    options: Options,
}

impl Draft {
    fn ready(self) -> Result<(Request, Options), edgewit::Error> {
        match self.refused {
            Some(refused) => Err(refused),
            None => Ok((self.request, self.options)),
        }
    }
}

fn new(run: &mut Run, operands: &Operands) -> Outcome {
    let (method, uri) = (operands.bytes(1)?, operands.bytes(2)?);
    let built = HttpRequest::builder()
        .method(&*method)
        .uri(&*uri)
        .body(Body::empty());
    let (request, refused) = match built {
        Ok(request) => (request, None),
        Err(refused) => (Request::default(), Some(refused.into())),
    };
    let draft = Draft {
        request,
        refused,
        options: Options::default(),
    };
    run.keep(operands.word(0)?, draft)?;
    done()
}

fn draft<'a>(run: &'a mut Run, operands: &Operands) -> Result<&'a mut Draft, Failure> {
    run.get(operands.word(0)?)
}

fn field(run: &mut Run, operands: &Operands) -> Outcome {
    let (name, value) = operands.field(1)?;
    let headers = draft(run, operands)?.request.headers_mut();
    headers.append(name, value);
    done()
}

fn bytes(run: &mut Run, operands: &Operands) -> Outcome {
    *draft(run, operands)?.request.body_mut() = operands.bytes(1)?.into();
    done()
}

fn forward(run: &mut Run, operands: &Operands) -> Outcome {
    let body = run.body(operands.word(1)?)?.take();
    *draft(run, operands)?.request.body_mut() = body;
    done()
}

fn redirect(run: &mut Run, operands: &Operands) -> Outcome {
    draft(run, operands)?.options.redirect = match operands.word(1)? {
        "follow" => Redirect::Follow,
        "manual" => Redirect::Manual,
        "error" => Redirect::Error,
        how => return mistake(format!("`{how}` is no way to redirect")),
    };
    done()
}

fn timeout(run: &mut Run, operands: &Operands) -> Outcome {
    let timeouts = &mut draft(run, operands)?.options.timeouts;
    let place = match operands.word(1)? {
        "connect" => &mut timeouts.connect,
        "first-byte" => &mut timeouts.first_byte,
        "between-bytes" => &mut timeouts.between_bytes,
        "total" => &mut timeouts.total,
        which => return mistake(format!("`{which}` is no timeout")),
    };
    *place = operands.time(2)?;
    done()
}

fn hint(run: &mut Run, operands: &Operands) -> Outcome {
    draft(run, operands)?
        .options
        .hints
        .extend(operands.pairs(1)?);
    done()
}

fn send(run: &mut Run, operands: &Operands) -> Outcome {
    let (request, options) = run.take::<Draft>(operands.word(0)?)?.ready()?;
    let pending = fetch::send_with(request, &options)?;
    run.keep(operands.word(1)?, pending)?;
    done()
}

fn stream(run: &mut Run, operands: &Operands) -> Outcome {
    let (request, options) = run.take::<Draft>(operands.word(0)?)?.ready()?;
    let (upload, pending) = fetch::upload_with(request, &options)?;
    run.keep(operands.word(1)?, pending)?;
    run.keep(operands.word(2)?, upload)?;
    done()
}

fn write(run: &mut Run, operands: &Operands) -> Outcome {
    let bytes = operands.bytes(1)?;
    run.get::<Upload>(operands.word(0)?)?.write_all(&bytes)?;
    done()
}

fn finish(run: &mut Run, operands: &Operands) -> Outcome {
    let trailers = operands.fields(1)?;
    let upload: Upload = run.take(operands.word(0)?)?;
    match trailers.is_empty() {
        true => upload.finish()?,
        false => upload.finish_with(trailers)?,
    }
    done()
}

/// Keeps a response, and reports its status.
fn arrived(run: &mut Run, name: &str, response: Response) -> Outcome {
    let report = Report::ok().word(response.status().as_u16());
    run.keep(name, response)?;
    Ok(report)
}

fn wait(run: &mut Run, operands: &Operands) -> Outcome {
    let pending: Pending = run.take(operands.word(0)?)?;
    arrived(run, operands.word(1)?, pending.wait()?)
}

fn get(run: &mut Run, operands: &Operands) -> Outcome {
    let request = HttpRequest::get(&*operands.bytes(0)?).body(Body::empty())?;
    arrived(run, operands.word(1)?, edgewit::fetch(request)?)
}

fn response<'a>(run: &'a mut Run, operands: &Operands) -> Result<&'a Response, Failure> {
    Ok(run.get(operands.word(0)?)?)
}

fn origin<'a>(run: &'a mut Run, operands: &Operands) -> Result<&'a Origin, Failure> {
    match response(run, operands)?.extensions().get() {
        Some(origin) => Ok(origin),
        None => mistake("a response that was not fetched"),
    }
}

fn res_fields(run: &mut Run, operands: &Operands) -> Outcome {
    Ok(Report::ok().fields(response(run, operands)?.headers()))
}

fn res_field(run: &mut Run, operands: &Operands) -> Outcome {
    let name = operands.text(1)?;
    Ok(Report::ok().field(response(run, operands)?.headers(), &name))
}

fn res_uri(run: &mut Run, operands: &Operands) -> Outcome {
    Ok(Report::ok().value(origin(run, operands)?.uri.to_string()))
}

fn res_redirects(run: &mut Run, operands: &Operands) -> Outcome {
    Ok(Report::ok().word(origin(run, operands)?.redirects))
}

fn res_attribute(run: &mut Run, operands: &Operands) -> Outcome {
    let name = operands.text(1)?;
    first(&origin(run, operands)?.attributes, &name)
}
