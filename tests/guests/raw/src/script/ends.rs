//! Steps that end the instance, and those that come near it.

use std::hint::black_box;

use crate::edge::sdk::logging;
use crate::ends;
use crate::script::words::{self, Failure, Words};
use crate::script::{Run, Verb};

pub const VERBS: &[(&str, Verb)] = &[
    ("panic", |run, words| {
        let text = last_text(run, words)?;
        ends::panic(&text)
    }),
    ("abort", |run, words| {
        let text = last_text(run, words)?;
        logging::abort(&text);
        words::nothing()
    }),
    ("spin", |run, words| {
        words.end()?;
        run.report("ok");
        ends::spin()
    }),
    ("grow", |_, words| {
        let bytes: u32 = words.number()?;
        std::mem::forget(black_box(vec![1_u8; bytes as usize]));
        words::nothing()
    }),
    ("recurse", |run, words| {
        words.end()?;
        run.report("ok");
        words::word(recurse(0))
    }),
];

/// The text of a step that reports before it ends everything.
fn last_text(run: &mut Run, words: &mut Words) -> Result<String, Failure> {
    let text = words.text()?;
    words.end()?;
    run.report("ok");
    Ok(text)
}

/// Each call holds a frame that is needed after the next has returned, so that no loop can stand for it.
#[inline(never)]
fn recurse(depth: u64) -> u64 {
    let frame = black_box([depth; 16]);
    if black_box(false) {
        return depth;
    }
    recurse(depth + 1) + black_box(frame)[0]
}
