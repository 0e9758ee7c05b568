//! A host that is killed while it writes has lost nothing that it acknowledged.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use edgewit_host::kv::{Backend, Condition, File};

use super::{STORE, WRITERS, options, process};
use crate::support::{run, run_on};

const NOW: u64 = 1_000_000;
const COUNTER: &str = "counter";
/// It is killed after so many acknowledgements, each of its writers in the middle of the next.
const ACKNOWLEDGED: usize = 200;
const ROUNDS: usize = 4;

#[test]
fn a_kill_loses_no_acknowledged_write() {
    if let Some(folder) = process::folder() {
        run_on(WRITERS, write_for_ever(&folder.join("kv")));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut all = Acknowledged::default();
    for _ in 0..ROUNDS {
        all.read_until_killed(folder.path());
        run(all.check(&folder.path().join("kv")));
    }
}

/// Each line is written once the store has answered.
async fn write_for_ever(path: &Path) {
    let kv = Arc::new(File::open(path).unwrap());
    // Keys that no earlier round has written.
    let own = kv.increment(NOW, STORE, "rounds", 1, None).await.unwrap();
    acknowledge("begun", 0);
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let kv = kv.clone();
            tokio::spawn(async move {
                for number in 0.. {
                    let key = format!("{own}/{writer}/{number}");
                    let always = options(Condition::Always, None);
                    let set = kv.set(NOW, STORE, &key, key.clone().into_bytes(), always);
                    acknowledge(&key, set.await.unwrap());
                    let sum = kv.increment(NOW, STORE, COUNTER, 1, None).await.unwrap();
                    acknowledge(COUNTER, sum as u64);
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
}

/// In one piece, so that a kill cuts no two lines together. Ends where nobody reads any more.
fn acknowledge(key: &str, number: u64) {
    let line = format!("\nacknowledged {key} {number}\n");
    std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
}

/// What the killed processes have told.
#[derive(Default)]
struct Acknowledged {
    versions: BTreeMap<String, u64>,
    sums: Vec<i64>,
}

impl Acknowledged {
    fn read_until_killed(&mut self, folder: &Path) {
        let mut other = process::other("kv::kill::a_kill_loses_no_acknowledged_write", folder);
        let mut other = other.stdout(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(other.stdout.take().unwrap());
        let mut line = String::new();
        let mut count = 0;
        while out.read_line(&mut line).unwrap() > 0 {
            if self.note(&line) {
                count += 1;
            }
            if count == ACKNOWLEDGED {
                // SIGKILL. What is in the pipe by then was acknowledged as well.
                other.kill().unwrap();
            }
            line.clear();
        }
        let status = other.wait().unwrap();
        assert!(count >= ACKNOWLEDGED, "it ended by itself: {status}");
        assert!(!status.success(), "{status}");
    }

    fn note(&mut self, line: &str) -> bool {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let (["acknowledged", key, number], true) = (words.as_slice(), line.ends_with('\n')) else {
            return false;
        };
        match *key {
            COUNTER => self.sums.push(number.parse().unwrap()),
            "begun" => {}
            key => {
                let version = number.parse().unwrap();
                assert!(self.versions.insert(key.to_owned(), version).is_none());
            }
        }
        true
    }

    async fn check(&self, path: &Path) {
        let kv = File::open(path).unwrap();
        let (keys, versions): (Vec<String>, Vec<u64>) = self.versions.clone().into_iter().unzip();
        let found = kv.get(NOW, STORE, &keys, u64::MAX).await.unwrap();
        for ((key, version), entry) in keys.iter().zip(&versions).zip(found) {
            let entry = entry.unwrap_or_else(|| panic!("{key} was acknowledged and is lost"));
            assert_eq!(
                (entry.value.as_slice(), entry.version),
                (key.as_bytes(), *version)
            );
        }
        // A sum that was told once is told no more, and all are counted.
        let mut sums = self.sums.clone();
        sums.sort_unstable();
        sums.dedup();
        assert_eq!(sums.len(), self.sums.len());
        let sum = kv.increment(NOW, STORE, COUNTER, 0, None).await.unwrap();
        assert!(sum >= *sums.last().unwrap(), "{sum}");
        let always = options(Condition::Always, None);
        let version = kv
            .set(NOW, STORE, "after", Vec::new(), always)
            .await
            .unwrap();
        assert!(version > *versions.iter().max().unwrap());
    }
}
