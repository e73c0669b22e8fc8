//! The command line of a service node, shared by the `service-node` binary and `lpt node`.

mod args;
mod key;
mod run;

pub use args::{Args, ArgsError, OptionalRate};
pub use run::{command, main_with, seeded_peer_id};
