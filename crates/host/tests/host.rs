//! The host as a client, a server behind it, and an embedder meet it. One program, since linking the
//! engine is what takes the time.

#[path = "host/events.rs"]
mod events;
#[path = "host/streams.rs"]
mod streams;
#[path = "host/support.rs"]
mod support;
#[path = "host/upstream.rs"]
mod upstream;
#[path = "host/wire.rs"]
mod wire;

#[path = "host/addresses.rs"]
mod addresses;
#[path = "host/bodies.rs"]
mod bodies;
#[path = "host/clients.rs"]
mod clients;
#[path = "host/curl.rs"]
mod curl;
#[path = "host/embedding.rs"]
mod embedding;
#[path = "host/fetch_errors.rs"]
mod fetch_errors;
#[path = "host/fetching.rs"]
mod fetching;
#[path = "host/guest_time.rs"]
mod guest_time;
#[path = "host/http2.rs"]
mod http2;
#[path = "host/http2_cut.rs"]
mod http2_cut;
#[path = "host/http2_limits.rs"]
mod http2_limits;
#[path = "host/http2_out.rs"]
mod http2_out;
#[path = "host/inbound.rs"]
mod inbound;
#[path = "host/kv.rs"]
mod kv;
#[path = "host/limit_table.rs"]
mod limit_table;
#[path = "host/limits.rs"]
mod limits;
#[path = "host/loading.rs"]
mod loading;
#[path = "host/logging.rs"]
mod logging;
#[path = "host/loops.rs"]
mod loops;
#[path = "host/polling.rs"]
mod polling;
#[path = "host/pool.rs"]
mod pool;
#[path = "host/redirects.rs"]
mod redirects;
#[path = "host/replies.rs"]
mod replies;
#[path = "host/routes.rs"]
mod routes;
#[path = "host/seam.rs"]
mod seam;
#[path = "host/stores.rs"]
mod stores;
#[path = "host/traps.rs"]
mod traps;
#[path = "host/upload_ends.rs"]
mod upload_ends;
#[path = "host/upload_limits.rs"]
mod upload_limits;
#[path = "host/uploads.rs"]
mod uploads;
#[path = "host/wasi.rs"]
mod wasi;
#[path = "host/wit.rs"]
mod wit;
