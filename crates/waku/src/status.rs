//! What a service node answered: a code and a text, as data.
//!
//! All protocols share one space of numbers (below); what to *do* about a code is [`crate::status_class`]'s business.
//!
//! | Code | Lightpush v3 | Filter | Store | Peer exchange |
//! |---|---|---|---|---|
//! | 0 | | | | unknown |
//! | 200 | queued to at least one peer | ok | ok | ok |
//! | 300 | | bad response (client side) | archive error, bad cursor | |
//! | 400 | undecodable, blank topic | missing or too many topics | undecodable | bad request |
//! | 401 | | | | bad response (client side) |
//! | 404 | | no such subscription | no peer (client side) | |
//! | 413, 421 | named in the text, never sent by nwaku | | | |
//! | 420 | refused by size, topic or validator | | | |
//! | 429 | rate limited | rate limited | rate limited | rate limited |
//! | 500 | internal error | | | |
//! | 503 | no peers, says the specification | full | unavailable | unavailable |
//! | 504 | no RLN proof | dial failure (client side) | dial failure (client side) | |
//! | 505 | no peers, *or seen within 2 minutes* | | | |
//! | 599 | | | | dial failure (client side) |
//!
//! Source: `waku_lightpush/common.nim`, `waku_filter_v2/common.nim`, `waku_store/common.nim`,
//! `waku_peer_exchange/common.nim` of logos-delivery, revision 69fbffa3a.

use std::fmt;

/// The numbers.
pub mod code {
    /// A response without a status code; also peer exchange's "unknown".
    pub const MISSING: u32 = 0;
    /// Success.
    pub const OK: u32 = 200;
    /// Filter: bad response (client side). Store: the archive failed, or does not know the cursor.
    pub const ARCHIVE_ERROR: u32 = 300;
    /// The request does not decode or lacks something.
    pub const BAD_REQUEST: u32 = 400;
    /// Filter: this peer has no such subscription.
    pub const NOT_FOUND: u32 = 404;
    /// Lightpush: too large. In the specification; nwaku answers [`INVALID_MESSAGE`].
    pub const PAYLOAD_TOO_LARGE: u32 = 413;
    /// Lightpush: size, content topic or a relay validator.
    pub const INVALID_MESSAGE: u32 = 420;
    /// Lightpush: the service node does not relay this pubsub topic. Never sent by nwaku.
    pub const UNSUPPORTED_PUBSUB_TOPIC: u32 = 421;
    /// Rate limited.
    pub const TOO_MANY_REQUESTS: u32 = 429;
    /// Something broke in the service node.
    pub const INTERNAL_SERVER_ERROR: u32 = 500;
    /// The service is full or not there; the lightpush specification means "no peers to relay" by it.
    pub const SERVICE_NOT_AVAILABLE: u32 = 503;
    /// Lightpush: no RLN proof could be made.
    pub const OUT_OF_RLN_PROOF: u32 = 504;
    /// Lightpush: no relay peer took the message, or they all had it already.
    pub const NO_PEERS_TO_RELAY: u32 = 505;
}

/// Longest status text kept. It is a peer's text and ends up in every log line about the answer.
pub const STATUS_TEXT_MAX_BYTES: usize = 1024;

/// The text of nwaku's RLN validator.
const RLN_VALIDATION_FAILED: &str = "RLN validation failed";

/// A code and, perhaps, a text for people. The text is a stranger's: escape it for the sink at hand.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Status {
    /// The number, as sent; not necessarily one of [`code`].
    pub code: u32,
    /// The text, as sent, cut to [`STATUS_TEXT_MAX_BYTES`].
    pub text: Option<String>,
}

impl Status {
    /// A status; a text that is too long is cut at a character boundary.
    pub fn new(code: u32, text: Option<String>) -> Self {
        let text = text.map(|mut text| {
            if text.len() > STATUS_TEXT_MAX_BYTES {
                text.truncate(text.floor_char_boundary(STATUS_TEXT_MAX_BYTES));
            }
            text
        });
        Self { code, text }
    }

    /// True for 200, and for nothing else.
    pub fn is_ok(&self) -> bool {
        self.code == code::OK
    }

    /// For an answer to a filter ping: the service node does not know us (any more), so subscribe again.
    pub fn is_not_subscribed(&self) -> bool {
        self.code == code::NOT_FOUND
    }

    /// For an answer to a lightpush: not a success, and yet the message may arrive.
    ///
    /// nwaku answers 505 when no relay peer took the message, but also when the same bytes were seen within two
    /// minutes; and it has filed the message and pushed it to its own filter subscribers by then, either way. 503 is
    /// the same answer by the specification's number. Only the store or a receiver can tell.
    pub fn may_be_delivered(&self) -> bool {
        matches!(self.code, code::NO_PEERS_TO_RELAY | code::SERVICE_NOT_AVAILABLE)
    }

    /// What a user can do about a refused lightpush, when that is known.
    pub fn hint(&self) -> Option<&'static str> {
        let text = self.text.as_deref().unwrap_or_default();
        match self.code {
            code::INVALID_MESSAGE if text.contains(RLN_VALIDATION_FAILED) => Some(
                "the network requires an RLN proof: service nodes up to v0.38.1 add one, later ones leave it \
                 to the client; use an older service node or a network without RLN, and check that this \
                 machine's clock is right within 20 seconds",
            ),
            code::OUT_OF_RLN_PROOF => Some(
                "the service node could not make an RLN proof: its membership is used up or missing; \
                 wait for the next epoch or use another service node",
            ),
            code::INVALID_MESSAGE | code::PAYLOAD_TOO_LARGE if text.contains("size exceeded") => {
                Some("send smaller messages, or use a network with a larger limit")
            }
            code::NO_PEERS_TO_RELAY | code::SERVICE_NOT_AVAILABLE => Some(
                "the service node has no relay peers on this shard, or saw the same bytes within the last \
                 2 minutes; ask a store before counting the message as lost",
            ),
            _ => None,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.text {
            // Debug form: the text may hold line breaks and terminal controls.
            Some(text) => write!(f, "{} {text:?}", self.code),
            None => write!(f, "{}", self.code),
        }
    }
}

/// Translates the flag and text of a lightpush v2 answer into the numbers of version 3.
///
/// | Text | Code | Said by |
/// |---|---|---|
/// | (success) | 200 | |
/// | `TOO_MANY_REQUESTS`, `… rate limit …` | 429 | nwaku, go-waku |
/// | `not_published_to_any_peer` | 505 | nwaku |
/// | `decode_rpc_failure: …`, `empty_request_body_failure` | 400 | nwaku |
/// | `Message size exceeded …`, `… validation failed`, `validator failed` | 420 | nwaku's relay |
/// | `no waku relay found` | 503 | nwaku without relay |
/// | `… RLN proof …`, `… appendRLNProof …` | 504 | nwaku up to v0.38.1 |
/// | anything else | 500 | go-waku ("Could not publish message"), strangers |
///
/// An unknown text is 500, not 420, because a message must not be given up for a text nobody has read.
pub fn lightpush_v2_status(is_success: bool, info: &str) -> Status {
    let text = (!info.is_empty()).then(|| info.to_owned());
    let code = if is_success {
        code::OK
    } else {
        lightpush_v2_refusal(info)
    };
    Status::new(code, text)
}

fn lightpush_v2_refusal(info: &str) -> u32 {
    let lower = info.to_ascii_lowercase();
    let has = |part: &str| lower.contains(part);
    if has("too_many_requests") || has("rate limit") {
        code::TOO_MANY_REQUESTS
    } else if has("not_published_to_any_peer") {
        code::NO_PEERS_TO_RELAY
    } else if lower.starts_with("decode_rpc_failure") || has("empty_request_body_failure") {
        code::BAD_REQUEST
    } else if has("message size exceeded") || has("validation failed") || has("validator failed") {
        code::INVALID_MESSAGE
    } else if has("no waku relay found") {
        code::SERVICE_NOT_AVAILABLE
    } else if has("rln proof") || has("appendrlnproof") {
        code::OUT_OF_RLN_PROOF
    } else {
        code::INTERNAL_SERVER_ERROR
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_text(code: u32, text: &str) -> Status {
        Status::new(code, Some(text.to_owned()))
    }

    #[test]
    fn lightpush_v2_texts_become_codes() {
        for (info, expected) in [
            ("TOO_MANY_REQUESTS", 429),
            ("request exceeds the rate limit", 429),
            ("not_published_to_any_peer", 505),
            ("decode_rpc_failure: missing required field", 400),
            ("empty_request_body_failure", 400),
            ("Message size exceeded maximum of 153600 bytes", 420),
            ("RLN validation failed", 420),
            ("validator failed", 420),
            ("no waku relay found", 503),
            ("failed to call appendRLNProof", 504),
            ("", 500),
            ("Could not publish message", 500),
        ] {
            assert_eq!(lightpush_v2_status(false, info).code, expected, "{info}");
        }
        assert_eq!(lightpush_v2_status(true, "TOO_MANY_REQUESTS").code, 200);
        assert_eq!(lightpush_v2_status(true, "").text, None);
    }

    #[test]
    fn a_missing_rln_proof_is_explained_and_another_refusal_is_not() {
        let rln = with_text(420, "RLN validation failed");
        assert!(rln.hint().unwrap().contains("requires an RLN proof"));
        assert_eq!(with_text(420, "Invalid content-topic: x").hint(), None);
        assert_eq!(with_text(400, "RLN validation failed").hint(), None);
        assert!(Status::new(504, None).hint().is_some());
    }

    #[test]
    fn only_no_peers_answers_leave_delivery_open() {
        let open: Vec<u32> = (0..=600)
            .filter(|&code| Status::new(code, None).may_be_delivered())
            .collect();
        assert_eq!(open, [503, 505]);
    }

    #[test]
    fn a_ping_answered_404_means_not_subscribed() {
        assert!(with_text(404, "peer has no subscriptions").is_not_subscribed());
        assert!(!with_text(200, "OK").is_not_subscribed());
        assert!(!with_text(503, "full").is_not_subscribed());
    }

    #[test]
    fn a_giant_text_is_cut_at_a_character() {
        let status = with_text(500, &"é".repeat(10_000));
        assert_eq!(status.text.unwrap().len(), STATUS_TEXT_MAX_BYTES);
        let odd = with_text(500, &format!("x{}", "é".repeat(10_000)));
        assert_eq!(odd.text.unwrap().len(), STATUS_TEXT_MAX_BYTES - 1);
    }

    #[test]
    fn a_hostile_text_is_displayed_escaped() {
        assert_eq!(
            with_text(420, "\u{1b}[31mred\nline").to_string(),
            r#"420 "\u{1b}[31mred\nline""#
        );
        assert_eq!(Status::new(200, None).to_string(), "200");
    }
}
