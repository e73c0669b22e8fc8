//! Protocol ids, byte for byte as they are negotiated.
//!
//! nwaku and go-waku match by prefix, so an id with a suffix negotiates with them too; we offer and accept the exact
//! ids only. Source: `waku_core/codecs.nim` of logos-delivery, revision 69fbffa3a.

/// Gossipsub under Waku's own name (RFC 11). Both sides keep one long-lived stream per direction.
pub const RELAY: &str = "/vac/waku/relay/2.0.0";

/// Filter: the client asks the service node to subscribe, ping or unsubscribe (RFC 12). One request, one response.
pub const FILTER_SUBSCRIBE: &str = "/vac/waku/filter-subscribe/2.0.0-beta1";

/// Filter: the *service node* opens this one towards the client and writes messages into it (RFC 12).
///
/// A client must list it in its identify answer, or nwaku drops the subscription within a minute or two.
pub const FILTER_PUSH: &str = "/vac/waku/filter-push/2.0.0-beta1";

/// Lightpush version 3 (RFC 19 and its successor). One request, one response with a status code.
pub const LIGHTPUSH_V3: &str = "/vac/waku/lightpush/3.0.0";

/// Lightpush version 2, "legacy": the only one go-waku speaks. One request, one response.
pub const LIGHTPUSH_V2: &str = "/vac/waku/lightpush/2.0.0-beta1";

/// Store query version 3 (RFC 13). One request, one response.
pub const STORE_QUERY: &str = "/vac/waku/store-query/3.0.0";

/// Peer exchange (RFC 34). One request, one response.
pub const PEER_EXCHANGE: &str = "/vac/waku/peer-exchange/2.0.0-alpha1";

/// Metadata (RFC 66): both sides ask on connect, and nwaku hangs up on a peer that does not answer.
pub const METADATA: &str = "/vac/waku/metadata/1.0.0";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_distinct_and_absolute() {
        let all = [
            RELAY,
            FILTER_SUBSCRIBE,
            FILTER_PUSH,
            LIGHTPUSH_V3,
            LIGHTPUSH_V2,
            STORE_QUERY,
            PEER_EXCHANGE,
            METADATA,
        ];
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
        assert!(all.iter().all(|id| id.starts_with("/vac/waku/")));
    }
}
