//! What the tests of applications share.

#![allow(dead_code, reason = "each test program uses a part of it")]

use std::cell::RefCell;
use std::env;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output};

use edgewit_build::{Cache, Event, Tool, ensure};
use edgewit_manifest::Manifest;

/// Set in a test program that a test has started again.
const AGAIN: &str = "EDGEWIT_TEST_AGAIN";

/// What was reported, for assertions.
#[derive(Default)]
pub struct Log(RefCell<String>);

impl Log {
    pub fn add(&self, event: Event<'_>) {
        eprintln!("{event:?}");
        if let Event::Step(text) | Event::Output(text) = event {
            self.0.borrow_mut().push_str(&format!("{text}\n"));
        }
    }

    pub fn text(&self) -> String {
        self.0.borrow().clone()
    }
}

/// The cache of the environment, with all that Rust applications take.
pub fn ready() -> Cache {
    let cache = Cache::from_env().unwrap();
    ensure(&cache, Tool::Rust, &|event| eprintln!("{event:?}")).unwrap();
    cache
}

/// A cache in `folder` with the toolchain of [`ready`]: what is kept in it is gone with the folder.
pub fn own(folder: &Path) -> Cache {
    let cache = Cache::at(folder).unwrap();
    fs::create_dir_all(cache.root()).unwrap();
    // It may be missing, where the standard library of guests is the compiler's own.
    let _ = symlink(ready().root().join("rust"), cache.root().join("rust"));
    cache
}

/// Writes an application that uses no SDK, and so compiles in a moment but handles nothing.
pub fn write_guest(folder: &Path, dependencies: &str, source: &str) -> Manifest {
    let package = format!(
        "[package]\nname = \"guest\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
         [dependencies]\n{dependencies}\n[workspace]\n"
    );
    write(&folder.join("Cargo.toml"), &package);
    write(&folder.join("src/lib.rs"), source);
    write(
        &folder.join("edge.toml"),
        "name = \"guest\"\nlanguage = \"rust\"\n",
    );
    Manifest::read(folder).unwrap()
}

pub fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Writes a shell script that can be run as `path`.
pub fn write_script(path: &Path, text: &str) {
    let draft = path.with_extension("draft");
    write(&draft, &format!("#!/bin/sh\n{text}\n"));
    copy_program(&draft, path);
    fs::remove_file(&draft).unwrap();
}

/// Copies a program, by a process of its own: what this one has open for writing, another that a thread beside it
/// just starts has open as well, and what is open for writing can't be run.
pub fn copy_program(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg(from).arg(to).status().unwrap();
    assert!(copied.success());
    fs::set_permissions(to, fs::Permissions::from_mode(0o755)).unwrap();
}

/// `PATH` with `folder` before everything else.
pub fn path_with(folder: &Path) -> String {
    format!("{}:{}", folder.display(), env::var("PATH").unwrap())
}

/// Whether this is the test program that [`again`] has started.
pub fn is_again() -> bool {
    env::var_os(AGAIN).is_some()
}

/// A command that runs the test `name` of this program again, in a process of its own, behind
/// `wrapper`: an environment can't be changed safely in this one.
pub fn again(name: &str, wrapper: &[&str]) -> Command {
    again_at(&env::current_exe().unwrap(), name, wrapper)
}

/// The same from where a copy of the program lies.
pub fn again_at(program: &Path, name: &str, wrapper: &[&str]) -> Command {
    let words = wrapper
        .iter()
        .map(|word| word.as_ref())
        .chain([program.as_os_str()]);
    let words: Vec<_> = words.collect();
    let mut command = Command::new(words[0]);
    command
        .args(&words[1..])
        .args(["--exact", name, "--nocapture"])
        .env(AGAIN, "1");
    command
}

pub fn assert_success(output: &Output) {
    let text = String::from_utf8_lossy(&output.stderr);
    let summary = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{summary}");
    // A name that fits no test would succeed as well.
    assert!(summary.contains("1 passed"), "{summary}");
}
