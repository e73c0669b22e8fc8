//! The life of one message: every attempt, hop, push and arrival on one time line, and where it ended.
//!
//! The logs are read twice: [`find`](self) tells which hashes the message went under, `gather` takes what is logged
//! about them. Everything after that is small. What became of the message the report's own rules say (`judged`); why, the
//! records of this one message (`evidence`, `explain`).

mod about;
mod build;
mod command;
mod event_logs;
mod events;
mod evidence;
mod explain;
mod find;
mod gather;
mod id;
mod judged;
mod losses;
mod model;
mod names;
pub(crate) mod native;
mod native_evidence;
mod peers;
mod receivers;
mod relay;
pub(crate) mod scan;
mod text;
mod timeline;
mod words;

use std::path::PathBuf;

pub use command::TraceArgs;
pub(crate) use command::run_trace;
pub use find::MAX_CANDIDATES;
pub use id::{MIN_PREFIX_DIGITS, MessageId, ParseMessageIdError};
pub use model::*;
pub use scan::MAX_STDIN_BYTES;
pub use text::render_trace;

use crate::input::{Input, InputError};

/// Why there is no trace.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// The inputs cannot be read.
    #[error(transparent)]
    Input(#[from] InputError),
    /// No log tells of such a message.
    #[error("{0} is in none of these logs: see that they are of the same run and the id is written right")]
    NotFound(String),
    /// The id fits several messages.
    #[error("{id} fits {} messages; write more digits, or choose a run with --run:", candidates.len() + more)]
    Ambiguous {
        /// The id.
        id: String,
        /// The first [`MAX_CANDIDATES`] of them.
        candidates: Vec<String>,
        /// How many more there are.
        more: usize,
    },
}

impl TraceError {
    /// The lines that name what the id may mean.
    pub(crate) fn candidates(&self) -> impl Iterator<Item = &str> {
        match self {
            Self::Ambiguous { candidates, .. } => candidates.as_slice(),
            _ => &[],
        }
        .iter()
        .map(String::as_str)
    }
}

/// Traces the message `id` through the logs `inputs`; of `run`, where the logs are of several.
///
/// # Errors
/// [`TraceError`].
pub fn trace(inputs: &[PathBuf], id: &MessageId, run: Option<&str>) -> Result<Trace, TraceError> {
    trace_sources(&scan::Sources::open(inputs)?, id, run)
}

/// The same with inputs that have been found.
pub(crate) fn trace_inputs(inputs: Vec<Input>, id: &MessageId, run: Option<&str>) -> Result<Trace, TraceError> {
    trace_sources(&scan::Sources::of(inputs, scan::READING)?, id, run)
}

fn trace_sources(sources: &scan::Sources, id: &MessageId, run: Option<&str>) -> Result<Trace, TraceError> {
    let found = find::find(sources, id, run)?;
    let gathered = gather::gather(sources, &found.hashes)?;
    Ok(build::build(&found, gathered))
}

/// Traces the message `id` through a log in memory.
#[cfg(feature = "fuzzing")]
pub(crate) fn trace_bytes(log: &[u8], id: &MessageId) -> Result<Trace, TraceError> {
    trace_sources(&scan::Sources::of_bytes(log), id, None)
}
