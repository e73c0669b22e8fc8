//! `lpt fleet`: the parts of a fleet find each other in a shared folder.
//!
//! Containers of one service are alike and do not know how many they are, which of them they are, or when the others are
//! ready. Each is started as `lpt fleet ROLE`; the shared folder tells the rest:
//!
//! ```text
//! FOLDER/current                  the id of the run, made by the tracer
//! FOLDER/<run>/publisher-1.json   taken by one publisher; then where it is reached
//! FOLDER/<run>/publisher-1.jsonl  its event log
//! FOLDER/<run>/publisher-1.ended  its exit code
//! FOLDER/<run>/service-nodes.json where the service nodes are
//! FOLDER/<run>/receivers-ready    how far the run has come (`phase.rs`)
//! ```
//!
//! A role runs as a child process, exactly as it would alone. When its work is done the container stays until the tracer
//! has ended, because `--exit-code-from` stops a whole fleet as soon as any container ends.
//!
//! The tracer leads: it asks everybody's `/health`, notices who is gone without a word, and tells in the folder how far
//! the run has come. Everybody else looks at a handful of files, so a fleet of thousands costs each member no more than
//! one of two.

mod args;
mod folder;
mod foreign;
mod lead;
mod member;
mod phase;
mod program;
mod report;
mod reports;
mod role;
mod watch;

pub use args::{Args, FleetRole};
pub use folder::FolderError;
pub use phase::FleetError;
pub use program::{command, main_with};

// What `lpt soak` does alike.
pub(crate) use folder::{prune, write_whole};
pub(crate) use phase::wait_for;
pub(crate) use role::{code_of, start};
