//! Guest time: the processor's time that polling a guest's task takes, imports that do not wait included.
//! What else a machine does meanwhile is none of it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use cpu_time::ThreadTime;

const MIB: u64 = 1024 * 1024;

/// One request's clock. Shared by the task that polls the guest and by the epoch check inside it.
#[derive(Debug)]
pub(crate) struct Meter {
    start: Instant,
    /// Nanoseconds of guest time before the poll under way.
    spent: AtomicU64,
    /// When the poll under way began, in nanoseconds of its thread, plus 1; 0 between polls.
    poll_began: AtomicU64,
    /// What `spent` was when the phase began, and how much the phase may take before its extras.
    phase_began: AtomicU64,
    phase_budget: AtomicU64,
    /// Body bytes that the guest read or produced: each MiB brings one second, and each part of one its part.
    bytes: AtomicU64,
    /// When the head was sent, in nanoseconds from `start`, plus 1: each 30 s since bring one second.
    head: AtomicU64,
    /// Nanoseconds spent waiting for the client's body, which the deadline of the head leaves out.
    client_wait: AtomicU64,
    /// When the wait under way began, in nanoseconds from `start`, plus 1.
    client_wait_began: AtomicU64,
}

impl Meter {
    pub(crate) fn new(budget: Duration) -> Arc<Self> {
        Arc::new(Self {
            start: Instant::now(),
            spent: AtomicU64::new(0),
            poll_began: AtomicU64::new(0),
            phase_began: AtomicU64::new(0),
            phase_budget: AtomicU64::new(nanos(budget)),
            bytes: AtomicU64::new(0),
            head: AtomicU64::new(0),
            client_wait: AtomicU64::new(0),
            client_wait_began: AtomicU64::new(0),
        })
    }

    /// Another phase, with a budget of its own: `after-reply`.
    pub(crate) fn next_phase(&self, budget: Duration) {
        self.phase_began.store(self.spent_now(), Relaxed);
        self.phase_budget.store(nanos(budget), Relaxed);
        self.bytes.store(0, Relaxed);
        self.head.store(0, Relaxed);
    }

    pub(crate) fn head_sent(&self) {
        self.head.store(self.elapsed() + 1, Relaxed);
    }

    pub(crate) fn moved(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Relaxed);
    }

    /// From here until the guard is dropped the client is waited for.
    pub(crate) fn waits_for_client(self: &Arc<Self>) -> ClientWait {
        self.client_wait_began.store(self.elapsed() + 1, Relaxed);
        ClientWait(self.clone())
    }

    /// All the time spent waiting for the client's body, a wait under way included.
    pub(crate) fn client_wait(&self) -> Duration {
        Duration::from_nanos(
            self.client_wait.load(Relaxed) + since(&self.client_wait_began, self.elapsed()),
        )
    }

    /// Guest time so far, a poll under way included, from within which it is asked.
    pub(crate) fn guest_time(&self) -> Duration {
        Duration::from_nanos(self.spent_now())
    }

    pub(crate) fn wall_time(&self) -> Duration {
        self.start.elapsed()
    }

    /// Asked from within a poll. The budget and what was met, in that order, once it is passed.
    pub(crate) fn over_budget(&self) -> Option<(Duration, Duration)> {
        let since_head = since(&self.head, self.elapsed());
        let second = nanos(Duration::from_secs(1));
        let moved = u128::from(self.bytes.load(Relaxed)) * u128::from(second) / u128::from(MIB);
        let extra = u64::try_from(moved)
            .unwrap_or(u64::MAX)
            .saturating_add(since_head / 30);
        let budget = self.phase_budget.load(Relaxed).saturating_add(extra);
        let used = self
            .spent_now()
            .saturating_sub(self.phase_began.load(Relaxed));
        (used > budget).then(|| (Duration::from_nanos(budget), Duration::from_nanos(used)))
    }

    fn spent_now(&self) -> u64 {
        self.spent.load(Relaxed) + since(&self.poll_began, thread_time())
    }

    fn elapsed(&self) -> u64 {
        nanos(self.start.elapsed())
    }
}

/// A wait for the client under way.
pub(crate) struct ClientWait(Arc<Meter>);

impl Drop for ClientWait {
    fn drop(&mut self) {
        let wait = since(&self.0.client_wait_began, self.0.elapsed());
        self.0.client_wait_began.store(0, Relaxed);
        self.0.client_wait.fetch_add(wait, Relaxed);
    }
}

/// The time from what `began` holds, which is nanoseconds plus 1, to `now`; none for 0.
fn since(began: &AtomicU64, now: u64) -> u64 {
    match began.load(Relaxed) {
        0 => 0,
        began => (now + 1).saturating_sub(began),
    }
}

/// What this thread has had of a processor, in nanoseconds.
fn thread_time() -> u64 {
    nanos(ThreadTime::now().as_duration())
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

pin_project_lite::pin_project! {
    /// A guest's task: what each poll takes is added to its meter.
    pub(crate) struct Metered<F> {
        #[pin]
        task: F,
        meter: Arc<Meter>,
    }
}

impl<F> Metered<F> {
    pub(crate) fn new(meter: Arc<Meter>, task: F) -> Self {
        Self { task, meter }
    }
}

impl<F: Future> Future for Metered<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let meter = this.meter;
        meter.poll_began.store(thread_time() + 1, Relaxed);
        let polled = this.task.poll(context);
        let spent = meter.spent_now();
        meter.poll_began.store(0, Relaxed);
        meter.spent.store(spent, Relaxed);
        polled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn counts_polls_and_not_waits() {
        let meter = Meter::new(Duration::from_secs(1));
        let busy = Duration::from_millis(20);
        Metered::new(meter.clone(), async {
            tokio::time::sleep(Duration::from_millis(60)).await;
            assert!(meter.guest_time() < meter.wall_time() - Duration::from_millis(50));
            let begun = ThreadTime::now();
            while begun.elapsed() < busy {}
            // Where a line is written, a poll is under way.
            assert!(meter.guest_time() >= busy);
        })
        .await;
        assert!(meter.guest_time() >= busy);
        assert!(meter.wall_time() >= Duration::from_millis(80));
        assert!(meter.wall_time() - meter.guest_time() >= Duration::from_millis(50));
    }

    #[test]
    fn a_mebibyte_buys_a_second() {
        let meter = Meter::new(Duration::ZERO);
        meter.spent.store(1, Relaxed);
        assert!(meter.over_budget().is_some());
        meter.moved(1024 * 1024);
        assert!(meter.over_budget().is_none());
    }
    /// A meter that was made so long ago.
    fn aged(age: Duration, budget: Duration) -> Meter {
        let mut meter = Arc::into_inner(Meter::new(budget)).unwrap();
        meter.start = Instant::now().checked_sub(age).unwrap();
        meter
    }

    #[test]
    fn thirty_seconds_since_the_head_buy_a_second() {
        let second = nanos(Duration::from_secs(1));
        let age = Duration::from_secs(100);
        for (head, more) in [(100, 0), (70, 1), (40, 2), (10, 3)] {
            let meter = aged(age, Duration::from_secs(1));
            meter.head.store(head * second + 1, Relaxed);
            // Nobody counts what the test takes: a tenth of a second more is three seconds of it.
            let budget = second + more * second;
            meter.spent.store(budget, Relaxed);
            assert_eq!(meter.over_budget(), None, "head at {head}");
            meter.spent.store(budget + second / 10, Relaxed);
            let (limit, met) = meter.over_budget().unwrap();
            assert!(limit >= Duration::from_secs(1 + more), "{limit:?}");
            assert_eq!(met, Duration::from_millis(1000 * (1 + more) + 100));
        }
    }

    #[test]
    fn time_before_the_head_buys_nothing() {
        let meter = aged(Duration::from_secs(100), Duration::from_secs(1));
        meter
            .spent
            .store(nanos(Duration::from_secs(1)) + 1, Relaxed);
        assert!(meter.over_budget().is_some());
        meter.head_sent();
        assert!(
            meter
                .over_budget()
                .is_none_or(|(limit, _)| limit < Duration::from_millis(1100))
        );
    }

    #[test]
    fn a_part_of_a_mebibyte_brings_its_part_of_a_second() {
        let meter = aged(Duration::ZERO, Duration::from_secs(1));
        let spent = |ms| meter.spent.store(nanos(Duration::from_millis(ms)), Relaxed);
        meter.moved(512 << 10);
        spent(1499);
        assert_eq!(meter.over_budget(), None);
        spent(1501);
        let (limit, _) = meter.over_budget().unwrap();
        assert_eq!(limit, Duration::from_millis(1500));
    }

    #[test]
    fn after_reply_starts_anew() {
        let meter = aged(Duration::from_secs(100), Duration::from_secs(1));
        meter.head.store(1, Relaxed);
        meter.moved(5 << 20);
        let spent = nanos(Duration::from_secs(8));
        meter.spent.store(spent, Relaxed);
        assert_eq!(meter.over_budget(), None);
        meter.next_phase(Duration::from_secs(1));
        assert_eq!(meter.over_budget(), None);
        meter
            .spent
            .store(spent + nanos(Duration::from_secs(1)) + 1, Relaxed);
        let over = meter.over_budget().unwrap();
        assert_eq!(over.0, Duration::from_secs(1));
    }
}
