//! `console`, as lines of the log.

use std::collections::BTreeMap;
use std::process::Command;

use crate::events::{self, Logged};
use crate::serving::{app, run};

/// The lines of `console` so far.
fn printed(name: &str) -> Vec<Logged> {
    let all = events::of(name).into_iter();
    all.filter(|event| event.field("source") == "console")
        .collect()
}

/// How Node formats the values that the application prints.
fn in_node() -> BTreeMap<String, String> {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../sdk-js-shim/test/guests/app/src/values.js"
    );
    let script = format!(
        "import {{ format }} from 'node:util';
         import {{ values }} from {file:?};
         const texts = Object.entries(values).map(([name, args]) => [name, format(...args)]);
         process.stdout.write(JSON.stringify(Object.fromEntries(texts)));"
    );
    let mut node = Command::new("node");
    let output = node
        .args(["--input-type=module", "--eval", &script])
        .output();
    let output = output.expect("Node");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn values_are_formatted_as_node_does() {
    run(async {
        let served = app("js-print").await;
        assert_eq!(served.get("/print").await.text(), "printed");
        events::line("js-print", 1).await;
        let lines = printed("js-print");
        let expected = in_node();
        assert_eq!(lines.len(), expected.len() * 2);
        let mut differ = String::new();
        for pair in lines.chunks(2) {
            let name = pair[0].message().strip_prefix("value ").unwrap();
            let (ours, nodes) = (pair[1].message(), &expected[name]);
            if ours != nodes {
                differ += &format!("{name}:\n{ours}\nin Node:\n{nodes}\n\n");
            }
        }
        assert!(differ.is_empty(), "{differ}");
    });
}

#[test]
fn messages_are_printed_with_what_they_hold() {
    run(async {
        let served = app("js-print-messages").await;
        served.get("/messages").await;
        events::line("js-print-messages", 1).await;
        let lines = printed("js-print-messages");
        let texts: Vec<_> = lines.iter().map(Logged::message).collect();
        let request = "Request {\n  method: 'POST',\n  url: 'http://a/',\n  headers: Headers {\n    b: 'c',\n";
        assert!(texts[0].starts_with(request), "{}", texts[0]);
        let response = "Response {\n  status: 201,\n  statusText: '',\n  headers: Headers {\n    'content-length': '1',\n";
        assert!(texts[1].starts_with(response), "{}", texts[1]);
        assert_eq!(
            texts[2..],
            [
                "{ a: { b: { c: [Request] } } }",
                "FormData { 'a' => '1' }",
                "Headers { a: '1', 'set-cookie': 'b=2, c=3' }",
            ]
        );
    });
}

#[test]
fn each_method_has_its_level() {
    run(async {
        let served = app("js-levels").await;
        served.get("/levels").await;
        events::line("js-levels", 1).await;
        let lines = printed("js-levels");
        // The lines of a stack are for another test.
        let told: Vec<_> = lines
            .iter()
            .map(|line| {
                (
                    line.level.as_str(),
                    line.message().split("\n    at ").next().unwrap(),
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                ("TRACE", "Trace: of trace { a: 1 }"),
                ("DEBUG", "of debug"),
                ("INFO", "of log"),
                ("INFO", "of info"),
                ("INFO", "{ a: [Object] }"),
                ("WARN", "of warn"),
                ("ERROR", "of error RangeError: beside it"),
                ("ERROR", "Assertion failed: of a lie 1"),
                ("ERROR", "Assertion failed"),
                ("INFO", ""),
                ("INFO", "half \u{fffd} of it"),
            ]
        );
        for n in [0, 6] {
            let frame = lines[n].message().lines().nth(1).unwrap();
            assert!(
                frame.starts_with("    at levels (src/printing.js:"),
                "{frame}"
            );
        }
    });
}

#[test]
fn an_error_is_printed_with_its_causes() {
    run(async {
        let served = app("js-print-error").await;
        served.get("/error-printed").await;
        events::line("js-print-error", 1).await;
        for line in printed("js-print-error") {
            let text = line.message();
            for part in [
                "TypeError: of a handler\n",
                "at printed (src/printing.js:",
                "[cause]: Error: its cause\n",
                "code: 'E_CODE'",
            ] {
                assert!(text.contains(part), "{part} in {text}");
            }
        }
    });
}

#[test]
fn counts_times_and_groups_are_kept() {
    run(async {
        let served = app("js-counting").await;
        served.get("/counting").await;
        events::line("js-counting", 1).await;
        let lines = printed("js-counting");
        let all = lines.iter().map(Logged::message);
        let (times, told): (Vec<_>, Vec<_>) = all.partition(|line| line.starts_with("t: "));
        assert_eq!(times.len(), 2, "{times:?}");
        assert!(times[0].ends_with("ms on the way"), "{times:?}");
        assert!(times[1].ends_with("ms"), "{times:?}");
        assert_eq!(
            told,
            [
                "default: 1",
                "own: 1",
                "default: 2",
                "default: 1",
                "outer",
                "  one\n  two",
                "  inner",
                "    deep",
                "out",
            ]
        );
        // Another request begins anew.
        served.get("/counting").await;
        events::line("js-counting", 2).await;
        assert_eq!(printed("js-counting")[lines.len()].message(), "default: 1");
    });
}

#[test]
fn a_table_is_drawn_as_node_does() {
    run(async {
        let served = app("js-table").await;
        served.get("/table").await;
        events::line("js-table", 1).await;
        let lines = printed("js-table");
        assert_eq!(lines.len(), 5);
        let first = lines[0].message();
        for word in ["(index)", "'x'", "true", "┌", "┘"] {
            assert!(first.contains(word), "{first}");
        }
        assert_eq!(first.lines().count(), 6, "{first}");
        assert_eq!(lines[4].message(), "5");
    });
}

#[test]
fn what_can_not_be_formatted_fails_nothing() {
    run(async {
        let served = app("js-hostile").await;
        let reply = served.get("/hostile").await;
        assert_eq!(reply.text(), "went on");
        events::line("js-hostile", 1).await;
        assert!(events::errors("js-hostile").is_empty());
    });
}
