use edgewit::Response;
use edgewit::fetch::{Pending, Upload};
use edgewit::poll::{Pollable, select};
use edgewit::time::{Timer, sleep};

use crate::script::{Run, Table, done};
use crate::words::{Failure, Operands, Outcome, Report, mistake};

pub const VERBS: Table = &[("wait", wait), ("sleep", nap), ("drop", let_go)];

fn wait(run: &mut Run, operands: &Operands) -> Outcome {
    let timer = operands.time(0)?.map(Timer::after);
    let names = &operands.0[1..];
    let sources = names.iter().map(|name| pollable(run, name));
    let mut sources = sources.collect::<Result<Vec<_>, _>>()?;
    sources.extend(timer.iter().map(|timer| timer as &dyn Pollable));
    let ready = select(&sources);
    let ready: Vec<_> = ready.into_iter().filter_map(|it| names.get(it)).collect();
    Ok(Report::ok().list(ready.into_iter()))
}

fn pollable<'a>(run: &'a Run, name: &str) -> Result<&'a dyn Pollable, Failure> {
    match name {
        "client" => return Ok(&run.about.gone),
        "request" => return Ok(run.request.body()),
        _ => {}
    }
    let value = run.any(name)?;
    if let Some(pending) = value.downcast_ref::<Pending>() {
        Ok(pending)
    } else if let Some(upload) = value.downcast_ref::<Upload>() {
        Ok(upload)
    } else if let Some(response) = value.downcast_ref::<Response>() {
        Ok(response.body())
    } else {
        mistake(format!("`{name}` can't be waited for"))
    }
}

fn nap(_: &mut Run, operands: &Operands) -> Outcome {
    match operands.time(0)? {
        Some(time) => sleep(time),
        None => return mistake("no time"),
    }
    done()
}

fn let_go(run: &mut Run, operands: &Operands) -> Outcome {
    match operands.word(0)? {
        "request" => drop(run.request.body().take()),
        name => drop(run.release(name)?),
    }
    done()
}
