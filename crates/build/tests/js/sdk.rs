//! The SDK as a package of npm.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::ready;

/// Its types, its tests in Node's runner and in Vitest, and the package itself in a fresh project.
#[test]
fn the_sdk_passes_its_own_tests() {
    ready();
    // Where its `node_modules` may be written, and `npm ci` takes nothing away from who works there.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sdk-js-shim");
    let _ = fs::remove_dir_all(&folder);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    copy(&root.join("sdk-js-shim"), &folder);
    for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
        fs::copy(root.join(licence), folder.with_file_name(licence)).unwrap();
    }
    for arguments in [["ci", "--ignore-scripts"].as_slice(), &["test"]] {
        let mut npm = Command::new("npm");
        npm.args(arguments).current_dir(&folder);
        let output = npm.output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{said}");
        // A runner that finds no tests has none that fail.
        let ran = said.contains("\n# fail 0\n") && !said.contains("\n# pass 0\n");
        assert_eq!(ran, arguments == ["test"], "{said}");
    }
}

/// What is committed of it: the folders that git ignores are left out.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (path, name) = (entry.path(), entry.file_name());
        let ignored = [
            "node_modules",
            "dist",
            "dist-test",
            "conformance",
            "target",
            ".edgewit",
        ];
        if ignored.iter().any(|it| name == *it) {
            continue;
        }
        match path.is_dir() {
            true => copy(&path, &to.join(name)),
            false => drop(fs::copy(&path, to.join(name)).unwrap()),
        }
    }
}
