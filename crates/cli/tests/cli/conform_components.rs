//! Components that can't be loaded, trap, hang or fill memory.

use std::fs;

use wasmparser::{DataKind, Parser, Payload};

use crate::conform::{cases_of, guests};
use crate::support::{edgewit, fails, replaced};

/// What keeps a component from being loaded is one line in the words of `port doctor`.
#[test]
fn a_component_of_another_world_is_told_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let good = fs::read(guests().join("raw.wasm")).unwrap();
    for (from, to, said) in [
        (
            "edge:sdk/handler@0.1.0",
            "mine:abc/handler@0.1.0",
            "export edge:sdk/handler: the component exports mine:abc/handler@0.1.0, and is of another world \
             than edge:sdk/app",
        ),
        (
            "edge:sdk/kv@0.1.0",
            "edge:sdk/kx@0.1.0",
            "import edge:sdk/kx@0.1.0: it is not served; edge:sdk/fetch@0.1.0, edge:sdk/http@0.1.0, \
             edge:sdk/kv@0.1.0, edge:sdk/logging@0.1.0, edge:sdk/poll@0.1.0, edge:sdk/system@0.1.0 are",
        ),
        (
            "edge:sdk/kv@0.1.0",
            "edge:sdk/kv@0.2.0",
            "import edge:sdk/kv@0.2.0; 0.1.0 is served, which can't stand for it: build against the wit/edge.wit of \
             `edgewit port new`",
        ),
        (
            "[method]store.get-many",
            "[method]store.get-most",
            "import edge:sdk/kv@0.1.0; 0.1.0 is served, without store.get-most",
        ),
    ] {
        fs::write(here.join("x.wasm"), replaced(&good, from, to)).unwrap();
        let error = fails(here, &["conform", "run", "x.wasm"], 3);
        assert_eq!(error, format!("edgewit: x.wasm: {said}"));
    }
    // Two at once.
    let two = replaced(&good, "edge:sdk/kv@0.1.0", "edge:sdk/kx@0.1.0");
    let two = replaced(&two, "edge:sdk/poll@0.1.0", "edge:sdk/pull@0.1.0");
    fs::write(here.join("x.wasm"), two).unwrap();
    let error = fails(here, &["conform", "run", "x.wasm"], 3);
    let more = " are; and 1 more, which `edgewit port doctor x.wasm` names";
    assert!(
        error.ends_with(more) && error.lines().count() == 1,
        "{error}"
    );
}

/// `bytes`, a component, with the data of its modules outside of their memories: filling these is what traps.
fn trapping_at_start(bytes: &[u8]) -> Vec<u8> {
    let mut trapping = bytes.to_vec();
    for payload in Parser::new(0).parse_all(bytes) {
        let Payload::DataSection(all) = payload.unwrap() else {
            continue;
        };
        for data in all {
            if let DataKind::Active { offset_expr, .. } = data.unwrap().kind {
                // `i32.const`, the offset, `end`.
                let range = offset_expr.get_binary_reader().range();
                let (first, last) = (range.start as usize + 1, range.end as usize - 2);
                trapping[first..last].fill(0xff);
                trapping[last] = 0x7f;
            }
        }
    }
    assert!(trapping != bytes, "data that is put into memory at start");
    trapping
}

/// One that traps at start, and one that fills memory, fail their own cases and harm nothing else.
#[test]
fn what_traps_at_start_or_fills_memory_harms_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let good = guests().join("raw.wasm");
    fs::write(
        here.join("traps.wasm"),
        trapping_at_start(&fs::read(&good).unwrap()),
    )
    .unwrap();
    let steps = "steps = ['echo.text a -> ok a']";
    let cases = cases_of(
        "",
        &[
            ("a", steps),
            ("b", steps),
            (
                "fills",
                "steps = ['grow 2000000000 -> ok', 'echo.text a -> ok a']",
            ),
            ("c", steps),
        ],
    );
    fs::write(here.join("mine.toml"), cases).unwrap();
    let arguments = [
        "conform",
        "run",
        "traps.wasm",
        good.to_str().unwrap(),
        "--case",
        "mine.toml",
    ];
    let output = edgewit(here, &arguments);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("traps: 4 failed\n"), "{told}");
    assert!(told.contains("raw: 3 ok, 1 failed\n"), "{told}");
    assert!(told.contains("raw: failed mine/fills\n"), "{told}");
    assert!(told.contains("; memory-bytes: limit "), "{told}");
    assert!(
        told.contains("traps: failed mine/a\n    `echo.text a`: expected `ok a`, got no report\n"),
        "{told}"
    );
}

/// One that never ends, and one that ends by its limit alone, fail their own cases; the others pass, the run ends,
/// and no list makes it good.
#[test]
fn what_hangs_harms_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let steps = "steps = ['echo.text a -> ok a']";
    let cases = [
        ("before", steps),
        ("waits", "steps = ['sleep 3600000 -> ok']"),
        ("spins", "steps = ['spin -> ok']"),
        ("after", steps),
    ];
    fs::write(here.join("mine.toml"), cases_of("", &cases)).unwrap();
    let known = "language = 'x'\nlayers = ['wit']\ndrops = 'scope'\n[[failure]]\ncase = 'mine/waits'\n\
                 how = ['no end within 20 s', 'reported so far']\nreason = 'r'\n";
    fs::write(here.join("expect.toml"), known).unwrap();
    let guest = guests().join("raw.wasm");
    let guest = guest.to_str().unwrap();
    // One after the other: what hangs holds up what comes behind it, and no more.
    let arguments = [
        "conform",
        "run",
        guest,
        "--case",
        "mine.toml",
        "--expect",
        "expect.toml",
        "--jobs",
        "1",
    ];
    let output = edgewit(here, &arguments);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let told = String::from_utf8(output.stdout).unwrap();
    for said in [
        "raw: 2 ok, 1 failed, 1 stale-expectation\n",
        "raw: stale-expectation mine/waits\n    no end within 20 s\n    reported so far: nothing\n",
        "raw: failed mine/spins\n",
        "guest time: limit 1000 ms, met ",
        "\n2 passed, 2 failed\n",
    ] {
        assert!(told.contains(said), "{said}: {told}");
    }
}
