//! Reading the body of a message without naming it.

use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::{Error, Request, Response};

/// Reads the body of a request or response, once.
pub trait MessageExt {
    /// As [`Body::bytes`](crate::Body::bytes).
    fn bytes(&self) -> Result<Bytes, Error>;

    /// As [`Body::text`](crate::Body::text).
    fn text(&self) -> Result<String, Error>;

    /// As [`Body::json`](crate::Body::json).
    fn json<T: DeserializeOwned>(&self) -> Result<T, Error>;
}

macro_rules! message {
    ($($message:ty),*) => {$(
        impl MessageExt for $message {
            fn bytes(&self) -> Result<Bytes, Error> {
                self.body().bytes()
            }

            fn text(&self) -> Result<String, Error> {
                self.body().text()
            }

            fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
                self.body().json()
            }
        }
    )*};
}

message!(Request, Response);
