//! Where an import comes from that no host provides, as well as can be told.

use super::metadata::{Metadata, Package};
use crate::error::ForeignImport;
use crate::module::Import;

/// The packages that bind JavaScript; who depends on them assumes a browser.
const GLUE: [&str; 5] = [
    "wasm-bindgen",
    "wasm-bindgen-futures",
    "wasm-bindgen-shared",
    "js-sys",
    "web-sys",
];

/// How packages that are often met are told that there is no browser.
const REMEDIES: [(&str, &str); 5] = [
    (
        "chrono",
        "take `chrono` without its feature `wasmbind` (`default-features = false`)",
    ),
    ("uuid", "take `uuid` without its feature `js`"),
    (
        "getrandom",
        "take `getrandom` without its feature `js` or `wasm_js`",
    ),
    ("time", "take `time` without its feature `wasm-bindgen`"),
    (
        "instant",
        "take `instant` without its feature `wasm-bindgen`, or use `edgewit::time`",
    ),
];

/// One for each module that something is imported from.
pub(super) fn explain(imports: &[Import], metadata: &Metadata) -> Vec<ForeignImport> {
    let mut explained: Vec<ForeignImport> = Vec::new();
    for import in imports {
        match explained
            .iter_mut()
            .find(|seen| seen.module == import.module)
        {
            Some(seen) => seen.count += 1,
            None => explained.push(explain_one(import, metadata)),
        }
    }
    explained
}

fn explain_one(import: &Import, metadata: &Metadata) -> ForeignImport {
    let javascript = import.module.starts_with("__wbindgen") || import.module == "wbg";
    let packages = match &*import.module {
        _ if javascript => metadata.dependents(&GLUE),
        "env" => metadata.native(),
        _ => Vec::new(),
    };
    let remedy = match packages.is_empty() {
        true => declared_in_source(&import.module),
        false if javascript => without_browser(&packages),
        false => "it needs C code that is not linked in: use another package, or take it without \
                  the feature that calls for it"
            .to_owned(),
    };
    ForeignImport {
        module: import.module.clone(),
        name: import.name.clone(),
        count: 1,
        packages: packages.into_iter().map(Package::label).collect(),
        remedy,
    }
}

fn declared_in_source(module: &str) -> String {
    let block = format!("#[link(wasm_import_module = \"{module}\")]");
    format!(
        "no dependency is known to bring it: look for an `extern` block with `{block}` in the \
         application and its dependencies, and leave it out"
    )
}

fn without_browser(packages: &[&Package]) -> String {
    let known = REMEDIES
        .iter()
        .filter(|(name, _)| packages.iter().any(|it| it.name == *name));
    let known: Vec<&str> = known.map(|(_, remedy)| *remedy).collect();
    if known.is_empty() {
        "it assumes a browser: take it without the feature that does (often `js`, `wasm-bindgen` or \
         a default one), or use another package"
            .to_owned()
    } else {
        known.join(", ")
    }
}
