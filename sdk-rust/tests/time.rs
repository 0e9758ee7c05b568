//! Clocks, timers and waiting for several things at once, on the clock of a test.

use std::time::Duration;

use edgewit::poll::{Pollable, select};
use edgewit::time::{Instant, SystemTime, Timer, UNIX_EPOCH, sleep};
use edgewit::{App, Body};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn the_clock_is_the_machine_s() {
    let now = SystemTime::now();
    let std = std::time::SystemTime::now();
    assert!(std.duration_since(now.into()).unwrap_or_default() < 5 * SECOND);
    assert_eq!(now.duration_since(UNIX_EPOCH).unwrap(), now.since_epoch());
}

/// As code for the standard library is written.
#[test]
fn points_in_time_have_the_arithmetic_of_the_standard_library() {
    let start = SystemTime::UNIX_EPOCH + 3 * SECOND;
    let mut later = start;
    later += SECOND;
    later -= SECOND / 2;
    assert_eq!(later.duration_since(start), Ok(SECOND / 2));
    let error = start.duration_since(later).unwrap_err();
    assert_eq!(error.duration(), SECOND / 2);
    assert_eq!(
        error.to_string(),
        "second time provided was later than self"
    );
    let before = UNIX_EPOCH - SECOND;
    assert_eq!(UNIX_EPOCH.duration_since(before), Ok(SECOND));
    assert_eq!(before.since_epoch(), Duration::ZERO);
    assert_eq!(
        std::time::SystemTime::from(before),
        std::time::UNIX_EPOCH - SECOND
    );
    assert!(UNIX_EPOCH.elapsed().unwrap() > SECOND);
    assert!((SystemTime::now() + 60 * SECOND).elapsed().is_err());
    // What the type holds is more than a duration.
    let end = UNIX_EPOCH.checked_add(Duration::MAX).unwrap();
    assert_eq!(end.duration_since(UNIX_EPOCH), Ok(Duration::MAX));
    let start = UNIX_EPOCH.checked_sub(Duration::MAX).unwrap();
    assert_eq!(end.duration_since(start), Ok(Duration::MAX));

    let instant = Instant::now();
    let mut later = instant + SECOND;
    later += SECOND;
    later -= SECOND;
    assert_eq!(later - instant, SECOND);
    assert_eq!(later - SECOND, instant);
    assert_eq!(instant.checked_duration_since(later), None);
    assert_eq!(instant.saturating_duration_since(later), Duration::ZERO);
    assert_eq!(instant.checked_add(Duration::MAX), None);
    assert_eq!(Instant::now().checked_sub(Duration::MAX), None);
}

#[test]
fn waiting_turns_the_clock_on() {
    let real = std::time::Instant::now();
    let (instant, time) = (Instant::now(), SystemTime::now());
    sleep(3600 * SECOND);
    assert!(instant.elapsed() >= 3600 * SECOND);
    assert!(time.elapsed().unwrap() >= 3600 * SECOND);
    assert!(real.elapsed() < 60 * SECOND);
}

#[test]
fn select_tells_all_that_are_ready() {
    let start = Instant::now();
    let (late, soon) = (Timer::after(60 * SECOND), Timer::after(SECOND));
    let (same, never) = (Timer::at(start), Timer::after(Duration::MAX));
    assert_eq!(select(&[&late, &soon, &same, &never]), [2]);
    assert!(!soon.is_ready() && same.is_ready());
    assert_eq!(select(&[&late, &soon, &never]), [1]);
    assert!(soon.is_ready() && start.elapsed() < 60 * SECOND);
    assert_eq!(select(&[&late, &Body::empty(), &soon]), [1, 2]);
}

#[test]
#[should_panic(expected = "nothing is waited for")]
fn select_over_nothing_is_a_mistake() {
    select(&[]);
}

#[test]
#[should_panic(expected = "what is waited for never comes in this test")]
fn a_client_that_stays_is_no_end_to_wait_for() {
    App::new()
        .get("/", |c| {
            select(&[&c.client_gone()]);
            unreachable!();
        })
        .request("/");
}

#[test]
fn a_client_goes_when_a_test_says_so() {
    let app = App::new().get("/", |c| {
        let gone = c.client_gone();
        let ready = select(&[&gone, &Timer::after(60 * SECOND)]);
        Ok(c.text(format!("{ready:?} {}", gone.is_ready())))
    });
    let ask = || edgewit::MessageExt::text(&app.request("/")).unwrap();
    edgewit::test::hang_up_after(SECOND);
    assert_eq!(ask(), "[0] true");
    assert_eq!(ask(), "[1] false");
}
