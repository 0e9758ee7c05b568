use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Error, Unexpected, Visitor};
use serde::{Deserialize, Serialize, Serializer};

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const TIB: u64 = 1 << 40;
const SECOND: u64 = 1_000;
const HOUR: u64 = 3_600 * SECOND;
const DAY: u64 = 24 * HOUR;

/// The range of a stack.
pub(crate) type StackBytes = Within<{ 16 * KIB }, { 8 * MIB }>;
/// The canonical ABI and C both keep the stack pointer at a multiple of 16.
pub(crate) const STACK_ALIGN_BYTES: u64 = 16;

/// What one request may use, and, where it says so, all requests together. Going past a limit ends
/// that request with one log line, never the host.
/// Sizes are in bytes and times in milliseconds, as the names say. A manifest may set each within
/// the range that its schema gives; what it leaves out is the default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(
    default,
    deny_unknown_fields,
    rename_all = "kebab-case",
    expecting = "a table"
)]
pub struct Limits {
    /// Memory of the guest. Growing past it fails in the guest; the trap that follows is a 500.
    #[serde(with = "Within::<{ 64 * KIB }, { 4 * GIB }>")]
    pub memory_bytes: u64,
    /// Processor time that the guest itself takes, waiting not counted; more is added for what it reads and
    /// produces, and it starts anew for `after-reply`. Past it: 504 before the head, cut after it.
    #[serde(with = "Within::<1, HOUR>")]
    pub guest_ms: u64,
    /// Wall time from the guest's start to the head of the reply, without the waiting for the
    /// client's body. Past it: 504.
    #[serde(with = "Within::<1, DAY>")]
    pub head_ms: u64,
    /// Wall time of `after-reply`. Past it the instance ends.
    #[serde(with = "Within::<1, DAY>")]
    pub after_reply_ms: u64,
    /// Wall time of reading a request body that is read whole before the guest starts. Past it: 408.
    #[serde(with = "Within::<1, HOUR>")]
    pub request_read_ms: u64,
    /// Time without a byte of a body, from the client or to it. Past it: `timeout`, and the
    /// connection is cut. Over HTTP/2 a client that takes less than 64 KiB of a reply in that time, and
    /// not the rest of it, counts as one that takes nothing.
    #[serde(with = "Within::<1, DAY>")]
    pub idle_ms: u64,
    /// Time that a body source of the guest may wait in one import. Past it the connection is cut.
    #[serde(with = "Within::<1, DAY>")]
    pub source_import_ms: u64,
    /// Length of the request's URI. Past it: 414.
    // The type of a URI holds no longer one.
    #[serde(with = "Within::<16, 65_534>")]
    pub uri_bytes: u64,
    /// Length of the request's head. Past it: 431, over HTTP/2 beyond twice as much without a log line.
    // hyper has no smaller buffer than this minimum.
    #[serde(with = "Within::<{ 8 * KIB }, { 16 * MIB }>")]
    pub request_head_bytes: u64,
    /// Fields in the request's head. Past it: 431.
    // A header map of the http crate ends at 24,576 names.
    #[serde(with = "Within::<1, 16_384>")]
    pub request_fields: u64,
    /// Length of the request's body. Past it: 413 before the guest has started, else `too-large`.
    #[serde(with = "Within::<1, TIB>")]
    pub request_body_bytes: u64,
    /// Length of the body of a fetched response. Past it: `too-large`.
    #[serde(with = "Within::<1, TIB>")]
    pub fetched_body_bytes: u64,
    /// Length of the reply's head, and of a fetched response's. Past it: 500, and the error `protocol`.
    #[serde(with = "Within::<256, { 16 * MIB }>")]
    pub reply_head_bytes: u64,
    /// Fields in the reply's head. Past it: 500.
    #[serde(with = "Within::<1, 16_384>")]
    pub reply_fields: u64,
    /// Fetches that wait for a head at once. More of them queue.
    #[serde(with = "Within::<1, 1_000>")]
    pub fetches_waiting: u64,
    /// Fetches in all. Past it: `limit`.
    #[serde(with = "Within::<1, 1_000_000>")]
    pub fetches: u64,
    /// Fetches that wait and fetched bodies that are unread, together. Past it: `limit`.
    #[serde(with = "Within::<1, 10_000>")]
    pub fetches_open: u64,
    /// How often a chain of requests may pass through this host. Past it: `limit`.
    #[serde(with = "Within::<1, 255>")]
    pub hops: u64,
    /// Operations on kv stores, opening one included. Past it: `unavailable`.
    #[serde(with = "Within::<1, 10_000_000>")]
    pub kv_operations: u64,
    /// Length of a kv value, and of the values of one `get-many` together. Past it:
    /// `value-too-large`.
    #[serde(with = "Within::<1, GIB>")]
    pub kv_value_bytes: u64,
    /// Length of a kv entry's metadata. Past it: `invalid-argument`.
    #[serde(with = "Within::<1, MIB>")]
    pub kv_metadata_bytes: u64,
    /// Length of all log lines. Past it one line says how many more there were.
    #[serde(with = "Within::<1, GIB>")]
    pub log_bytes: u64,
    /// Handles that the guest holds at once. Past it: a trap, a 500.
    #[serde(with = "Within::<16, 1_000_000>")]
    pub handles: u64,
    /// Instances at once, of all requests. Past it a request waits a second, then gets 503.
    // Each reserves 8 GiB of the 128 TiB of addresses that a process has.
    #[serde(with = "Within::<1, 10_000>")]
    pub instances: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 128 * MIB,
            guest_ms: SECOND,
            head_ms: 30 * SECOND,
            after_reply_ms: 30 * SECOND,
            request_read_ms: 30 * SECOND,
            idle_ms: 30 * SECOND,
            source_import_ms: 300 * SECOND,
            uri_bytes: 16 * KIB,
            request_head_bytes: 256 * KIB,
            request_fields: 1_000,
            request_body_bytes: 100 * MIB,
            fetched_body_bytes: GIB,
            reply_head_bytes: 256 * KIB,
            reply_fields: 1_000,
            fetches_waiting: 32,
            fetches: 1_000,
            fetches_open: 256,
            hops: 20,
            kv_operations: 10_000,
            kv_value_bytes: 25 * MIB,
            kv_metadata_bytes: 2_048,
            log_bytes: MIB,
            handles: 10_000,
            instances: 1_000,
        }
    }
}

/// A whole number from `MIN` to `MAX`, both included: the one statement of a range, for the parser
/// and the schema.
pub(crate) struct Within<const MIN: u64, const MAX: u64>;

impl<const MIN: u64, const MAX: u64> Within<MIN, MAX> {
    fn serialize<S: Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(*number)
    }

    fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        deserializer.deserialize_u64(Self)
    }
}

impl<const MIN: u64, const MAX: u64> Visitor<'_> for Within<MIN, MAX> {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number from {MIN} to {MAX}")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<u64, E> {
        match number {
            number if (MIN..=MAX).contains(&number) => Ok(number),
            _ => Err(E::invalid_value(Unexpected::Unsigned(number), &self)),
        }
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<u64, E> {
        match u64::try_from(number) {
            Ok(number) => self.visit_u64(number),
            Err(_) => Err(E::invalid_value(Unexpected::Signed(number), &self)),
        }
    }
}

impl<const MIN: u64, const MAX: u64> JsonSchema for Within<MIN, MAX> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Within_{MIN}_{MAX}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": MIN, "maximum": MAX })
    }
}

/// Reads the size of a stack, which is aligned besides being within its range.
pub(crate) fn stack_bytes<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<u32>, D::Error> {
    let bytes = StackBytes::deserialize(deserializer)?;
    match u32::try_from(bytes) {
        Ok(size) if bytes.is_multiple_of(STACK_ALIGN_BYTES) => Ok(Some(size)),
        _ => Err(D::Error::invalid_value(
            Unexpected::Unsigned(bytes),
            &format!("a multiple of {STACK_ALIGN_BYTES}").as_str(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Limits;

    /// The schema's ranges are the parser's, at each end of each limit.
    #[test]
    fn ranges_hold_at_both_ends() {
        let schema = schemars::schema_for!(Limits).to_value();
        let properties = schema["properties"].as_object().expect("properties");
        let defaults = serde_json::to_value(Limits::default()).expect("defaults");
        assert_eq!(
            properties.len(),
            defaults.as_object().expect("a table").len()
        );
        for (name, property) in properties {
            let accepts = |number: u64| {
                let table = Value::Object([(name.clone(), json!(number))].into_iter().collect());
                serde_json::from_value::<Limits>(table).is_ok()
            };
            let min = property["minimum"].as_u64().expect("a minimum");
            let max = property["maximum"].as_u64().expect("a maximum");
            assert!(min > 0 && accepts(min) && accepts(max), "{name}");
            assert!(!accepts(min - 1) && !accepts(max + 1), "{name}");
            assert!(
                accepts(defaults[name].as_u64().expect("a number")),
                "{name}"
            );
        }
    }
}
