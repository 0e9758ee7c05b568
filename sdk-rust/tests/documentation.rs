//! The crate's documentation opens with the example, which is built and requested.

use std::fs;
use std::path::Path;

#[test]
fn the_documentation_opens_with_the_example() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path| fs::read_to_string(root.join(path)).unwrap();

    let library = read("src/lib.rs");
    let block = library.split("//! ```\n").nth(1).unwrap();
    let block: String = block
        .lines()
        .map(|line| {
            let line = line.strip_prefix("//!").unwrap();
            format!("{}\n", line.strip_prefix(' ').unwrap_or(line))
        })
        .collect();

    let example = read("../examples/hello/rust/src/lib.rs");
    let code = example.split("#[cfg(test)]").next().unwrap();
    let (_, code) = code.split_once("\n\n").unwrap();
    assert_eq!(block, format!("{}\n", code.trim_end()));
}
