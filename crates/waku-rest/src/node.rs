//! A service node behind a REST API: its address, and its peer id once it has told it.

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    str::FromStr,
    sync::{Arc, OnceLock},
};

use libp2p::PeerId;
use reqwest::Url;

/// Longest address accepted.
const ADDRESS_MAX_CHARS: usize = 1024;

/// How much of a faulty address an error quotes.
const QUOTED_CHARS_MAX: usize = 120;

/// What the errors point to.
const EXAMPLE: &str = "http://192.0.2.1:8645";

/// Why a text is no address of a REST API.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RestAddressError {
    /// Too long to be one.
    #[error("REST address has {got_chars} characters, at most {ADDRESS_MAX_CHARS} are accepted")]
    TooLong {
        /// What it has.
        got_chars: usize,
    },
    /// Not a URL, or not of HTTP.
    #[error("REST address {text:?} is not valid: {reason}, for example {EXAMPLE}")]
    Invalid {
        /// The text, cut to 120 characters.
        text: String,
        /// What is wrong.
        reason: String,
    },
    /// User name and password would end up in every log line.
    #[error("REST address of host {host:?} holds a user name or password: leave it out, it would be logged")]
    Credentials {
        /// The host.
        host: String,
    },
}

/// A service node behind a REST API. Cheap to clone; clones share what is learned. Equal when the addresses are.
#[derive(Debug, Clone)]
pub struct RestNode(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Without a slash at the end.
    url: String,
    /// Told by the node itself.
    peer_id: OnceLock<PeerId>,
}

impl RestNode {
    /// The address, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.0.url
    }

    /// The peer id, once the node has told it.
    #[must_use]
    pub fn peer_id(&self) -> Option<PeerId> {
        self.0.peer_id.get().copied()
    }

    /// Notes the peer id the node tells.
    ///
    /// # Errors
    /// The peer id it told before, if that was another.
    pub fn learn_peer_id(&self, told: PeerId) -> Result<(), PeerId> {
        let known = *self.0.peer_id.get_or_init(|| told);
        if known == told { Ok(()) } else { Err(known) }
    }
}

impl FromStr for RestNode {
    type Err = RestAddressError;

    fn from_str(text: &str) -> Result<Self, RestAddressError> {
        let text = text.trim();
        if text.len() > ADDRESS_MAX_CHARS {
            return Err(RestAddressError::TooLong { got_chars: text.len() });
        }
        let invalid = |reason: &str| RestAddressError::Invalid {
            text: text.chars().take(QUOTED_CHARS_MAX).collect(),
            reason: reason.to_owned(),
        };
        let url = Url::parse(text).map_err(|error| invalid(&error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(invalid("the scheme is neither http nor https"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            let host = url.host_str().unwrap_or_default().to_owned();
            return Err(RestAddressError::Credentials { host });
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(invalid("it has a query or a fragment"));
        }
        if url.port() == Some(0) {
            return Err(invalid("port 0 cannot be dialled"));
        }
        let url = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self(Arc::new(Inner {
            url,
            peer_id: OnceLock::new(),
        })))
    }
}

impl fmt::Display for RestNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.url())
    }
}

impl PartialEq for RestNode {
    fn eq(&self, other: &Self) -> bool {
        self.url() == other.url()
    }
}

impl Eq for RestNode {}

impl Hash for RestNode {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.url().hash(state);
    }
}

impl PartialOrd for RestNode {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for RestNode {
    fn cmp(&self, other: &Self) -> Ordering {
        self.url().cmp(other.url())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_are_normalized() {
        for (text, expected) in [
            ("http://127.0.0.1:8645", "http://127.0.0.1:8645"),
            (" http://127.0.0.1:8645/ ", "http://127.0.0.1:8645"),
            ("https://Node.Example:443/", "https://node.example"),
            ("https://node.example/waku/", "https://node.example/waku"),
            ("http://[::1]:8645", "http://[::1]:8645"),
        ] {
            assert_eq!(text.parse::<RestNode>().as_ref().map(RestNode::url), Ok(expected));
        }
    }

    #[test]
    fn what_cannot_be_an_address_is_explained() {
        for (text, expected) in [
            ("ftp://h", "neither http nor https"),
            ("http://", "empty host"),
            ("http://h:99999", "invalid port"),
            ("http://h:0", "port 0"),
            ("http://h/?a=b", "a query"),
            ("http://user:secret@h", "holds a user name or password"),
        ] {
            let error = text.parse::<RestNode>().expect_err(text).to_string();
            assert!(error.contains(expected) && !error.contains("secret"), "{error}");
        }
        let long = format!("http://h/{}", "a".repeat(2000));
        assert_eq!(
            long.parse::<RestNode>(),
            Err(RestAddressError::TooLong { got_chars: 2009 })
        );
    }

    #[test]
    fn clones_share_the_peer_id_and_another_one_is_refused() {
        let node: RestNode = "http://h:1".parse().expect("valid");
        let (first, second) = (PeerId::random(), PeerId::random());
        let clone = node.clone();
        assert_eq!(node.learn_peer_id(first), Ok(()));
        assert_eq!(clone.peer_id(), Some(first));
        assert_eq!(clone.learn_peer_id(first), Ok(()));
        assert_eq!(clone.learn_peer_id(second), Err(first));
    }

    proptest! {
        #[test]
        fn any_text_parses_or_fails_without_panic(text in "(http://)?.{0,60}") {
            if let Ok(node) = text.parse::<RestNode>() {
                prop_assert_eq!(node.url().parse::<RestNode>(), Ok(node.clone()));
            }
        }
    }
}
