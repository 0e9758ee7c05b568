//! Lines for people and pipes. A reader that has seen enough is no reason to panic, as `println!` would.

use std::io::Write;

use crate::error::Error;

/// Writes to standard output.
pub fn print(text: &[u8]) -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    let written = out.write_all(text).and_then(|()| out.flush());
    written.map_err(Error::io("write", "standard output".as_ref()))
}

/// Writes a line to standard output.
pub fn say(line: impl std::fmt::Display) -> Result<(), Error> {
    print(format!("{line}\n").as_bytes())
}

/// Writes a line to standard error, where nobody has to listen.
pub fn tell(line: impl std::fmt::Display) {
    let _ = std::io::stderr().write_all(format!("{line}\n").as_bytes());
}
