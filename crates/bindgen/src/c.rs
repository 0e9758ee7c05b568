//! C, through wit-bindgen's own generator.

use std::fmt::Write as _;

use wit_bindgen_c::{Opts, component_type_object};
use wit_bindgen_core::wit_parser::{Resolve, WorldId};
use wit_component::{StringEncoding, metadata};

use crate::{Error, Files, Language, notice, run, unsupported};

/// A header, its source, and the type of the world. The last is an assembler's text instead of the generator's object
/// file: it is read in a review, and compiled together with the rest by any compiler for wasm.
pub fn generate(mut resolve: Resolve, world: WorldId) -> Result<Files, Error> {
    let notice = notice(&resolve, world);
    let name = resolve.worlds[world].name.clone();
    let folder = Language::C.folder();
    let section = component_type(&resolve, world, &name)?;
    let assembler = format!("# {notice}\n{section}").into_bytes();

    let options = Opts {
        no_object_file: true,
        ..Opts::default()
    };
    let generated = run(Language::C, &mut *options.build(), &mut resolve, world)?;
    let sources = generated.into_iter().map(|(file, source)| {
        let text = format!("// {notice}\n{source}");
        (folder.join(file), text.into_bytes())
    });
    let kept = folder.join(format!("{name}_component_type.s"));
    Ok(sources.chain([(kept, assembler)]).collect())
}

/// The custom section that makes a component of a module, and the function by which the source asks for it.
fn component_type(resolve: &Resolve, world: WorldId, name: &str) -> Result<String, Error> {
    const BYTES_A_LINE: usize = 24;
    let encoded = metadata::encode(resolve, world, StringEncoding::UTF8, None, false)
        .map_err(|error| unsupported(Language::C, &error))?;
    let symbol = component_type_object::linking_symbol(name);
    let mut text = format!(
        "\t.globl {symbol}\n\t.type {symbol},@function\n{symbol}:\n\t.functype {symbol} () -> ()\n\tend_function\n\n\
         \t.section \".custom_section.component-type:{name}\",\"\",@\n"
    );
    for line in encoded.chunks(BYTES_A_LINE) {
        let bytes: Vec<_> = line.iter().map(u8::to_string).collect();
        // Writing to a String can't fail.
        let _ = writeln!(text, "\t.byte {}", bytes.join(","));
    }
    Ok(text)
}
