//! Native logs of service nodes: nwaku (logos-delivery) text and JSON, go-waku console and JSON, behind whatever a
//! container runtime or a log store put around them. `docs/node-logs.md` lists what is recognised.
//!
//! The way of a line: `unwrap` finds the node's own line in it, `fields` splits that into message and
//! fields, `message` knows what the message means, [`parse_line`] makes a [`NodeEvent`] of it, and
//! [`read_node_log`] counts and keeps what a whole file says: `shape` recognises the lines that logs are full of, `facts`
//! keeps what they tell. Peer ids stay as short as they were logged until
//! `resolve_peers` has seen all logs.

#[cfg(test)]
mod equality;
mod event;
mod facts;
mod fields;
mod join;
mod line;
mod message;
mod peers;
mod pushes;
mod quality;
mod read;
#[cfg(test)]
mod samples;
mod scan;
mod shape;
#[cfg(test)]
mod tests;
mod time;
mod told;
mod unwrap;
#[cfg(test)]
mod whole_logs;

pub use event::{Format, NodeEvent, NodeEventKind, PeerList, TimeQuality};
pub(crate) use fields::hashes_in;
pub(crate) use join::{covers, load_native};
pub use line::{Level, LineParser, Parsed, parse_line};
pub(crate) use peers::{Book as PeerBook, own_id, resolve_peers};
pub(crate) use pushes::{PushEnd, PushLines};
pub(crate) use quality::{Shows, warnings};
pub use read::{NodeLog, SNIFF_BYTES, looks_native, read_node_log};
pub use unwrap::{MAX_PREFIX_BYTES, MAX_WRAPPERS};
