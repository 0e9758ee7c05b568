//! From a core module to a component: what may be imported, what is kept, how much memory there is.

use std::ops::Range;

use wasm_encoder::{MemorySection, Module, RawSection};
use wasmparser::{
    BinaryReaderError, ConstExpr, Encoding, ExternalKind, Operator, Parser, Payload, TypeRef,
};
use wit_component::ComponentEncoder;

use crate::Error;

const PAGE_BYTES: u64 = 64 * 1024;

/// The least heap that a guest has in the memory it starts with: growing it changes the address
/// space of the whole host, so that a small request must not need to.
const HEAP_BYTES: u64 = 48 * 1024;

/// The export that makes a component an application: function `handle` of this interface.
const HANDLER: &str = "edge:sdk/handler@";

/// An import of a core module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Import {
    pub(crate) module: String,
    pub(crate) name: String,
}

impl From<BinaryReaderError> for Error {
    fn from(reason: BinaryReaderError) -> Self {
        Self::Component(reason.to_string())
    }
}

/// The imports that no host of `edge:sdk` provides.
pub(crate) fn foreign_imports(core: &[u8]) -> Result<Vec<Import>, Error> {
    let mut foreign = Vec::new();
    for payload in Parser::new(0).parse_all(core) {
        if let Payload::ImportSection(section) = payload? {
            for import in section.into_imports() {
                let import = import?;
                if !is_provided(import.module) {
                    let (module, name) = (import.module.to_owned(), import.name.to_owned());
                    foreign.push(Import { module, name });
                }
            }
        }
    }
    Ok(foreign)
}

fn is_provided(module: &str) -> bool {
    // What the component defines itself of a resource it exports.
    let module = module.strip_prefix("[export]").unwrap_or(module);
    module == "$root" || module.starts_with("edge:sdk/") || module.starts_with("wasi:")
}

/// The data of a core module.
pub(crate) fn data(core: &[u8]) -> Result<&[u8], Error> {
    for payload in Parser::new(0).parse_all(core) {
        if let Payload::DataSection(section) = payload? {
            let range = section.range();
            return Ok(&core[range.start as usize..range.end as usize]);
        }
    }
    Ok(&[])
}

/// Makes a component of a core module that carries its interface in custom sections. What it imports of
/// WASI's first version, `adapter` has: by its module's name, and the module.
/// Errors: `NoHandler`; `Component` if it does not fit its interface or is not valid.
pub(crate) fn component(
    core: &[u8],
    debug: bool,
    adapter: Option<(&str, &[u8])>,
) -> Result<Vec<u8>, Error> {
    let core = finish(core, debug)?;
    let mut encoder = ComponentEncoder::default();
    encoder
        .validate(true)
        .debug_names(debug)
        .module(&core)
        .map_err(no_component)?;
    if let Some((name, adapter)) = adapter {
        encoder.adapter(name, adapter).map_err(no_component)?;
    }
    let component = encoder.encode().map_err(no_component)?;
    check_imports(&component)?;
    Ok(component)
}

fn no_component(reason: impl std::fmt::Display) -> Error {
    Error::Component(format!("{reason:#}"))
}

/// What the encoder made of the core module's imports must be what hosts provide, too.
fn check_imports(component: &[u8]) -> Result<(), Error> {
    let mut depth = 0;
    for payload in Parser::new(0).parse_all(component) {
        match payload? {
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section {
                    let name = import?.name.name;
                    if !is_provided(name) {
                        return Err(no_component(format!("it imports `{name}`")));
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// What has to be known of a core module before it is changed.
#[derive(Debug, Default)]
struct Outline {
    imported_globals: u32,
    /// The initial value of each global that is a constant.
    globals: Vec<Option<u64>>,
    /// The index of the global that says where the heap begins: after the stack and the data.
    heap_base: Option<u32>,
    has_handler: bool,
}

impl Outline {
    fn read(core: &[u8]) -> Result<Self, Error> {
        let mut outline = Self::default();
        for payload in Parser::new(0).parse_all(core) {
            match payload? {
                Payload::Version {
                    encoding: Encoding::Component,
                    ..
                } => {
                    return Err(no_component("it is one already"));
                }
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let global = matches!(import?.ty, TypeRef::Global(_));
                        outline.imported_globals += u32::from(global);
                    }
                }
                Payload::GlobalSection(section) => {
                    for global in section {
                        outline.globals.push(constant(&global?.init_expr)?);
                    }
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        let export = export?;
                        outline.has_handler |= export.name.starts_with(HANDLER);
                        if export.name == "__heap_base" && export.kind == ExternalKind::Global {
                            outline.heap_base = Some(export.index);
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(outline)
    }

    /// The least memory that holds stack, data and a small heap, in pages.
    fn pages(&self) -> u64 {
        let index = self
            .heap_base
            .and_then(|index| index.checked_sub(self.imported_globals));
        let base = index.and_then(|index| *self.globals.get(index as usize)?);
        base.map_or(0, |base| (base + HEAP_BYTES).div_ceil(PAGE_BYTES))
    }
}

fn constant(expression: &ConstExpr<'_>) -> Result<Option<u64>, Error> {
    Ok(match expression.get_operators_reader().read()? {
        Operator::I32Const { value } => Some(u64::from(value.cast_unsigned())),
        _ => None,
    })
}

/// Gives a core module the memory it starts with, and leaves out what no host reads: without `debug`
/// names and lines, and always who made it.
fn finish(core: &[u8], debug: bool) -> Result<Vec<u8>, Error> {
    let outline = Outline::read(core)?;
    if !outline.has_handler {
        return Err(Error::NoHandler);
    }
    let mut module = Module::new();
    let bytes = |range: Range<u64>| &core[range.start as usize..range.end as usize];
    for payload in Parser::new(0).parse_all(core) {
        let payload = payload?;
        match &payload {
            Payload::CustomSection(section) if !is_kept(section.name(), debug) => continue,
            Payload::MemorySection(section) => {
                let mut memories = MemorySection::new();
                for memory in section.clone() {
                    let mut memory = memory?;
                    memory.initial = memory.initial.max(outline.pages());
                    memories.memory(memory.into());
                }
                module.section(&memories);
                continue;
            }
            _ => {}
        }
        if let Some((id, range)) = payload.as_section() {
            module.section(&RawSection {
                id,
                data: bytes(range),
            });
        }
    }
    Ok(module.finish())
}

fn is_kept(section: &str, debug: bool) -> bool {
    section.starts_with("component-type")
        || debug && (section == "name" || section.starts_with(".debug_"))
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{
        CodeSection, CustomSection, ExportKind, ExportSection, Function, FunctionSection,
        GlobalSection, GlobalType, MemoryType, TypeSection, ValType,
    };

    use super::*;

    const HANDLE: &str = "edge:sdk/handler@0.1.0#handle";

    /// A module of one page with a function, a heap base and three custom sections.
    fn sample(heap_base: i32, export: &str) -> Vec<u8> {
        let mut types = TypeSection::new();
        types.ty().function([], []);
        let mut functions = FunctionSection::new();
        functions.function(0);
        let mut memories = MemorySection::new();
        let (maximum, page_size_log2) = (None, None);
        let (memory64, shared) = (false, false);
        memories.memory(MemoryType {
            minimum: 1,
            maximum,
            memory64,
            shared,
            page_size_log2,
        });
        let mut globals = GlobalSection::new();
        let global = GlobalType {
            val_type: ValType::I32,
            mutable: false,
            shared: false,
        };
        globals.global(global, &wasm_encoder::ConstExpr::i32_const(heap_base));
        let mut exports = ExportSection::new();
        exports
            .export(export, ExportKind::Func, 0)
            .export("__heap_base", ExportKind::Global, 0);
        let mut body = Function::new([]);
        body.instructions().end();
        let mut code = CodeSection::new();
        code.function(&body);
        let mut module = Module::new();
        module
            .section(&types)
            .section(&functions)
            .section(&memories)
            .section(&globals);
        module.section(&exports).section(&code);
        for name in ["component-type:app", ".debug_line", "producers"] {
            module.section(&CustomSection {
                name: name.into(),
                data: (&[1][..]).into(),
            });
        }
        module.finish()
    }

    fn outcome(module: &[u8]) -> (u64, Vec<String>) {
        let (mut pages, mut sections) = (0, Vec::new());
        for payload in Parser::new(0).parse_all(module) {
            match payload.unwrap() {
                Payload::MemorySection(section) => {
                    pages = section.into_iter().next().unwrap().unwrap().initial;
                }
                Payload::CustomSection(section) => sections.push(section.name().to_owned()),
                _ => {}
            }
        }
        wasmparser::validate(module).unwrap();
        (pages, sections)
    }

    #[test]
    fn memory_holds_stack_data_and_a_small_heap() {
        for (heap_base, pages) in [
            (1024, 1),
            (16 * 1024, 1),
            (16 * 1024 + 1, 2),
            (70_000, 2),
            (200_000, 4),
        ] {
            let finished = finish(&sample(heap_base, HANDLE), false).unwrap();
            assert_eq!(outcome(&finished).0, pages, "{heap_base}");
        }
    }

    #[test]
    fn only_a_build_for_debugging_keeps_lines() {
        let sections = |debug| outcome(&finish(&sample(0, HANDLE), debug).unwrap()).1;
        assert_eq!(sections(false), ["component-type:app"]);
        assert_eq!(sections(true), ["component-type:app", ".debug_line"]);
    }

    #[test]
    fn a_module_without_a_handler_is_no_application() {
        let error = component(&sample(0, "handle"), false, None).unwrap_err();
        assert!(matches!(error, Error::NoHandler), "{error}");
    }
}
