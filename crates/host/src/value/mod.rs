//! Values of the component model as a hook sees them, and how the host's own types become them.

use std::borrow::Cow;

use wasmtime::component::{Resource, ResourceTable};

use crate::bindings::{
    Body, BodyError, Chunk, Condition, Entry, FetchError, KvError, Level, Options, Page, Redirect,
    Request, Response, SetOptions, Timeouts,
};

mod untyped;

pub(crate) use untyped::{from_val, to_val};

/// A value that crosses the boundary between host and guest.
///
/// Lists of bytes are [`Value::Bytes`]; names of fields and cases are the WIT's, in kebab-case.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A `bool`.
    Bool(bool),
    /// Any unsigned integer.
    Unsigned(u64),
    /// Any signed integer.
    Signed(i64),
    /// A float of either width.
    Float(f64),
    /// A `string` or `char`.
    Text(String),
    /// A `list<u8>`.
    Bytes(Vec<u8>),
    /// Any other list.
    List(Vec<Value>),
    /// A tuple, and the parameters of a call.
    Tuple(Vec<Value>),
    /// A record: names and values in the order of the WIT.
    Record(Vec<(Cow<'static, str>, Value)>),
    /// A case of a variant or an enum.
    Case(Cow<'static, str>, Option<Box<Value>>),
    /// Flags that are set.
    Flags(Vec<String>),
    /// An `option`.
    Option(Option<Box<Value>>),
    /// A `result`.
    Result(Result<Option<Box<Value>>, Option<Box<Value>>>),
    /// A handle, by the host's number for the resource.
    Handle(u32),
}

/// A value of another shape than the WIT gives at this place.
#[derive(Debug, thiserror::Error)]
#[error("expected {expected}, found {found:?}")]
pub struct Mismatch {
    expected: &'static str,
    found: Value,
}

/// A type of the host that can be shown to a hook and taken back from it.
pub(crate) trait Reflect: Sized {
    fn value(&self) -> Value;
    fn from_value(value: Value) -> Result<Self, Mismatch>;

    /// Drops it, and of what it owns in a guest's table the entries as well.
    fn release(self, _: &mut ResourceTable) {}

    /// Bytes are the one list with a form of its own.
    fn list_value(items: &[Self]) -> Value {
        Value::List(items.iter().map(Self::value).collect())
    }
    fn list_from(value: Value) -> Result<Vec<Self>, Mismatch> {
        match value {
            Value::List(items) => items.into_iter().map(Self::from_value).collect(),
            found => Err(mismatch("a list", found)),
        }
    }
}

pub(crate) fn mismatch(expected: &'static str, found: Value) -> Mismatch {
    Mismatch { expected, found }
}

macro_rules! integer {
    ($($type:ty => $case:ident),*) => {$(
        impl Reflect for $type {
            fn value(&self) -> Value {
                Value::$case((*self).into())
            }
            fn from_value(value: Value) -> Result<Self, Mismatch> {
                match value {
                    Value::$case(n) => n.try_into().map_err(|_| mismatch(stringify!($type), Value::$case(n))),
                    found => Err(mismatch(stringify!($type), found)),
                }
            }
        }
    )*};
}
integer!(u16 => Unsigned, u32 => Unsigned, u64 => Unsigned, i64 => Signed);

impl Reflect for u8 {
    fn value(&self) -> Value {
        Value::Unsigned((*self).into())
    }
    fn from_value(value: Value) -> Result<Self, Mismatch> {
        let n = u16::from_value(value)?;
        u8::try_from(n).map_err(|_| mismatch("u8", Value::Unsigned(n.into())))
    }
    fn list_value(items: &[u8]) -> Value {
        Value::Bytes(items.to_vec())
    }
    fn list_from(value: Value) -> Result<Vec<u8>, Mismatch> {
        match value {
            Value::Bytes(bytes) => Ok(bytes),
            found => Err(mismatch("bytes", found)),
        }
    }
}

impl Reflect for bool {
    fn value(&self) -> Value {
        Value::Bool(*self)
    }
    fn from_value(value: Value) -> Result<Self, Mismatch> {
        match value {
            Value::Bool(b) => Ok(b),
            found => Err(mismatch("a bool", found)),
        }
    }
}

impl Reflect for String {
    fn value(&self) -> Value {
        Value::Text(self.clone())
    }
    fn from_value(value: Value) -> Result<Self, Mismatch> {
        match value {
            Value::Text(text) => Ok(text),
            found => Err(mismatch("a string", found)),
        }
    }
}

impl<T: Reflect> Reflect for Vec<T> {
    fn value(&self) -> Value {
        T::list_value(self)
    }
    fn from_value(value: Value) -> Result<Self, Mismatch> {
        T::list_from(value)
    }
    fn release(self, table: &mut ResourceTable) {
        self.into_iter().for_each(|item| item.release(table));
    }
}

impl<T: Reflect> Reflect for Option<T> {
    fn value(&self) -> Value {
        Value::Option(self.as_ref().map(|inner| Box::new(inner.value())))
    }
    fn from_value(value: Value) -> Result<Self, Mismatch> {
        match value {
            Value::Option(inner) => inner.map(|inner| T::from_value(*inner)).transpose(),
            found => Err(mismatch("an option", found)),
        }
    }
    fn release(self, table: &mut ResourceTable) {
        if let Some(inner) = self {
            inner.release(table);
        }
    }
}

impl<T: Reflect, E: Reflect> Reflect for Result<T, E> {
    fn value(&self) -> Value {
        Value::Result(match self {
            Ok(ok) => Ok(Some(Box::new(ok.value()))),
            Err(error) => Err(Some(Box::new(error.value()))),
        })
    }
    fn from_value(value: Value) -> Result<Self, Mismatch> {
        // A side without a type, `result<_, e>`, is the empty tuple.
        let inner = |side: Option<Box<Value>>| side.map_or(Value::Tuple(Vec::new()), |v| *v);
        match value {
            Value::Result(Ok(ok)) => T::from_value(inner(ok)).map(Ok),
            Value::Result(Err(error)) => E::from_value(inner(error)).map(Err),
            found => Err(mismatch("a result", found)),
        }
    }
}

impl<T: Send + 'static> Reflect for Resource<T> {
    fn value(&self) -> Value {
        Value::Handle(self.rep())
    }
    fn from_value(value: Value) -> Result<Self, Mismatch> {
        match value {
            Value::Handle(rep) => Ok(Resource::new_own(rep)),
            found => Err(mismatch("a handle", found)),
        }
    }
    fn release(self, table: &mut ResourceTable) {
        if self.owned() {
            // One that is gone already is as good.
            let _ = table.delete(self);
        }
    }
}

macro_rules! tuple {
    ($($name:ident)*) => {
        impl<$($name: Reflect),*> Reflect for ($($name,)*) {
            #[allow(non_snake_case, reason = "the type's name serves for its value")]
            fn value(&self) -> Value {
                let ($($name,)*) = self;
                Value::Tuple(vec![$($name.value()),*])
            }
            fn from_value(value: Value) -> Result<Self, Mismatch> {
                match value {
                    Value::Tuple(items) => {
                        #[allow(unused_mut, reason = "the empty tuple takes nothing")]
                        let mut items = items.into_iter();
                        let whole = ($({
                            let item = items.next().ok_or_else(|| mismatch("a longer tuple", Value::Tuple(Vec::new())))?;
                            $name::from_value(item)?
                        },)*);
                        match items.next() {
                            None => Ok(whole),
                            Some(more) => Err(mismatch("a shorter tuple", more)),
                        }
                    }
                    found => Err(mismatch("a tuple", found)),
                }
            }
            #[allow(non_snake_case, unused_variables, reason = "as above, and for the empty tuple")]
            fn release(self, table: &mut ResourceTable) {
                let ($($name,)*) = self;
                $($name.release(table);)*
            }
        }
    };
}
tuple!();
tuple!(A);
tuple!(A B);
tuple!(A B C);
tuple!(A B C D);

/// The compiler holds this list against the WIT: `from_value` names every field.
macro_rules! record {
    ($type:ty { $($field:ident => $name:literal),* }) => {
        impl $crate::value::Reflect for $type {
            fn value(&self) -> $crate::value::Value {
                $crate::value::Value::Record(vec![$((std::borrow::Cow::Borrowed($name), $crate::value::Reflect::value(&self.$field))),*])
            }
            fn from_value(value: $crate::value::Value) -> Result<Self, $crate::value::Mismatch> {
                let $crate::value::Value::Record(mut fields) = value else {
                    return Err($crate::value::mismatch("a record", value));
                };
                let mut take = |name: &'static str| {
                    let at = fields.iter().position(|(found, _)| found == name);
                    at.map(|at| fields.swap_remove(at).1).ok_or_else(|| {
                        $crate::value::mismatch(name, $crate::value::Value::Tuple(Vec::new()))
                    })
                };
                Ok(Self { $($field: $crate::value::Reflect::from_value(take($name)?)?),* })
            }
            fn release(self, table: &mut wasmtime::component::ResourceTable) {
                $($crate::value::Reflect::release(self.$field, table);)*
            }
        }
    };
}

/// The compiler holds this list against the WIT: `value` matches every case.
macro_rules! cases {
    ($type:ty { $($plain:ident => $plain_name:literal),* ; $($loaded:ident => $loaded_name:literal),* }) => {
        impl $crate::value::Reflect for $type {
            fn value(&self) -> $crate::value::Value {
                match self {
                    $(Self::$plain => $crate::value::Value::Case(std::borrow::Cow::Borrowed($plain_name), None),)*
                    $(Self::$loaded(inner) => {
                        $crate::value::Value::Case(std::borrow::Cow::Borrowed($loaded_name), Some(Box::new($crate::value::Reflect::value(inner))))
                    })*
                }
            }
            fn from_value(value: $crate::value::Value) -> Result<Self, $crate::value::Mismatch> {
                let $crate::value::Value::Case(name, payload) = value else {
                    return Err($crate::value::mismatch("a case", value));
                };
                match (&*name, payload) {
                    $(($plain_name, None) => Ok(Self::$plain),)*
                    $(($loaded_name, Some(inner)) => Ok(Self::$loaded($crate::value::Reflect::from_value(*inner)?)),)*
                    (_, payload) => Err($crate::value::mismatch(stringify!($type), $crate::value::Value::Case(name, payload))),
                }
            }
            #[allow(unused_variables, reason = "for an enum")]
            fn release(self, table: &mut wasmtime::component::ResourceTable) {
                match self {
                    $(Self::$plain => {})*
                    $(Self::$loaded(inner) => $crate::value::Reflect::release(inner, table),)*
                }
            }
        }
    };
}

pub(crate) use {cases, record};

record!(Request { method => "method", uri => "uri", headers => "headers", body => "body" });
record!(Response {
    status => "status", headers => "headers", body => "body", uri => "uri",
    redirects => "redirects", attributes => "attributes"
});
record!(Options { redirect => "redirect", timeouts => "timeouts", hints => "hints" });
record!(Timeouts {
    connect_ms => "connect-ms", first_byte_ms => "first-byte-ms",
    between_bytes_ms => "between-bytes-ms", total_ms => "total-ms"
});
record!(Entry {
    value => "value", version => "version", metadata => "metadata", expires_in_ms => "expires-in-ms"
});
record!(SetOptions { condition => "condition", ttl_ms => "ttl-ms", metadata => "metadata" });
record!(Page { keys => "keys", cursor => "cursor" });
cases!(Body { None => "none"; Bytes => "bytes", Incoming => "incoming" });
cases!(Chunk { ; Bytes => "bytes", End => "end" });
cases!(BodyError {
    Closed => "closed", Incomplete => "incomplete", Unwanted => "unwanted", Timeout => "timeout";
    TooLarge => "too-large", Other => "other"
});
cases!(Redirect { Follow => "follow", Manual => "manual", Error => "error"; });
cases!(FetchError {
    Denied => "denied", ConnectTimeout => "connect-timeout",
    ConnectionClosed => "connection-closed", FirstByteTimeout => "first-byte-timeout",
    Deadline => "deadline", TooManyRedirects => "too-many-redirects";
    InvalidRequest => "invalid-request", Dns => "dns", ConnectionRefused => "connection-refused",
    TlsCertificate => "tls-certificate", TlsProtocol => "tls-protocol",
    RequestBody => "request-body", Protocol => "protocol", Redirect => "redirect",
    Limit => "limit", Other => "other"
});
cases!(Condition { Always => "always", IfAbsent => "if-absent"; IfVersion => "if-version" });
cases!(KvError {
    NoSuchStore => "no-such-store", Denied => "denied", Conflict => "conflict",
    NotANumber => "not-a-number", Overflow => "overflow";
    InvalidKey => "invalid-key", InvalidArgument => "invalid-argument",
    ValueTooLarge => "value-too-large", Unavailable => "unavailable", Other => "other"
});
cases!(Level {
    Trace => "trace", Debug => "debug", Info => "info", Warn => "warn", Error => "error";
});
