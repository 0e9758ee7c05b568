use std::hint::black_box;

use crate::script::{Run, Table, done};
use crate::words::{Operands, Outcome, Report};

pub const VERBS: Table = &[
    ("panic", panic),
    ("abort", abort),
    ("spin", spin),
    ("grow", grow),
    ("recurse", recurse),
];

/// These report before what they do, as there is nothing after it.
fn announce(run: &mut Run) {
    run.say(Report::ok().into_line());
}

fn panic(run: &mut Run, operands: &Operands) -> Outcome {
    let text = operands.text(0)?;
    announce(run);
    panic!("{text}")
}

fn abort(run: &mut Run, operands: &Operands) -> Outcome {
    let text = operands.text(0)?;
    announce(run);
    edgewit::abort(&text)
}

fn spin(run: &mut Run, _: &Operands) -> Outcome {
    announce(run);
    loop {
        black_box(());
    }
}

fn grow(run: &mut Run, operands: &Operands) -> Outcome {
    run.memory.push(vec![1; operands.number(0)?]);
    done()
}

fn recurse(run: &mut Run, _: &Operands) -> Outcome {
    announce(run);
    black_box(depth(0));
    done()
}

/// Deeper than any stack: nobody counts so far.
fn depth(level: u64) -> u64 {
    match black_box(level) {
        u64::MAX => 0,
        level => depth(level + 1) + 1,
    }
}
