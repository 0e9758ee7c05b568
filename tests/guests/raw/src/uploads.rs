//! Steps of a request body that is written.

use crate::edge::sdk::fetch::{self, OutgoingBody};
use crate::edge::sdk::http::{Body, BodyError, Chunk, IncomingBody};
use crate::edge::sdk::poll::{Pollable, poll};
use crate::fetching;
use crate::steps::Steps;

/// More than one `write` takes.
const LARGE_BYTES: usize = 100_000;

impl Steps<'_> {
    /// Starts a request, a POST unless the query says otherwise, whose body is written afterwards.
    pub fn stream(&mut self, url: &str) -> String {
        let body = match self.query.bytes("bytes") {
            Some(bytes) => Body::Bytes(bytes.to_vec()),
            None => Body::None,
        };
        let mut request = fetching::request_to(url, body, self.query);
        if self.query.bytes("method").is_none() {
            request.method = "POST".to_owned();
        }
        match fetch::send_streaming(request, &fetching::options(self.query)) {
            Ok((pending, outgoing)) => {
                self.pending.push(Some(pending));
                self.outgoing.push(Some(outgoing));
                "Ok(())".to_owned()
            }
            Err(error) => format!("error {error:?}"),
        }
    }

    fn last(&self) -> Option<&OutgoingBody> {
        self.outgoing.last()?.as_ref()
    }

    /// Writes so many bytes, in as many calls as it takes.
    pub fn write(&self, bytes: usize) -> String {
        self.last()
            .map_or_else(nothing, |outgoing| format!("{:?}", write(outgoing, bytes)))
    }

    /// Offers so many bytes once.
    pub fn write_once(&self, bytes: usize) -> String {
        self.last().map_or_else(nothing, |outgoing| {
            format!("{:?}", outgoing.write(&vec![b'u'; bytes]))
        })
    }

    /// Writes until an error ends it.
    pub fn write_on(&self) -> String {
        let large = vec![b'u'; LARGE_BYTES];
        self.last().map_or_else(nothing, |outgoing| {
            let error = loop {
                if let Err(error) = outgoing.write(&large) {
                    break error;
                }
            };
            format!("{error:?}, then {:?}", outgoing.write(&large))
        })
    }

    /// Writes until there was no room for a while.
    pub fn fill(&self) -> String {
        let large = vec![b'u'; LARGE_BYTES];
        self.last().map_or_else(nothing, |outgoing| {
            let room = outgoing.subscribe();
            while !poll(&[&room], Some(100)).is_empty() {
                if let Err(error) = outgoing.write(&large) {
                    return format!("error {error:?}");
                }
            }
            "full".to_owned()
        })
    }

    /// Writes so many bytes and finishes, while it reads what the server answers meanwhile; how many bytes
    /// came back.
    pub fn write_all(&mut self, bytes: usize) -> String {
        let pending = self.pending.last_mut().and_then(Option::take);
        let outgoing = self.outgoing.last_mut().and_then(Option::take);
        let (Some(pending), Some(outgoing)) = (pending, outgoing) else {
            return nothing();
        };
        let both = BothEnds {
            writes: outgoing.subscribe(),
            outgoing: Some(outgoing),
            left: bytes,
            read: 0,
        };
        let arrives = pending.subscribe();
        match both.until_ready(&arrives) {
            Err(error) => format!("error {error:?}"),
            Ok(both) => match fetch::wait(pending).map(|response| response.body) {
                Ok(Body::Incoming(body)) => format!("{:?}", both.with(&body)),
                other => format!("{other:?}"),
            },
        }
    }

    pub fn finish(&mut self) -> String {
        let outgoing = self.outgoing.last_mut().and_then(Option::take);
        outgoing.map_or_else(nothing, |outgoing| {
            let trailers = self.query.fields("trailer");
            format!("{:?}", fetch::finish(outgoing, &trailers))
        })
    }
}

fn nothing() -> String {
    "nothing".to_owned()
}

fn write(outgoing: &OutgoingBody, bytes: usize) -> Result<usize, BodyError> {
    let mut written = 0;
    while written < bytes {
        let piece = vec![b'u'; LARGE_BYTES.min(bytes - written)];
        written += outgoing.write(&piece)? as usize;
    }
    Ok(written)
}

/// An upload under way, and how much of the answer has come.
struct BothEnds {
    outgoing: Option<OutgoingBody>,
    writes: Pollable,
    left: usize,
    read: usize,
}

impl BothEnds {
    fn write_piece(&mut self) -> Result<(), BodyError> {
        let Some(outgoing) = &self.outgoing else {
            return Ok(());
        };
        let piece = vec![b'u'; self.left.min(LARGE_BYTES)];
        self.left -= outgoing.write(&piece)? as usize;
        if self.left == 0
            && let Some(outgoing) = self.outgoing.take()
        {
            fetch::finish(outgoing, &[])?;
        }
        Ok(())
    }

    /// Writes until `other` is ready.
    fn until_ready(mut self, other: &Pollable) -> Result<Self, BodyError> {
        loop {
            let waited: &[&Pollable] = match &self.outgoing {
                Some(_) => &[other, &self.writes],
                None => &[other],
            };
            if poll(waited, None).contains(&0) {
                return Ok(self);
            }
            self.write_piece()?;
        }
    }

    /// Reads all of a body, and writes what is left meanwhile; how many bytes were read.
    fn with(mut self, body: &IncomingBody) -> Result<usize, BodyError> {
        let reads = body.subscribe();
        loop {
            self = self.until_ready(&reads)?;
            match body.read(0)? {
                Chunk::Bytes(bytes) => self.read += bytes.len(),
                Chunk::End(_) => return Ok(self.read),
            }
        }
    }
}
