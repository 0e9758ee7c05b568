use wasmtime::Result;
use wasmtime::component::Resource;

use crate::end::End;
use crate::seam::Interface;

/// The resource `pollable`.
pub struct Pollable;

/// Waiting for several things at once is not offered yet, and says so by name.
pub(super) fn not_offered<T>(function: &'static str) -> Result<(T,)> {
    Err(End::NotOffered(function).into())
}

pub(super) fn register(interface: &mut Interface<'_>) -> Result<()> {
    interface.resource::<Pollable>("pollable")?;
    interface.func(
        "[method]pollable.ready",
        |_, (_,): (Resource<Pollable>,)| {
            Box::new(async { not_offered::<bool>("edge:sdk/poll#pollable.ready") })
        },
    )?;
    interface.func(
        "poll",
        |_, (_, _): (Vec<Resource<Pollable>>, Option<u32>)| {
            Box::new(async { not_offered::<Vec<u32>>("edge:sdk/poll#poll") })
        },
    )?;
    interface.func("client-gone", |_, (): ()| {
        Box::new(async { not_offered::<Resource<Pollable>>("edge:sdk/poll#client-gone") })
    })
}
