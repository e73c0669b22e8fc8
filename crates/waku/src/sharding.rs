//! Autosharding, and the networks whose shards are known.

use std::fmt;
use std::num::NonZeroU16;

use sha2::{Digest, Sha256};

use crate::topic::{ContentTopic, PubsubTopic, SHARD_MAX};

/// How many shards a cluster has: 1 to 1024.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ShardCount(NonZeroU16);

/// A number of shards no cluster can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} shards in a cluster are not possible, expected 1 to 1024")]
pub struct ShardCountError(pub u16);

impl ShardCount {
    /// `count` shards, from 1 to 1024.
    pub const fn new(count: u16) -> Result<Self, ShardCountError> {
        match NonZeroU16::new(count) {
            Some(nonzero) if count <= SHARD_MAX + 1 => Ok(Self(nonzero)),
            _ => Err(ShardCountError(count)),
        }
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0.get()
    }
}

impl TryFrom<u16> for ShardCount {
    type Error = ShardCountError;

    fn try_from(count: u16) -> Result<Self, ShardCountError> {
        Self::new(count)
    }
}

impl fmt::Display for ShardCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The shard of a content topic by autosharding, generation 0: `sha256(application || version)`, the last 8 bytes as a
/// big-endian number, modulo the number of shards.
///
/// The specification reduces the whole 256-bit hash instead; nwaku, go-waku and js-waku do it as here, and both agree
/// for powers of two. go-waku knows cluster 1 with 8 shards only.
pub fn autoshard(cluster: u16, shard_count: ShardCount, topic: &ContentTopic) -> PubsubTopic {
    let digest: [u8; 32] = Sha256::new()
        .chain_update(topic.application())
        .chain_update(topic.version())
        .finalize()
        .into();
    let last = digest[24..]
        .iter()
        .fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    let shard =
        u16::try_from(last % u64::from(shard_count.get())).expect("a remainder of a 16-bit divisor has 16 bits");
    PubsubTopic::new(cluster, shard).expect("a remainder of at most 1024 is a shard")
}

/// A network with known parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkPreset {
    /// The name nwaku's `--preset` takes.
    pub name: &'static str,
    /// Its cluster.
    pub cluster: u16,
    /// Its number of shards, for autosharding.
    pub shard_count: u16,
    /// True if relay peers reject messages without an RLN proof.
    pub requires_rln: bool,
    /// Largest encoded message its nodes take, in bytes.
    pub message_max_bytes: usize,
}

/// The presets of logos-delivery, `factory/networks_config.nim`, revision 69fbffa3a of 2026-08-20.
pub const PRESETS: [NetworkPreset; 4] = [
    NetworkPreset {
        name: "twn",
        cluster: 1,
        shard_count: 8,
        requires_rln: true,
        message_max_bytes: 150 * 1024,
    },
    NetworkPreset {
        name: "logos.test",
        cluster: 2,
        shard_count: 8,
        requires_rln: false,
        message_max_bytes: 150 * 1024,
    },
    NetworkPreset {
        name: "logos.dev",
        cluster: 3,
        shard_count: 8,
        requires_rln: false,
        message_max_bytes: 150 * 1024,
    },
    NetworkPreset {
        name: "status.prod",
        cluster: 16,
        shard_count: 1,
        requires_rln: false,
        message_max_bytes: 1024 * 1024,
    },
];

/// The preset of that name.
pub fn preset(name: &str) -> Option<&'static NetworkPreset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

impl NetworkPreset {
    /// The shard of a content topic on this network.
    pub fn autoshard(&self, topic: &ContentTopic) -> PubsubTopic {
        let count = ShardCount::new(self.shard_count).expect("every preset has 1 to 1024 shards");
        autoshard(self.cluster, count, topic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shard(topic: &str, count: u16) -> u16 {
        autoshard(1, ShardCount::new(count).unwrap(), &topic.parse().unwrap()).shard()
    }

    #[test]
    fn vectors_of_nwaku_and_js_waku() {
        for (topic, count, expected) in [
            ("/toychat/2/huilong/proto", 8, 3),
            ("/0/toychat/2/huilong/proto", 8, 3),
            ("/toychat/2/huilong/proto2", 8, 3),
            ("/toychat2/2/huilong/proto", 8, 6),
            ("/0/toychat2/2/huilong/proto", 8, 6),
            ("/0/toychat/4/huilong/proto2", 8, 7),
            ("/myapp/1/latest/proto", 8, 0),
            ("/waku/2/content/test.js", 8, 1),
            ("/statusim/1/community/cbor", 8, 4),
            ("/app/22/sometopic/someencoding", 8, 2),
            ("/app/27/sometopic/someencoding", 8, 5),
            ("/app/20/sometopic/someencoding", 8, 7),
            ("/app/29/sometopic/someencoding", 8, 6),
            ("/app/20/sometopic/someencoding", 16, 15),
            ("/app/20/sometopic/someencoding", 2, 1),
            ("/app/20/sometopic/someencoding", 1, 0),
        ] {
            assert_eq!(shard(topic, count), expected, "{topic} of {count}");
        }
    }

    #[test]
    fn three_shards_follow_the_code_not_the_specification() {
        // The whole hash modulo 3 would be 0.
        assert_eq!(shard("/app/20/sometopic/someencoding", 3), 2);
    }

    #[test]
    fn shard_counts_have_bounds() {
        assert_eq!(ShardCount::new(0), Err(ShardCountError(0)));
        assert_eq!(ShardCount::new(1025), Err(ShardCountError(1025)));
        assert_eq!(ShardCount::new(1024).unwrap().get(), 1024);
    }

    #[test]
    fn every_preset_can_shard() {
        let topic: ContentTopic = "/toychat/2/huilong/proto".parse().unwrap();
        for preset in PRESETS {
            let found = super::preset(preset.name).unwrap();
            assert_eq!(found.autoshard(&topic).cluster(), preset.cluster);
        }
        assert_eq!(preset("twn").unwrap().autoshard(&topic).to_string(), "/waku/2/rs/1/3");
        assert_eq!(preset("unknown"), None);
    }

    proptest! {
        #[test]
        fn the_shard_is_below_the_count(app in "[a-z]{1,9}", version in "[0-9]{1,3}", count in 1_u16..=1024) {
            let topic = format!("/{app}/{version}/n/e");
            prop_assert!(shard(&topic, count) < count);
        }
    }
}
