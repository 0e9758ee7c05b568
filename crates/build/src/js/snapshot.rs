//! An engine that has been started: its module with the memory it has by then.

use std::ops::Range;

use wasm_encoder::{
    ConstExpr, DataCountSection, DataSection, ExportSection, MemorySection, Module, RawSection,
};
use wasmparser::{DataKind, Parser, Payload};

use crate::Error;

const PAGE_BYTES: usize = 64 * 1024;

/// Runs of zeros up to this length are written like other bytes: each segment has a header, and their
/// number is limited.
const GAP_BYTES: usize = 32;

/// What starts an engine, which is not to be started again.
const STARTING: [&str; 5] = [
    "_initialize",
    "check_init",
    "componentize.wizer",
    "wizer-initialize",
    "wizer.resume",
];

/// Gives `core` the `memory` that it had when it had been started, and takes away what starts it.
///
/// Nothing else of its state may have changed by then: its table is only written when it is
/// instantiated, and its one variable that can change, the stack pointer, is back where it was once the
/// functions that start it have returned.
/// Errors: `Component` if it holds more state than that.
pub(crate) fn snapshot(core: &[u8], memory: &[u8]) -> Result<Vec<u8>, Error> {
    let filled = filled(memory);
    let mut module = Module::new();
    for payload in Parser::new(0).parse_all(core) {
        let payload = payload?;
        match &payload {
            Payload::MemorySection(section) => {
                let mut memories = MemorySection::new();
                for memory_type in section.clone() {
                    let mut memory_type = memory_type?;
                    memory_type.initial = memory.len().div_ceil(PAGE_BYTES) as u64;
                    memories.memory(memory_type.into());
                }
                module.section(&memories);
            }
            Payload::GlobalSection(section) => {
                let globals = section.clone().into_iter();
                let variables = globals.filter(|it| it.as_ref().is_ok_and(|it| it.ty.mutable));
                if variables.count() > 1 {
                    return Err(unlike("it has several variables"));
                }
                keep(&mut module, core, &payload);
            }
            Payload::ExportSection(section) => {
                let mut exports = ExportSection::new();
                for export in section.clone() {
                    let export = export?;
                    if !STARTING.contains(&export.name) {
                        exports.export(export.name, export.kind.into(), export.index);
                    }
                }
                module.section(&exports);
            }
            Payload::StartSection { .. } => return Err(unlike("it starts itself")),
            Payload::DataCountSection { .. } => {
                let count = filled.len() as u32;
                module.section(&DataCountSection { count });
            }
            Payload::DataSection(section) => {
                for data in section.clone() {
                    if !matches!(
                        data?.kind,
                        DataKind::Active {
                            memory_index: 0,
                            ..
                        }
                    ) {
                        return Err(unlike("it has data that is written later"));
                    }
                }
                let mut data = DataSection::new();
                for range in &filled {
                    let offset = ConstExpr::i32_const((range.start as u32).cast_signed());
                    data.active(0, &offset, memory[range.clone()].iter().copied());
                }
                module.section(&data);
            }
            _ => keep(&mut module, core, &payload),
        }
    }
    Ok(module.finish())
}

fn unlike(problem: &str) -> Error {
    Error::Component(format!("the engine is not as expected: {problem}"))
}

fn keep(module: &mut Module, core: &[u8], payload: &Payload<'_>) {
    if let Some((id, range)) = payload.as_section() {
        let data = &core[range.start as usize..range.end as usize];
        module.section(&RawSection { id, data });
    }
}

/// The parts of `memory` that are not zero.
fn filled(memory: &[u8]) -> Vec<Range<usize>> {
    let mut all: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    while let Some(skipped) = memory[at..].iter().position(|byte| *byte != 0) {
        let start = at + skipped;
        let length = memory[start..].iter().position(|byte| *byte == 0);
        at = length.map_or(memory.len(), |length| start + length);
        match all.last_mut() {
            Some(last) if start - last.end <= GAP_BYTES => last.end = at,
            _ => all.push(start..at),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_gaps_are_filled_and_long_ones_are_not() {
        let mut memory = vec![0; 300];
        for at in [3, 4, 4 + GAP_BYTES, 200, 201 + GAP_BYTES + 1] {
            memory[at] = 1;
        }
        assert_eq!(filled(&memory), [3..5 + GAP_BYTES, 200..201, 234..235]);
        assert_eq!(filled(&[]), []);
        assert_eq!(filled(&[0, 0]), []);
        let whole = filled(&[1, 0, 1]);
        assert_eq!((whole.len(), &whole[0]), (1, &(0..3)));
    }
}
