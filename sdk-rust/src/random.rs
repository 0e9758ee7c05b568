//! Random bytes, fit for cryptography, the request's own.
//!
//! The crate `getrandom`, and with it `rand` and `uuid`, draws from here too if the component is built with
//! `--cfg getrandom_backend="custom"`; of `getrandom` 0.2 that takes the feature `custom` as well. The seeds of a standard
//! `HashMap` are fixed in a component. Source: `edge:sdk/system#random`.

use crate::host;

/// The most that the host gives at once, in bytes.
const MOST: usize = 65536;

/// Fills `buffer` with random bytes.
pub fn fill(buffer: &mut [u8]) {
    for piece in buffer.chunks_mut(MOST) {
        // A piece has at most `MOST` bytes, and the host gives as many as it is asked for.
        piece.copy_from_slice(&host::random(piece.len() as u32));
    }
}

/// `N` random bytes.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill(&mut bytes);
    bytes
}
