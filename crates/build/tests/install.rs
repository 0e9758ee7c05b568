//! Finding and installing, with programs of the tests' own in front of the real ones.

mod support;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use edgewit_build::{Cache, Error, Options, Tool, apt, build, doctor, ensure};
use support::{
    Log, again, again_at, assert_success, copy_program, is_again, path_with, ready, write_guest,
    write_script,
};

/// A sysroot with all but the standard library of guests, and a `rustc` that uses it for them; the
/// `rustup` beside it says and does what `rustup` is.
fn pretend(folder: &Path, library: &Path, rustup: &str) -> PathBuf {
    let (bin, sysroot) = (folder.join("bin"), folder.join("sysroot"));
    let targets = sysroot.join("lib/rustlib");
    fs::create_dir_all(targets.join("wasm32-unknown-unknown")).unwrap();
    let rustc = |arguments: &[&str]| {
        let output = std::process::Command::new("rustc")
            .args(arguments)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let host = rustc(&["--print", "host-tuple"]);
    let bundled = Path::new(&rustc(&["--print", "sysroot"]))
        .join("lib/rustlib")
        .join(&host);
    std::os::unix::fs::symlink(bundled, targets.join(&host)).unwrap();
    // The compiler that the library was built for: Debian's, or the active one.
    let built_here = library.starts_with(Cache::from_env().unwrap().root());
    let real = if built_here {
        PathBuf::from("/usr/bin")
    } else {
        which_folder("rustc")
    };
    let sysroot = sysroot.display();
    let real = real.display();
    write_script(
        &bin.join("rustc"),
        &format!(
            "case \" $* \" in *wasm32-unknown-unknown*) exec {real}/rustc --sysroot {sysroot} \"$@\";; esac\n\
             exec {real}/rustc \"$@\""
        ),
    );
    write_script(&bin.join("cargo"), &format!("exec {real}/cargo \"$@\""));
    let add = format!(
        "ln -s {} {targets}/wasm32-unknown-unknown/lib",
        library.display(),
        targets = targets.display()
    );
    write_script(&bin.join("rustup"), &rustup.replace("ADD", &add));
    bin
}

fn which_folder(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    std::env::split_paths(&path)
        .find(|folder| folder.join(program).is_file())
        .unwrap()
}

/// The folder of the standard library that is there after [`ready`].
fn library() -> PathBuf {
    let found = ensure(&ready(), Tool::Rust, &|_| {}).unwrap();
    found
        .path
        .join("lib/rustlib/wasm32-unknown-unknown/lib")
        .canonicalize()
        .unwrap()
}

#[test]
fn a_target_that_rustup_adds_is_used() {
    let name = "a_target_that_rustup_adds_is_used";
    let folder = tempfile::tempdir().unwrap();
    if is_again() {
        let manifest = write_guest(
            folder.path(),
            "",
            "#[unsafe(no_mangle)]\npub extern \"C\" fn run() -> String { format!(\"{}\", 1) }\n",
        );
        for added in [true, false] {
            let log = Log::default();
            let cache = Cache::from_env().unwrap();
            let error = build(&cache, &manifest, &Options::default(), &|event| {
                log.add(event)
            });
            let error = error.unwrap_err();
            // It was compiled and linked: with the standard library that was added, and a linker.
            assert!(matches!(error, Error::NoHandler), "{error}");
            assert_eq!(
                log.text()
                    .contains("rustup: target add wasm32-unknown-unknown"),
                added
            );
            assert!(
                !log.text().contains("building the standard library"),
                "{}",
                log.text()
            );
        }
        return;
    }
    let bin = pretend(folder.path(), &library(), "echo \"rustup: $*\"; ADD");
    let mut command = again(name, &[]);
    command
        .env("PATH", path_with(&bin))
        .env("EDGEWIT_CACHE", folder.path().join("cache"));
    assert_success(&command.output().unwrap());
}

#[test]
fn packages_are_installed_by_root_and_asked_for_from_others() {
    let folder = tempfile::tempdir().unwrap();
    if is_again() {
        let log = Log::default();
        match apt(&["present", "absent"], &|event| log.add(event)) {
            Ok(()) if std::env::var_os("AS_ANOTHER").is_some() => panic!("it is not root"),
            Ok(()) => {
                let calls: Vec<_> = log.text().lines().map(str::to_owned).collect();
                assert_eq!(calls.len(), 3, "{calls:?}");
                assert!(calls[1].ends_with(" update"), "{calls:?}");
                assert!(
                    calls[2].ends_with(" install -y --no-install-recommends absent"),
                    "{calls:?}"
                );
            }
            Err(error) => {
                let text = "absent is missing; run `sudo apt-get install absent`";
                assert_eq!(error.to_string(), text);
            }
        }
        return;
    }
    write_script(&folder.path().join("apt-get"), "echo apt-get \"$@\"");
    write_script(
        &folder.path().join("dpkg-query"),
        "case \"$*\" in *present) printf installed;; *) exit 1;; esac",
    );
    let name = "packages_are_installed_by_root_and_asked_for_from_others";
    let path = path_with(folder.path());
    assert_success(&again(name, &[]).env("PATH", &path).output().unwrap());
    // Root can be anybody: the program is put where anybody may start it.
    let program = folder.path().join("test");
    copy_program(&std::env::current_exe().unwrap(), &program);
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    if fs::metadata("/proc/self").unwrap().uid() == 0 {
        let mut other = again_at(&program, name, &[]);
        other.env("PATH", &path).env("AS_ANOTHER", "1").uid(65534);
        assert_success(&other.current_dir("/").output().unwrap());
    }
}

/// A `zig` that tells its version, and a `python3` whose pip brings a wheel that holds another one.
fn pretend_zig(folder: &Path, version: &str) {
    write_script(&folder.join("zig"), &format!("echo {version}"));
    write_script(
        &folder.join("python3"),
        "case \"$*\" in\n\
         *'pip --version') ;;\n\
         *'pip download'*) while [ $1 != --dest ]; do shift; done; mkdir $2; cp $4 $2/a.whl;;\n\
         *zipfile*) grep -q '^ziglang==0.17.1 --hash=sha256:[0-9a-f]*$' $4 || exit 1\n\
             mkdir $5/ziglang; printf '#!/bin/sh\\n' > $5/ziglang/zig;;\n\
         esac",
    );
}

#[test]
fn zig_on_the_path_is_used() {
    let folder = tempfile::tempdir().unwrap();
    if is_again() {
        let cache = Cache::from_env().unwrap();
        let found = ensure(&cache, Tool::Zig, &|_| {}).unwrap();
        assert!(found.path.ends_with("programs/zig"), "{found:?}");
        assert_eq!(found.version, "0.17.1");
        assert!(!cache.root().exists());
        return;
    }
    let programs = folder.path().join("programs");
    pretend_zig(&programs, "0.17.1");
    let mut command = again("zig_on_the_path_is_used", &[]);
    command
        .env("PATH", path_with(&programs))
        .env("EDGEWIT_CACHE", folder.path().join("cache"));
    assert_success(&command.output().unwrap());
}

#[test]
fn zig_of_another_version_is_left_and_the_pinned_one_unpacked_once() {
    let folder = tempfile::tempdir().unwrap();
    if is_again() {
        let cache = Cache::from_env().unwrap();
        for downloads in [1, 0] {
            let log = Log::default();
            let found = ensure(&cache, Tool::Zig, &|event| log.add(event)).unwrap();
            assert_eq!(found.path, cache.root().join("zig/0.17.1/ziglang/zig"));
            let told = log.text().matches("downloading zig 0.17.1").count();
            assert_eq!(told, downloads);
            // It can be run.
            let run = std::process::Command::new(&found.path).status();
            assert!(run.unwrap().success());
        }
        return;
    }
    pretend_zig(&folder.path().join("programs"), "0.16.0");
    let mut command = again(
        "zig_of_another_version_is_left_and_the_pinned_one_unpacked_once",
        &[],
    );
    command
        .env("PATH", path_with(&folder.path().join("programs")))
        .env("EDGEWIT_CACHE", folder.path().join("cache"));
    assert_success(&command.output().unwrap());
}

#[test]
fn a_download_that_fails_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    if is_again() {
        let cache = Cache::from_env().unwrap();
        let error = ensure(&cache, Tool::Zig, &|_| {}).unwrap_err();
        assert!(matches!(error, Error::Failed { .. }), "{error}");
        let left = fs::read_dir(cache.root().join("zig")).unwrap().count();
        assert_eq!(left, 0);
        return;
    }
    let programs = folder.path().join("programs");
    write_script(&programs.join("zig"), "echo 0.16.0");
    write_script(
        &programs.join("python3"),
        "case \"$*\" in *'pip --version') ;; *) exit 1;; esac",
    );
    let mut command = again("a_download_that_fails_leaves_nothing", &[]);
    command
        .env("PATH", path_with(&programs))
        .env("EDGEWIT_CACHE", folder.path().join("cache"));
    assert_success(&command.output().unwrap());
}

#[test]
fn the_doctor_writes_nothing() {
    let cache = ready();
    let found = doctor(&cache);
    assert!(
        found[..2].iter().all(|status| status.found.is_ok()),
        "{found:?}"
    );
    let folder = tempfile::tempdir().unwrap();
    let empty = Cache::at(&folder.path().join("none")).unwrap();
    let found = doctor(&empty);
    let zig = found.iter().find(|status| status.tool == "zig").unwrap();
    assert!(zig.languages.is_empty());
    assert!(!empty.root().exists());
}

#[test]
fn one_process_installs_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::at(folder.path()).unwrap();
    let lock = cache.lock(&|_| {}).unwrap();
    let (sender, told) = std::sync::mpsc::channel();
    let other = std::thread::spawn({
        let cache = cache.clone();
        move || {
            drop(
                cache
                    .lock(&|event| sender.send(format!("{event:?}")).unwrap())
                    .unwrap(),
            )
        }
    });
    let waits = told.recv_timeout(Duration::from_secs(60)).unwrap();
    assert!(waits.contains("waiting for another process"), "{waits}");
    assert!(!other.is_finished());
    drop(lock);
    other.join().unwrap();
}
