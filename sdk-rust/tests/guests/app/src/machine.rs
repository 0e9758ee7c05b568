//! What Rust takes for granted and the target has not.

use std::time::Duration;

use edgewit::time::{Instant, SystemTime, UNIX_EPOCH, sleep};
use edgewit::{Context, Error, Response};

use crate::number;

/// Seconds since 1970, and whether a sleep of `ms` was one.
pub fn time(c: &mut Context) -> Result<Response, Error> {
    let (start, now) = (Instant::now(), SystemTime::now());
    let length = Duration::from_millis(number(c, "ms") as u64);
    sleep(length);
    let slept = start.elapsed() >= length && now.elapsed().map_err(Error::app)? >= length;
    let later = now + Duration::from_secs(60) - Duration::from_secs(60);
    assert_eq!(later.duration_since(now), Ok(Duration::ZERO));
    let since = now.duration_since(UNIX_EPOCH).map_err(Error::app)?;
    Ok(c.text(format!("{} {slept}", since.as_secs())))
}

/// Random bytes of each kind, in hexadecimal digits, one line for each.
pub fn random(c: &mut Context) -> Result<Response, Error> {
    let mut long = vec![0; 100_000];
    edgewit::random::fill(&mut long);
    assert!(long[99_900..].iter().any(|byte| *byte != 0));
    let mut lines = [[0; 16]; 5];
    lines[0] = edgewit::random::bytes();
    lines[1].copy_from_slice(&long[99_984..]);
    // Each major version asks by a symbol of its own.
    getrandom::fill(&mut lines[2]).expect("random bytes");
    getrandom_02::getrandom(&mut lines[3]).expect("random bytes");
    getrandom_04::fill(&mut lines[4]).expect("random bytes");
    let hex = |line: [u8; 16]| {
        line.iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    Ok(c.text(lines.map(hex).join("\n")))
}

/// Takes memory in `rounds` rounds of all sizes and alignments, gives it back in another order, and checks that no two pieces
/// overlap; then asks for more than there can be.
pub fn memory(c: &mut Context) -> Result<Response, Error> {
    #[derive(Clone, Copy, PartialEq, Debug)]
    #[repr(align(64))]
    struct Aligned([u8; 64]);

    let mut kept: Vec<Vec<u8>> = Vec::new();
    let mut aligned: Vec<Box<Aligned>> = Vec::new();
    let mut state = 1_u32;
    for round in 0..number(c, "rounds") {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let size = 1_usize << (state >> 28);
        let mark = round as u8;
        let mut piece = vec![mark; size];
        piece.reserve_exact(size);
        piece.resize(size * 2, mark);
        kept.push(piece);
        aligned.push(Box::new(Aligned([mark; 64])));
        assert_eq!(&raw const *aligned[aligned.len() - 1] as usize % 64, 0);
        if kept.len() > 64 {
            let taken = kept.swap_remove((state >> 8) as usize % 64);
            assert!(taken.iter().all(|byte| *byte == taken[0]));
            let taken = aligned.swap_remove((state >> 16) as usize % 64);
            assert_eq!(*taken, Aligned([taken.0[0]; 64]));
        }
    }
    assert!(
        kept.iter()
            .all(|piece| piece.iter().all(|byte| *byte == piece[0]))
    );
    drop((kept, aligned));
    let refused = Vec::<u8>::new().try_reserve_exact(1 << 30).is_err();
    // What was refused is no harm to the rest.
    let more = vec![1_u8; 100_000];
    Ok(c.text(format!("refused {refused}, {}", more.len())))
}
