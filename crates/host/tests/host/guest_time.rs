//! What a guest's time grows by.

use edgewit_manifest::Limits;

use crate::events;
use crate::support::{limited, run, serve_with, steps};
use crate::upstream::{Upstream, ok};

/// The time that a guest that loops was given in the end, in milliseconds, where it is to have `guest_ms` at first.
async fn given(name: &'static str, guest_ms: u64, target: &str) -> u64 {
    let limits = Limits {
        guest_ms,
        ..Limits::default()
    };
    let served = serve_with(name, limited(limits)).await;
    served.get(target).await;
    let line = events::message(name, "guest time: limit ").await;
    let (_, limit) = line.message().split_once("limit ").unwrap();
    limit.split(' ').next().unwrap().parse().unwrap()
}

/// A thirtieth of what passes after the head: the loop itself, at the least.
#[test]
fn time_after_the_head_brings_some() {
    run(async {
        let before = given("time-before-head", 600, "/loop").await;
        assert_eq!(before, 600);
        let after = given("time-after-head", 600, "/source?pieces=1&end=loop").await;
        assert!(after > 600, "{after}");
    });
}

#[test]
fn bytes_that_are_written_bring_some() {
    run(async {
        let upstream = Upstream::answering(|_| ok("")).await;
        let begin = format!("stream:{}", upstream.url("/"));
        let list = [&*begin, "write:1048576", "loop"];
        assert_eq!(given("time-written", 1000, &steps(&list)).await, 2000);
    });
}
