//! The names of WIT in the case of TypeScript.

use heck::{ToLowerCamelCase as _, ToUpperCamelCase as _};

/// What can't name a namespace or a parameter.
const KEYWORDS: &[&str] = &[
    "any",
    "arguments",
    "await",
    "break",
    "case",
    "catch",
    "class",
    "const",
    "continue",
    "debugger",
    "default",
    "delete",
    "do",
    "else",
    "enum",
    "eval",
    "export",
    "extends",
    "false",
    "finally",
    "for",
    "function",
    "global",
    "if",
    "implements",
    "import",
    "in",
    "instanceof",
    "interface",
    "let",
    "new",
    "null",
    "package",
    "private",
    "protected",
    "public",
    "return",
    "static",
    "super",
    "switch",
    "this",
    "throw",
    "true",
    "try",
    "typeof",
    "undefined",
    "var",
    "void",
    "while",
    "with",
    "yield",
];

/// The types that generated text takes from elsewhere.
const TYPES: &[&str] = &[
    "BigInt64Array",
    "BigUint64Array",
    "Disposable",
    "Exports",
    "Float32Array",
    "Float64Array",
    "Imports",
    "Int16Array",
    "Int32Array",
    "Int8Array",
    "Interface",
    "Partial",
    "Promise",
    "Uint16Array",
    "Uint32Array",
    "Uint8Array",
];

pub fn namespace(wit: &str) -> String {
    spare(wit.to_lower_camel_case(), KEYWORDS)
}

pub fn parameter(wit: &str) -> String {
    spare(wit.to_lower_camel_case(), KEYWORDS)
}

pub fn type_name(wit: &str) -> String {
    spare(wit.to_upper_camel_case(), TYPES)
}

/// Of a field or a function, where a keyword is a name like any other; only a method `new` would be a constructor.
pub fn member(wit: &str) -> String {
    wit.to_lower_camel_case()
}

fn spare(name: String, taken: &[&str]) -> String {
    if taken.contains(&name.as_str()) {
        name + "_"
    } else {
        name
    }
}
