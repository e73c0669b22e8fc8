//! Where a search begins: nodes that are asked for others, and node lists.

use std::{fmt, str::FromStr};

use waku::{AddressError, EnrError, NodeRecord, ServiceNodeAddr, address::ADDRESS_MAX_CHARS};

use crate::enrtree::{TreeUrl, TreeUrlError};

/// Why a text is no place to begin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BootstrapError {
    /// None of the forms.
    #[error(
        "a bootstrap node is a multiaddr (/dns4/node.example/tcp/60000/p2p/16Uiu2HAm...), a node record (enr:...) or a \
         node list (enrtree://KEY@DOMAIN)"
    )]
    Form,
    /// Too long.
    #[error("a bootstrap node of {got_chars} characters, at most {ADDRESS_MAX_CHARS} are accepted")]
    TooLong {
        /// What it has.
        got_chars: usize,
    },
    /// A list.
    #[error(transparent)]
    List(#[from] TreeUrlError),
    /// A node record.
    #[error(transparent)]
    Record(#[from] EnrError),
    /// A multiaddr, or the addresses of a record.
    #[error(transparent)]
    Address(#[from] AddressError),
}

/// A place to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bootstrap {
    /// A node whose capabilities and shards are not known yet.
    Address(ServiceNodeAddr),
    /// A node with its record; it has an address that can be dialled.
    Record(Box<NodeRecord>),
    /// A list in DNS.
    List(TreeUrl),
}

impl FromStr for Bootstrap {
    type Err = BootstrapError;

    fn from_str(text: &str) -> Result<Self, BootstrapError> {
        let text = text.trim();
        match text {
            _ if text.len() > ADDRESS_MAX_CHARS => Err(BootstrapError::TooLong { got_chars: text.len() }),
            _ if text.starts_with("enrtree:") => Ok(Self::List(text.parse()?)),
            _ if text.starts_with("enr:") => {
                let record: NodeRecord = text.parse()?;
                ServiceNodeAddr::try_from(&record)?;
                Ok(Self::Record(Box::new(record)))
            }
            _ if text.starts_with('/') => Ok(Self::Address(text.parse()?)),
            _ => Err(BootstrapError::Form),
        }
    }
}

impl fmt::Display for Bootstrap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(node) => node.fmt(f),
            Self::Record(record) => f.write_str(record.text()),
            Self::List(url) => url.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: &str = "16Uiu2HAmPLe7Mzm8TsYUubgCAW1aJoeFScxrLj8ppHFivPo97bUZ";
    const LIST: &str = "enrtree://AIRVQ5DDA4FFWLRBCHJWUWOO6X6S4ZTZ5B667LQ6AJU6PEYDLRD5O@sandbox.waku.nodes.status.im";

    #[test]
    fn each_form_is_told_from_the_others_and_reads_back() {
        let address = format!("/ip4/192.0.2.1/tcp/60000/p2p/{PEER}");
        for text in [address.as_str(), LIST] {
            let read: Bootstrap = text.parse().unwrap();
            assert_eq!(read.to_string(), text);
        }
        assert!(matches!(LIST.parse(), Ok(Bootstrap::List(_))));
    }

    #[test]
    fn errors_name_the_form_that_was_meant() {
        for (text, expected) in [
            ("boot.example.org", "a bootstrap node is a multiaddr"),
            ("/ip4/192.0.2.1/tcp/60000", "add the peer id"),
            ("enrtree://AIRVQ5@example.org", "the key in front of"),
            ("enrtree://sandbox.waku.nodes.status.im", "no \"@\""),
            ("enrtree:sandbox", "begins with \"enrtree://\""),
            ("enr:-abc", "node record"),
        ] {
            let error = text.parse::<Bootstrap>().unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
        let long = format!("enr:{}", "a".repeat(2000));
        assert_eq!(
            long.parse::<Bootstrap>(),
            Err(BootstrapError::TooLong { got_chars: 2004 })
        );
    }
}
