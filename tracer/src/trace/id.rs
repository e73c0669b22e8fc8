//! How a user names a message: its hash, the beginning of it, or `sender:index`.

use std::str::FromStr;

/// Fewest hex digits of a hash: fewer match messages by accident even in small runs.
pub const MIN_PREFIX_DIGITS: usize = 4;

/// Hex digits of a whole hash.
const HASH_DIGITS: usize = 64;

/// The message asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageId {
    /// First digits of its hash, lower case, without `0x`; 64 of them are the whole.
    Hash(String),
    /// What its payload says.
    Numbered {
        /// Name of the sending client, such as `publisher-1/0`.
        sender: String,
        /// Its index, from 1.
        index: u32,
    },
}

/// Why a text names no message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names no message: write a hash of {MIN_PREFIX_DIGITS} to 64 hex digits, or sender:index")]
pub struct ParseMessageIdError(String);

impl FromStr for MessageId {
    type Err = ParseMessageIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || ParseMessageIdError(text.to_owned());
        // A sender may hold colons itself, so the last one parts.
        if let Some((sender, index)) = text.rsplit_once(':') {
            let index = index.parse().map_err(|_| wrong())?;
            if sender.is_empty() {
                return Err(wrong());
            }
            let sender = sender.to_owned();
            return Ok(Self::Numbered { sender, index });
        }
        let digits = text.strip_prefix("0x").unwrap_or(text);
        let fits = (MIN_PREFIX_DIGITS..=HASH_DIGITS).contains(&digits.len());
        if fits && digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            Ok(Self::Hash(digits.to_ascii_lowercase()))
        } else {
            Err(wrong())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_and_numbers_are_told_apart() {
        assert_eq!("0xAb12".parse(), Ok(MessageId::Hash("ab12".to_owned())));
        assert_eq!("cafe01".parse(), Ok(MessageId::Hash("cafe01".to_owned())));
        let numbered = |sender: &str, index| {
            Ok(MessageId::Numbered {
                sender: sender.to_owned(),
                index,
            })
        };
        assert_eq!("publisher-1/0:7".parse(), numbered("publisher-1/0", 7));
        assert_eq!("a:b:7".parse(), numbered("a:b", 7));
    }

    #[test]
    fn what_names_no_message_is_refused() {
        let long = "a".repeat(HASH_DIGITS + 1);
        for text in [
            "",
            "0x",
            "0xabc",
            "xyzw",
            ":7",
            "sender:",
            "sender:-1",
            "sender:x",
            "sender",
            &long,
        ] {
            assert!(text.parse::<MessageId>().is_err(), "{text}");
        }
    }
}
