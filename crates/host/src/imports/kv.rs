use wasmtime::Result;
use wasmtime::component::Resource;

use super::logging::within_limit;
use crate::bindings::{Entry, KvError, Page, SetOptions};
use crate::kv::{Store, check_key};
use crate::seam::Interface;
use crate::state::{KvFailed, State};

type Answer<T> = std::result::Result<T, KvError>;
type Handle = Resource<Store>;

const KEYS_IN_A_CALL: u32 = 1000;

pub(super) fn register(interface: &mut Interface<'_>) -> Result<()> {
    interface.resource::<Store>("store")?;
    interface.func("open", |mut context, (name,): (String,)| {
        Box::new(async move {
            let state = context.data_mut();
            let opened = match open(state, &name) {
                Ok(store) => Ok(state.table.push(store)?),
                Err(error) => Err(error),
            };
            keep_failure(state, "open", &name, None, &opened);
            Ok((opened,))
        })
    })?;
    interface.func(
        "[method]store.get",
        |mut context, (store, key): (Handle, String)| {
            Box::new(async move {
                let state = context.data_mut();
                let found = get_one(state, &store, std::array::from_ref(&key)).await?;
                told(state, "get", &store, Some(&key), found)
            })
        },
    )?;
    interface.func(
        "[method]store.get-many",
        |mut context, (store, keys): (Handle, Vec<String>)| {
            Box::new(async move {
                let state = context.data_mut();
                let found = get_many(state, &store, &keys).await?;
                told(state, "get-many", &store, None, found)
            })
        },
    )?;
    interface.func(
        "[method]store.exists",
        |mut context, (store, key): (Handle, String)| {
            Box::new(async move {
                let state = context.data_mut();
                let found = exists(state, &store, &key).await?;
                told(state, "exists", &store, Some(&key), found)
            })
        },
    )?;
    interface.func(
        "[method]store.keys",
        |mut context, (store, prefix, cursor, limit): (Handle, String, Option<String>, u32)| {
            Box::new(async move {
                let state = context.data_mut();
                let page = keys(state, &store, &prefix, cursor.as_deref(), limit).await?;
                told(state, "keys", &store, None, page)
            })
        },
    )?;
    register_writes(interface)
}

fn register_writes(interface: &mut Interface<'_>) -> Result<()> {
    interface.func(
        "[method]store.set",
        |mut context, (store, key, value, options): (Handle, String, Vec<u8>, SetOptions)| {
            Box::new(async move {
                let state = context.data_mut();
                let version = set(state, &store, &key, value, options).await?;
                told(state, "set", &store, Some(&key), version)
            })
        },
    )?;
    interface.func(
        "[method]store.delete",
        |mut context, (store, key): (Handle, String)| {
            Box::new(async move {
                let state = context.data_mut();
                let deleted = match ready_to_write(state, &store, &key)? {
                    Ok((store, now)) => store.backend.delete(now, &store.name, &key).await,
                    Err(error) => Err(error),
                };
                told(state, "delete", &store, Some(&key), deleted)
            })
        },
    )?;
    interface.func(
        "[method]store.increment",
        |mut context, (store, key, delta, ttl_ms): (Handle, String, i64, Option<u64>)| {
            Box::new(async move {
                let state = context.data_mut();
                let sum = match ready_to_write(state, &store, &key)? {
                    Ok(_) if ttl_ms == Some(0) => Err(zero("ttl-ms")),
                    Ok((store, now)) => {
                        let name = &store.name;
                        let sum = store.backend.increment(now, name, &key, delta, ttl_ms);
                        sum.await
                    }
                    Err(error) => Err(error),
                };
                told(state, "increment", &store, Some(&key), sum)
            })
        },
    )
}

/// The most of a key, and of a denied name, that is shown: no name that can be granted is longer.
const SHOWN_BYTES_MAX: usize = 64;

fn shown(text: &str) -> &str {
    &text[..text.floor_char_boundary(SHOWN_BYTES_MAX)]
}

/// The answer to a call of a store, as it goes to the guest.
fn told<T>(
    state: &mut State,
    call: &'static str,
    store: &Handle,
    key: Option<&str>,
    answer: Answer<T>,
) -> Result<(Answer<T>,)> {
    if answer.is_err() {
        let name = state.table.get(store)?.name.clone();
        keep_failure(state, call, &name, key, &answer);
    }
    Ok((answer,))
}

/// Keeps which call failed: the guest's own error does not say, where a handler fails with it.
fn keep_failure<T>(
    state: &mut State,
    call: &'static str,
    store: &str,
    key: Option<&str>,
    answer: &Answer<T>,
) {
    if let Err(error) = answer {
        state.kv_failed = Some(KvFailed {
            call,
            key: key.map(|key| shown(key).to_owned()),
            store: shown(store).to_owned(),
            error: error.clone(),
        });
    }
}

fn open(state: &mut State, name: &str) -> Answer<Store> {
    count(state)?;
    match state.app.stores.get(name) {
        Some(Some(granted)) => Ok(Store {
            name: name.into(),
            backend: granted.backend.clone(),
            read_only: granted.read_only,
        }),
        Some(None) => Err(KvError::NoSuchStore),
        None => {
            let (shown, file) = (shown(name), &state.app.grants_file);
            let how = match edgewit_manifest::Store::line(name) {
                Some(line) => format!("to grant it, add this to {file}: {line}"),
                None => "none can be: a store's name is 1 to 64 letters, digits, hyphens and underscores".to_owned(),
            };
            let line = format!("denied: the store {shown:?} is not granted; {how}");
            warn(state, &line);
            Err(KvError::Denied)
        }
    }
}

/// A line for a call, of which there may be thousands: it counts as one of the guest's own.
fn warn(state: &mut State, line: &str) {
    if within_limit(state, line.len()) {
        tracing::warn!(
            target: "edgewit::host", request = &*state.request_id(), app = &*state.app.name, "{line}"
        );
    }
}

/// Counts an operation, if there may be one more.
fn count(state: &mut State) -> Answer<()> {
    state.usage.kv_operations += 1;
    let limit = state.app.limits.kv_operations;
    if u64::from(state.usage.kv_operations) > limit {
        let met = state.usage.kv_operations;
        let reason = format!("kv-operations: limit {limit}, met {met}");
        state.passed(&reason);
        return Err(KvError::Unavailable(reason));
    }
    Ok(())
}

/// A store for one more operation, and the time that it takes place at.
fn ready(state: &mut State, store: &Handle) -> Result<Answer<(Store, u64)>> {
    let store = state.table.get(store)?.clone();
    let now = state.app.parts.clock.now() / 1_000_000;
    Ok(count(state).map(|()| (store, now)))
}

fn ready_to_write(state: &mut State, store: &Handle, key: &str) -> Result<Answer<(Store, u64)>> {
    Ok(match ready(state, store)? {
        Ok((store, _)) if store.read_only => {
            let file = &state.app.grants_file;
            let line = format!(
                "denied: the store {:?} is only read: its values are from {file}",
                store.name
            );
            warn(state, &line);
            Err(KvError::Denied)
        }
        Ok(ready) => check_key(key).map(|()| ready),
        Err(error) => Err(error),
    })
}

async fn get_one(
    state: &mut State,
    store: &Handle,
    key: &[String; 1],
) -> Result<Answer<Option<Entry>>> {
    let found = get_all(state, store, key, u64::MAX).await?;
    Ok(found.map(|mut entries| entries.pop().flatten()))
}

async fn exists(state: &mut State, store: &Handle, key: &str) -> Result<Answer<bool>> {
    let (store, now) = match ready(state, store)? {
        Ok(ready) => ready,
        Err(error) => return Ok(Err(error)),
    };
    if let Err(error) = check_key(key) {
        return Ok(Err(error));
    }
    Ok(store.backend.exists(now, &store.name, key).await)
}

async fn get_many(
    state: &mut State,
    store: &Handle,
    keys: &[String],
) -> Result<Answer<Vec<Option<Entry>>>> {
    if keys.len() > KEYS_IN_A_CALL as usize {
        let reason = format!(
            "keys: at most {KEYS_IN_A_CALL} in a call, found {}",
            keys.len()
        );
        return Ok(Err(KvError::InvalidArgument(reason)));
    }
    let limit = state.app.limits.kv_value_bytes;
    let found = get_all(state, store, keys, limit).await?;
    if let Err(KvError::ValueTooLarge(_)) = found {
        state.passed(&format!(
            "kv-value-bytes: limit {limit}, met more in a get-many"
        ));
    }
    Ok(found)
}

async fn get_all(
    state: &mut State,
    store: &Handle,
    keys: &[String],
    bytes_max: u64,
) -> Result<Answer<Vec<Option<Entry>>>> {
    let (store, now) = match ready(state, store)? {
        Ok(ready) => ready,
        Err(error) => return Ok(Err(error)),
    };
    if let Some(error) = keys.iter().find_map(|key| check_key(key).err()) {
        return Ok(Err(error));
    }
    Ok(store.backend.get(now, &store.name, keys, bytes_max).await)
}

async fn set(
    state: &mut State,
    store: &Handle,
    key: &str,
    value: Vec<u8>,
    options: SetOptions,
) -> Result<Answer<u64>> {
    let (store, now) = match ready_to_write(state, store, key)? {
        Ok(ready) => ready,
        Err(error) => return Ok(Err(error)),
    };
    if options.ttl_ms == Some(0) {
        return Ok(Err(zero("ttl-ms")));
    }
    let most = state.app.limits.kv_metadata_bytes;
    let met = options.metadata.len();
    if met as u64 > most {
        state.passed(&format!("kv-metadata-bytes: limit {most}, met {met}"));
        return Ok(Err(KvError::InvalidArgument(format!(
            "metadata: {met} bytes, at most {most}"
        ))));
    }
    let (most, met) = (state.app.limits.kv_value_bytes, value.len());
    if met as u64 > most {
        state.passed(&format!("kv-value-bytes: limit {most}, met {met}"));
        return Ok(Err(KvError::ValueTooLarge(most)));
    }
    Ok(store
        .backend
        .set(now, &store.name, key, value, options)
        .await)
}

async fn keys(
    state: &mut State,
    store: &Handle,
    prefix: &str,
    cursor: Option<&str>,
    limit: u32,
) -> Result<Answer<Page>> {
    let (store, now) = match ready(state, store)? {
        Ok(ready) => ready,
        Err(error) => return Ok(Err(error)),
    };
    if limit == 0 {
        return Ok(Err(zero("limit")));
    }
    Ok(store
        .backend
        .keys(now, &store.name, prefix, cursor, limit.min(KEYS_IN_A_CALL))
        .await)
}

fn zero(argument: &str) -> KvError {
    KvError::InvalidArgument(format!("{argument}: 0, at least 1 is due"))
}
