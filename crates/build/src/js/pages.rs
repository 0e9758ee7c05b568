//! The pages of memory that a request writes to.
//!
//! A host gives each request the memory that the engine was left with. Where it takes an instance's memory back, it
//! restores the pages that were written to, so that the next request finds them in place: but in wasmtime only where
//! they lie in at most 32 runs. What lies behind those is given back to the kernel, and costs each request that
//! writes there a fault, at ten times the price of restoring a page or more. A JavaScript engine writes a
//! few bytes here and there. So the runs are made fewer: what lies between two of them is written to as well.

use std::ops::Range;

/// What a host restores at once.
pub(crate) const PAGE_BYTES: usize = 4096;

/// Few of those that wasmtime restores: requests of an application write to more than those of a rehearsal.
const RUNS: usize = 12;

/// Two thirds of what our host keeps of a memory. Each costs half a microsecond, at every request.
const PAGES: u32 = 512;

/// Runs of pages that hold all that were `written` to, in any order: [`RUNS`] or fewer where that does not make them
/// more than [`PAGES`] pages. The narrowest gaps between them are filled first, all that are equally wide or none.
pub(crate) fn runs(written: &[u32]) -> Vec<Range<u32>> {
    let mut written = written.to_vec();
    written.sort_unstable();
    written.dedup();
    let gaps = written.windows(2).map(|two| two[1] - two[0] - 1);
    let mut gaps: Vec<_> = gaps.collect();
    gaps.sort_unstable();
    let mut left = gaps.len() + 1;
    let mut pages = written.len() as u32;
    // The widest gap that is filled.
    let mut width = 0;
    for equal in gaps.chunk_by(PartialEq::eq) {
        pages += equal.iter().sum::<u32>();
        if left <= RUNS || pages > PAGES {
            break;
        }
        left -= equal.len();
        width = equal[0];
    }
    let mut runs: Vec<Range<u32>> = Vec::new();
    for page in written {
        match runs.last_mut() {
            Some(last) if page - last.end <= width => last.end = page + 1,
            _ => runs.push(page..page + 1),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_runs_stay_as_they_are() {
        assert_eq!(runs(&[]), []);
        assert_eq!(runs(&[7, 9, 8, 7, 2]), [2..3, 7..10]);
    }

    #[test]
    fn the_narrowest_gaps_are_filled_until_the_runs_are_few() {
        // Gaps of so many pages, and so on to the last, of one.
        let widest = RUNS as u32 + 2;
        let mut written = vec![0];
        for gap in (1..=widest).rev() {
            written.push(written[written.len() - 1] + gap + 1);
        }
        let runs = runs(&written);
        assert_eq!(runs.len(), RUNS);
        assert_eq!(runs[..2], [0..1, widest + 1..widest + 2]);
        let end = written[written.len() - 1] + 1;
        assert_eq!(runs[RUNS - 1], end - 10..end);
    }

    fn apart(pages: u32, gap: u32) -> Vec<u32> {
        (0..pages).map(|it| it * (gap + 1)).collect()
    }

    #[test]
    fn gaps_are_filled_together_as_long_as_the_pages_are_not_too_many() {
        let fits = PAGES.div_ceil(3);
        let mut written = apart(fits, 2);
        written.extend(written[written.len() - 1] + 1..PAGES);
        let joined = runs(&written);
        assert_eq!((joined.len(), joined[0].clone()), (1, 0..PAGES));
        let written = apart(fits + 1, 2);
        assert_eq!(runs(&written).len(), written.len());
    }

    #[test]
    fn no_wider_gap_is_filled_once_the_runs_are_few() {
        let mut written = apart(2 * RUNS as u32, 1);
        let end = written[written.len() - 1] + 1;
        written.push(end + 2);
        assert_eq!(runs(&written), [0..end, end + 2..end + 3]);
    }

    #[test]
    fn no_gap_is_filled_that_would_make_too_many_pages() {
        let far = PAGES;
        let written: Vec<u32> = (0..2 * RUNS as u32).map(|it| it * far).collect();
        assert_eq!(runs(&written).len(), written.len());
    }
}
