//! What each operation means, for every backend that keeps records in order itself.

use super::{Condition, Entry, Error, Page, SetOptions};

/// A key's value with what belongs to it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Record {
    pub(super) version: u64,
    /// Milliseconds since 1970.
    pub(super) expires_at: Option<u64>,
    pub(super) metadata: Vec<u8>,
    pub(super) value: Vec<u8>,
}

/// Whether what expires then is still there.
pub(super) fn alive(expires_at: Option<u64>, now_ms: u64) -> bool {
    expires_at.is_none_or(|at| now_ms < at)
}

impl Record {
    pub(super) fn alive(&self, now_ms: u64) -> bool {
        alive(self.expires_at, now_ms)
    }

    pub(super) fn entry(self, now_ms: u64) -> Option<Entry> {
        self.alive(now_ms).then(|| Entry {
            value: self.value,
            version: self.version,
            metadata: self.metadata,
            expires_in_ms: self.expires_at.map(|at| at - now_ms),
        })
    }
}

/// So many expired records are removed by a write at the most: few enough to be quick, and more than the
/// one that it may add.
pub(super) const EXPIRED_REMOVED: usize = 8;

/// The records of one store within one atomic step.
pub(super) trait Records {
    /// What the medium itself may fail with.
    type Fault;

    fn get(&self, key: &str) -> Result<Option<Record>, Self::Fault>;
    fn put(&mut self, key: &str, record: Record) -> Result<(), Self::Fault>;
    /// Whether there was a record, alive then.
    fn remove(&mut self, now_ms: u64, key: &str) -> Result<bool, Self::Fault>;
    /// A number that no record ever had.
    fn next_version(&mut self) -> Result<u64, Self::Fault>;
}

type Step<T, F> = Result<Result<T, Error>, F>;

fn current<R: Records>(records: &R, now_ms: u64, key: &str) -> Result<Option<Record>, R::Fault> {
    Ok(records.get(key)?.filter(|record| record.alive(now_ms)))
}

pub(super) fn set<R: Records>(
    records: &mut R,
    now_ms: u64,
    key: &str,
    value: Vec<u8>,
    options: SetOptions,
) -> Step<u64, R::Fault> {
    let found = match options.condition {
        Condition::Always => true,
        Condition::IfAbsent => current(records, now_ms, key)?.is_none(),
        Condition::IfVersion(version) => {
            current(records, now_ms, key)?.is_some_and(|record| record.version == version)
        }
    };
    if !found {
        return Ok(Err(Error::Conflict));
    }
    let version = records.next_version()?;
    let expires_at = options.ttl_ms.map(|ttl| now_ms.saturating_add(ttl));
    records.put(
        key,
        Record {
            version,
            expires_at,
            metadata: options.metadata,
            value,
        },
    )?;
    Ok(Ok(version))
}

pub(super) fn increment<R: Records>(
    records: &mut R,
    now_ms: u64,
    key: &str,
    delta: i64,
    ttl_ms: Option<u64>,
) -> Step<i64, R::Fault> {
    let found = current(records, now_ms, key)?;
    let number = match &found {
        None => 0,
        Some(record) => match decimal(&record.value) {
            Some(number) => number,
            None => return Ok(Err(Error::NotANumber)),
        },
    };
    let Some(sum) = number.checked_add(delta) else {
        return Ok(Err(Error::Overflow));
    };
    let (expires_at, metadata) = match found {
        Some(record) => (record.expires_at, record.metadata),
        None => (ttl_ms.map(|ttl| now_ms.saturating_add(ttl)), Vec::new()),
    };
    let version = records.next_version()?;
    records.put(
        key,
        Record {
            version,
            expires_at,
            metadata,
            value: sum.to_string().into_bytes(),
        },
    )?;
    Ok(Ok(sum))
}

/// `0`, or digits without a leading zero, `-` before them or not.
fn decimal(value: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(value).ok()?;
    let digits = text.strip_prefix('-').unwrap_or(text);
    let canonical = text == "0"
        || digits
            .as_bytes()
            .first()
            .is_some_and(|b| (b'1'..=b'9').contains(b));
    canonical.then(|| text.parse().ok()).flatten()
}

/// All entries, or `None` as soon as their values have more than `bytes_max` together.
pub(super) fn within<F>(
    entries: impl Iterator<Item = Result<Option<Entry>, F>>,
    bytes_max: u64,
) -> Result<Option<Vec<Option<Entry>>>, F> {
    let mut all = Vec::new();
    let mut bytes = 0;
    for entry in entries {
        let entry = entry?;
        bytes += entry.as_ref().map_or(0, |entry| entry.value.len() as u64);
        if bytes > bytes_max {
            return Ok(None);
        }
        all.push(entry);
    }
    Ok(Some(all))
}

const CURSOR_MARK: &str = "after:";

/// The key that a cursor stands behind.
pub(super) fn cursor_key(cursor: Option<&str>) -> Result<Option<&str>, Error> {
    match cursor {
        None => Ok(None),
        Some(cursor) => match cursor.strip_prefix(CURSOR_MARK) {
            Some(key) => Ok(Some(key)),
            None => Err(Error::InvalidArgument(
                "cursor: none that `keys` returned".to_owned(),
            )),
        },
    }
}

/// So many expired keys are passed over for one page at the most: what is in memory is looked through on a thread that
/// others wait for.
const EXPIRED_PASSED: usize = 1000;

/// One page of the keys that are alive, not a full one where too many have expired. `keys` yields them in order, from
/// the first after the cursor.
pub(super) fn page<F>(
    keys: impl Iterator<Item = Result<(String, bool), F>>,
    prefix: &str,
    limit: u32,
) -> Result<Page, F> {
    let mut page = Page::default();
    let mut passed = 0;
    for key in keys {
        let (key, alive) = key?;
        if !key.starts_with(prefix) {
            break;
        }
        if !alive {
            passed += 1;
            if passed == EXPIRED_PASSED {
                page.cursor = Some(format!("{CURSOR_MARK}{key}"));
                break;
            }
            continue;
        }
        if page.keys.len() == limit as usize {
            page.cursor = page.keys.last().map(|last| format!("{CURSOR_MARK}{last}"));
            break;
        }
        page.keys.push(key);
    }
    Ok(page)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::{EXPIRED_PASSED, cursor_key, decimal, page};

    #[test]
    fn a_page_passes_over_so_many_expired_keys_at_the_most() {
        let expired = 3 * EXPIRED_PASSED;
        let keys: Vec<_> = (0..=expired)
            .map(|n| (format!("{n:06}"), n == expired))
            .collect();
        let (mut at, mut pages, mut found) = (0, 0, Vec::new());
        loop {
            let mut looked_at = 0;
            let rest = keys[at..].iter().inspect(|_| looked_at += 1);
            let Ok(page) = page(rest.cloned().map(Ok::<_, Infallible>), "", 10);
            assert!(looked_at <= EXPIRED_PASSED);
            pages += 1;
            found.extend(page.keys);
            let Some(after) = cursor_key(page.cursor.as_deref()).unwrap() else {
                break;
            };
            at = keys.partition_point(|(key, _)| &**key <= after);
        }
        assert_eq!((pages, found), (4, vec![format!("{expired:06}")]));
    }

    #[test]
    fn a_number_has_one_form() {
        for (text, number) in [
            ("0", Some(0)),
            ("-7", Some(-7)),
            ("9223372036854775807", Some(i64::MAX)),
        ] {
            assert_eq!(decimal(text.as_bytes()), number, "{text}");
        }
        for text in [
            "",
            "-",
            "-0",
            "+5",
            "007",
            "abc",
            "1 ",
            "9223372036854775808",
        ] {
            assert_eq!(decimal(text.as_bytes()), None, "{text}");
        }
    }
}
