use crate::edge::sdk::logging;
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
