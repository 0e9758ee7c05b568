//! Values through the guest alone, in Rust's own types.

use std::hint::black_box;

use crate::script::{Run, Table};
use crate::words::{Operands, Outcome, Report};

pub const VERBS: Table = &[
    ("echo.text", text),
    ("echo.bytes", bytes),
    ("echo.u64", unsigned),
    ("echo.s64", signed),
    ("echo.list", list),
];

fn text(_: &mut Run, operands: &Operands) -> Outcome {
    let text: String = black_box(operands.text(0)?);
    Ok(Report::ok().value(text))
}

fn bytes(_: &mut Run, operands: &Operands) -> Outcome {
    let bytes: Vec<u8> = black_box(operands.bytes(0)?);
    Ok(Report::ok().value(bytes))
}

fn unsigned(_: &mut Run, operands: &Operands) -> Outcome {
    let number: u64 = black_box(operands.number(0)?);
    Ok(Report::ok().word(number))
}

fn signed(_: &mut Run, operands: &Operands) -> Outcome {
    let number: i64 = black_box(operands.number(0)?);
    Ok(Report::ok().word(number))
}

fn list(_: &mut Run, operands: &Operands) -> Outcome {
    let list: Vec<String> = black_box(operands.texts(0)?);
    Ok(Report::ok().list(list.iter()))
}
