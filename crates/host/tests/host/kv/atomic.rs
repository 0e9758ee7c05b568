//! Eight writers at once. What they were told tells the order; no time does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use edgewit_host::kv::{Condition, Entry, Error};
use tokio::sync::Barrier;

use super::{Stores, WRITERS};

/// What the writers of a test share.
struct Team {
    gate: Barrier,
    /// So many have not had their share of turns.
    behind: AtomicUsize,
}

/// The turns that each writer has at the least.
const SHARE: usize = 50;

impl Team {
    /// Counts a turn and says whether to take it: until all have had their share, since those who
    /// are quick would else be done before the others begin.
    fn again(&self, turns: &mut usize) -> bool {
        *turns += 1;
        if *turns == SHARE {
            self.behind.fetch_sub(1, SeqCst);
        }
        self.behind.load(SeqCst) > 0
    }
}

/// Ends the turns of all when one of them ends, by a failure above all.
struct End(Arc<Team>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.behind.store(0, SeqCst);
    }
}

/// Runs each writer on a thread of its own, which the system takes away from it wherever it likes,
/// and returns what they return.
async fn at_once<T, F>(stores: &Stores, writer: impl Fn(Stores, Arc<Team>, usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let team = Arc::new(Team {
        gate: Barrier::new(WRITERS),
        behind: AtomicUsize::new(WRITERS),
    });
    let writers: Vec<_> = (0..WRITERS)
        .map(|index| {
            let writer = writer(stores.clone(), team.clone(), index);
            let runtime = tokio::runtime::Handle::current();
            let end = End(team.clone());
            tokio::task::spawn_blocking(move || {
                let told = runtime.block_on(writer);
                drop(end);
                told
            })
        })
        .collect();
    let mut told = Vec::new();
    for writer in writers {
        told.push(writer.await.expect("a writer that ends well"));
    }
    told
}

pub async fn increments_are_one_step(stores: Stores) {
    let sums = at_once(&stores, async |stores: Stores, team: Arc<Team>, _| {
        team.gate.wait().await;
        let (mut sums, mut turns) = (Vec::new(), 0);
        while team.again(&mut turns) {
            sums.push(stores.increment("n", 1, None).await.unwrap());
        }
        sums
    });
    let mut sums: Vec<i64> = sums.await.into_iter().flatten().collect();
    sums.sort_unstable();
    let count = sums.len() as i64;
    assert!(
        sums.into_iter().eq(1..=count),
        "a sum is missing or told twice"
    );
    assert_eq!(stores.value("n").await.unwrap(), count.to_string());
}

/// The time comes while no step is under way: each life of the key has all of its steps.
pub async fn increments_count_from_0_once_the_key_has_expired(stores: Stores) {
    const ROUNDS: usize = 10;
    let sums = at_once(&stores, async |stores: Stores, team: Arc<Team>, _| {
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            team.gate.wait().await;
            let mut sums = Vec::new();
            for _ in 0..5 {
                sums.push(stores.increment("n", 1, Some(100)).await.unwrap());
            }
            rounds.push(sums);
            if team.gate.wait().await.is_leader() {
                stores.pass(100);
            }
        }
        rounds
    });
    let told = sums.await;
    for round in 0..ROUNDS {
        let mut sums: Vec<i64> = told.iter().flat_map(|told| told[round].clone()).collect();
        sums.sort_unstable();
        assert_eq!(sums, (1..=40).collect::<Vec<_>>(), "round {round}");
    }
}

/// The time comes while steps are under way. A key's life is a run of sums from 1 on, so a sum is
/// told at most as often as the one below it: a step that read in one life and wrote in another, or
/// two that read the same, would break that.
pub async fn the_key_expires_between_the_steps_of_increments(stores: Stores) {
    let sums = at_once(&stores, async |stores: Stores, team: Arc<Team>, index| {
        team.gate.wait().await;
        let (mut sums, mut turns) = (Vec::new(), 0);
        while team.again(&mut turns) {
            sums.push(stores.increment("n", 1, Some(10)).await.unwrap());
            if index == 0 {
                stores.pass(3);
            }
        }
        sums
    });
    let mut told = BTreeMap::new();
    for sum in sums.await.into_iter().flatten() {
        *told.entry(sum).or_insert(0) += 1;
    }
    assert!(told[&1] > 1, "the key had one life");
    // No sum is left out, and none is told more often than the one below it.
    assert!(told.keys().copied().eq(1..=told.len() as i64), "{told:?}");
    let times: Vec<i32> = told.values().copied().collect();
    assert!(
        times.is_sorted_by(|lower, higher| lower >= higher),
        "{told:?}"
    );
}

/// A counter made of conditional writes counts each of them once.
pub async fn a_conditional_set_is_one_step(stores: Stores) {
    let start = stores.set("n", "0").await;
    let versions = at_once(&stores, async |stores: Stores, team: Arc<Team>, _| {
        team.gate.wait().await;
        let (mut versions, mut turns) = (Vec::new(), 0);
        while team.again(&mut turns) {
            let found = stores.entry("n").await.expect("a counter");
            let number: u64 = std::str::from_utf8(&found.value).unwrap().parse().unwrap();
            let next = (number + 1).to_string();
            let condition = Condition::IfVersion(found.version);
            match stores.set_if(condition, "n", &next, None).await {
                Ok(version) => versions.push(version),
                Err(error) => assert!(matches!(error, Error::Conflict), "{error:?}"),
            }
        }
        versions
    });
    let versions: Vec<u64> = versions.await.into_iter().flatten().collect();
    let count = versions.len().to_string();
    assert_eq!(stores.value("n").await.unwrap(), count);
    let mut distinct: BTreeSet<u64> = versions.iter().copied().collect();
    distinct.insert(start);
    assert_eq!(distinct.len(), versions.len() + 1);
}

/// Who creates the key holds it, as a lock, until he deletes it.
pub async fn a_key_that_one_creates_is_his(stores: Stores) {
    let holders = Arc::new(AtomicUsize::new(0));
    let done = at_once(&stores, move |stores: Stores, team: Arc<Team>, _| {
        let holders = holders.clone();
        async move {
            team.gate.wait().await;
            let mut turns = 0;
            while team.again(&mut turns) {
                let set = stores.set_if(Condition::IfAbsent, "lock", "mine", None);
                match set.await {
                    Ok(_) => {
                        assert_eq!(holders.fetch_add(1, SeqCst), 0);
                        assert_eq!(stores.value("lock").await.unwrap(), "mine");
                        assert_eq!(holders.fetch_sub(1, SeqCst), 1);
                        assert!(stores.delete("lock").await);
                    }
                    Err(error) => assert!(matches!(error, Error::Conflict), "{error:?}"),
                }
            }
        }
    });
    done.await;
}

pub async fn every_write_has_a_version_of_its_own(stores: Stores) {
    let versions = at_once(&stores, async |stores: Stores, team: Arc<Team>, index| {
        team.gate.wait().await;
        let (mut versions, mut turns) = (Vec::new(), 0);
        while team.again(&mut turns) {
            versions.push(stores.set("k", &format!("{index}/{turns}")).await);
            if turns % 5 == index % 5 {
                stores.delete("k").await;
            }
        }
        versions
    });
    let versions: Vec<u64> = versions.await.into_iter().flatten().collect();
    let distinct: BTreeSet<u64> = versions.iter().copied().collect();
    assert_eq!(distinct.len(), versions.len());
}

/// Four write pairs, the left one first; four read all pairs at once. At every moment a left one is
/// as new as its right one or one newer.
pub async fn many_keys_are_read_as_of_one_moment(stores: Stores) {
    const PAIRS: usize = WRITERS / 2;
    let done = at_once(&stores, async |stores: Stores, team: Arc<Team>, index| {
        team.gate.wait().await;
        let mut turns = 0;
        while team.again(&mut turns) {
            if index >= PAIRS {
                moment(&stores, PAIRS, index % 2 == 0).await;
                continue;
            }
            for side in ["left", "right"] {
                let key = format!("{side}{index}");
                stores.set(&key, &turns.to_string()).await;
            }
        }
    });
    done.await;
}

/// Reads all pairs, in one order or the other, and that many times in one call: the longer a read
/// takes, the more would come between its keys.
async fn moment(stores: &Stores, pairs: usize, left_first: bool) {
    const TIMES: usize = 25;
    let sides = if left_first {
        ["left", "right"]
    } else {
        ["right", "left"]
    };
    let once: Vec<String> = sides
        .iter()
        .flat_map(|side| (0..pairs).map(move |pair| format!("{side}{pair}")))
        .collect();
    let keys: Vec<&str> = once.iter().map(String::as_str).collect();
    let found = stores.entries(&keys.repeat(TIMES)).await;
    let number = |entry: &Option<Entry>| -> u64 {
        let value = entry.as_ref().map_or("0".as_bytes(), |entry| &entry.value);
        std::str::from_utf8(value).unwrap().parse().unwrap()
    };
    let numbers: Vec<u64> = found.iter().map(number).collect();
    let (first, _) = numbers.split_at(2 * pairs);
    for again in numbers.chunks(2 * pairs) {
        assert_eq!(first, again, "{keys:?}");
    }
    for pair in 0..pairs {
        let (left, right) = if left_first {
            (first[pair], first[pairs + pair])
        } else {
            (first[pairs + pair], first[pair])
        };
        assert!(left == right || left == right + 1, "{keys:?}: {first:?}");
    }
}
