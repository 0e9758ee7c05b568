//! What Rust takes for granted and this target has not: memory, a place for panics, and randomness.

#![allow(
    unsafe_code,
    reason = "an allocator, linker symbols and the backends of `getrandom` can't be had without"
)]

use std::alloc::Layout;
use std::arch::wasm32::{memory_grow, memory_size};
use std::panic;
use std::ptr::NonNull;

use talc::base::Talc;
use talc::base::binning::Binning;
use talc::cell::TalcSyncCell;
use talc::source::Source;
use talc::wasm::WasmBinning;

use crate::host;

const PAGE: usize = 65536;

#[global_allocator]
static ALLOCATOR: TalcSyncCell<Memory, WasmBinning> = TalcSyncCell::new_wasm(Memory { end: None });

/// Memory that is there already comes first: growing changes the address space, which all of the host's threads wait
/// for.
#[derive(Debug)]
struct Memory {
    /// The end of the one heap, which is extended as long as nobody else grows the memory.
    end: Option<NonNull<u8>>,
}

unsafe extern "C" {
    /// Set by the linker: where static data ends.
    static __heap_base: u8;
}

// SAFETY: nothing in here allocates.
unsafe impl Source for Memory {
    fn acquire<B: Binning>(talc: &mut Talc<Self, B>, layout: Layout) -> Result<(), ()> {
        let present = memory_size::<0>() * PAGE;
        if talc.source.end.is_none() {
            let base = (&raw const __heap_base).cast_mut();
            // SAFETY: what lies from the end of static data to the end of the memory belongs to nobody else: the stack is
            // below, and this is the only allocator.
            talc.source.end = unsafe { talc.claim(base, present - base.addr()) };
            if talc.source.end.is_some() {
                return Ok(());
            }
        }
        // Room for the allocation, its alignment, and more than the allocator's own notes take.
        let wanted = layout.size() + layout.align() + 64;
        let pages = wanted.div_ceil(PAGE);
        let base = memory_grow::<0>(pages);
        if base == usize::MAX {
            return Err(());
        }
        let (base, size) = ((base * PAGE) as *mut u8, pages * PAGE);
        // SAFETY: the pages are new, so they belong to nobody else; that the end of the heap lies right before them is
        // what the first branch asks.
        talc.source.end = match talc.source.end {
            Some(end) if end.as_ptr() == base => {
                Some(unsafe { talc.extend(end, base.wrapping_add(size)) })
            }
            _ => unsafe { talc.claim(base, size) },
        };
        Ok(())
    }
}

/// Makes a panic one line of the log, with its place, and ends the request.
pub(crate) fn install_panic_hook() {
    panic::set_hook(Box::new(|info| {
        let message = info.payload_as_str().unwrap_or("no text");
        match info.location() {
            Some(place) => host::abort(&format!("panicked at {place}: {message}")),
            None => host::abort(&format!("panicked: {message}")),
        }
    }));
}

/// What the crate `getrandom` calls. A symbol whose name is kept is exported, and with it comes the import it calls: the
/// build sets the flag only where something depends on `getrandom`.
#[cfg(getrandom_backend = "custom")]
mod getrandom {
    use std::num::NonZeroI32;
    use std::slice;

    use crate::random;

    /// The custom backend from 0.3 on. Its error is a number other than zero; there is none here.
    ///
    /// # Safety
    /// `dest` is valid for writing `len` bytes.
    #[unsafe(no_mangle)]
    unsafe extern "Rust" fn __getrandom_v03_custom(
        dest: *mut u8,
        len: usize,
    ) -> Result<(), NonZeroI32> {
        // SAFETY: the bytes are initialized before they are seen as such, and the rest is the caller's word.
        unsafe {
            dest.write_bytes(0, len);
            random::fill(slice::from_raw_parts_mut(dest, len));
        }
        Ok(())
    }

    /// The custom backend of 0.2, whose caller has initialized the bytes.
    ///
    /// # Safety
    /// `dest` is valid for writing `len` bytes.
    #[unsafe(no_mangle)]
    unsafe extern "Rust" fn __getrandom_custom(dest: *mut u8, len: usize) -> u32 {
        // SAFETY: the caller's word.
        random::fill(unsafe { slice::from_raw_parts_mut(dest, len) });
        0
    }
}
