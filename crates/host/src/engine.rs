//! How the engine is set up: pooled instances, no change of the address space on a small request.

use std::time::Duration;

use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Result,
};

/// The bound for one table of a guest, in elements.
pub(crate) const TABLE_ELEMENTS: usize = 100_000;

/// How often a running guest's time is checked.
const TICK: Duration = Duration::from_millis(10);

/// Core instances, memories and tables that one component may have: the largest known toolchain,
/// JavaScript's, needs half. The pool holds as many for each instance: where a request has its place, nothing of
/// what it needs is missing, whatever the components of a host are.
const CORE_INSTANCES: u32 = 16;
const MEMORIES: u32 = 2;
const TABLES: u32 = 16;

/// Memory that a slot keeps between two requests and resets by hand. Where it covers all that a request wrote to, and
/// that lies in at most 32 runs of pages, no request changes a mapping, and threads do not wait for each other's.
/// Components in JavaScript write to 1 to 2 MiB.
const MEMORY_RESIDENT: usize = 3 * 1024 * 1024;
const TABLE_RESIDENT: usize = 64 * 1024;

pub(crate) fn new(instances: u32) -> Result<Engine> {
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(instances)
        .total_core_instances(instances.saturating_mul(CORE_INSTANCES))
        .total_memories(instances.saturating_mul(MEMORIES))
        .total_tables(instances.saturating_mul(TABLES))
        .total_stacks(instances)
        .max_core_instances_per_component(CORE_INSTANCES)
        .max_memories_per_component(MEMORIES)
        .max_tables_per_component(TABLES)
        .table_elements(TABLE_ELEMENTS)
        .max_memory_size(1 << 32)
        .max_unused_warm_slots(instances)
        .linear_memory_keep_resident(MEMORY_RESIDENT)
        .table_keep_resident(TABLE_RESIDENT)
        .async_stack_keep_resident(TABLE_RESIDENT)
        // Asks the kernel what was written to, where it can tell (Linux 6.7), and takes the beginning for it elsewhere.
        .pagemap_scan(Enabled::Auto);
    let mut config = Config::new();
    config
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .epoch_interruption(true)
        .wasm_backtrace_details(wasmtime::WasmBacktraceDetails::Enable);
    let engine = Engine::new(&config)?;
    tick(&engine)?;
    Ok(engine)
}

/// A thread that raises the epoch until the engine is gone.
fn tick(engine: &Engine) -> Result<()> {
    let engine = engine.weak();
    std::thread::Builder::new()
        .name("edgewit-epoch".to_owned())
        .spawn(move || {
            while let Some(engine) = engine.upgrade() {
                engine.increment_epoch();
                drop(engine);
                std::thread::sleep(TICK);
            }
        })?;
    Ok(())
}
