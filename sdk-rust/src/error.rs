//! What a handler can fail with.

use std::error::Error as StdError;

use crate::{BodyError, fetch, kv};

/// What a handler can fail with: the errors of everything it calls, and the application's own.
///
/// An error that leaves a handler becomes an empty 500; its text, followed by those of its sources, is one line of the
/// log and never reaches the client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A request to another server failed.
    #[error("fetch")]
    Fetch(#[from] fetch::Error),
    /// A store refused.
    #[error("kv")]
    Kv(#[from] kv::Error),
    /// A body broke off.
    #[error("body")]
    Body(#[from] BodyError),
    /// A field name is not a token of RFC 9110; the text says which.
    #[error("invalid field name: {0}")]
    InvalidName(String),
    /// A field value holds a control character other than tab; the text says which.
    #[error("invalid field value: {0}")]
    InvalidValue(String),
    /// A status outside 200 to 599, or a body with 204, 205 or 304; the text says which.
    #[error("invalid status: {0}")]
    InvalidStatus(String),
    /// The body was read before, or belongs to someone else by now.
    #[error("the body was read already")]
    Consumed,
    /// The body is not JSON, or not of the type asked for.
    #[error("json")]
    Json(#[from] serde_json::Error),
    /// A method has a handler for this pattern already, by the same or by other parameter names.
    #[error("duplicate route: {0}")]
    DuplicateRoute(String),
    /// The application's own error, by [`Error::app`].
    #[error(transparent)]
    App(Box<dyn StdError + Send + Sync>),
}

impl Error {
    /// Wraps an error of the application's own, for `map_err(Error::app)?`; text will do as one too.
    /// There is no conversion from every error: one that the SDK knows keeps its own case.
    pub fn app(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
        Error::App(error.into())
    }

    /// The text of this error and of its sources, outermost first, joined by `: `.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut source = self.source();
        while let Some(error) = source {
            text.push_str(": ");
            text.push_str(&error.to_string());
            source = error.source();
        }
        text
    }
}

/// For the chunks of a body that is made of something that can fail.
impl From<Error> for BodyError {
    fn from(error: Error) -> BodyError {
        match error {
            Error::Body(error) => error,
            other => BodyError::Other(other.chain()),
        }
    }
}

/// The builders of the crate `http` report everything as one type.
impl From<http::Error> for Error {
    fn from(error: http::Error) -> Error {
        let text = error.to_string();
        if error.is::<http::header::InvalidHeaderName>() {
            Error::InvalidName(text)
        } else if error.is::<http::header::InvalidHeaderValue>() {
            Error::InvalidValue(text)
        } else if error.is::<http::status::InvalidStatusCode>() {
            Error::InvalidStatus(text)
        } else {
            Error::Fetch(fetch::Error::InvalidRequest(text))
        }
    }
}

impl From<http::header::InvalidHeaderName> for Error {
    fn from(error: http::header::InvalidHeaderName) -> Error {
        Error::InvalidName(error.to_string())
    }
}

impl From<http::header::InvalidHeaderValue> for Error {
    fn from(error: http::header::InvalidHeaderValue) -> Error {
        Error::InvalidValue(error.to_string())
    }
}

impl From<http::status::InvalidStatusCode> for Error {
    fn from(error: http::status::InvalidStatusCode) -> Error {
        Error::InvalidStatus(error.to_string())
    }
}
