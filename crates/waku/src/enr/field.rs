//! The values of Waku's own record keys, as bytes: `multiaddrs`, `rs` and `rsv`.

use libp2p::Multiaddr;

use crate::topic::SHARD_MAX;

/// From this number of shards on nwaku writes `rsv` instead of `rs` (`ShardingIndicesListMaxLength`).
pub(super) const BIT_VECTOR_SHARD_COUNT_MIN: usize = 64;

/// Length of the bit vector in `rsv`: one bit for each of 1024 shards.
const BIT_VECTOR_BYTES: usize = 128;

/// A cluster and shards of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Shards {
    pub(super) cluster: u16,
    pub(super) shards: Vec<u16>,
}

/// Reads `multiaddrs`: big-endian 16-bit lengths, each followed by that many bytes of an address.
///
/// Returns the addresses that decode and the number of entries that do not. An entry of no bytes or one that reaches
/// beyond the end counts as one and ends the list, since nothing behind it can be trusted to be an entry.
pub(super) fn decode_multiaddrs(mut bytes: &[u8]) -> (Vec<Multiaddr>, usize) {
    let mut addresses = Vec::new();
    let mut bad_count = 0;
    while !bytes.is_empty() {
        let entry = bytes.split_first_chunk::<2>().and_then(|(length, rest)| {
            let size = usize::from(u16::from_be_bytes(*length));
            if size == 0 { None } else { rest.split_at_checked(size) }
        });
        let Some((entry, rest)) = entry else {
            bad_count += 1;
            break;
        };
        match Multiaddr::try_from(entry.to_vec()) {
            Ok(address) => addresses.push(address),
            Err(_) => bad_count += 1,
        }
        bytes = rest;
    }
    (addresses, bad_count)
}

/// Writes `multiaddrs`; `None` if an address has more than 65 535 bytes.
pub(super) fn encode_multiaddrs(addresses: &[Multiaddr]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for address in addresses {
        bytes.extend(u16::try_from(address.len()).ok()?.to_be_bytes());
        bytes.extend(address.as_ref());
    }
    Some(bytes)
}

/// Reads `rs`: cluster, count, then that many shards, 16-bit numbers big-endian, the count a byte.
pub(super) fn decode_rs(bytes: &[u8]) -> Option<Shards> {
    let (head, rest) = bytes.split_first_chunk::<3>()?;
    let (list, remainder) = rest.as_chunks::<2>();
    if list.len() != usize::from(head[2]) || !remainder.is_empty() {
        return None;
    }
    let cluster = u16::from_be_bytes([head[0], head[1]]);
    let shards = list
        .iter()
        .copied()
        .map(u16::from_be_bytes)
        .filter(|&shard| shard <= SHARD_MAX)
        .collect();
    Some(Shards { cluster, shards })
}

/// Reads `rsv`: cluster, then 1024 bits. Shard `i` is bit `i % 8`, counted from the lowest, of byte `i / 8`: as nwaku
/// and go-waku do it, the reverse of what RFC 31 says.
pub(super) fn decode_rsv(bytes: &[u8]) -> Option<Shards> {
    let (cluster, vector) = bytes.split_first_chunk::<2>()?;
    if vector.len() != BIT_VECTOR_BYTES {
        return None;
    }
    let is_set = |shard: &u16| vector[usize::from(shard / 8)] & (1 << (shard % 8)) != 0;
    let cluster = u16::from_be_bytes(*cluster);
    let shards = (0..=SHARD_MAX).filter(is_set).collect();
    Some(Shards { cluster, shards })
}

impl Shards {
    /// Writes `rs`; `None` above 255 shards, which its count cannot say.
    pub(super) fn encode_rs(&self) -> Option<Vec<u8>> {
        let count = u8::try_from(self.shards.len()).ok()?;
        let mut bytes = self.cluster.to_be_bytes().to_vec();
        bytes.push(count);
        bytes.extend(self.shards.iter().flat_map(|shard| shard.to_be_bytes()));
        Some(bytes)
    }

    /// Writes `rsv`; every shard must be at most [`SHARD_MAX`].
    pub(super) fn encode_rsv(&self) -> Vec<u8> {
        let mut bytes = self.cluster.to_be_bytes().to_vec();
        bytes.resize(2 + BIT_VECTOR_BYTES, 0);
        for shard in &self.shards {
            bytes[2 + usize::from(shard / 8)] |= 1 << (shard % 8);
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shards(cluster: u16, shards: impl IntoIterator<Item = u16>) -> Shards {
        Shards {
            cluster,
            shards: shards.into_iter().collect(),
        }
    }

    #[test]
    fn rs_is_cluster_count_and_shards() {
        let value = shards(16, [1, 258]);
        assert_eq!(hex::encode(value.encode_rs().unwrap()), "00100200010102");
        assert_eq!(decode_rs(&hex::decode("00100200010102").unwrap()), Some(value));
    }

    #[test]
    fn rs_with_a_wrong_count_is_no_list() {
        for text in ["", "0010", "00100200010102ff", "001003000101020003ff", "001001"] {
            assert_eq!(decode_rs(&hex::decode(text).unwrap()), None, "{text}");
        }
    }

    #[test]
    fn rs_leaves_out_shards_that_do_not_exist() {
        assert_eq!(decode_rs(&[0, 1, 2, 0, 5, 4, 0]), Some(shards(1, [5])));
    }

    #[test]
    fn rsv_counts_bits_from_the_lowest_of_the_first_byte() {
        let bytes = shards(1, [0, 9, 1023]).encode_rsv();
        assert_eq!((bytes.len(), bytes[2], bytes[3], bytes[129]), (130, 1, 2, 0x80));
        assert_eq!(decode_rsv(&bytes[..129]), None);
    }

    #[test]
    fn bad_multiaddrs_are_counted_and_end_the_list_only_when_they_must() {
        let good: Multiaddr = "/ip4/10.0.0.1/tcp/1".parse().unwrap();
        let good_bytes = encode_multiaddrs(std::slice::from_ref(&good)).unwrap();
        // An unknown protocol: skipped, and the next one is read.
        let unknown = [&[0, 2, 0x7f, 0x7f][..], &good_bytes].concat();
        assert_eq!(decode_multiaddrs(&unknown), (vec![good.clone()], 1));
        for tail in [&[0][..], &[0, 0, 1, 2], &[0, 9, 1], &[0xff, 0xff]] {
            let bytes = [&good_bytes[..], tail].concat();
            assert_eq!(decode_multiaddrs(&bytes), (vec![good.clone()], 1), "{tail:?}");
        }
        assert_eq!(decode_multiaddrs(&[]), (vec![], 0));
    }

    proptest! {
        #[test]
        fn shard_lists_read_back(cluster: u16, list in proptest::collection::btree_set(0..=SHARD_MAX, 0..64)) {
            let value = shards(cluster, list);
            prop_assert_eq!(decode_rs(&value.encode_rs().unwrap()), Some(value.clone()));
            prop_assert_eq!(decode_rsv(&value.encode_rsv()), Some(value));
        }

        #[test]
        fn addresses_read_back(hosts in proptest::collection::vec(any::<(u32, u16)>(), 0..8)) {
            let addresses: Vec<Multiaddr> = hosts
                .into_iter()
                .map(|(ip, port)| format!("/ip4/{}/tcp/{port}/ws", std::net::Ipv4Addr::from(ip)).parse().unwrap())
                .collect();
            prop_assert_eq!(decode_multiaddrs(&encode_multiaddrs(&addresses).unwrap()), (addresses, 0));
        }

        #[test]
        fn arbitrary_bytes_end_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let (addresses, bad_count) = decode_multiaddrs(&bytes);
            prop_assert!(addresses.len() + bad_count <= bytes.len());
            let _ = decode_rs(&bytes);
            let _ = decode_rsv(&bytes);
        }
    }
}
