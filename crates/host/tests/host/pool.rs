//! Components of several memories, tables and core instances, in a pool that has room for each request.

use edgewit_host::{Error, Host, Settings};
use edgewit_manifest::Limits;

use crate::events;
use crate::support::{builder, host, limited, q, raw, run, serve_app, settings};
use crate::upstream::Gate;

/// The raw guest beside more core modules, each of them instantiated.
fn beside(modules: &[Vec<u8>]) -> Vec<u8> {
    let mut component = raw().to_vec();
    for (index, module) in (core_modules(&component)..).zip(modules) {
        section(&mut component, 1, module);
        // One instance, of that module, without arguments.
        section(&mut component, 2, &[1, 0, index, 0]);
    }
    component
}

/// How many core modules a component holds itself: each is a section of its own.
fn core_modules(component: &[u8]) -> u8 {
    let (mut at, mut modules) = (8, 0);
    while at < component.len() {
        let is_module = component[at] == 1;
        let (mut length, mut shift) = (0, 0);
        loop {
            at += 1;
            length |= usize::from(component[at] & 0x7f) << shift;
            shift += 7;
            if component[at] < 0x80 {
                break;
            }
        }
        at += 1 + length;
        modules += u8::from(is_module);
    }
    modules
}

/// Adds a section of less than 128 bytes.
fn section(to: &mut Vec<u8>, id: u8, content: &[u8]) {
    to.extend([id, u8::try_from(content.len()).unwrap()]);
    to.extend(content);
}

/// A module with a table of one function, and a memory of fewer than 64 pages.
fn module(pages: Option<u8>) -> Vec<u8> {
    let mut module = b"\0asm\x01\0\0\0".to_vec();
    section(&mut module, 4, &[1, 0x70, 0, 1]);
    if let Some(pages) = pages {
        section(&mut module, 5, &[1, 0, pages]);
    }
    module
}

#[test]
fn every_request_that_has_a_place_has_all_that_its_component_needs() {
    run(async {
        let host = builder().instances(4).build().unwrap();
        let mut modules = vec![module(Some(1))];
        modules.resize(10, module(None));
        let app = host.load("pool", &beside(&modules), settings()).await;
        let served = serve_app("pool", app.unwrap()).await;
        let gate = Gate::new().await;
        let target = format!("/fetch?url={}", q(&gate.url()));
        let test = async {
            gate.arrived(4).await;
            (0..4).for_each(|_| gate.open());
        };
        let get = || served.get(&target);
        let (a, b, c, d, ()) = tokio::join!(get(), get(), get(), get(), test);
        for reply in [a, b, c, d] {
            assert_eq!(reply.status(), 200, "{:?}", events::errors("pool"));
        }
    });
}

#[test]
fn memories_of_a_component_count_together() {
    run(async {
        let component = host().compile("two", &beside(&[module(Some(63))])).unwrap();
        for (name, mebibytes, status) in [("two-fit", 16, 200), ("two-do-not", 4, 500)] {
            let limits = Limits {
                memory_bytes: mebibytes << 20,
                ..Limits::default()
            };
            let app = host().app(name, &component, limited(limits)).await;
            let served = serve_app(name, app.unwrap()).await;
            assert_eq!(served.get("/report").await.status(), status, "{name}");
        }
        let line = events::message("two-do-not", "memory-bytes: limit 4194304, met ").await;
        let (_, met) = line.message().rsplit_once("met ").unwrap();
        assert!(met.parse::<u64>().unwrap() > 4 << 20, "{met}");
    });
}

#[test]
fn a_component_that_no_place_has_room_for_is_not_loaded() {
    run(async {
        let component = beside(&[module(Some(1)), module(Some(1))]);
        let loaded = host().load("three", &component, Settings::default());
        let Err(Error::NotAComponent { found, .. }) = loaded.await else {
            panic!("loaded")
        };
        assert!(found.contains("3 Wasm linear memories"), "{found}");
        assert!(!found.contains('\n'), "{found}");
    });
}

#[test]
fn a_host_has_room_for_all_instances_that_a_manifest_may_name() {
    let host = Host::builder().instances(10_000).build();
    assert!(host.is_ok(), "{:?}", host.err());
}
