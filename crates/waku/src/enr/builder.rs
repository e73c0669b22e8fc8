//! Writing a node record, for our own node.

use std::net::IpAddr;

use enr::{Builder, Enr, k256::ecdsa::SigningKey};
use libp2p::Multiaddr;
use libp2p::identity::Keypair;
use libp2p::multiaddr::Protocol;

use super::capability::{Capabilities, Capability};
use super::field::{BIT_VECTOR_SHARD_COUNT_MIN, Shards, encode_multiaddrs};
use super::record::{EnrError, NodeRecord, RECORD_MAX_BYTES};
use crate::topic::SHARD_MAX;

/// Collects what a node announces and signs it.
///
/// ```
/// use libp2p::identity::Keypair;
/// use waku::enr::{Capability, NodeRecordBuilder};
///
/// let key = Keypair::generate_secp256k1();
/// let record = NodeRecordBuilder::new()
///     .address("/ip4/192.0.2.1/tcp/60000".parse()?)
///     .capabilities([Capability::Relay, Capability::Lightpush])
///     .shards(1, &[0, 1])
///     .build(&key)?;
/// assert_eq!(record.peer_id, key.public().to_peer_id());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct NodeRecordBuilder {
    sequence: u64,
    addresses: Vec<Multiaddr>,
    capabilities: Option<Capabilities>,
    sharding: Option<Shards>,
}

impl NodeRecordBuilder {
    /// A record with sequence number 1 that announces nothing yet.
    pub fn new() -> Self {
        Self {
            sequence: 1,
            ..Self::default()
        }
    }

    /// The version of the record; raise it with every change.
    #[must_use]
    pub fn sequence(mut self, sequence: u64) -> Self {
        self.sequence = sequence;
        self
    }

    /// Adds an address. The first `/ip4/…/tcp/…` and the first `/ip6/…/tcp/…` fill the standard keys, all others go
    /// into `multiaddrs`. A `/p2p/…` at the end is cut off, as it follows from the key.
    #[must_use]
    pub fn address(mut self, address: Multiaddr) -> Self {
        self.addresses.push(address);
        self
    }

    /// What the node serves.
    #[must_use]
    pub fn capabilities(mut self, capabilities: impl IntoIterator<Item = Capability>) -> Self {
        self.capabilities = Some(capabilities.into_iter().collect());
        self
    }

    /// The cluster and shards the node relays. Written as `rs` below 64 shards, else as `rsv`.
    #[must_use]
    pub fn shards(mut self, cluster: u16, shards: &[u16]) -> Self {
        let mut shards = shards.to_vec();
        shards.sort_unstable();
        shards.dedup();
        self.sharding = Some(Shards { cluster, shards });
        self
    }

    /// Signs the record with `key`, the node's own, so that its peer id and the record's agree.
    pub fn build(&self, key: &Keypair) -> Result<NodeRecord, EnrError> {
        let signing_key = signing_key_of(key)?;
        let mut builder = Enr::<SigningKey>::builder();
        builder.seq(self.sequence);
        self.add_addresses(&mut builder)?;
        if let Some(capabilities) = self.capabilities {
            add_bytes(&mut builder, "waku2", &[capabilities.bits()]);
        }
        self.add_shards(&mut builder)?;
        let record = builder.build(&signing_key).map_err(|error| match error {
            enr::Error::ExceedsMaxSize => EnrError::TooLarge {
                max_bytes: RECORD_MAX_BYTES,
            },
            other => EnrError::Invalid(other.to_string()),
        })?;
        NodeRecord::from_enr(&record)
    }

    fn add_addresses(&self, builder: &mut Builder<SigningKey>) -> Result<(), EnrError> {
        let (mut has_v4, mut has_v6) = (false, false);
        let mut others: Vec<Multiaddr> = Vec::new();
        for full in &self.addresses {
            let address = without_p2p(full);
            match plain_tcp(&address) {
                _ if !is_announceable(&address) => return Err(EnrError::NotAnnounceable(full.clone())),
                Some((IpAddr::V4(ip), port)) if !has_v4 => {
                    builder.ip4(ip).tcp4(port);
                    has_v4 = true;
                }
                Some((IpAddr::V6(ip), port)) if !has_v6 => {
                    builder.ip6(ip).tcp6(port);
                    has_v6 = true;
                }
                _ if others.contains(&address) => {}
                _ => others.push(address),
            }
        }
        if !others.is_empty() {
            let too_large = EnrError::TooLarge {
                max_bytes: RECORD_MAX_BYTES,
            };
            add_bytes(builder, "multiaddrs", &encode_multiaddrs(&others).ok_or(too_large)?);
        }
        Ok(())
    }

    fn add_shards(&self, builder: &mut Builder<SigningKey>) -> Result<(), EnrError> {
        let Some(sharding) = &self.sharding else { return Ok(()) };
        let shards = &sharding.shards;
        if shards.is_empty() || shards.iter().any(|&shard| shard > SHARD_MAX) {
            return Err(EnrError::Shards(shards.clone()));
        }
        let list = if shards.len() < BIT_VECTOR_SHARD_COUNT_MIN {
            sharding.encode_rs()
        } else {
            None
        };
        match list {
            Some(bytes) => add_bytes(builder, "rs", &bytes),
            None => add_bytes(builder, "rsv", &sharding.encode_rsv()),
        }
        Ok(())
    }
}

/// The node's key in the form the record signs with.
fn signing_key_of(key: &Keypair) -> Result<SigningKey, EnrError> {
    let pair = key
        .clone()
        .try_into_secp256k1()
        .map_err(|_| EnrError::KeyType(format!("{:?}", key.key_type())))?;
    SigningKey::from_slice(&pair.secret().to_bytes()).map_err(|error| EnrError::Invalid(error.to_string()))
}

fn add_bytes(builder: &mut Builder<SigningKey>, key: &str, value: &[u8]) {
    builder.add_value(key, &value);
}

fn without_p2p(address: &Multiaddr) -> Multiaddr {
    let mut address = address.clone();
    if let Some(Protocol::P2p(_)) = address.iter().last() {
        address.pop();
    }
    address
}

/// The host and port of an address that is nothing but these.
fn plain_tcp(address: &Multiaddr) -> Option<(IpAddr, u16)> {
    let mut parts = address.iter();
    let (host, port) = (parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    match (host, port) {
        (Protocol::Ip4(ip), Protocol::Tcp(port)) => Some((ip.into(), port)),
        (Protocol::Ip6(ip), Protocol::Tcp(port)) => Some((ip.into(), port)),
        _ => None,
    }
}

fn is_announceable(address: &Multiaddr) -> bool {
    let mut parts = address.iter();
    let host = match parts.next() {
        Some(Protocol::Ip4(ip)) => !ip.is_unspecified(),
        Some(Protocol::Ip6(ip)) => !ip.is_unspecified(),
        Some(Protocol::Dns(_) | Protocol::Dns4(_) | Protocol::Dns6(_)) => true,
        _ => false,
    };
    let port = match parts.next() {
        Some(Protocol::Tcp(port) | Protocol::Udp(port)) => port != 0,
        _ => false,
    };
    host && port
}
