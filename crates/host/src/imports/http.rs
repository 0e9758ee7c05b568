use wasmtime::Result;
use wasmtime::component::Resource;

use crate::bindings::{BodyError, Chunk};
use crate::body::Incoming;
use crate::imports::poll::{self, Pollable};
use crate::seam::Interface;

pub(super) fn register(interface: &mut Interface<'_>) -> Result<()> {
    interface.resource::<Incoming>("incoming-body")?;
    interface.func(
        "[method]incoming-body.read",
        |mut context, (body, max): (Resource<Incoming>, u32)| {
            Box::new(async move {
                let state = context.data_mut();
                let chunk: std::result::Result<Chunk, BodyError> =
                    state.table.get_mut(&body)?.read(max).await;
                if let Ok(Chunk::Bytes(bytes)) = &chunk {
                    state.meter.moved(bytes.len());
                }
                Ok((chunk,))
            })
        },
    )?;
    interface.func(
        "[method]incoming-body.length",
        |context, (body,): (Resource<Incoming>,)| {
            Box::new(async move { Ok((context.data().table.get(&body)?.announced(),)) })
        },
    )?;
    interface.func(
        "[method]incoming-body.subscribe",
        |_, (_,): (Resource<Incoming>,)| {
            Box::new(async {
                poll::not_offered::<Resource<Pollable>>("edge:sdk/http#incoming-body.subscribe")
            })
        },
    )
}
