//! The messages of every version, by their text without regard to capital letters.

use std::sync::LazyLock;

/// What a message text means, before its fields are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Message {
    Address,
    LightpushRequest,
    LightpushAnswered,
    LightpushFailed,
    LightpushClientPublish,
    RelayPublishStart,
    RelayPublished,
    RelayReceived,
    RelayRejected,
    RelaySent,
    /// Of filter or archive: the topics tell.
    Handling,
    FilterRequest,
    /// Of go-waku's filter: the logger tells.
    GoWakuRequest,
    FilterHandling,
    FilterPushStart,
    FilterPushDone,
    FilterPushed,
    FilterDuplicate,
    FilterTimedOut,
    FilterPushFailed,
    /// Of go-waku's filter when it names message and subscriber.
    GoWakuPushFailed,
    FilterNobody,
    Stored,
    SyncReceived,
    SyncStored,
    StoreRejected,
    /// Of the archive: the topics tell.
    Invalid,
    FilterClientReceived,
    /// Of the tester when it has an `index`, else of the messaging API.
    ReceivedOfTesterOrMessaging,
    TesterPublished,
    TesterPublishFailed,
    Messaging,
}

use Message::*;

impl Message {
    /// Whether such a line without a hash was cut off, in every version that is read.
    pub(super) fn always_names_a_message(self) -> bool {
        matches!(
            self,
            RelayReceived | RelaySent | FilterPushStart | FilterPushDone | FilterPushed | FilterTimedOut
        )
    }
}

/// Text in small letters, meaning.
const MESSAGES: &[(&str, Message)] = &[
    ("sent relay message", RelaySent),
    ("received relay message", RelayReceived),
    ("waku.relay received", RelayReceived),
    ("waku.relay published", RelayPublished),
    ("start publish waku message", RelayPublishStart),
    ("rejecting relay message, waku validator rejected", RelayRejected),
    ("invalid waku message", RelayRejected),
    ("uncertain invalid waku message", RelayRejected),
    ("too large waku message", RelayRejected),
    ("message could not be verified", RelayRejected),
    // Lightpush, service side.
    ("push request", LightpushRequest),
    ("lightpush request", LightpushRequest),
    ("handling lightpush request", LightpushRequest),
    ("handling legacy lightpush request", LightpushRequest),
    ("request success", LightpushAnswered),
    ("request failure", LightpushFailed),
    ("failed to push message", LightpushFailed),
    ("lightpush request has not been published to any peers", LightpushFailed),
    ("lightpush request rejected due rate limit exceeded", LightpushFailed),
    // Lightpush, client side.
    ("publishing message with lightpush", LightpushClientPublish),
    ("publishing message with legacy lightpush", LightpushClientPublish),
    ("publishing message with self hosted lightpush", LightpushClientPublish),
    (
        "publishing message with self hosted legacy lightpush",
        LightpushClientPublish,
    ),
    ("publishing message via lightpush", LightpushClientPublish),
    ("waku.lightpush published", LightpushClientPublish),
    ("publish", LightpushClientPublish),
    ("publishwithconn", LightpushClientPublish),
    ("publishtoany", LightpushClientPublish),
    // Filter, service side.
    ("received filter subscribe request", FilterRequest),
    ("received request", GoWakuRequest),
    ("handling message", Handling),
    ("pushing message to subscribed peers", FilterPushStart),
    ("push message to filter subscribers", FilterHandling),
    ("pushing message to light node", FilterPushStart),
    ("pushed message succesfully to all subscribers", FilterPushDone),
    ("pushed message successfully to all subscribers", FilterPushDone),
    ("message pushed succesfully", FilterPushed),
    ("message pushed successfully", FilterPushed),
    (
        "duplicate message found, not-pushing message to subscribed peers",
        FilterDuplicate,
    ),
    (
        "duplicate message found, not pushing to subscribed peers",
        FilterDuplicate,
    ),
    ("timed out pushing message to peers", FilterTimedOut),
    ("pushtopeer failed", FilterPushFailed),
    ("push to peer failed", FilterPushFailed),
    ("opening peer stream", GoWakuPushFailed),
    ("pushing messages to peer", GoWakuPushFailed),
    ("pushing message", GoWakuPushFailed),
    ("no subscribed peers found", FilterNobody),
    // Archive and store synchronisation.
    ("message archived", Stored),
    ("message archived in syncmessageingress", SyncStored),
    ("handling message in syncmessageingress", SyncReceived),
    ("failed to insert message in in syncmessageingress", StoreRejected),
    ("failed to insert message in syncmessageingress", StoreRejected),
    ("failed to insert message", StoreRejected),
    ("invalid message", Invalid),
    ("rejecting message with future timestamp", StoreRejected),
    ("rejecting message with old timestamp", StoreRejected),
    // Filter, client side.
    ("received message push", FilterClientReceived),
    ("received message push from unknown peer", FilterClientReceived),
    // The original tester.
    ("published message using lightpush", TesterPublished),
    ("failed to publish message using lightpush", TesterPublishFailed),
    ("message received", ReceivedOfTesterOrMessaging),
    // Messaging API.
    (
        "missed messages detected, checking store for missed messages",
        Messaging,
    ),
    ("message successfully propagated", Messaging),
    ("message successfully sent", Messaging),
    ("message propagated via lightpush", Messaging),
    ("message propagated via relay", Messaging),
    ("failed to send message", Messaging),
    // Start.
    ("announcing addresses", Address),
    ("listening on", Address),
    ("listening", Address),
];

/// [`MESSAGES`] by the length of the text: most lines of a detailed log have a length that no known text has.
static BY_LENGTH: LazyLock<Vec<Vec<(&str, Message)>>> = LazyLock::new(|| {
    let longest = MESSAGES.iter().map(|(text, _)| text.len()).max().unwrap_or_default();
    let mut by_length = vec![Vec::new(); longest + 1];
    for known in MESSAGES {
        by_length[known.0.len()].push(*known);
    }
    by_length
});

/// The meaning of a message text.
pub(super) fn find(text: &[u8]) -> Option<Message> {
    let known = BY_LENGTH.get(text.len())?;
    let found = known
        .iter()
        .find(|(name, _)| text.eq_ignore_ascii_case(name.as_bytes()));
    found.map(|(_, message)| *message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capital_letters_do_not_matter() {
        assert_eq!(find(b"Received relay message"), Some(RelayReceived));
        assert_eq!(find(b"pushToPeer failed"), Some(FilterPushFailed));
        assert_eq!(find(b"received relay messages"), None);
    }

    #[test]
    fn every_message_is_found() {
        for (text, message) in MESSAGES {
            assert_eq!(find(text.as_bytes()), Some(*message), "{text}");
        }
        assert_eq!(find(b""), None);
        assert_eq!(find(&[b'x'; 1000]), None);
    }

    #[test]
    fn the_table_is_in_small_letters_and_without_twins() {
        for (number, (text, _)) in MESSAGES.iter().enumerate() {
            assert_eq!(*text, text.to_lowercase());
            assert!(MESSAGES[..number].iter().all(|(other, _)| other != text), "{text}");
        }
    }
}
