//! The contract between publisher, receiver, service node and tracer.
//!
//! Two artefacts: the *numbered test message* ([`payload`]), which travels over the network, and the *event log*
//! (JSON lines, one event a line), which every role writes ([`writer`]) and the tracer reads ([`reader`]).
//! `docs/event-log.md` explains both to users; `docs/event-log.schema.json` is generated from the types in [`event`].

pub mod event;
pub mod fast;
pub mod hash;
pub mod line;
pub mod padding;
pub mod payload;
mod queue;
pub mod raw_lines;
pub mod reader;
pub mod run_info;
pub mod schema;
pub mod sink;
pub mod timestamp;
pub mod writer;

#[cfg(test)]
mod doc_tables;
#[cfg(test)]
mod examples;

pub use event::{Event, Record, SCHEMA_VERSION};
pub use hash::MessageHash;
pub use line::{LineError, MAX_LINE_BYTES, parse_line};
pub use padding::Padding;
pub use payload::{Corrupt, Foreign, NumberedMessage};
pub use raw_lines::{LineParser, ParsedLine, RawLine, RawLines};
pub use reader::{Line, LogReader, read_log};
pub use run_info::RunInfo;
pub use sink::Sink;
pub use timestamp::Timestamp;
pub use writer::{EventLog, LogError, WrittenStats};
