//! The functions that a guest imports, one file for each interface of `edge:sdk`, and WASI's.

mod fetch;
mod http;
mod kv;
mod logging;
pub(crate) mod poll;
mod system;
mod wasi;

use std::sync::Arc;

use wasmtime::component::{Component, Linker};
use wasmtime::{Engine, Result};

use crate::seam::{Hook, Interface};
use crate::state::State;

pub(crate) use logging::{cut, flush_part_lines};

/// The version of `edge:sdk` that this host serves; components built for any 0.1.x load.
pub(crate) const VERSION: &str = "0.1.0";

/// All that `component` may import: `edge:sdk` whole, and of WASI what it asks for.
pub(crate) fn linker(
    engine: &Engine,
    component: &Component,
    hook: &Option<Arc<dyn Hook>>,
) -> Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    let mut register = |name: &str, with: fn(&mut Interface<'_>) -> Result<()>| {
        with(&mut Interface::new(
            &mut linker,
            hook,
            &format!("edge:sdk/{name}@{VERSION}"),
        ))
    };
    register("http", http::register)?;
    register("poll", poll::register)?;
    register("fetch", fetch::register)?;
    register("kv", kv::register)?;
    register("logging", logging::register)?;
    register("system", system::register)?;
    wasi::register(&mut linker, engine, component, hook)?;
    Ok(linker)
}
