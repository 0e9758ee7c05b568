use std::cell::Cell;

use crate::edge::sdk::logging::{self, Level};
use crate::exports::edge::sdk::handler::Reply;
use crate::text;

/// Panics become the one line that the host writes.
pub fn report_panics() {
    std::panic::set_hook(Box::new(|panic| logging::abort(&panic.to_string())));
}

pub fn panic(text: &str) -> ! {
    panic!("{text}")
}

#[inline(never)]
pub fn trap() -> ! {
    core::arch::wasm32::unreachable()
}

#[inline(never)]
pub fn spin() -> ! {
    loop {
        std::hint::black_box(());
    }
}

/// Loops, and says so before: whoever waits for that knows that it does.
pub fn spin_aloud() -> ! {
    logging::log(Level::Info, "raw::ends", "loops", &[]);
    spin()
}

/// Outgrows the stack by the `frames` of many calls, by one frame that is too large alone, `filled` or not, or by
/// `calls` that have none.
pub fn overflow(by: &str) -> Reply {
    let sum = match by {
        "frames" => frames(0),
        "filled" => filled(),
        "frame" => frame(),
        _ => calls(0),
    };
    text(format!("no overflow: {sum}"))
}

#[inline(never)]
fn frames(depth: u32) -> u32 {
    let mut frame = [depth as u8; 1024];
    std::hint::black_box(&mut frame);
    if depth == u32::MAX {
        return 0;
    }
    frames(depth + 1) + u32::from(frame[0])
}

#[inline(never)]
fn filled() -> u32 {
    let mut frame = [0u8; 100_000];
    std::hint::black_box(&mut frame);
    u32::from(frame[0])
}

#[inline(never)]
fn frame() -> u32 {
    let mut frame = [const { std::mem::MaybeUninit::<u8>::uninit() }; 100_000];
    let first = std::hint::black_box(&mut frame)[0].write(1);
    u32::from(*first)
}

thread_local! {
    /// Called by way of here: what the compiler knows it makes a loop of.
    static DEEPER: Cell<fn(u32) -> u32> = const { Cell::new(calls) };
}

fn calls(depth: u32) -> u32 {
    if depth == u32::MAX {
        return 0;
    }
    DEEPER.get()(depth + 1).wrapping_mul(3) + depth
}

/// Reads memory at an address.
pub fn peek(at: u32) -> Reply {
    // SAFETY: none; what comes of it is what is tested.
    let found = unsafe { std::ptr::with_exposed_provenance::<u8>(at as usize).read_volatile() };
    text(format!("found {found}"))
}

/// Hands the host a string that is not UTF-8: in a `log` line, as a `field` name of the reply, or as an error.
pub fn bad_text(in_what: &str) -> Result<Reply, String> {
    // SAFETY: none; nothing here but the host looks at it.
    let bad = unsafe { String::from_utf8_unchecked(vec![b'a', 0xff, b'b']) };
    match in_what {
        "log" => logging::log(Level::Info, "raw::ends", &bad, &[]),
        "field" => {
            return Ok(Reply {
                headers: vec![(bad, Vec::new())],
                ..text("")
            });
        }
        _ => return Err(bad),
    }
    Ok(text("logged"))
}

/// Takes memory and says whether it got it.
pub fn grow(bytes: u32) -> Reply {
    let pages = bytes.div_ceil(1 << 16) as usize;
    let before = core::arch::wasm32::memory_grow(0, pages);
    if before == usize::MAX {
        // What an allocator does with the refusal.
        trap()
    }
    text(format!("grown {pages}"))
}

/// Opens so many handles and keeps them.
pub fn hoard(count: u32) -> Reply {
    let open = |_| crate::edge::sdk::kv::open("store").map(std::mem::forget);
    let opened = (0..count).map(open).filter(Result::is_ok).count();
    text(format!("{opened} handles"))
}
