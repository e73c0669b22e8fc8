//! Peer exchange: ask a service node for node records of others (RFC 34).

use bytes::Bytes;

use crate::status::{Status, code};

/// Most records a nwaku server keeps and therefore answers with (`MaxPeersCacheSize`).
pub const PEERS_MAX: usize = 60;

/// The envelope of both directions.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct PeerExchangeRpc {
    /// nwaku's decoder wants it present in answers too, so ours carry an empty one.
    #[prost(message, optional, tag = "1")]
    pub request: Option<PeerExchangeRequest>,
    /// The answer. nwaku writes one with status 0 into its requests: ignore it there.
    #[prost(message, optional, tag = "2")]
    pub response: Option<PeerExchangeResponse>,
}

/// "Give me up to so many peers."
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct PeerExchangeRequest {
    /// How many.
    #[prost(uint64, optional, tag = "1")]
    pub num_peers: Option<u64>,
}

/// The peers.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct PeerExchangeResponse {
    /// At most [`PEERS_MAX`] from nwaku.
    #[prost(message, repeated, tag = "1")]
    pub peer_infos: Vec<PeerInfo>,
    /// See [`crate::status`]; go-waku leaves it out.
    #[prost(uint32, optional, tag = "10")]
    pub status_code: Option<u32>,
    /// For people.
    #[prost(string, optional, tag = "11")]
    pub status_desc: Option<String>,
}

/// One peer.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct PeerInfo {
    /// A signed node record, RLP bytes as in EIP-778; see [`crate::enr`].
    #[prost(bytes = "bytes", optional, tag = "1")]
    pub enr: Option<Bytes>,
}

impl PeerExchangeRpc {
    /// A request for up to `num_peers` records.
    pub fn request(num_peers: u64) -> Self {
        Self {
            request: Some(PeerExchangeRequest {
                num_peers: Some(num_peers),
            }),
            response: None,
        }
    }

    /// An answer with node records, RLP encoded.
    pub fn ok(records: impl IntoIterator<Item = Bytes>) -> Self {
        let peer_infos = records.into_iter().map(|enr| PeerInfo { enr: Some(enr) }).collect();
        Self::answer(peer_infos, code::OK, "OK".to_owned())
    }

    /// Anything but success, with a text that says why.
    pub fn refused(status_code: u32, text: impl Into<String>) -> Self {
        Self::answer(Vec::new(), status_code, text.into())
    }

    /// The status of the answer; an envelope without one has [`code::MISSING`].
    pub fn status(&self) -> Status {
        self.response
            .as_ref()
            .map_or_else(|| Status::new(code::MISSING, None), PeerExchangeResponse::status)
    }

    /// The node records in the answer, undecoded.
    pub fn records(&self) -> impl Iterator<Item = &Bytes> {
        self.response.iter().flat_map(PeerExchangeResponse::records)
    }

    fn answer(peer_infos: Vec<PeerInfo>, status_code: u32, text: String) -> Self {
        Self {
            request: Some(PeerExchangeRequest::default()),
            response: Some(PeerExchangeResponse {
                peer_infos,
                status_code: Some(status_code),
                status_desc: Some(text),
            }),
        }
    }
}

impl PeerExchangeResponse {
    /// The status; a response without a code is 200 if it has peers, else 503, as nwaku reads it.
    pub fn status(&self) -> Status {
        let implied = if self.peer_infos.is_empty() {
            code::SERVICE_NOT_AVAILABLE
        } else {
            code::OK
        };
        Status::new(self.status_code.unwrap_or(implied), self.status_desc.clone())
    }

    /// The node records in the answer, undecoded.
    pub fn records(&self) -> impl Iterator<Item = &Bytes> {
        self.peer_infos.iter().filter_map(|info| info.enr.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost::Message;

    #[test]
    fn answers_carry_an_empty_request_because_nwaku_requires_it() {
        let bytes = PeerExchangeRpc::refused(503, "x").encode_to_vec();
        assert_eq!(hex::encode(bytes), "0a00120650f7035a0178");
    }

    #[test]
    fn an_absent_status_is_200_with_peers_and_503_without() {
        let with = PeerExchangeResponse {
            peer_infos: vec![PeerInfo::default()],
            ..PeerExchangeResponse::default()
        };
        assert_eq!(with.status().code, 200);
        assert_eq!(PeerExchangeResponse::default().status().code, 503);
    }

    #[test]
    fn a_present_status_wins_over_the_peers() {
        assert_eq!(PeerExchangeRpc::refused(429, "slow down").status().code, 429);
        assert_eq!(PeerExchangeRpc::request(5).status().code, code::MISSING);
    }

    #[test]
    fn records_skip_entries_without_one() {
        let mut rpc = PeerExchangeRpc::ok([Bytes::from_static(b"a"), Bytes::from_static(b"b")]);
        let mut response = rpc.response.take().unwrap();
        response.peer_infos.insert(1, PeerInfo::default());
        rpc.response = Some(response);
        assert_eq!(rpc.records().collect::<Vec<_>>(), ["a", "b"]);
    }
}
