//! What a script keeps by name.

use std::collections::BTreeMap;

use crate::edge::sdk::fetch::{Options, OutgoingBody, Pending};
use crate::edge::sdk::http::{Body, Field, Request};
use crate::edge::sdk::kv::Store;
use crate::script::bodies::Reading;
use crate::script::words::{Failure, wrong};

pub enum Handle {
    Draft(Draft),
    Pending(Pending),
    Upload(OutgoingBody),
    /// The request's own body, until it is handed on.
    Incoming(Reading),
    Response(Fetched),
    Store(Store),
    Version(u64),
    Cursor(String),
}

/// A request that is put together, and how it is to be sent.
pub struct Draft {
    pub request: Request,
    pub options: Options,
}

/// A response, and its body until that is handed on.
pub struct Fetched {
    pub headers: Vec<Field>,
    pub uri: String,
    pub redirects: u8,
    pub attributes: Vec<(String, String)>,
    pub body: Option<Reading>,
}

#[derive(Default)]
pub struct Handles(BTreeMap<String, Handle>);

/// A function that finds, by its name, what is kept in one case of [`Handle`].
macro_rules! finder {
    ($finder:ident, $case:ident, $kept:ty) => {
        pub fn $finder(&mut self, name: &str) -> Result<&mut $kept, Failure> {
            match self.0.get_mut(name) {
                Some(Handle::$case(kept)) => Ok(kept),
                _ => missing(name),
            }
        }
    };
}

/// A function that takes, by its name, what is kept in one case of [`Handle`].
macro_rules! taker {
    ($taker:ident, $case:ident, $kept:ty) => {
        pub fn $taker(&mut self, name: &str) -> Result<$kept, Failure> {
            match self.0.remove(name) {
                Some(Handle::$case(kept)) => Ok(kept),
                Some(other) => {
                    self.0.insert(name.to_owned(), other);
                    missing(name)
                }
                None => missing(name),
            }
        }
    };
}

fn missing<T>(name: &str) -> Result<T, Failure> {
    wrong(format!("nothing of that kind is kept as {name}"))
}

impl Handles {
    finder!(draft, Draft, Draft);
    finder!(upload, Upload, OutgoingBody);
    finder!(response, Response, Fetched);
    finder!(store, Store, Store);
    taker!(take_draft, Draft, Draft);
    taker!(take_incoming, Incoming, Reading);
    taker!(take_pending, Pending, Pending);
    taker!(take_upload, Upload, OutgoingBody);

    pub fn get(&self, name: &str) -> Result<&Handle, Failure> {
        self.0.get(name).map_or_else(|| missing(name), Ok)
    }

    /// A name that nothing is kept by.
    pub fn free<'a>(&self, name: &'a str) -> Result<&'a str, Failure> {
        if self.0.contains_key(name) {
            return wrong(format!("{name} is given already"));
        }
        Ok(name)
    }

    pub fn keep(&mut self, name: &str, handle: Handle) {
        self.0.insert(name.to_owned(), handle);
    }

    pub fn drop(&mut self, name: &str) -> Result<(), Failure> {
        self.0
            .remove(name)
            .map_or_else(|| missing(name), |_| Ok(()))
    }

    /// The request's own body or a response's.
    pub fn body(&mut self, name: &str) -> Result<&mut Reading, Failure> {
        let body = match self.0.get_mut(name) {
            Some(Handle::Incoming(body)) => Some(body),
            Some(Handle::Response(response)) => response.body.as_mut(),
            _ => None,
        };
        body.map_or_else(|| missing(name), Ok)
    }

    /// Takes a body out; the rest of a response stays.
    pub fn take_body(&mut self, name: &str) -> Result<Body, Failure> {
        let body = match self.0.get_mut(name) {
            Some(Handle::Response(response)) => match response.body.take() {
                Some(body) => body,
                None => return missing(name),
            },
            _ => self.take_incoming(name)?,
        };
        Ok(body.into_rest())
    }
}
