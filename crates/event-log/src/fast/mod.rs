//! Reads the hot events of a log without allocating, relying on the writer's order of keys.
//!
//! [`FastParser::parse`] recognises exactly what [`crate::Record::write_line`] writes for the events that make up nearly
//! all of a log: keys in their order, plain integers, times with nine digits in UTC, lower-case hashes, strings without
//! escapes. Anything else (another order, an unknown key, an escape, white space) is `None`, and the strict
//! [`crate::parse_line`] decides. So the two can never disagree, only the speed differs.

mod cursor;
mod events;
mod field;
mod hex_digits;
mod time;

#[cfg(test)]
mod tests;

pub use events::{
    FastParser, HotEvent, HotFilterPushed, HotLightpushHandled, HotPublishAttempt, HotPublished, HotReceived,
    HotRecord, HotRelayReceived, HotRelaySent, HotStored,
};
pub use field::Names;
