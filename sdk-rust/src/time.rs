//! Time by the names of the standard library, whose own clocks panic in a component, and waiting for it.
//! Source: `edge:sdk/system`, `edge:sdk/poll#poll`.

use std::ops::{Add, AddAssign, Sub, SubAssign};
use std::time::Duration;

use crate::host;
use crate::poll::{Pollable, select};
use crate::waiting::{Source, Waiting};

/// 1970-01-01T00:00:00Z.
pub const UNIX_EPOCH: SystemTime = SystemTime(0);

/// A point in time by the host's clock, to the nanosecond.
// Nanoseconds since the epoch: every `Duration` fits, before and after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SystemTime(i128);

impl SystemTime {
    /// 1970-01-01T00:00:00Z.
    pub const UNIX_EPOCH: SystemTime = UNIX_EPOCH;

    /// Now.
    pub fn now() -> SystemTime {
        SystemTime(host::now().into())
    }

    /// How long before this time `earlier` was.
    /// Errors: how long after it, if it was later.
    pub fn duration_since(&self, earlier: SystemTime) -> Result<Duration, SystemTimeError> {
        let distance = duration(self.0.abs_diff(earlier.0));
        if self.0 < earlier.0 {
            return Err(SystemTimeError(distance));
        }
        Ok(distance)
    }

    /// How long ago this was.
    /// Errors: how long it is to come, if it is in the future.
    pub fn elapsed(&self) -> Result<Duration, SystemTimeError> {
        SystemTime::now().duration_since(*self)
    }

    /// That much later; `None` if there is no such time.
    pub fn checked_add(&self, duration: Duration) -> Option<SystemTime> {
        Some(SystemTime(self.0.checked_add(nanos(duration))?))
    }

    /// That much earlier; `None` if there is no such time.
    pub fn checked_sub(&self, duration: Duration) -> Option<SystemTime> {
        Some(SystemTime(self.0.checked_sub(nanos(duration))?))
    }

    /// How long ago `earlier` was at this time; zero if it was later.
    pub fn saturating_duration_since(&self, earlier: SystemTime) -> Duration {
        self.duration_since(earlier).unwrap_or_default()
    }

    /// The time since [`UNIX_EPOCH`]; zero before it.
    pub fn since_epoch(&self) -> Duration {
        self.saturating_duration_since(UNIX_EPOCH)
    }
}

/// For what takes the standard library's type, whose `now` is all that panics.
/// Panics: as [`std::time::SystemTime`] does where it has no such time.
impl From<SystemTime> for std::time::SystemTime {
    fn from(time: SystemTime) -> std::time::SystemTime {
        match time.duration_since(UNIX_EPOCH) {
            Ok(since) => std::time::UNIX_EPOCH + since,
            Err(before) => std::time::UNIX_EPOCH - before.duration(),
        }
    }
}

/// A time that was to be earlier is later.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("second time provided was later than self")]
pub struct SystemTimeError(Duration);

impl SystemTimeError {
    /// By how much.
    pub fn duration(&self) -> Duration {
        self.0
    }
}

/// A point in time for measuring: it never runs backwards, and means nothing outside of this request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(Duration);

impl Instant {
    /// Now.
    pub fn now() -> Instant {
        Instant(Duration::from_nanos(host::monotonic()))
    }

    /// How long ago this was.
    pub fn elapsed(&self) -> Duration {
        Instant::now() - *self
    }

    /// How long ago `earlier` was at this time; zero if it was later.
    pub fn duration_since(&self, earlier: Instant) -> Duration {
        *self - earlier
    }

    /// How long ago `earlier` was at this time; `None` if it was later.
    pub fn checked_duration_since(&self, earlier: Instant) -> Option<Duration> {
        self.0.checked_sub(earlier.0)
    }

    /// How long ago `earlier` was at this time; zero if it was later.
    pub fn saturating_duration_since(&self, earlier: Instant) -> Duration {
        *self - earlier
    }

    /// That much later; `None` if there is no such time.
    pub fn checked_add(&self, duration: Duration) -> Option<Instant> {
        Some(Instant(self.0.checked_add(duration)?))
    }

    /// That much earlier; `None` if there is no such time.
    pub fn checked_sub(&self, duration: Duration) -> Option<Instant> {
        Some(Instant(self.0.checked_sub(duration)?))
    }
}

impl Sub for Instant {
    type Output = Duration;

    /// Zero if `earlier` was later, as in the standard library.
    fn sub(self, earlier: Instant) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// Defines the operators that the standard library has for a point in time and a duration.
macro_rules! arithmetic {
    ($($point:ident),*) => {$(
        impl Add<Duration> for $point {
            type Output = $point;

            /// Panics: if there is no such time, as in the standard library.
            fn add(self, duration: Duration) -> $point {
                match self.checked_add(duration) {
                    Some(sum) => sum,
                    None => panic!("overflow when adding duration to instant"),
                }
            }
        }

        impl AddAssign<Duration> for $point {
            fn add_assign(&mut self, duration: Duration) {
                *self = *self + duration;
            }
        }

        impl Sub<Duration> for $point {
            type Output = $point;

            /// Panics: if there is no such time, as in the standard library.
            fn sub(self, duration: Duration) -> $point {
                match self.checked_sub(duration) {
                    Some(difference) => difference,
                    None => panic!("overflow when subtracting duration from instant"),
                }
            }
        }

        impl SubAssign<Duration> for $point {
            fn sub_assign(&mut self, duration: Duration) {
                *self = *self - duration;
            }
        }
    )*};
}

arithmetic!(SystemTime, Instant);

/// Every duration is less than 2^95 nanoseconds.
fn nanos(duration: Duration) -> i128 {
    duration.as_nanos() as i128
}

/// What is longer than any duration is the longest.
fn duration(nanos: u128) -> Duration {
    const SECOND: u128 = 1_000_000_000;
    match u64::try_from(nanos / SECOND) {
        Ok(seconds) => Duration::new(seconds, (nanos % SECOND) as u32),
        Err(_) => Duration::MAX,
    }
}

/// Ready from a point in time on, for [`select`].
///
/// ```
/// use std::time::Duration;
///
/// use edgewit::poll::select;
/// use edgewit::time::Timer;
///
/// let (soon, late) = (Timer::after(Duration::from_secs(1)), Timer::after(Duration::from_secs(60)));
/// assert_eq!(select(&[&late, &soon]), [1]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Timer(Option<Instant>);

impl Timer {
    /// Ready after `duration`; never, if that is longer than time.
    pub fn after(duration: Duration) -> Timer {
        Timer(Instant::now().checked_add(duration))
    }

    /// Ready at `instant`.
    pub fn at(instant: Instant) -> Timer {
        Timer(Some(instant))
    }
}

impl Pollable for Timer {}

impl Source for Timer {
    fn poll(&self, waiting: &mut Waiting) -> bool {
        let Some(instant) = self.0 else {
            return false;
        };
        let left = instant.saturating_duration_since(Instant::now());
        waiting.at_most(left);
        left.is_zero()
    }
}

/// Waits for `duration`, to the whole millisecond, rounded up.
/// Source: `edge:sdk/poll#poll`.
pub fn sleep(duration: Duration) {
    select(&[&Timer::after(duration)]);
}
