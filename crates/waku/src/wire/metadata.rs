//! Metadata: which cluster and shards a peer is on (RFC 66). Request and response have the same shape.

/// Cluster and shards of a peer.
///
/// Field 2 is what the RFC and js-waku know (unpacked), field 3 what go-waku knows (packed); nwaku writes both, and so
/// do we. Frames above 1024 bytes are refused by nwaku, so the list has to stay short.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct WakuMetadata {
    /// nwaku and go-waku disconnect a peer without it, or with another one.
    #[prost(uint32, optional, tag = "1")]
    pub cluster_id: Option<u32>,
    /// Shards, unpacked. js-waku cannot decode a packed list here.
    #[prost(uint32, repeated, packed = "false", tag = "2")]
    pub shards_unpacked: Vec<u32>,
    /// Shards, packed.
    #[prost(uint32, repeated, packed = "true", tag = "3")]
    pub shards_packed: Vec<u32>,
}

impl WakuMetadata {
    /// Our own metadata, for the request and the answer. A pure light client may name no shards; a relay must name its
    /// own, or go-waku hangs up.
    pub fn new(cluster: u16, shards: &[u16]) -> Self {
        let shards: Vec<u32> = shards.iter().copied().map(u32::from).collect();
        Self {
            cluster_id: Some(u32::from(cluster)),
            shards_unpacked: shards.clone(),
            shards_packed: shards,
        }
    }

    /// The peer's shards: field 3 if it has any, else field 2. Numbers are as sent and may be out of range.
    pub fn shards(&self) -> &[u32] {
        if self.shards_packed.is_empty() {
            &self.shards_unpacked
        } else {
            &self.shards_packed
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::frame_cap::METADATA_BYTES;
    use prost::Message;

    #[test]
    fn both_shard_fields_are_written_one_unpacked_one_packed() {
        let bytes = WakuMetadata::new(1, &[0, 1, 7]).encode_to_vec();
        assert_eq!(hex::encode(bytes), "08011000100110071a03000107");
    }

    #[test]
    fn cluster_zero_is_written() {
        assert_eq!(WakuMetadata::new(0, &[]).encode_to_vec(), [0x08, 0x00]);
    }

    #[test]
    fn field_three_is_read_first_then_field_two() {
        let go = WakuMetadata::decode(&hex::decode("08011a0105").unwrap()[..]).unwrap();
        assert_eq!(go.shards(), [5]);
        let js = WakuMetadata::decode(&hex::decode("080110021003").unwrap()[..]).unwrap();
        assert_eq!(js.shards(), [2, 3]);
        let nwaku = WakuMetadata::decode(&hex::decode("080110021a0104").unwrap()[..]).unwrap();
        assert_eq!(nwaku.shards(), [4]);
    }

    #[test]
    fn two_hundred_shards_fit_under_nwakus_cap_and_all_do_not() {
        let some: Vec<u16> = (0..200).collect();
        assert!(WakuMetadata::new(u16::MAX, &some).encoded_len() <= METADATA_BYTES);
        let all: Vec<u16> = (0..1024).collect();
        assert!(WakuMetadata::new(u16::MAX, &all).encoded_len() > METADATA_BYTES);
    }
}
