use wasmtime::Result;

use crate::end::End;
use crate::seam::Interface;

/// The most bytes that one call gives.
const RANDOM_BYTES_MAX: u32 = 65_536;

pub(super) fn register(interface: &mut Interface<'_>) -> Result<()> {
    interface.func("now", |context, (): ()| {
        Box::new(async move { Ok((context.data().app.parts.clock.now(),)) })
    })?;
    interface.func("monotonic", |context, (): ()| {
        Box::new(async move { Ok((context.data().app.parts.clock.monotonic(),)) })
    })?;
    interface.func("random", |context, (len,): (u32,)| {
        Box::new(async move {
            if len > RANDOM_BYTES_MAX {
                return Err(End::RandomLength(len).into());
            }
            let mut bytes = vec![0; len as usize];
            context.data().app.parts.random.fill(&mut bytes);
            Ok((bytes,))
        })
    })
}
