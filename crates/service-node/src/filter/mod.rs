//! The filter service: light clients subscribe to content topics, and every message on them is pushed to each.
//!
//! Pushing is apart from relaying: a message is put into one bounded queue a subscriber, and a task a subscriber writes
//! its pushes. A slow subscriber fills its own queue and delays nobody, neither the publisher's answer (nwaku's waits up
//! to 20 s) nor other subscribers.

mod push_stream;
mod pusher;
mod recent;
mod server;
mod table;

pub(crate) use pusher::note as note_push;
pub(crate) use recent::RecentHashes;
pub use server::Filter;
pub(crate) use server::{answer, maintain};
pub use table::{FilterLimits, Refusal, SubscriptionTable};
