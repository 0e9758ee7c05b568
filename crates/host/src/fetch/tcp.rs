//! A connection to the first of several addresses that takes one.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::bindings::FetchError;

/// How long an address has to itself before the next one is tried beside it: RFC 8305, 5 recommends it.
const NEXT_ADDRESS: Duration = Duration::from_millis(250);

/// The first connection that one of the addresses takes, each tried a moment after the one before it or
/// once all before it have failed (RFC 8305). The error is that of the last to fail.
pub(super) async fn connect(addresses: &[SocketAddr]) -> Result<(TcpStream, IpAddr), FetchError> {
    let mut refused = FetchError::Dns("no address".to_owned());
    let mut attempts = FuturesUnordered::new();
    let mut left = addresses.iter();
    loop {
        match left.next() {
            Some(address) => attempts.push(attempt(*address)),
            None if attempts.is_empty() => return Err(refused),
            None => {}
        }
        tokio::select! {
            Some(ended) = attempts.next() => match ended {
                Ok(connected) => return Ok(connected),
                Err(error) => refused = error,
            },
            () = sleep(NEXT_ADDRESS), if left.len() > 0 => {}
        }
    }
}

async fn attempt(address: SocketAddr) -> Result<(TcpStream, IpAddr), FetchError> {
    match TcpStream::connect(address).await {
        Ok(stream) => {
            // Small requests should not wait for an acknowledgement; without it they only take longer.
            let _ = stream.set_nodelay(true);
            Ok((stream, address.ip().to_canonical()))
        }
        Err(error) => Err(failed(address, &error)),
    }
}

/// What the peer or a network on the way said; anything else is this machine's own: no descriptor or port left, say.
fn failed(address: SocketAddr, error: &io::Error) -> FetchError {
    use io::ErrorKind::{
        ConnectionAborted, ConnectionRefused, ConnectionReset, HostUnreachable, NetworkUnreachable,
        TimedOut,
    };
    let text = format!("{address}: {error}");
    match error.kind() {
        TimedOut => FetchError::ConnectTimeout,
        ConnectionRefused | ConnectionReset | ConnectionAborted | HostUnreachable
        | NetworkUnreachable => FetchError::ConnectionRefused(text),
        _ => FetchError::Other(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_this_machine_lacks_is_no_refusal() {
        let address = SocketAddr::from(([127, 0, 0, 1], 80));
        // Too many files of the process and of the system (ENFILE, EMFILE), everywhere the same.
        let lacking = [23, 24].map(io::Error::from_raw_os_error);
        for error in lacking
            .into_iter()
            .chain([io::ErrorKind::AddrNotAvailable.into()])
        {
            assert!(
                matches!(failed(address, &error), FetchError::Other(_)),
                "{error}"
            );
        }
        let refused = io::ErrorKind::ConnectionRefused.into();
        assert!(matches!(
            failed(address, &refused),
            FetchError::ConnectionRefused(_)
        ));
    }
}
