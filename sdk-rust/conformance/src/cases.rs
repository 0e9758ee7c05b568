//! Errors by their names in the WIT, and the SDK's own by those of the contract.

use edgewit::http::header::{InvalidHeaderName, InvalidHeaderValue};
use edgewit::http::status::InvalidStatusCode;
use edgewit::{BodyError, Error, FetchError, kv};

use crate::words::{Failure, Report};

/// An error that is one of the SDK's, or that the SDK has a conversion from.
macro_rules! caught {
    ($($error:ty),*) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Failure {
                Failure::Error(of(&error.into()))
            }
        }
    )*};
}

caught!(
    Error,
    BodyError,
    kv::Error,
    edgewit::http::Error,
    InvalidHeaderName,
    InvalidHeaderValue,
    InvalidStatusCode
);

/// What is reported of an error.
pub fn of(error: &Error) -> Report {
    let report = Report::err();
    match error {
        Error::Fetch(error) => fetch(report, error),
        Error::Kv(error) => store(report, error),
        Error::Body(error) => body(report, error),
        Error::InvalidName(_) => report.word("invalid-name"),
        Error::InvalidValue(_) => report.word("invalid-value"),
        Error::InvalidStatus(_) => report.word("invalid-status"),
        Error::Consumed => report.word("consumed"),
        Error::Json(_) => report.word("json"),
        Error::DuplicateRoute(_) => report.word("duplicate-route"),
        // No step makes one, so this is what the SDK has no case for.
        other => report.word("app").value(other.chain()),
    }
}

fn body(report: Report, error: &BodyError) -> Report {
    match error {
        BodyError::Closed => report.word("closed"),
        BodyError::Incomplete => report.word("incomplete"),
        BodyError::Unwanted => report.word("unwanted"),
        BodyError::Timeout => report.word("timeout"),
        BodyError::TooLarge(limit) => report.word("too-large").word(limit),
        BodyError::Other(_) => report.word("other"),
    }
}

fn fetch(report: Report, error: &FetchError) -> Report {
    let case = match error {
        FetchError::RequestBody(error) => return body(report.word("request-body"), error),
        FetchError::Denied => "denied",
        FetchError::InvalidRequest(_) => "invalid-request",
        FetchError::Dns(_) => "dns",
        FetchError::ConnectionRefused(_) => "connection-refused",
        FetchError::ConnectTimeout => "connect-timeout",
        FetchError::TlsCertificate(_) => "tls-certificate",
        FetchError::TlsProtocol(_) => "tls-protocol",
        FetchError::ConnectionClosed => "connection-closed",
        FetchError::FirstByteTimeout => "first-byte-timeout",
        FetchError::Deadline => "deadline",
        FetchError::Protocol(_) => "protocol",
        FetchError::Redirect(_) => "redirect",
        FetchError::TooManyRedirects => "too-many-redirects",
        FetchError::Limit(_) => "limit",
        FetchError::Other(_) => "other",
    };
    report.word(case)
}

fn store(report: Report, error: &kv::Error) -> Report {
    let case = match error {
        kv::Error::ValueTooLarge(limit) => return report.word("value-too-large").word(limit),
        kv::Error::NoSuchStore => "no-such-store",
        kv::Error::Denied => "denied",
        kv::Error::InvalidKey(_) => "invalid-key",
        kv::Error::InvalidArgument(_) => "invalid-argument",
        kv::Error::Conflict => "conflict",
        kv::Error::NotANumber => "not-a-number",
        kv::Error::Overflow => "overflow",
        kv::Error::Unavailable(_) => "unavailable",
        kv::Error::Other(_) => "other",
    };
    report.word(case)
}
