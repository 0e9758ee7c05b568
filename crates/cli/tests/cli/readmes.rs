//! What the documents show against what runs.

use std::fs;

use crate::support::{edgewit, root};

/// A block after `<!-- from FILE -->` is a part of that file.
#[test]
fn readmes_are_cut_from_what_runs() {
    let mut blocks = 0;
    for readme in ["README.md", "examples/hello/README.md"] {
        let path = root().join(readme);
        let text = fs::read_to_string(&path).unwrap();
        let code = ["```rust\n", "```toml\n", "```ts\n"].map(|start| text.matches(start).count());
        let marked = text.matches("<!-- from ").count();
        assert_eq!(
            code.iter().sum::<usize>(),
            marked,
            "{readme}: each is from a file"
        );
        for part in text.split("<!-- from ").skip(1) {
            let (file, rest) = part.split_once(" -->\n").unwrap();
            let block = rest
                .split("```")
                .nth(1)
                .unwrap()
                .split_once('\n')
                .unwrap()
                .1;
            let source = fs::read_to_string(path.parent().unwrap().join(file)).unwrap();
            assert!(
                source.contains(block.trim_end()),
                "{readme}: not in {file}:\n{block}"
            );
            blocks += 1;
        }
    }
    assert!(blocks >= 3, "{blocks}");
}

/// The commands in blocks for a shell, and in the text between.
fn commands(text: &str) -> Vec<String> {
    let mut commands = Vec::new();
    for (index, part) in text.split("```").enumerate() {
        match part.strip_prefix("sh\n") {
            Some(block) => commands.extend(block.lines().map(str::to_owned)),
            None if index % 2 == 0 => {
                let quoted = part.split('`').skip(1).step_by(2);
                let command = |it: &&str| it.contains(' ') && !it.starts_with("http");
                commands.extend(quoted.filter(command).map(|it| it.replace('\n', " ")));
            }
            None => {}
        }
    }
    let of = |line: String| line.split('#').next().unwrap_or_default().trim().to_owned();
    commands
        .into_iter()
        .map(of)
        .filter(|it| !it.is_empty())
        .collect()
}

/// What is said of a command that can't be run as it stands.
fn wrong(command: &str) -> Option<String> {
    let words: Vec<&str> = command.split_whitespace().collect();
    let is_shown = |arguments: &[&str]| {
        let output = edgewit(&root(), &[arguments, &["--help"]].concat());
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        (!output.status.success()).then_some(stderr)
    };
    match &words[..] {
        ["edgewit", arguments @ ..] | ["cargo", "run", "--release", "--", arguments @ ..] => {
            is_shown(arguments)
        }
        ["cargo", "run", "--", arguments @ ..] => is_shown(arguments),
        ["cargo", "install", "--locked", "--path", path] | ["bash", path] => {
            (!root().join(path).exists()).then(|| format!("{path} is not there"))
        }
        ["cargo", "doc", "--open", "-p", package] | ["cargo", "bench", "-p", package] => {
            let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
            let known = lock.contains(&format!("name = \"{package}\""));
            (!known).then(|| format!("no package {package}"))
        }
        ["npm", "run", script] => {
            let package = root().join("crates/build/templates/npm/package.json.in");
            let known = fs::read_to_string(package).unwrap();
            let known = known.contains(&format!("    \"{script}\": \"edgewit "));
            (!known).then(|| format!("no script {script}"))
        }
        ["cargo", "test", "--workspace"] | ["npm", "ci" | "install" | "pack" | "test"] => None,
        ["curl" | "cd" | "apt-get", ..] => None,
        _ => Some("not a command that this test knows".to_owned()),
    }
}

/// Prose in backquotes that is no command.
const NO_COMMANDS: [&str; 2] = ["hello ada, visit 1", "area: what is now true"];

#[test]
fn every_command_shown_exists() {
    let mut shown = 0;
    for readme in [
        "README.md",
        "CONTRIBUTING.md",
        "examples/hello/README.md",
        "crates/build/templates/js/README.md.in",
        "crates/build/templates/rust/README.md.in",
        "crates/build/templates/ts/README.md.in",
    ] {
        let text = fs::read_to_string(root().join(readme)).unwrap();
        for command in commands(&text) {
            if NO_COMMANDS.contains(&&*command) {
                continue;
            }
            if let Some(reason) = wrong(&command) {
                panic!("{readme}: `{command}`: {reason}");
            }
            shown += 1;
        }
    }
    assert!(shown >= 20, "{shown}");
}
