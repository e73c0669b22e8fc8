//! The hot events with borrowed fields, each in the order of its fields in [`crate::event`].

use super::{
    cursor::Cursor,
    field::{Field, Names},
    time::LastMinute,
};
use crate::{
    event::{self, Event, PushOutcome, Record, RelayOrigin, Transport},
    hash::MessageHash,
    timestamp::Timestamp,
};

/// One line, borrowed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HotRecord<'a> {
    /// Wall-clock time of the event on the host that logged it.
    pub time: Timestamp,
    /// What happened.
    pub event: HotEvent<'a>,
}

impl HotRecord<'_> {
    /// The same as an owned record.
    #[must_use]
    pub fn to_record(&self) -> Record {
        Record {
            time: self.time,
            event: self.event.to_event(),
        }
    }
}

impl Event {
    /// The borrowed view of a hot event, whichever reader it came from; `None` for the others.
    #[must_use]
    pub fn as_hot(&self) -> Option<HotEvent<'_>> {
        HotEvent::of(self)
    }
}

/// Recognises lines of hot events. What it remembers of earlier lines only saves time.
#[derive(Debug, Clone, Default)]
pub struct FastParser {
    minute: LastMinute,
}

impl FastParser {
    /// The event of a line without its newline; `None` when the strict reader has to look at it.
    #[inline]
    pub fn parse<'a>(&mut self, line: &'a str) -> Option<HotRecord<'a>> {
        let mut cursor = Cursor::new(line);
        cursor.expect("{\"v\":1,\"event\":\"")?;
        let name = cursor.until_quote()?;
        cursor.expect(",\"time\":\"")?;
        let time = self.minute.read(&mut cursor)?;
        let event = HotEvent::read(name, &mut cursor, &mut self.minute)?;
        cursor.expect("}")?;
        cursor.is_at_end().then_some(HotRecord { time, event })
    }
}

macro_rules! hot_events {
    ($( $(#[$doc:meta])* $hot:ident of $name:ident = $wire:literal { $( $field:ident : $ty:ty ),* $(,)? } )*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy, PartialEq)]
            #[expect(missing_docs, reason = "the fields are documented at the event of the same name")]
            pub struct $hot<'a> { $( pub $field: $ty, )* #[doc(hidden)] line: std::marker::PhantomData<&'a str> }

            impl<'a> $hot<'a> {
                #[inline(always)]
                fn read(cursor: &mut Cursor<'a>, minute: &mut LastMinute) -> Option<Self> {
                    Some(Self {
                        $( $field: <$ty as Field<'a>>::member(
                            cursor, minute, concat!(",\"", stringify!($field), "\":"))?, )*
                        line: std::marker::PhantomData,
                    })
                }
            }
        )*

        /// A hot event; the fields are those of the event of the same name in [`crate::event`].
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub enum HotEvent<'a> { $( $(#[$doc])* $name($hot<'a>) ),* }

        impl<'a> HotEvent<'a> {
            #[inline(always)]
            fn read(name: &str, cursor: &mut Cursor<'a>, minute: &mut LastMinute) -> Option<Self> {
                match name { $( $wire => $hot::read(cursor, minute).map(Self::$name), )* _ => None }
            }

            fn to_event(self) -> Event {
                match self {
                    $( Self::$name(hot) => event::$name { $( $field: Field::owned(hot.$field) ),* }.into(), )*
                }
            }

            fn of(event: &'a Event) -> Option<Self> {
                match event {
                    $( Event::$name(event) => Some(Self::$name($hot {
                        $( $field: Field::view(&event.$field), )*
                        line: std::marker::PhantomData,
                    })), )*
                    _ => None,
                }
            }

            /// Fields by event, to compare with those of the events themselves.
            #[cfg(test)]
            pub(super) const FIELD_NAMES: &'static [(&'static str, &'static [&'static str])] =
                &[ $( ($wire, &[ $( stringify!($field) ),* ]) ),* ];
        }
    };
}

hot_events! {
    /// See [`event::Received`].
    HotReceived of Received = "received" {
        client: u32,
        sender: &'a str,
        index: u32,
        attempt: Option<u32>,
        hash: MessageHash,
        size_bytes: u64,
        service_node: &'a str,
        transport: Option<Transport>,
        content_topic: &'a str,
        run: Option<&'a str>,
        intended: Option<Timestamp>,
        sent: Option<Timestamp>,
    }
    /// See [`event::PublishAttempt`].
    HotPublishAttempt of PublishAttempt = "publish_attempt" {
        sender: &'a str,
        index: u32,
        attempt: u32,
        hash: MessageHash,
        size_bytes: u64,
        service_node: &'a str,
        transport: Option<Transport>,
        pubsub_topic: &'a str,
        content_topic: &'a str,
        intended: Timestamp,
        sent: Timestamp,
    }
    /// See [`event::Published`].
    HotPublished of Published = "published" {
        sender: &'a str,
        index: u32,
        attempt: u32,
        hash: MessageHash,
        size_bytes: u64,
        service_node: &'a str,
        transport: Option<Transport>,
        intended: Timestamp,
        sent: Timestamp,
        acked: Timestamp,
        status: u32,
        status_text: Option<&'a str>,
        relay_peers: Option<u32>,
    }
    /// See [`event::LightpushHandled`].
    HotLightpushHandled of LightpushHandled = "lightpush_handled" {
        peer: &'a str,
        protocol: &'a str,
        request_id: &'a str,
        hash: Option<MessageHash>,
        pubsub_topic: Option<&'a str>,
        content_topic: Option<&'a str>,
        size_bytes: u64,
        received: Timestamp,
        status: u32,
        status_text: Option<&'a str>,
        relay_peers: Option<u32>,
    }
    /// See [`event::RelayReceived`].
    HotRelayReceived of RelayReceived = "relay_received" {
        hash: MessageHash,
        from_peer: &'a str,
        pubsub_topic: &'a str,
        content_topic: &'a str,
        size_bytes: u64,
    }
    /// See [`event::RelaySent`].
    HotRelaySent of RelaySent = "relay_sent" {
        hash: MessageHash,
        to_peers: Names<'a>,
        pubsub_topic: &'a str,
        origin: RelayOrigin,
    }
    /// See [`event::FilterPushed`].
    HotFilterPushed of FilterPushed = "filter_pushed" {
        hash: MessageHash,
        peer: &'a str,
        outcome: PushOutcome,
        error: Option<&'a str>,
    }
    /// See [`event::Stored`].
    HotStored of Stored = "stored" {
        hash: MessageHash,
        pubsub_topic: &'a str,
    }
}
