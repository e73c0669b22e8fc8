//! What a message must fulfil before any service node will take it.

use prost::Message;

use crate::wire::WakuMessage;

/// Longest `meta` nwaku decodes (`waku_core/message/codec.nim`, `MaxMetaAttrLength`).
pub const META_MAX_BYTES: usize = 64;

/// Largest encoded message that surely travels on a network with the default maximum of 150 KiB.
///
/// nwaku applies 153 600 bytes both to the message and to the gossipsub frame around it, so a message within 24 bytes
/// of the limit is acknowledged and then silently not sent. This leaves room for any topic and a little more.
pub const RELAYABLE_MAX_BYTES: usize = 153_000;

/// Why a message would be refused, or worse, accepted and lost.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// No payload, or an empty one.
    #[error("message without payload: nwaku, go-waku and js-waku refuse it")]
    NoPayload,
    /// No content topic, or an empty one.
    #[error("message without content topic")]
    NoContentTopic,
    /// No time stamp, or zero.
    #[error("message without timestamp: its hash would differ between implementations")]
    NoTimestamp,
    /// `meta` is too long.
    #[error("meta has {size_bytes} bytes, at most {max_bytes} are allowed")]
    MetaTooLong {
        /// What it has.
        size_bytes: usize,
        /// [`META_MAX_BYTES`].
        max_bytes: usize,
    },
    /// The encoded message is too large.
    #[error("message has {size_bytes} bytes when encoded, at most {max_bytes} are relayed")]
    TooLarge {
        /// What it has.
        size_bytes: usize,
        /// The limit asked for.
        max_bytes: usize,
    },
}

/// Checks what a *sender* must fulfil, with `max_bytes` as the limit on the encoded message
/// ([`RELAYABLE_MAX_BYTES`] unless the network has another).
pub fn check(message: &WakuMessage, max_bytes: usize) -> Result<(), MessageError> {
    if message.payload().is_empty() {
        return Err(MessageError::NoPayload);
    }
    if message.content_topic().is_empty() {
        return Err(MessageError::NoContentTopic);
    }
    if message.timestamp() == 0 {
        return Err(MessageError::NoTimestamp);
    }
    check_shape(message)?;
    let size_bytes = message.encoded_len();
    if size_bytes > max_bytes {
        return Err(MessageError::TooLarge { size_bytes, max_bytes });
    }
    Ok(())
}

/// Checks what a nwaku *relay* checks on receipt: payload and content topic present, `meta` not too long.
pub fn check_shape(message: &WakuMessage) -> Result<(), MessageError> {
    if message.payload.is_none() {
        return Err(MessageError::NoPayload);
    }
    if message.content_topic.is_none() {
        return Err(MessageError::NoContentTopic);
    }
    let size_bytes = message.meta().len();
    if size_bytes > META_MAX_BYTES {
        return Err(MessageError::MetaTooLong {
            size_bytes,
            max_bytes: META_MAX_BYTES,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> WakuMessage {
        WakuMessage::new("payload", "/a/1/b/proto", 1)
    }

    #[test]
    fn a_complete_message_passes_up_to_the_limit_exactly() {
        let message = message();
        let size_bytes = message.encoded_len();
        assert_eq!(check(&message, size_bytes), Ok(()));
        let max_bytes = size_bytes - 1;
        let too_large = MessageError::TooLarge { size_bytes, max_bytes };
        assert_eq!(check(&message, max_bytes), Err(too_large));
    }

    #[test]
    fn each_missing_part_is_named() {
        let limit = RELAYABLE_MAX_BYTES;
        let no_payload = WakuMessage::new("", "/a/1/b/proto", 1);
        assert_eq!(check(&no_payload, limit), Err(MessageError::NoPayload));
        let no_topic = WakuMessage::new("x", "", 1);
        assert_eq!(check(&no_topic, limit), Err(MessageError::NoContentTopic));
        let no_time = WakuMessage::new("x", "/a/1/b/proto", 0);
        assert_eq!(check(&no_time, limit), Err(MessageError::NoTimestamp));
    }

    #[test]
    fn meta_has_at_most_64_bytes() {
        let limit = RELAYABLE_MAX_BYTES;
        assert_eq!(check(&message().with_meta(vec![0; 64]), limit), Ok(()));
        let long = MessageError::MetaTooLong {
            size_bytes: 65,
            max_bytes: 64,
        };
        assert_eq!(check(&message().with_meta(vec![0; 65]), limit), Err(long));
    }

    #[test]
    fn a_relay_takes_empty_but_present_fields_and_no_timestamp() {
        assert_eq!(check_shape(&WakuMessage::new("", "", 0)), Ok(()));
        assert_eq!(check_shape(&WakuMessage::default()), Err(MessageError::NoPayload));
    }
}
