//! The exports: a request in, a reply out, a body that is pulled.

use std::cell::{Cell, RefCell};
use std::mem::ManuallyDrop;

use crate::body::Outgoing;
use crate::context::Info;
use crate::generated::edge::sdk::http as wit;
use crate::generated::exports::edge::sdk::handler as exports;
use crate::host::{Chunk, body_error, body_in};
use crate::stream::Stream;
use crate::wire::{self, fields};
use crate::{App, Error, after, logger, rt};

/// What `export!` exports.
pub trait Application {
    /// The application, made anew for every request.
    fn app() -> App;
}

impl<T: Application> exports::Guest for T {
    type BodySource = Source;

    fn handle(
        request: exports::Request,
        context: exports::Context,
    ) -> Result<exports::Reply, String> {
        rt::install_panic_hook();
        logger::install();
        // The instance goes with the request: giving the routes' memory back first would be work for nothing.
        let app = ManuallyDrop::new(T::app());
        handle(&app, request, context).map_err(|error| error.chain())
    }

    fn after_reply(sent: Result<(), wit::BodyError>) {
        if let Some(run) = AFTER_REPLY.get() {
            run(sent);
        }
    }
}

type AfterReply = fn(Result<(), wit::BodyError>);

thread_local! {
    static AFTER_REPLY: Cell<Option<AfterReply>> = const { Cell::new(None) };
}

/// Has tasks run after the reply: an application that registers none does not carry the code.
pub(crate) fn run_after_reply() {
    AFTER_REPLY.set(Some(|sent| {
        let tasks = after::replace(Vec::new());
        after::run(tasks, &sent.map_err(body_error::lift));
    }));
}

fn handle(
    app: &App,
    request: exports::Request,
    context: exports::Context,
) -> Result<exports::Reply, Error> {
    let info = Info {
        request_id: context.request_id,
        client: context.client,
        attributes: context.attributes,
    };
    let head = wire::Head {
        method: request.method,
        uri: request.uri,
        fields: request.headers,
    };
    wire::handle(app, head, body_in(request.body), info).map(reply_out)
}

fn reply_out(reply: wire::Reply) -> exports::Reply {
    exports::Reply {
        status: reply.status,
        headers: reply.fields,
        body: match reply.body {
            Outgoing::None => exports::ReplyBody::None,
            Outgoing::Bytes(bytes) => exports::ReplyBody::Bytes(bytes.into()),
            Outgoing::Incoming(incoming) => exports::ReplyBody::Incoming(incoming.0),
            Outgoing::Stream(stream) => {
                exports::ReplyBody::Source(exports::BodySource::new(Source(RefCell::new(stream))))
            }
        },
        hints: reply.hints,
    }
}

/// A body that the host pulls.
pub struct Source(RefCell<Box<dyn Stream>>);

impl exports::GuestBodySource for Source {
    fn read(&self) -> Result<wit::Chunk, wit::BodyError> {
        match self.0.borrow_mut().next() {
            Ok(Chunk::Bytes(bytes)) => Ok(wit::Chunk::Bytes(bytes.into())),
            Ok(Chunk::End(trailers)) => Ok(wit::Chunk::End(fields(&trailers))),
            Err(error) => Err(body_error::lower(error)),
        }
    }
}
