//! Where a request is sent, and which addresses it may be sent to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use url::{Host, Url};

use super::Outbound;
use super::request::denied;
use crate::app::Shared;
use crate::bindings::FetchError;

/// The peer of a connection, as far as names say it.
pub(super) struct Route {
    host: Host<String>,
    port: u16,
    /// The name that the peer's certificate is for; without one the connection is in clear text.
    pub(super) tls: Option<String>,
    /// The embedder chose the peer: its address needs no grant.
    trusted: bool,
}

impl Route {
    pub(super) fn of(outbound: &Outbound) -> Result<Self, FetchError> {
        let origin = outbound.url.origin().ascii_serialization();
        if let Some(peer) = outbound.app.overrides.get(&origin) {
            return Self::to(peer, peer, true);
        }
        let peer = outbound.connect_to.as_ref().unwrap_or(&outbound.url);
        Self::to(peer, &outbound.url, false)
    }

    fn to(peer: &Url, named: &Url, trusted: bool) -> Result<Self, FetchError> {
        let invalid = || FetchError::InvalidRequest(format!("uri {named}: no host"));
        let name = named.host_str().ok_or_else(invalid)?;
        Ok(Self {
            host: peer.host().ok_or_else(invalid)?.to_owned(),
            port: peer.port_or_known_default().ok_or_else(invalid)?,
            tls: (named.scheme() == "https").then(|| name.trim_matches(['[', ']']).to_owned()),
            trusted,
        })
    }

    /// Connections of the same key are to the same peer.
    pub(super) fn key(&self) -> String {
        let tls = self.tls.as_deref().unwrap_or_default();
        // What an embedder chose may be where a guest's own request may not go.
        let chosen = if self.trusted { "!" } else { "" };
        format!("{chosen}{tls}@{}:{}", self.host, self.port)
    }

    /// The addresses that may be connected to, in the order to try them. What is connected to is what
    /// was checked: a name is looked up once for each connection.
    pub(super) async fn addresses(
        &self,
        outbound: &Outbound,
    ) -> Result<Vec<SocketAddr>, FetchError> {
        let name = match &self.host {
            // The address itself was granted.
            Host::Ipv4(ip) => return Ok(vec![(*ip, self.port).into()]),
            Host::Ipv6(ip) => return Ok(vec![(*ip, self.port).into()]),
            Host::Domain(name) => name,
        };
        let resolver = &outbound.app.parts.resolver;
        let found = resolver.resolve(name, self.port).await;
        let found = found.map_err(|error| FetchError::Dns(format!("{name}: {error}")))?;
        let allowed = |address: &SocketAddr| self.may_be(&outbound.app, name, *address);
        let (allowed, refused): (Vec<_>, Vec<_>) = found.into_iter().partition(allowed);
        match refused.first() {
            Some(address) if allowed.is_empty() => {
                Err(denied(outbound, &self.url_of(*address), name))
            }
            None if allowed.is_empty() => Err(FetchError::Dns(format!("{name}: no address"))),
            _ => Ok(allowed),
        }
    }

    /// A name leads out to the world. To an address within, it leads only where that is granted too,
    /// and `localhost` is a name for one (RFC 6761).
    fn may_be(&self, app: &Shared, name: &str, address: SocketAddr) -> bool {
        let ip = address.ip().to_canonical();
        let is_localhost = name == "localhost" || name.ends_with(".localhost");
        self.trusted
            || is_public(ip)
            || (is_localhost && ip.is_loopback())
            || app
                .grants
                .fetch
                .iter()
                .any(|origin| origin.allows(&self.url_of(address)))
    }

    fn url_of(&self, address: SocketAddr) -> Url {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let address = SocketAddr::new(address.ip().to_canonical(), address.port());
        Url::parse(&format!("{scheme}://{address}/")).expect("a scheme and an address are a URL")
    }
}

/// Whether an address is one of the internet's, and none of this machine, its networks or the metadata
/// services of clouds. Source: IANA's special-purpose address registries.
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let within = ip.is_loopback()
        || ip.is_private()
        || ip.is_link_local()
        || ip.is_multicast()
        || a == 0
        // Shared by carriers' customers, and a metadata service (100.100.100.200).
        || (a == 100 && (64..128).contains(&b))
        || (a, b, c) == (192, 0, 0)
        // A cloud's platform itself, which answers as its metadata service does.
        || ip == Ipv4Addr::new(168, 63, 129, 16)
        // Benchmarks' networks.
        || (a == 198 && (b == 18 || b == 19))
        // Reserved, and broadcast.
        || a >= 240;
    !within
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [first, second, ..] = ip.segments();
    // Addresses that stand for one of IPv4: what a translator would connect to counts.
    let translated = match ip.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => Some((high, low)),
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => Some((high, low)),
        _ => None,
    };
    if let Some((high, low)) = translated {
        return is_public_v4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    }
    let within = ip.is_loopback()
        || ip.is_unspecified()
        || ip.is_multicast()
        || ip.is_unique_local()
        || ip.is_unicast_link_local()
        // Site-local, which was given up; translation within networks; discarding.
        || (first & 0xffc0) == 0xfec0
        || (first, second) == (0x64, 0xff9b)
        || (first == 0x100 && second == 0);
    !within
}

#[cfg(test)]
mod tests {
    use super::is_public;

    #[test]
    fn what_lies_within_is_not_public() {
        for within in [
            "127.0.0.1",
            "127.255.255.254",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "100.100.100.200",
            "192.0.0.192",
            "168.63.129.16",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "::7f00:1",
            "fe80::1",
            "fd00:ec2::254",
            "fc00::1",
            "fec0::1",
            "ff02::1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::a00:1",
            "2002:a00:1::",
            "100::1",
        ] {
            assert!(!is_public(within.parse().unwrap()), "{within}");
        }
        for public in [
            "1.1.1.1",
            "172.32.0.1",
            "100.128.0.1",
            "192.0.1.1",
            "2606:4700::1111",
            "64:ff9b::101:101",
            "2002:101:101::",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }
}
