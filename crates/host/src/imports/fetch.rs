use wasmtime::Result;
use wasmtime::component::Resource;

use crate::bindings::{Body, BodyError, FetchError, Field, Options, Request, Response};
use crate::fetch::{self, Outgoing, Pending};
use crate::imports::poll::{self, Pollable};
use crate::seam::Interface;

pub(super) fn register(interface: &mut Interface<'_>) -> Result<()> {
    interface.resource::<Pending>("pending")?;
    interface.resource::<Outgoing>("outgoing-body")?;
    interface.func(
        "send",
        |mut context, (request, options): (Request, Options)| {
            Box::new(async move {
                let state = context.data_mut();
                // A body handed over is gone, also when this fails.
                let incoming = match &request.body {
                    Body::Incoming(handle) => {
                        Some(state.table.delete(Resource::new_own(handle.rep()))?)
                    }
                    Body::None | Body::Bytes(_) => None,
                };
                let sent = match fetch::send(state, request, incoming, options) {
                    Ok(pending) => Ok(state.table.push(pending)?),
                    Err(error) => Err(error),
                };
                Ok((sent,))
            })
        },
    )?;
    interface.func("wait", |mut context, (pending,): (Resource<Pending>,)| {
        Box::new(async move {
            let state = context.data_mut();
            let response = match state.table.delete(pending)?.response().await {
                Ok(fetched) => Ok(Response {
                    status: fetched.status,
                    headers: fetched.headers,
                    body: match fetched.body {
                        Some(body) => Body::Incoming(state.table.push(body)?),
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
    })?;
    register_not_offered(interface)
}

fn register_not_offered(interface: &mut Interface<'_>) -> Result<()> {
    type Streaming = std::result::Result<(Resource<Pending>, Resource<Outgoing>), FetchError>;
    interface.func("send-streaming", |_, (_, _): (Request, Options)| {
        Box::new(async { poll::not_offered::<Streaming>("edge:sdk/fetch#send-streaming") })
    })?;
    interface.func("finish", |_, (_, _): (Resource<Outgoing>, Vec<Field>)| {
        Box::new(async {
            poll::not_offered::<std::result::Result<(), BodyError>>("edge:sdk/fetch#finish")
        })
    })?;
    interface.func(
        "[method]outgoing-body.write",
        |_, (_, _): (Resource<Outgoing>, Vec<u8>)| {
            Box::new(async {
                poll::not_offered::<std::result::Result<u32, BodyError>>(
                    "edge:sdk/fetch#outgoing-body.write",
                )
            })
        },
    )?;
    interface.func(
        "[method]outgoing-body.subscribe",
        |_, (_,): (Resource<Outgoing>,)| {
            Box::new(async {
                poll::not_offered::<Resource<Pollable>>("edge:sdk/fetch#outgoing-body.subscribe")
            })
        },
    )?;
    interface.func(
        "[method]pending.subscribe",
        |_, (_,): (Resource<Pending>,)| {
            Box::new(async {
                poll::not_offered::<Resource<Pollable>>("edge:sdk/fetch#pending.subscribe")
            })
        },
    )
}
