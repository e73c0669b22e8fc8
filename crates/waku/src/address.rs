//! The address of a service node, as users give it: a multiaddr or an ENR.

use std::fmt;
use std::str::FromStr;

use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};

use crate::enr::{EnrError, NodeRecord};

/// Longest text accepted. Real addresses have below 200 characters and records at most 404.
pub const ADDRESS_MAX_CHARS: usize = 1024;

/// What the errors point to.
const EXAMPLE: &str = "/ip4/192.0.2.1/tcp/60000/p2p/16Uiu2HAm...";

/// How much of a faulty address an error quotes.
const QUOTED_CHARS_MAX: usize = 120;

/// Why a text is no address of a service node.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Neither form.
    #[error(
        "service node {text:?} is neither a multiaddr (it begins with \"/\") nor a node record (\"enr:\"), for example {EXAMPLE}"
    )]
    Form {
        /// The text, cut to 120 characters.
        text: String,
    },
    /// Too long to be either.
    #[error("service node address has {got_chars} characters, at most {max_chars} are accepted")]
    TooLong {
        /// What it has.
        got_chars: usize,
        /// [`ADDRESS_MAX_CHARS`].
        max_chars: usize,
    },
    /// Begins like a multiaddr but is none.
    #[error("service node {text:?} is not a valid multiaddr: {reason}, for example {EXAMPLE}")]
    Multiaddr {
        /// The text, cut to 120 characters.
        text: String,
        /// What the parser says.
        reason: String,
    },
    /// The end is missing.
    #[error("service node {address} does not end in /p2p/<peer id>: add the peer id, for example {EXAMPLE}")]
    NoPeerId {
        /// The address.
        address: Multiaddr,
    },
    /// The beginning is missing.
    #[error(
        "service node {address} has no host: it must begin with /ip4, /ip6, /dns, /dns4 or /dns6, for example {EXAMPLE}"
    )]
    NoHost {
        /// The address.
        address: Multiaddr,
    },
    /// The port is missing or zero.
    #[error("service node {address} has no TCP port behind the host, for example {EXAMPLE}")]
    NoPort {
        /// The address.
        address: Multiaddr,
    },
    /// Something between port and peer id that cannot be dialled.
    #[error("service node {address} cannot be dialled: {part} is not supported, only tcp, ws and wss are")]
    Unsupported {
        /// The address.
        address: Multiaddr,
        /// The part.
        part: String,
    },
    /// The record does not read.
    #[error(transparent)]
    Record(#[from] EnrError),
    /// The record reads, but nothing in it can be dialled.
    #[error("node record of {peer_id} announces no address that can be dialled by tcp, ws or wss")]
    NothingToDial {
        /// The peer of the record.
        peer_id: PeerId,
    },
}

/// Where and who a service node is.
///
/// Parsed from a multiaddr that ends in `/p2p/<peer id>` or from a node record (`enr:…`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ServiceNodeAddr {
    /// Who must answer there.
    pub peer_id: PeerId,
    /// Where to dial, at least one, each ending in `/p2p/<peer id>`.
    pub addresses: Vec<Multiaddr>,
}

impl FromStr for ServiceNodeAddr {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        let got_chars = text.len();
        if got_chars > ADDRESS_MAX_CHARS {
            return Err(AddressError::TooLong {
                got_chars,
                max_chars: ADDRESS_MAX_CHARS,
            });
        }
        if text.starts_with("enr:") {
            return Self::try_from(&text.parse::<NodeRecord>()?);
        }
        if !text.starts_with('/') {
            return Err(AddressError::Form { text: quoted(text) });
        }
        let address: Multiaddr = text
            .parse()
            .map_err(|error: libp2p::multiaddr::Error| AddressError::Multiaddr {
                text: quoted(text),
                reason: error.to_string(),
            })?;
        Self::try_from(address)
    }
}

impl TryFrom<Multiaddr> for ServiceNodeAddr {
    type Error = AddressError;

    fn try_from(address: Multiaddr) -> Result<Self, AddressError> {
        let peer_id = check(&address)?;
        Ok(Self {
            peer_id,
            addresses: vec![address],
        })
    }
}

impl TryFrom<&NodeRecord> for ServiceNodeAddr {
    type Error = AddressError;

    /// Takes the record's addresses that can be dialled and leaves out the others, such as QUIC.
    fn try_from(record: &NodeRecord) -> Result<Self, AddressError> {
        let peer_id = record.peer_id;
        let addresses: Vec<_> = record
            .addresses
            .iter()
            .filter(|address| check(address).is_ok())
            .cloned()
            .collect();
        if addresses.is_empty() {
            return Err(AddressError::NothingToDial { peer_id });
        }
        Ok(Self { peer_id, addresses })
    }
}

impl fmt::Display for ServiceNodeAddr {
    /// The first address, which parses back to the same peer.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.addresses.first() {
            Some(address) => address.fmt(f),
            None => write!(f, "/p2p/{}", self.peer_id),
        }
    }
}

/// The peer id of an address that can be dialled: host, TCP port, perhaps a WebSocket, peer id.
fn check(address: &Multiaddr) -> Result<PeerId, AddressError> {
    let parts: Vec<Protocol<'_>> = address.iter().collect();
    let own = || address.clone();
    if let Some(circuit) = parts.iter().find(|part| matches!(part, Protocol::P2pCircuit)) {
        return Err(unsupported(address, circuit));
    }
    match parts.first() {
        Some(Protocol::Ip4(_) | Protocol::Ip6(_)) => {}
        Some(Protocol::Dns(name) | Protocol::Dns4(name) | Protocol::Dns6(name)) if !name.is_empty() => {}
        _ => return Err(AddressError::NoHost { address: own() }),
    }
    let Some(Protocol::P2p(peer_id)) = parts.last() else {
        return Err(AddressError::NoPeerId { address: own() });
    };
    let between = &parts[1..parts.len() - 1];
    let rest = match between.split_first() {
        Some((Protocol::Tcp(0), _)) | None => return Err(AddressError::NoPort { address: own() }),
        Some((Protocol::Tcp(_), rest)) => rest,
        Some((other, _)) => return Err(unsupported(address, other)),
    };
    match rest {
        [] | [Protocol::Ws(_) | Protocol::Wss(_)] | [Protocol::Tls, Protocol::Ws(_)] => Ok(*peer_id),
        [Protocol::Tls | Protocol::Ws(_) | Protocol::Wss(_), other, ..] | [other, ..] => {
            Err(unsupported(address, other))
        }
    }
}

fn unsupported(address: &Multiaddr, part: &Protocol<'_>) -> AddressError {
    AddressError::Unsupported {
        address: address.clone(),
        part: part.to_string(),
    }
}

fn quoted(text: &str) -> String {
    text.chars().take(QUOTED_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests;
