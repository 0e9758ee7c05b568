//! A disk that is full and has room again: a small file system of its own, in a process of its own.

#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;
use std::process::Command;

use edgewit_host::kv::{Backend, Condition, Error, File, OpenError};

use super::{STORE, options, process};
use crate::support::run;

const NOW: u64 = 1_000_000;
const MIB: usize = 1024 * 1024;

/// Mounts 8 MiB on the folder that is its first argument, and runs the others. The mount is gone with
/// the process.
const SMALL: &str = r#"mount -t tmpfs -o size=8m tmpfs "$0" && exec "$@""#;

#[test]
fn a_full_disk_is_unavailable_until_there_is_room() {
    if let Some(folder) = process::folder() {
        no_file_is_made_without_room(&folder);
        run(writes_go_on_once_there_is_room(&folder));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut other = process::other_in(
        small(folder.path()),
        "kv::full_disk::a_full_disk_is_unavailable_until_there_is_room",
        folder.path(),
    );
    process::check(&other.output().unwrap());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "no mount");
}

/// As root with a namespace for mounts, as anyone else with one for users too; in a `chroot`, whose root is
/// no mount, without a change of what mounts are passed on.
fn small(folder: &Path) -> Command {
    let unshare = |way: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(way).args(["--mount", "sh", "-c", SMALL]);
        command.arg(folder);
        command
    };
    let ways = [
        &[][..],
        &["--user", "--map-root-user"][..],
        &["--propagation", "unchanged"][..],
    ];
    let mut said = String::new();
    for way in ways {
        let tried = unshare(way).arg("true").output();
        match tried {
            Ok(output) if output.status.success() => return unshare(way),
            Ok(output) => said += &String::from_utf8_lossy(&output.stderr),
            Err(error) => said += &format!("unshare: {error}\n"),
        }
    }
    panic!(
        "this test needs a small file system, and may mount none; run it as root, or allow \
         namespaces of users (sysctl kernel.apparmor_restrict_unprivileged_userns=0):\n{said}"
    );
}

fn fill(path: &Path) {
    let bytes = vec![0x5a; 64 * 1024];
    let mut file = fs::File::create(path).unwrap();
    while std::io::Write::write_all(&mut file, &bytes).is_ok() {}
}

fn no_file_is_made_without_room(folder: &Path) {
    fill(&folder.join("ballast"));
    let error = File::open(&folder.join("kv")).err().expect("no room");
    assert!(matches!(error, OpenError::Unusable { .. }), "{error:?}");
    assert!(error.to_string().contains("No space left"), "{error}");
    fs::remove_file(folder.join("ballast")).unwrap();
}

async fn set(kv: &File, key: &str, bytes: usize) -> Result<u64, Error> {
    let always = options(Condition::Always, None);
    let value = key.bytes().cycle().take(bytes).collect();
    kv.set(NOW, STORE, key, value, always).await
}

/// Every key that was acknowledged, and no other.
async fn check(kv: &File, acknowledged: &[String]) {
    let page = kv.keys(NOW, STORE, "", None, 1000).await.unwrap();
    assert_eq!(page.keys, acknowledged);
    let found = kv.get(NOW, STORE, acknowledged, u64::MAX).await.unwrap();
    for (key, entry) in acknowledged.iter().zip(found) {
        let value = entry.expect("a key that was listed").value;
        assert!(
            value
                .iter()
                .eq(key.as_bytes().iter().cycle().take(value.len()))
        );
    }
}

async fn writes_go_on_once_there_is_room(folder: &Path) {
    let path = folder.join("kv");
    let ballast = folder.join("ballast");
    fs::write(&ballast, vec![0x5a; 3 * MIB]).unwrap();
    let kv = File::open(&path).expect("room");
    let mut acknowledged = Vec::new();
    let mut last = 0;
    let error = loop {
        let key = format!("key{:04}", acknowledged.len());
        match set(&kv, &key, 64 * 1024).await {
            Ok(version) => last = version,
            Err(error) => break error,
        }
        acknowledged.push(key);
        assert!(acknowledged.len() < 200, "a disk without an end");
    };
    let no_room = |error: &Error| matches!(error, Error::Unavailable(text) if text.contains("No space left") || text.contains("no room"));
    assert!(no_room(&error), "{error:?}");
    assert!(acknowledged.len() > 3, "{acknowledged:?}");
    for _ in 0..3 {
        check(&kv, &acknowledged).await;
        let error = set(&kv, "more", MIB).await.expect_err("no room");
        assert!(no_room(&error), "{error:?}");
    }
    fs::remove_file(&ballast).unwrap();
    for _ in 0..10 {
        let key = format!("key{:04}", acknowledged.len());
        let version = set(&kv, &key, 64 * 1024).await.expect("room");
        assert!(version > last);
        last = version;
        acknowledged.push(key);
    }
    check(&kv, &acknowledged).await;
    drop(kv);
    check(&File::open(&path).unwrap(), &acknowledged).await;
}
