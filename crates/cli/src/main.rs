//! The command `edgewit`.

fn main() {}
