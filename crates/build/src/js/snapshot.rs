//! An engine that has been started: its module with the memory it has by then.

use std::ops::Range;

use wasm_encoder::{
    CodeSection, ConstExpr, DataCountSection, DataSection, ExportSection, Function, MemArg,
    MemorySection, Module, RawSection, StartSection,
};
use wasmparser::{DataKind, ExportSectionReader, ExternalKind, Parser, Payload, TypeRef};

use super::pages;
use super::pages::PAGE_BYTES as HOST_PAGE_BYTES;
use crate::Error;

const PAGE_BYTES: usize = 64 * 1024;

/// Takes and returns nothing, and has nothing left to do: its place is that of what an instance does first.
const INITIALIZE: &str = "_initialize";

/// A memory is written in blocks of at least this size: each run of those that are not zero is a segment,
/// which has a header.
const BLOCK_BYTES: usize = 64;

/// The most segments of a memory, well below the 100,000 that engines take.
const SEGMENTS_MAX: usize = 50_000;

/// What starts an engine, which is not to be started again.
const STARTING: [&str; 5] = [
    INITIALIZE,
    "check_init",
    "componentize.wizer",
    "wizer-initialize",
    "wizer.resume",
];

/// Gives `core` the `memory` that it had when it had been started, and takes away what starts it. Each instance begins
/// by writing to the pages that a request writes to, of which `written` are known: see [`pages::runs`].
///
/// Nothing else of its state may have changed by then: its table is only written when it is
/// instantiated, and its one variable that can change, the stack pointer, is back where it was once the
/// functions that start it have returned.
/// Errors: `Component` if it holds more state than that.
pub(crate) fn snapshot(core: &[u8], memory: &[u8], written: &[u32]) -> Result<Vec<u8>, Error> {
    let filled = segments(memory);
    let mut imported = 0;
    let mut initialize = None;
    let mut code = CodeSection::new();
    let mut bodies = 0;
    let mut module = Module::new();
    for payload in Parser::new(0).parse_all(core) {
        let payload = payload?;
        match &payload {
            Payload::ImportSection(section) => {
                for import in section.clone().into_imports() {
                    imported += u32::from(matches!(import?.ty, TypeRef::Func(_)));
                }
                keep(&mut module, core, &payload);
            }
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
                let function_index = exported(section, INITIALIZE)?;
                module.section(&StartSection { function_index });
                initialize = Some(function_index);
            }
            Payload::CodeSectionStart { count, .. } => bodies = *count,
            Payload::CodeSectionEntry(body) => {
                let range = body.range();
                if Some(imported + code.len()) == initialize {
                    code.function(&writes(memory, written));
                } else {
                    code.raw(&core[range.start as usize..range.end as usize]);
                }
                if code.len() == bodies {
                    module.section(&code);
                }
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
                    data.active(0, &offset, memory[range.clone()].to_vec());
                }
                module.section(&data);
            }
            _ => keep(&mut module, core, &payload),
        }
    }
    Ok(module.finish())
}

/// The index of an exported function.
fn exported(exports: &ExportSectionReader<'_>, name: &str) -> Result<u32, Error> {
    for export in exports.clone() {
        let export = export?;
        if export.name == name && export.kind == ExternalKind::Func {
            return Ok(export.index);
        }
    }
    Err(unlike(&format!("it exports no function {name}")))
}

/// Writes a byte of each page that is there already. It is not read before: a page that was read is shared, and for
/// making it the instance's own afterwards the kernel interrupts all other processors.
fn writes(memory: &[u8], written: &[u32]) -> Function {
    let mut function = Function::new([]);
    let mut body = function.instructions();
    for page in pages::runs(written).into_iter().flatten() {
        let at = page as usize * HOST_PAGE_BYTES;
        // One past the end of the memory is one that the rehearsal has added.
        let Some(byte) = memory.get(at) else { break };
        let to = MemArg {
            offset: 0,
            align: 0,
            memory_index: 0,
        };
        body.i32_const((at as u32).cast_signed());
        body.i32_const((*byte).into());
        body.i32_store8(to);
    }
    body.end();
    function
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

/// The parts of `memory` that are written: all that is not zero, in as small blocks as there may be.
fn segments(memory: &[u8]) -> Vec<Range<usize>> {
    let mut block_bytes = BLOCK_BYTES;
    loop {
        let filled = filled(memory, block_bytes);
        if filled.len() <= SEGMENTS_MAX {
            return filled;
        }
        block_bytes *= 2;
    }
}

/// The blocks of `memory` that are not zero, those side by side together.
fn filled(memory: &[u8], block_bytes: usize) -> Vec<Range<usize>> {
    let zero = vec![0; block_bytes];
    let mut all: Vec<Range<usize>> = Vec::new();
    for (index, block) in memory.chunks(block_bytes).enumerate() {
        let start = index * block_bytes;
        let end = start + block.len();
        if block == &zero[..block.len()] {
            continue;
        }
        match all.last_mut() {
            Some(last) if last.end == start => last.end = end,
            _ => all.push(start..end),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{ExportKind, FunctionSection, MemoryType, TypeSection};
    use wasmparser::Operator;

    use super::*;

    #[test]
    fn whole_blocks_are_written_where_one_byte_is_not_zero() {
        let mut memory = [0; 5 * BLOCK_BYTES + 7];
        assert_eq!(segments(&memory), []);
        for at in [BLOCK_BYTES, 3 * BLOCK_BYTES - 1, 5 * BLOCK_BYTES + 6] {
            memory[at] = 1;
        }
        let ends = [1, 3, 5].map(|block| block * BLOCK_BYTES);
        assert_eq!(segments(&memory), [ends[0]..ends[1], ends[2]..ends[2] + 7]);
    }

    #[test]
    fn a_scattered_memory_has_larger_blocks_and_not_more_segments() {
        let mut memory = vec![0; 2 * BLOCK_BYTES * (SEGMENTS_MAX + 1)];
        let filled = memory.iter_mut().step_by(2 * BLOCK_BYTES);
        filled.for_each(|byte| *byte = 1);
        let all = segments(&memory);
        assert_eq!((all.len(), &all[0]), (1, &(0..memory.len())));
        memory[0] = 0;
        memory[2 * BLOCK_BYTES] = 0;
        assert_eq!(segments(&memory)[0].start, 4 * BLOCK_BYTES);
    }

    /// A module that does nothing but be started.
    fn core() -> Vec<u8> {
        let mut types = TypeSection::new();
        types.ty().function([], []);
        let mut functions = FunctionSection::new();
        functions.function(0).function(0);
        let mut memories = MemorySection::new();
        memories.memory(MemoryType {
            minimum: 1,
            maximum: None,
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
        let mut exports = ExportSection::new();
        exports.export("memory", ExportKind::Memory, 0);
        exports.export(INITIALIZE, ExportKind::Func, 1);
        let mut code = CodeSection::new();
        for _ in 0..2 {
            let mut function = Function::new([]);
            function.instructions().unreachable().end();
            code.function(&function);
        }
        let mut module = Module::new();
        module.section(&types).section(&functions);
        module.section(&memories).section(&exports).section(&code);
        module.finish()
    }

    #[test]
    fn an_instance_begins_by_writing_what_is_there_to_each_page_of_a_request() {
        let memory: Vec<u8> = (0..=u8::MAX).cycle().take(PAGE_BYTES).collect();
        let memory: Vec<u8> = memory
            .iter()
            .enumerate()
            .map(|(at, it)| it ^ (at >> 12) as u8)
            .collect();
        let beyond = (PAGE_BYTES / HOST_PAGE_BYTES) as u32;
        let module = snapshot(&core(), &memory, &[9, 3, beyond]).unwrap();
        wasmparser::validate(&module).unwrap();
        let mut start = None;
        let mut bodies = Vec::new();
        for payload in Parser::new(0).parse_all(&module) {
            match payload.unwrap() {
                Payload::StartSection { func, .. } => start = Some(func),
                Payload::CodeSectionEntry(body) => bodies.push(body),
                _ => {}
            }
        }
        assert_eq!(start, Some(1));
        let operators: Vec<_> = bodies[1]
            .get_operators_reader()
            .unwrap()
            .into_iter()
            .map(Result::unwrap)
            .collect();
        let written: Vec<_> = operators
            .chunks_exact(3)
            .map(|three| match three {
                [
                    Operator::I32Const { value: at },
                    Operator::I32Const { value },
                    Operator::I32Store8 { .. },
                ] => (*at, *value),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(written, [(3 * 4096, 3), (9 * 4096, 9)]);
        assert_eq!(operators.len(), 3 * written.len() + 1);
        assert!(matches!(
            bodies[0].get_operators_reader().unwrap().read(),
            Ok(Operator::Unreachable)
        ));
    }
}
