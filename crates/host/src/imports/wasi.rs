//! WASI 0.2 for the runtimes that import it: clocks, randomness and printing are there, the standard input is at its end,
//! and everything else is present and refuses.

use std::time::Duration;

use wasmtime::component::types::{self, ComponentItem};
use wasmtime::component::{Component, Linker, Resource, Type, Val};
use wasmtime::{Engine, Result};

use crate::end::End;
use crate::imports::{logging, system};
use crate::seam::{Hook, Interface};
use crate::state::State;

/// The functions of one interface that do something here.
type Offer = fn(&mut Interface<'_>, &str) -> Result<bool>;

/// WASI's `pollable`: a moment of the monotonic clock, or nothing to wait for.
struct Moment(Option<u64>);

/// WASI's `output-stream`: 0 for stdout, 1 for stderr.
struct Printed(usize);

/// A resource with nothing in it: the standard input's stream. No other of these is ever made.
struct Absent;

/// Registers each function of WASI that the component imports, in the version that it asks for.
pub(super) fn register(
    linker: &mut Linker<State>,
    engine: &Engine,
    component: &Component,
    hook: &Option<std::sync::Arc<dyn Hook>>,
) -> Result<()> {
    let ty = component.component_type();
    for (name, import) in ty.imports(engine) {
        let ComponentItem::ComponentInstance(instance) = import.ty else {
            continue;
        };
        if !name.starts_with("wasi:") {
            continue;
        }
        let mut interface = Interface::new(linker, hook, name);
        let offer = offer(name.split('@').next().unwrap_or(name));
        for (item, export) in instance.exports(engine) {
            match export.ty {
                ComponentItem::ComponentFunc(_) => {
                    let offered = offer(&mut interface, item)?;
                    if !offered {
                        refuse(&mut interface, name, item)?;
                    }
                }
                ComponentItem::Resource(_) => resource(&mut interface, item)?,
                _ => {}
            }
        }
    }
    Ok(())
}

fn offer(interface: &str) -> Offer {
    match interface {
        "wasi:clocks/monotonic-clock" => monotonic_clock,
        "wasi:clocks/wall-clock" => wall_clock,
        "wasi:random/random" => random,
        "wasi:random/insecure" => insecure,
        "wasi:random/insecure-seed" => insecure_seed,
        "wasi:io/poll" => poll,
        "wasi:io/streams" => streams,
        "wasi:cli/stdout" => |interface, item| printed(interface, item, "get-stdout", 0),
        "wasi:cli/stderr" => |interface, item| printed(interface, item, "get-stderr", 1),
        "wasi:cli/stdin" => stdin,
        "wasi:cli/exit" => exit,
        _ => |_, _| Ok(false),
    }
}

fn resource(interface: &mut Interface<'_>, name: &str) -> Result<()> {
    match name {
        "pollable" => interface.resource::<Moment>(name),
        "output-stream" => interface.resource::<Printed>(name),
        _ => interface.resource::<Absent>(name),
    }
}

fn monotonic_clock(interface: &mut Interface<'_>, item: &str) -> Result<bool> {
    match item {
        "now" => interface.func(item, |context, (): ()| {
            Box::new(async move { Ok((context.data().app.parts.clock.monotonic(),)) })
        })?,
        "resolution" => interface.func(item, |_, (): ()| Box::new(async { Ok((1u64,)) }))?,
        "subscribe-instant" => interface.func(item, |mut context, (when,): (u64,)| {
            Box::new(async move { Ok((context.data_mut().table.push(Moment(Some(when)))?,)) })
        })?,
        "subscribe-duration" => interface.func(item, |mut context, (after,): (u64,)| {
            Box::new(async move {
                let when = context
                    .data()
                    .app
                    .parts
                    .clock
                    .monotonic()
                    .saturating_add(after);
                Ok((context.data_mut().table.push(Moment(Some(when)))?,))
            })
        })?,
        _ => return Ok(false),
    }
    Ok(true)
}

/// WASI's `datetime`, as a tuple: a record of the same fields has the same form.
#[derive(
    wasmtime::component::ComponentType, wasmtime::component::Lift, wasmtime::component::Lower,
)]
#[component(record)]
struct Datetime {
    seconds: u64,
    nanoseconds: u32,
}

crate::value::record!(Datetime { seconds => "seconds", nanoseconds => "nanoseconds" });

fn wall_clock(interface: &mut Interface<'_>, item: &str) -> Result<bool> {
    match item {
        "now" => interface.func(item, |context, (): ()| {
            Box::new(async move {
                let now = context.data().app.parts.clock.now();
                let (seconds, nanoseconds) = (now / 1_000_000_000, (now % 1_000_000_000) as u32);
                Ok((Datetime {
                    seconds,
                    nanoseconds,
                },))
            })
        })?,
        "resolution" => interface.func(item, |_, (): ()| {
            Box::new(async {
                Ok((Datetime {
                    seconds: 0,
                    nanoseconds: 1,
                },))
            })
        })?,
        _ => return Ok(false),
    }
    Ok(true)
}

fn random_bytes(interface: &mut Interface<'_>, item: &str) -> Result<()> {
    interface.func(item, |context, (len,): (u64,)| {
        Box::new(async move { Ok((system::random_bytes(context.data(), len)?,)) })
    })
}

fn random_number(interface: &mut Interface<'_>, item: &str) -> Result<()> {
    interface.func(item, |context, (): ()| {
        Box::new(async move { Ok((random_u64(context.data()),)) })
    })
}

fn random_u64(state: &State) -> u64 {
    let mut bytes = [0; 8];
    state.app.parts.random.fill(&mut bytes);
    u64::from_le_bytes(bytes)
}

fn random(interface: &mut Interface<'_>, item: &str) -> Result<bool> {
    match item {
        "get-random-bytes" => random_bytes(interface, item)?,
        "get-random-u64" => random_number(interface, item)?,
        _ => return Ok(false),
    }
    Ok(true)
}

fn insecure(interface: &mut Interface<'_>, item: &str) -> Result<bool> {
    match item {
        "get-insecure-random-bytes" => random_bytes(interface, item)?,
        "get-insecure-random-u64" => random_number(interface, item)?,
        _ => return Ok(false),
    }
    Ok(true)
}

fn insecure_seed(interface: &mut Interface<'_>, item: &str) -> Result<bool> {
    if item != "insecure-seed" {
        return Ok(false);
    }
    interface.func(item, |context, (): ()| {
        Box::new(async move { Ok(((random_u64(context.data()), random_u64(context.data())),)) })
    })?;
    Ok(true)
}

/// Nanoseconds until a moment; 0 once it has come.
fn until(state: &State, moment: &Resource<Moment>) -> Result<u64> {
    let now = state.app.parts.clock.monotonic();
    Ok(state
        .table
        .get(moment)?
        .0
        .map_or(0, |when| when.saturating_sub(now)))
}

fn poll(interface: &mut Interface<'_>, item: &str) -> Result<bool> {
    match item {
        "[method]pollable.ready" => {
            interface.func(item, |context, (moment,): (Resource<Moment>,)| {
                Box::new(async move { Ok((until(context.data(), &moment)? == 0,)) })
            })?
        }
        "[method]pollable.block" => {
            interface.func(item, |context, (moment,): (Resource<Moment>,)| {
                Box::new(async move {
                    let wait = until(context.data(), &moment)?;
                    if wait > 0 {
                        tokio::time::sleep(Duration::from_nanos(wait)).await;
                    }
                    Ok(())
                })
            })?
        }
        "poll" => interface.func(item, |context, (moments,): (Vec<Resource<Moment>>,)| {
            Box::new(async move {
                let waits = moments.iter().map(|moment| until(context.data(), moment));
                let waits: Vec<u64> = waits.collect::<Result<_>>()?;
                let Some(least) = waits.iter().min().copied() else {
                    wasmtime::bail!("wasi:io/poll.poll: an empty list would wait for ever");
                };
                if least > 0 {
                    tokio::time::sleep(Duration::from_nanos(least)).await;
                }
                let ready = waits.iter().enumerate().filter(|(_, wait)| **wait == least);
                Ok((ready.map(|(index, _)| index as u32).collect::<Vec<u32>>(),))
            })
        })?,
        _ => return Ok(false),
    }
    Ok(true)
}

/// Runtimes ask for all three standard streams at once, the first time that they print. This one is at its end.
fn stdin(interface: &mut Interface<'_>, item: &str) -> Result<bool> {
    if item != "get-stdin" {
        return Ok(false);
    }
    interface.func(item, |mut context, (): ()| {
        Box::new(async move { Ok((context.data_mut().table.push(Absent)?,)) })
    })?;
    Ok(true)
}

fn printed(interface: &mut Interface<'_>, item: &str, name: &str, stream: usize) -> Result<bool> {
    if item != name {
        return Ok(false);
    }
    interface.func(item, move |mut context, (): ()| {
        Box::new(async move { Ok((context.data_mut().table.push(Printed(stream))?,)) })
    })?;
    Ok(true)
}

/// As much as one write takes. Printing never blocks and never fails.
const WRITE_BYTES: u64 = 64 * 1024;

/// A read's only error, which a write can't meet.
#[derive(
    wasmtime::component::ComponentType, wasmtime::component::Lift, wasmtime::component::Lower,
)]
#[component(variant)]
enum StreamError {
    #[component(name = "last-operation-failed")]
    LastOperationFailed(Resource<Absent>),
    #[component(name = "closed")]
    Closed,
}

crate::value::cases!(StreamError { Closed => "closed"; LastOperationFailed => "last-operation-failed" });

type Streamed<T> = std::result::Result<T, StreamError>;

fn streams(interface: &mut Interface<'_>, item: &str) -> Result<bool> {
    match item {
        "[method]output-stream.check-write" => interface
            .func(item, |_, (_,): (Resource<Printed>,)| {
                Box::new(async { Ok((Streamed::Ok(WRITE_BYTES),)) })
            })?,
        "[method]output-stream.write" | "[method]output-stream.blocking-write-and-flush" => {
            interface.func(
                item,
                |mut context, (stream, bytes): (Resource<Printed>, Vec<u8>)| {
                    Box::new(async move {
                        let stream = context.data().table.get(&stream)?.0;
                        logging::write_stream(context.data_mut(), stream, &bytes);
                        Ok((Streamed::Ok(()),))
                    })
                },
            )?;
        }
        "[method]output-stream.flush" | "[method]output-stream.blocking-flush" => {
            interface.func(item, |_, (_,): (Resource<Printed>,)| {
                Box::new(async { Ok((Streamed::Ok(()),)) })
            })?;
        }
        "[method]input-stream.read" | "[method]input-stream.blocking-read" => {
            interface.func(item, |_, (_, _): (Resource<Absent>, u64)| {
                Box::new(async { Ok((Streamed::<Vec<u8>>::Err(StreamError::Closed),)) })
            })?;
        }
        "[method]input-stream.skip" | "[method]input-stream.blocking-skip" => {
            interface.func(item, |_, (_, _): (Resource<Absent>, u64)| {
                Box::new(async { Ok((Streamed::<u64>::Err(StreamError::Closed),)) })
            })?;
        }
        "[method]input-stream.subscribe" => {
            interface.func(item, |mut context, (_,): (Resource<Absent>,)| {
                Box::new(async move { Ok((context.data_mut().table.push(Moment(None))?,)) })
            })?;
        }
        "[method]output-stream.subscribe" => {
            interface.func(item, |mut context, (_,): (Resource<Printed>,)| {
                Box::new(async move { Ok((context.data_mut().table.push(Moment(None))?,)) })
            })?
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn exit(interface: &mut Interface<'_>, item: &str) -> Result<bool> {
    if item != "exit" {
        return Ok(false);
    }
    interface.func(item, |_, (_,): (std::result::Result<(), ()>,)| {
        Box::new(async { Err::<(), _>(End::Exit.into()) })
    })?;
    Ok(true)
}

/// A function that answers with nothing: an empty list, no value, an error. One whose result can't say
/// so ends the request.
fn refuse(interface: &mut Interface<'_>, name: &str, item: &str) -> Result<()> {
    let whole = format!("{name}#{item}");
    interface.untyped(item, move |ty: &types::ComponentFunc| {
        ty.results()
            .map(|result| nothing(&result))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| End::Refused(whole.clone()).into())
    })
}

fn nothing(ty: &Type) -> Option<Val> {
    Some(match ty {
        Type::List(_) => Val::List(Vec::new()),
        Type::Option(_) => Val::Option(None),
        Type::Result(result) => Val::Result(Err(match result.err() {
            Some(error) => Some(Box::new(refusal(&error)?)),
            None => None,
        })),
        _ => return None,
    })
}

/// The error that comes nearest to a refusal.
fn refusal(ty: &Type) -> Option<Val> {
    let nearest = [
        "access",
        "not-supported",
        "unsupported",
        "access-denied",
        "closed",
    ];
    match ty {
        Type::Enum(cases) => {
            let names: Vec<&str> = cases.names().collect();
            let name = nearest
                .iter()
                .find(|name| names.contains(name))
                .or(names.first())?;
            Some(Val::Enum((*name).to_string()))
        }
        Type::Variant(cases) => {
            let mut plain = cases
                .cases()
                .filter(|case| case.ty.is_none())
                .map(|case| case.name.to_owned());
            let all: Vec<String> = plain.by_ref().collect();
            let name = nearest
                .iter()
                .find(|name| all.iter().any(|n| n == *name))
                .map(|n| (*n).to_string());
            Some(Val::Variant(name.or_else(|| all.first().cloned())?, None))
        }
        _ => nothing(ty),
    }
}
