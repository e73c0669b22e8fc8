//! The messages of every version, by their text without regard to capital letters.

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
    RelaySent,
    /// Of filter or archive: the topics tell.
    Handling,
    FilterPushStart,
    FilterPushDone,
    FilterDuplicate,
    FilterTimedOut,
    FilterPushFailed,
    FilterNobody,
    Stored,
    SyncReceived,
    StoreRejected,
    FilterClientReceived,
    /// Of the tester when it has an `index`, else of the messaging API.
    ReceivedOfTesterOrMessaging,
    TesterPublished,
    TesterPublishFailed,
    Messaging,
}

use Message::*;

/// Text in small letters, meaning. The two most frequent stand first.
const MESSAGES: &[(&str, Message)] = &[
    ("sent relay message", RelaySent),
    ("received relay message", RelayReceived),
    ("waku.relay received", RelayReceived),
    ("waku.relay published", RelayPublished),
    ("start publish waku message", RelayPublishStart),
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
    ("handling message", Handling),
    ("pushing message to subscribed peers", FilterPushStart),
    ("push message to filter subscribers", FilterPushStart),
    ("pushing message to light node", FilterPushStart),
    ("pushed message succesfully to all subscribers", FilterPushDone),
    ("pushed message successfully to all subscribers", FilterPushDone),
    ("message pushed succesfully", FilterPushDone),
    ("message pushed successfully", FilterPushDone),
    (
        "duplicate message found, not-pushing message to subscribed peers",
        FilterDuplicate,
    ),
    (
        "duplicate message found, not pushing message to subscribed peers",
        FilterDuplicate,
    ),
    ("timed out pushing message to peers", FilterTimedOut),
    ("pushtopeer failed", FilterPushFailed),
    ("no subscribed peers found", FilterNobody),
    // Archive and store synchronisation.
    ("message archived", Stored),
    ("message archived in syncmessageingress", Stored),
    ("handling message in syncmessageingress", SyncReceived),
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

/// The meaning of a message text.
pub(super) fn find(text: &[u8]) -> Option<Message> {
    let known = |(name, _): &&(&str, Message)| name.len() == text.len() && text.eq_ignore_ascii_case(name.as_bytes());
    MESSAGES.iter().find(known).map(|(_, message)| *message)
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
    fn the_table_is_in_small_letters_and_without_twins() {
        for (number, (text, _)) in MESSAGES.iter().enumerate() {
            assert_eq!(*text, text.to_lowercase());
            assert!(MESSAGES[..number].iter().all(|(other, _)| other != text), "{text}");
        }
    }
}
