//! `lpt`: runs a whole test on this machine, and holds every role as a subcommand (one binary, one image).
//!
//! `lpt run` starts service nodes, receivers and publishers as child processes of this same binary, each with a
//! configuration file in the run folder, waits for readiness by reading their event logs, and hands those logs to the
//! tracer, whose verdict is the exit code. `lpt fleet` is for roles in containers that start by themselves.

mod child;
mod command;
mod dated;
pub mod fleet;
mod healthcheck;
mod leash;
pub mod run;
pub mod soak;

pub use command::main_with;
