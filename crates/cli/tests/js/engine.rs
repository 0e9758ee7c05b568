//! The engine, and what the SDK adds to it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use edgewit_conformance::{Drops, Expect};
use edgewit_manifest::Limits;

use crate::events;
use crate::serving::{ENGINE, app, guest, json, limited, run, run_guest};

#[test]
fn the_engine_has_nothing_of_what_the_sdk_adds() {
    run_guest(ENGINE, async {
        let served = guest(ENGINE, "js-engine").await;
        let reply = served.get("/").await;
        let all: BTreeMap<String, bool> = serde_json::from_slice(&reply.body).unwrap();
        assert!(all.len() >= 15, "{all:?}");
        let there = all.iter().filter(|(_, there)| **there);
        let there: Vec<_> = there.map(|(name, _)| name).collect();
        assert!(there.is_empty(), "the SDK need no longer add: {there:?}");
    });
}

/// Once the engine refuses these, as it does others, it need not be kept from them.
#[test]
fn some_keys_are_the_engine_s_end() {
    run_guest(ENGINE, async {
        let served = guest(ENGINE, "js-engine-keys").await;
        for (n, path) in ["/curve", "/rsa", "/hmac"].into_iter().enumerate() {
            assert_eq!(served.get(path).await.status(), 500, "{path}");
            events::line("js-engine-keys", n + 1).await;
            let errors = events::errors("js-engine-keys");
            let traps = errors.iter().filter(|it| it.contains("wasm trap"));
            assert_eq!(traps.count(), n + 1, "{errors:?}");
        }
    });
}

/// Once the engine can do what a case wants, or what other languages do in it, its entry goes.
#[test]
fn the_engine_forbids_what_the_conformance_guest_is_known_to_do_otherwise() {
    const FOLDER: &str = "sdk-js-shim/conformance/engine";
    run_guest(FOLDER, async {
        let served = guest(FOLDER, "js-forbidden").await;
        let reply = served.get("/").await;
        let forbidden: BTreeMap<String, bool> = serde_json::from_slice(&reply.body).unwrap();
        let expect =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk-js-shim/conformance/expect.toml");
        let expect = Expect::read(&expect).unwrap();
        let failed = expect.failures.into_iter().map(|it| it.case);
        let relaxed = expect.relaxed.into_iter().map(|it| it.case);
        let drops = (expect.drops == Drops::Deferred).then(|| "drops".to_owned());
        let known = failed.chain(relaxed).chain(drops);
        assert_eq!(forbidden, known.map(|name| (name, true)).collect());
    });
}

#[test]
fn what_the_sdk_adds_is_there_and_right() {
    run(async {
        // Importing keys of RSA takes hundreds of milliseconds.
        let limits = Limits {
            guest_ms: 30_000,
            ..Limits::default()
        };
        let served = limited("js-added", limits).await;
        let there = json(&served.get("/lacks").await);
        for (name, there) in there.as_object().unwrap() {
            assert_eq!(there, true, "{name}");
        }
        let checks = json(&served.get("/checks").await);
        assert_eq!(checks["wrong"], serde_json::json!({}));
        assert!(checks["count"].as_u64().unwrap() >= 50);
    });
}

#[test]
fn random_values_are_each_request_s_own() {
    run(async {
        let served = app("js-random").await;
        let refused = json(&served.get("/refused-random").await);
        let mut names = refused[0].as_array().unwrap().iter();
        assert!(names.all(|name| name.is_string()), "{refused}");
        assert_eq!(refused[0], refused[1]);
        let mut all = BTreeSet::new();
        let mut early = BTreeSet::new();
        for _ in 0..3 {
            let values = json(&served.get("/random").await);
            let of = |name: &str| {
                let values = values[name].as_array().unwrap().clone();
                values.into_iter().map(|value| value.to_string())
            };
            all.extend(of("own"));
            early.extend(of("early"));
        }
        // 8 for each request, and the 4 that every request begins with.
        assert_eq!((all.len(), early.len()), (24, 4), "{all:?} {early:?}");
        assert!(all.is_disjoint(&early), "{all:?} {early:?}");
    });
}
