use wasmtime::Result;
use wasmtime::component::Resource;

use crate::bindings::{Body, BodyError, FetchError, Field, Options, Request, Response};
use crate::fetch::{self, Asked, OutgoingHandle, PendingHandle};
use crate::fields;
use crate::handle::{Handle, Pollable};
use crate::seam::Interface;
use crate::state::State;

type Fetched<T> = std::result::Result<T, FetchError>;

pub(super) fn register(interface: &mut Interface<'_>) -> Result<()> {
    interface.resource::<PendingHandle>("pending")?;
    interface.resource::<OutgoingHandle>("outgoing-body")?;
    register_send(interface)?;
    register_pending(interface)?;
    register_outgoing(interface)
}

/// What a guest asks for. A body handed over is gone, also when the request fails.
fn asked(state: &mut State, request: Request, options: Options) -> Result<Asked> {
    let incoming = match &request.body {
        Body::Incoming(handle) => {
            let handle = state.table.delete(Resource::new_own(handle.rep()))?;
            Some(Handle::into_inner(handle))
        }
        Body::None | Body::Bytes(_) => None,
    };
    Ok(Asked {
        request,
        incoming,
        options,
    })
}

fn logged(state: &mut State, error: FetchError) -> FetchError {
    if let FetchError::Limit(reason) = &error {
        state.passed(reason);
    }
    error
}

fn register_send(interface: &mut Interface<'_>) -> Result<()> {
    interface.func(
        "send",
        |mut context, (request, options): (Request, Options)| {
            Box::new(async move {
                let state = context.data_mut();
                let asked = asked(state, request, options)?;
                let sent: Fetched<_> = match fetch::send(state, asked) {
                    Ok(pending) => Ok(state.table.push(Handle::new(pending))?),
                    Err(error) => Err(logged(state, error)),
                };
                Ok((sent,))
            })
        },
    )?;
    interface.func(
        "send-streaming",
        |mut context, (request, options): (Request, Options)| {
            Box::new(async move {
                let state = context.data_mut();
                let asked = asked(state, request, options)?;
                let sent: Fetched<_> = match fetch::send_streaming(state, asked) {
                    Ok((pending, outgoing)) => Ok((
                        state.table.push(Handle::new(pending))?,
                        state.table.push(Handle::new(outgoing))?,
                    )),
                    Err(error) => Err(logged(state, error)),
                };
                Ok((sent,))
            })
        },
    )
}

fn register_pending(interface: &mut Interface<'_>) -> Result<()> {
    interface.func(
        "wait",
        |mut context, (pending,): (Resource<PendingHandle>,)| {
            Box::new(async move {
                let state = context.data_mut();
                let pending = state.table.delete(pending)?.into_inner();
                let response: Fetched<_> = match pending.response().await {
                    Ok(fetched) => Ok(Response {
                        status: fetched.status,
                        headers: fetched.headers,
                        body: match fetched.body {
                            Some(body) => Body::Incoming(state.table.push(Handle::new(body))?),
                            None => Body::None,
                        },
                        uri: fetched.uri,
                        redirects: fetched.redirects,
                        attributes: fetched.attributes,
                    }),
                    Err(error) => Err(error),
                };
                Ok((response,))
            })
        },
    )?;
    interface.func(
        "[method]pending.subscribe",
        |mut context, (pending,): (Resource<PendingHandle>,)| {
            Box::new(async move {
                let table = &mut context.data_mut().table;
                let pollable: Pollable = table.get(&pending)?.pollable();
                Ok((table.push(pollable)?,))
            })
        },
    )
}

fn register_outgoing(interface: &mut Interface<'_>) -> Result<()> {
    interface.func(
        "[method]outgoing-body.write",
        |mut context, (body, bytes): (Resource<OutgoingHandle>, Vec<u8>)| {
            Box::new(async move {
                let state = context.data_mut();
                let body = state.table.get(&body)?;
                let write = std::future::poll_fn(|context| body.lock().poll_write(&bytes, context));
                let written: std::result::Result<u32, BodyError> = write.await;
                if let Ok(length) = written {
                    state.meter.moved(length as usize);
                }
                Ok((written,))
            })
        },
    )?;
    interface.func(
        "[method]outgoing-body.subscribe",
        |mut context, (body,): (Resource<OutgoingHandle>,)| {
            Box::new(async move {
                let table = &mut context.data_mut().table;
                let pollable: Pollable = table.get(&body)?.pollable();
                Ok((table.push(pollable)?,))
            })
        },
    )?;
    interface.func(
        "finish",
        |mut context, (body, trailers): (Resource<OutgoingHandle>, Vec<Field>)| {
            Box::new(async move {
                let table = &mut context.data_mut().table;
                let body = table.delete(body)?.into_inner();
                let trailers = fields::trailers_to_send(trailers);
                Ok((body.finish(trailers),))
            })
        },
    )
}
