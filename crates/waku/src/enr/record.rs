//! Reading a node record.

use std::fmt;
use std::str::FromStr;

use alloy_rlp::Decodable;
use bytes::Bytes;
use enr::{Enr, EnrPublicKey, k256::ecdsa::SigningKey};
use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId, identity};

use super::capability::Capabilities;
use super::field::{Shards, decode_multiaddrs, decode_rs, decode_rsv};

/// Largest record, RLP encoded (EIP-778).
pub const RECORD_MAX_BYTES: usize = 300;

/// Longest text of a record: `enr:` and 300 bytes in base64 without padding.
pub const TEXT_MAX_CHARS: usize = 404;

/// Why a record cannot be read or built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnrError {
    /// The text does not begin with `enr:`.
    #[error("node record does not begin with \"enr:\"")]
    Prefix,
    /// The text is longer than any record.
    #[error("node record has {got_chars} characters, at most {max_chars} are possible")]
    TextTooLong {
        /// What it has.
        got_chars: usize,
        /// [`TEXT_MAX_CHARS`].
        max_chars: usize,
    },
    /// The record is larger than allowed.
    #[error("node record has more than {max_bytes} bytes: announce fewer addresses or shards")]
    TooLarge {
        /// [`RECORD_MAX_BYTES`].
        max_bytes: usize,
    },
    /// Not a record, or its signature does not match.
    #[error("node record is not valid or not complete: {0}")]
    Invalid(String),
    /// Bytes behind the record.
    #[error("node record is followed by {count_bytes} bytes that do not belong to it")]
    Trailing {
        /// How many.
        count_bytes: usize,
    },
    /// The public key is no point on the curve.
    #[error("public key of the node record is not valid: {0}")]
    PublicKey(String),
    /// A record can only be signed with a secp256k1 key.
    #[error("a node record needs a secp256k1 key, this node has a key of type {0}")]
    KeyType(String),
    /// An address that nobody could dial.
    #[error("address {0} cannot be announced: it needs a host and a port that others can reach")]
    NotAnnounceable(Multiaddr),
    /// A shard that does not exist, or none.
    #[error("shards of a node record must be 0 to 1023 and at least one, got {0:?}")]
    Shards(Vec<u16>),
}

/// A node as its signed record describes it. The signature has been verified.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct NodeRecord {
    /// The identity that follows from the record's key.
    pub peer_id: PeerId,
    /// Version of the record; a larger one replaces a smaller one.
    pub sequence: u64,
    /// Where the node says that it can be dialled, each ending in `/p2p/<peer id>`: `ip`/`tcp`, `ip6`/`tcp6`, then
    /// `multiaddrs`, each once.
    pub addresses: Vec<Multiaddr>,
    /// Entries of `multiaddrs` that were left out, because they do not decode or name another peer.
    pub skipped_addresses: usize,
    /// What it says that it serves; empty without the key `waku2`.
    pub capabilities: Capabilities,
    /// The cluster, if the record names one.
    pub cluster: Option<u16>,
    /// The shards it relays, ascending.
    pub shards: Vec<u16>,
    rlp: Bytes,
    text: String,
}

impl NodeRecord {
    /// Reads the RLP form, as peer exchange carries it.
    pub fn from_rlp(rlp: &[u8]) -> Result<Self, EnrError> {
        if rlp.len() > RECORD_MAX_BYTES {
            return Err(EnrError::TooLarge {
                max_bytes: RECORD_MAX_BYTES,
            });
        }
        let mut rest = rlp;
        let record = Enr::<SigningKey>::decode(&mut rest).map_err(|error| EnrError::Invalid(error.to_string()))?;
        if !rest.is_empty() {
            return Err(EnrError::Trailing {
                count_bytes: rest.len(),
            });
        }
        Self::from_enr(&record)
    }

    pub(super) fn from_enr(record: &Enr<SigningKey>) -> Result<Self, EnrError> {
        let key = identity::secp256k1::PublicKey::try_from_bytes(record.public_key().encode().as_ref())
            .map_err(|error| EnrError::PublicKey(error.to_string()))?;
        let peer_id = identity::PublicKey::from(key).to_peer_id();
        let (addresses, skipped_addresses) = addresses_of(record, peer_id);
        let sharding = sharding_of(record);
        Ok(Self {
            peer_id,
            sequence: record.seq(),
            addresses,
            skipped_addresses,
            capabilities: capabilities_of(record),
            cluster: sharding.as_ref().map(|sharding| sharding.cluster),
            shards: sharding.map(|sharding| sharding.shards).unwrap_or_default(),
            rlp: alloy_rlp::encode(record).into(),
            text: record.to_base64(),
        })
    }

    /// The record in RLP, signature included, for peer exchange.
    pub fn rlp(&self) -> &Bytes {
        &self.rlp
    }

    /// The record as text, `enr:-…`.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// True if the record names this cluster and this shard.
    pub fn is_on(&self, cluster: u16, shard: u16) -> bool {
        self.cluster == Some(cluster) && self.shards.contains(&shard)
    }
}

impl FromStr for NodeRecord {
    type Err = EnrError;

    fn from_str(text: &str) -> Result<Self, EnrError> {
        let got_chars = text.len();
        if got_chars > TEXT_MAX_CHARS {
            return Err(EnrError::TextTooLong {
                got_chars,
                max_chars: TEXT_MAX_CHARS,
            });
        }
        if !text.starts_with("enr:") {
            return Err(EnrError::Prefix);
        }
        let record: Enr<SigningKey> = text.parse().map_err(|reason: String| {
            let reason = reason.strip_prefix("Invalid ENR: ").unwrap_or(&reason);
            EnrError::Invalid(reason.to_owned())
        })?;
        // The parser stops at the end of the record and takes no notice of what follows.
        if record.to_base64() != text {
            return Err(EnrError::Invalid("the text goes on after the record".to_owned()));
        }
        Self::from_enr(&record)
    }
}

impl fmt::Display for NodeRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for NodeRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeRecord")
            .field("peer_id", &self.peer_id.to_string())
            .field("sequence", &self.sequence)
            .field("addresses", &self.addresses)
            .field("skipped_addresses", &self.skipped_addresses)
            .field("capabilities", &self.capabilities.to_string())
            .field("cluster", &self.cluster)
            .field("shards", &self.shards)
            .finish_non_exhaustive()
    }
}

/// A key's value as bytes; `None` if it is absent or a list.
fn value_of(record: &Enr<SigningKey>, key: &str) -> Option<Bytes> {
    record.get_decodable::<Bytes>(key)?.ok()
}

/// The single byte of `waku2`. go-waku writes an RLP number, whose zero has no bytes at all.
fn capabilities_of(record: &Enr<SigningKey>) -> Capabilities {
    match value_of(record, "waku2").as_deref() {
        Some([bits]) => Capabilities::from_bits(*bits),
        _ => Capabilities::default(),
    }
}

/// `rs` if it is there and valid, else `rsv`.
fn sharding_of(record: &Enr<SigningKey>) -> Option<Shards> {
    let list = value_of(record, "rs").and_then(|bytes| decode_rs(&bytes));
    let mut sharding = list.or_else(|| value_of(record, "rsv").and_then(|bytes| decode_rsv(&bytes)))?;
    sharding.shards.sort_unstable();
    sharding.shards.dedup();
    Some(sharding)
}

fn addresses_of(record: &Enr<SigningKey>, peer_id: PeerId) -> (Vec<Multiaddr>, usize) {
    // EIP-778: without a port of its own, IPv6 uses the one of IPv4.
    let v4 = record.ip4().filter(|ip| !ip.is_unspecified()).zip(record.tcp4());
    let v6 = record
        .ip6()
        .filter(|ip| !ip.is_unspecified())
        .zip(record.tcp6().or_else(|| record.tcp4()));
    let plain = [
        v4.map(|(ip, port)| (ip.into(), port)),
        v6.map(|(ip, port)| (ip.into(), port)),
    ];
    let mut found: Vec<Multiaddr> = plain
        .into_iter()
        .flatten()
        .filter(|&(_, port)| port != 0)
        .map(|(ip, port): (std::net::IpAddr, u16)| Multiaddr::from(ip).with(Protocol::Tcp(port)))
        .collect();
    let (listed, mut skipped_count) = decode_multiaddrs(&value_of(record, "multiaddrs").unwrap_or_default());
    found.extend(listed);

    let mut addresses = Vec::with_capacity(found.len());
    for address in found {
        match address.with_p2p(peer_id) {
            Ok(address) if !addresses.contains(&address) => addresses.push(address),
            Ok(_) => {}
            Err(_) => skipped_count += 1,
        }
    }
    (addresses, skipped_count)
}
