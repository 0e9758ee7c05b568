use crate::edge::sdk::fetch::{
    self, FetchError, Options, OutgoingBody, Pending, Redirect, Timeouts,
};
use crate::edge::sdk::http::{Body, Request};
use crate::edge::sdk::{logging, poll};
use crate::exports::edge::sdk::handler::Reply;
use crate::text;

/// Panics become the one line that the host writes.
pub fn report_panics() {
    std::panic::set_hook(Box::new(|panic| logging::abort(&panic.to_string())));
}

pub fn panic(text: &str) -> ! {
    panic!("{text}")
}

#[inline(never)]
pub fn trap() -> ! {
    core::arch::wasm32::unreachable()
}

#[inline(never)]
pub fn spin() -> ! {
    loop {
        std::hint::black_box(());
    }
}

/// Takes memory and says whether it got it.
pub fn grow(bytes: u32) -> Reply {
    let pages = bytes.div_ceil(1 << 16) as usize;
    let before = core::arch::wasm32::memory_grow(0, pages);
    if before == usize::MAX {
        // What an allocator does with the refusal.
        trap()
    }
    text(format!("grown {pages}"))
}

/// Opens so many handles and keeps them.
pub fn hoard(count: u32) -> Reply {
    let open = |_| crate::edge::sdk::kv::open("store").map(std::mem::forget);
    let opened = (0..count).map(open).filter(Result::is_ok).count();
    text(format!("{opened} handles"))
}

/// Calls a function that a host may not offer yet; one that takes what another makes calls that first.
pub fn call_not_offered(name: &str, body: Body) -> Reply {
    match name {
        "send-streaming" => drop(stream()),
        "outgoing-body.write" => drop(stream().map(|(_, body)| body.write(b"piece"))),
        "outgoing-body.subscribe" => drop(stream().map(|(_, body)| body.subscribe())),
        "finish" => drop(stream().map(|(_, body)| fetch::finish(body, &[]))),
        "pending.subscribe" => match fetch::send(local(), &Options::plain()) {
            Ok(pending) => drop(pending.subscribe()),
            Err(error) => return text(format!("{error:?}")),
        },
        "incoming-body.subscribe" => match body {
            Body::Incoming(body) => drop(body.subscribe()),
            Body::None | Body::Bytes(_) => return text("a body that is still arriving is due"),
        },
        "poll" => drop(poll::poll(&[], Some(0))),
        "client-gone" => drop(poll::client_gone()),
        "pollable.ready" => drop(poll::client_gone().ready().then_some(())),
        other => return text(format!("no function {other}")),
    }
    text("offered")
}

fn stream() -> Result<(Pending, OutgoingBody), FetchError> {
    fetch::send_streaming(local(), &Options::plain())
}

fn local() -> Request {
    Request {
        method: "POST".to_owned(),
        uri: "http://a.test/".to_owned(),
        headers: Vec::new(),
        body: Body::None,
    }
}

impl Options {
    fn plain() -> Self {
        Self {
            redirect: Redirect::Follow,
            timeouts: Timeouts {
                connect_ms: None,
                first_byte_ms: None,
                between_bytes_ms: None,
                total_ms: None,
            },
            hints: Vec::new(),
        }
    }
}
