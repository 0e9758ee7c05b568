//! What a file of stores is besides a backend: one process's, and perhaps not one at all.

use std::fs;
use std::path::Path;

use edgewit_host::kv::{Backend, Condition, File, OpenError};

use super::{STORE, process};
use crate::support::run;

#[test]
fn a_file_is_one_host_s() {
    if let Some(folder) = process::folder() {
        in_use(&folder.join("kv"));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kv");
    let held = File::open(&path).unwrap();
    in_use(&path);
    let mut other = process::other("kv::files::a_file_is_one_host_s", folder.path());
    process::check(&other.output().unwrap());
    drop(held);
    File::open(&path).expect("nobody has it");
}

fn in_use(path: &Path) {
    let error = File::open(path).err().expect("a file in use");
    assert!(matches!(error, OpenError::InUse(_)), "{error:?}");
    let expected = format!(
        "{}: another process or host has this file of stores open; stop it, or name another file",
        path.display()
    );
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_file_is_free_once_it_was_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kv");
    for _ in 0..50 {
        drop(File::open(&path).expect("nobody has it"));
    }
}

/// Some 100 MB of values that expire, 1 MB of them alive at a time.
#[test]
fn a_file_does_not_grow_with_what_has_expired() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kv");
        let file = File::open(&path).unwrap();
        for now_ms in (0..10_000).step_by(100) {
            let keys: Vec<String> = (0..10).map(|n| format!("{now_ms}/{n}")).collect();
            let set = |key| {
                let options = super::options(Condition::Always, Some(100));
                file.set(now_ms, STORE, key, vec![0x5a; 100_000], options)
            };
            let writes: Vec<_> = keys.iter().map(|key| set(key)).collect();
            for write in writes {
                write.await.unwrap();
            }
        }
        let bytes = fs::metadata(&path).unwrap().len();
        assert!(bytes < 20_000_000, "{bytes}");
    });
}

#[test]
fn what_is_no_file_of_stores_says_so() {
    let folder = tempfile::tempdir().unwrap();
    // The last is as empty as a file whose making was broken off, and longer than one.
    let mut late = vec![0; 8192];
    late[5000] = 1;
    for (name, bytes) in [
        ("text", b"no stores".as_slice()),
        ("late", &late),
        ("short", b"\0\0"),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        unusable(&path);
        assert_eq!(fs::read(&path).unwrap(), bytes, "{name} was touched");
    }
    unusable(&folder.path().join("no/such/folder"));
    unusable(folder.path());
}

fn unusable(path: &Path) {
    let error = File::open(path).err().expect("no stores");
    assert!(matches!(error, OpenError::Unusable { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.starts_with(&*path.to_string_lossy()), "{text}");
}

/// By a kill, or a disk that was full.
#[test]
fn a_file_whose_making_was_broken_off_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kv");
    drop(File::open(&path).unwrap());
    let made = fs::read(&path).unwrap();
    let mut head_written = vec![0; made.len()];
    head_written[9..64].copy_from_slice(&made[9..64]);
    for bytes in [Vec::new(), vec![0; made.len()], head_written] {
        fs::write(&path, &bytes).unwrap();
        drop(File::open(&path).expect("a file made anew"));
        drop(File::open(&path).expect("a file that was made"));
    }
}
