//! Rust, through wit-bindgen's own generator.

use wit_bindgen_core::wit_parser::{Resolve, WorldId};
use wit_bindgen_core::{Files as Generated, WorldGenerator};
use wit_bindgen_rust::Opts;

use crate::{Error, Files, Language, notice};

/// One file, a module of the crate `edgewit`. `export_app!`, the macro that exports a handler, is public: the symbols
/// belong to the application's crate and not to the library.
pub fn generate(mut resolve: Resolve, world: WorldId) -> Result<Files, Error> {
    let notice = notice(&resolve, world);
    let mut generator = Opts {
        format: true,
        runtime_path: Some("wit_bindgen::rt".into()),
        pub_export_macro: true,
        export_macro_name: Some("export_app".into()),
        default_bindings_module: Some("$crate::generated".into()),
        generate_all: true,
        ..Opts::default()
    }
    .build();
    let mut generated = Generated::default();
    generator
        .generate(&mut resolve, world, &mut generated)
        .map_err(|error| Error::Unsupported {
            language: Language::Rust,
            reason: format!("{error:#}"),
        })?;

    let folder = Language::Rust.folder();
    Ok(generated
        .iter()
        .map(|(_, contents)| {
            let source = String::from_utf8_lossy(contents);
            let text = format!("// {notice}\n{}", without_preamble(&source));
            (folder.join("mod.rs"), text.into_bytes())
        })
        .collect())
}

/// The generator's own preamble repeats the options, which stand above.
fn without_preamble(source: &str) -> &str {
    let mut rest = source;
    while rest.starts_with("//") {
        rest = rest.split_once('\n').map_or("", |(_, after)| after);
    }
    rest
}
