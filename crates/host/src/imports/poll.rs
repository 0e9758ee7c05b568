use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Sleep, sleep};
use wasmtime::Result;
use wasmtime::component::Resource;

use crate::end::End;
use crate::handle::Pollable;
use crate::seam::Interface;

pub(super) fn register(interface: &mut Interface<'_>) -> Result<()> {
    interface.resource::<Pollable>("pollable")?;
    interface.func(
        "[method]pollable.ready",
        |context, (pollable,): (Resource<Pollable>,)| {
            Box::new(async move {
                let pollable = context.data().table.get(&pollable)?;
                Ok((now(|context| pollable.poll_ready(context)).await,))
            })
        },
    )?;
    interface.func(
        "poll",
        |context, (pollables, timeout_ms): (Vec<Resource<Pollable>>, Option<u32>)| {
            Box::new(async move {
                let state = context.data();
                let limit = state.app.limits.handles;
                if pollables.len() as u64 > limit {
                    let met = pollables.len();
                    return Err(End::PollMany { limit, met }.into());
                }
                let pollables: Vec<Pollable> = pollables
                    .iter()
                    .map(|handle| Ok(state.table.get(handle)?.clone()))
                    .collect::<Result<_>>()?;
                Ok((poll(&pollables, timeout_ms).await?,))
            })
        },
    )?;
    interface.func("client-gone", |mut context, (): ()| {
        Box::new(async move {
            let state = context.data_mut();
            let pollable = state.client_gone();
            Ok((state.table.push(pollable)?,))
        })
    })
}

/// Whether something is ready, without waiting for it.
async fn now(mut poll: impl FnMut(&mut Context<'_>) -> Poll<()>) -> bool {
    let ready = std::future::poll_fn(|context| Poll::Ready(poll(context).is_ready()));
    // What is ready stays so, however much the runtime's own budget has left for this task.
    tokio::task::unconstrained(ready).await
}

async fn poll(pollables: &[Pollable], timeout_ms: Option<u32>) -> Result<Vec<u32>> {
    if pollables.is_empty() && timeout_ms.is_none() {
        return Err(End::PollNothing.into());
    }
    // A timeout of 0 asks what is ready now; a timer would wait for its next tick.
    let mut timer: Option<Pin<Box<Sleep>>> = timeout_ms
        .filter(|ms| *ms > 0)
        .map(|ms| Box::pin(sleep(Duration::from_millis(ms.into()))));
    let client = pollables.iter().find_map(Pollable::client);
    let _waiting = client.map(|meter| meter.waits_for_client());
    let ready = std::future::poll_fn(|context| {
        let ready: Vec<u32> = (0..)
            .zip(pollables)
            .filter(|(_, pollable)| pollable.poll_ready(context).is_ready())
            .map(|(index, _)| index)
            .collect();
        let over = match &mut timer {
            Some(timer) => timer.as_mut().poll(context).is_ready(),
            None => timeout_ms == Some(0),
        };
        if over || !ready.is_empty() {
            Poll::Ready(ready)
        } else {
            Poll::Pending
        }
    });
    Ok(tokio::task::unconstrained(ready).await)
}
