//! Time by the names of the standard library, whose own clocks panic in a component. Source: `edge:sdk/system`.

use std::ops::{Add, Sub};
use std::time::Duration;

use crate::host;

/// 1970-01-01T00:00:00Z.
pub const UNIX_EPOCH: SystemTime = SystemTime(Duration::ZERO);

/// A point in time by the host's clock, counted from [`UNIX_EPOCH`] in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SystemTime(Duration);

impl SystemTime {
    /// Now.
    pub fn now() -> SystemTime {
        SystemTime(Duration::from_nanos(host::now()))
    }

    /// How long ago `earlier` was at this time; zero if it was later.
    pub fn saturating_duration_since(&self, earlier: SystemTime) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// The time since [`UNIX_EPOCH`]; never before it.
    pub fn since_epoch(&self) -> Duration {
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
}

impl Sub for Instant {
    type Output = Duration;

    /// Zero if `earlier` was later, as in the standard library.
    fn sub(self, earlier: Instant) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;

    fn add(self, duration: Duration) -> Instant {
        Instant(self.0 + duration)
    }
}
