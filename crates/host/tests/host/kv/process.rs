//! A test's other process: this program again, running the one test that asked for it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Where the other process has its files; only it is told.
const FOLDER: &str = "EDGEWIT_TEST_FOLDER";

/// The folder, in the other process.
pub fn folder() -> Option<PathBuf> {
    std::env::var_os(FOLDER).map(PathBuf::from)
}

/// What starts the other process of the test `name`, a path like `kv::files::a_test`.
pub fn other(name: &str, folder: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    set_up(&mut command, name, folder);
    command
}

/// The same behind another program, which is to run what it is given at the end.
pub fn other_in(mut wrapper: Command, name: &str, folder: &Path) -> Command {
    wrapper.arg(std::env::current_exe().unwrap());
    set_up(&mut wrapper, name, folder);
    wrapper
}

fn set_up(command: &mut Command, name: &str, folder: &Path) {
    command
        .args(["--exact", name, "--nocapture"])
        .env(FOLDER, folder);
}

/// The test ran there, and passed.
pub fn check(output: &Output) {
    let said = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{}: {said}{error}",
        output.status
    );
}
