use wasmtime::Result;
use wasmtime::component::Resource;

use crate::bindings::{BodyError, Chunk};
use crate::body::IncomingHandle;
use crate::handle::Ready;
use crate::meter::Meter;
use crate::seam::Interface;

pub(super) fn register(interface: &mut Interface<'_>) -> Result<()> {
    interface.resource::<IncomingHandle>("incoming-body")?;
    interface.func(
        "[method]incoming-body.read",
        |mut context, (body, max): (Resource<IncomingHandle>, u32)| {
            Box::new(async move {
                let state = context.data_mut();
                let body = state.table.get(&body)?;
                let waiting = body.lock().client().map(Meter::waits_for_client);
                let read = std::future::poll_fn(|context| body.lock().poll_read(max, context));
                let chunk: std::result::Result<Chunk, BodyError> = read.await;
                drop(waiting);
                let origin = body.lock().origin();
                match &chunk {
                    Ok(Chunk::Bytes(bytes)) => state.meter.moved(bytes.len()),
                    Ok(Chunk::End(_)) => {}
                    Err(error) => {
                        if let Some(line) = origin.passed(error, &state.app.limits) {
                            state.passed(&line);
                        }
                    }
                }
                Ok((chunk,))
            })
        },
    )?;
    interface.func(
        "[method]incoming-body.length",
        |context, (body,): (Resource<IncomingHandle>,)| {
            Box::new(async move { Ok((context.data().table.get(&body)?.lock().announced(),)) })
        },
    )?;
    interface.func(
        "[method]incoming-body.subscribe",
        |mut context, (body,): (Resource<IncomingHandle>,)| {
            Box::new(async move {
                let table = &mut context.data_mut().table;
                let pollable = table.get(&body)?.pollable();
                Ok((table.push(pollable)?,))
            })
        },
    )
}
