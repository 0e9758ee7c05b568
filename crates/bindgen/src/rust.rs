//! Rust, through wit-bindgen's own generator.

use wit_bindgen_core::wit_parser::{Resolve, WorldId};
use wit_bindgen_rust::Opts;

use crate::{Error, Files, Language, notice, run};

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
    let generated = run(Language::Rust, &mut generator, &mut resolve, world)?;

    let folder = Language::Rust.folder();
    let module = generated.into_values().map(|source| {
        let text = format!("// {notice}\n{source}");
        (folder.join("mod.rs"), text.into_bytes())
    });
    Ok(module.collect())
}
