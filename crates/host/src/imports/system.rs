use wasmtime::Result;

use crate::end::End;
use crate::seam::Interface;
use crate::state::State;

/// The most bytes that one call gives.
const RANDOM_BYTES_MAX: u64 = 65_536;

pub(super) fn register(interface: &mut Interface<'_>) -> Result<()> {
    interface.func("now", |context, (): ()| {
        Box::new(async move { Ok((context.data().app.parts.clock.now(),)) })
    })?;
    interface.func("monotonic", |context, (): ()| {
        Box::new(async move { Ok((context.data().app.parts.clock.monotonic(),)) })
    })?;
    interface.func("random", |context, (len,): (u32,)| {
        Box::new(async move { Ok((random_bytes(context.data(), len.into())?,)) })
    })
}

/// So many bytes of the host's randomness, which is WASI's too.
pub(super) fn random_bytes(state: &State, len: u64) -> Result<Vec<u8>> {
    if len > RANDOM_BYTES_MAX {
        return Err(End::RandomLength(len).into());
    }
    let mut bytes = vec![0; len as usize];
    state.app.parts.random.fill(&mut bytes);
    Ok(bytes)
}
