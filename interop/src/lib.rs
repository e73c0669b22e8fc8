//! The interoperability suite: our binaries against other people's software, cell by cell of a matrix.
//!
//! Each cell (`cells`) starts its own parties in a folder of its own (`lab`, `party`, `process`), waits for what they log,
//! and then judges what they left behind (`check`, `messages`, `paths`): every message acknowledged, delivered with the
//! same bytes under the same hash, and the tracer content with the logs of all parties. `matrix` runs the cells side by
//! side and prints them as a table. `interop/run` builds all parties and starts this program.

mod args;
mod cells;
mod check;
mod client;
mod failure;
mod lab;
mod matrix;
mod messages;
mod party;
mod paths;
mod process;
mod rest;

use std::{ffi::OsString, io::Write};

use clap::Parser;
use runtime::{ExitCode, terminal};

pub use args::Args;

/// Runs the suite that `argv` (program name first) asks for. 0 when every cell holds, 1 when one does not.
#[must_use]
pub fn main_with(argv: Vec<OsString>) -> ExitCode {
    let args = match Args::try_parse_from(argv) {
        Ok(args) => args,
        Err(error) => {
            // Help into a closed pipe is nobody's loss.
            let _ = error.print();
            return if error.use_stderr() {
                ExitCode::Usage
            } else {
                ExitCode::Ok
            };
        }
    };
    let rows = match matrix::run(&args) {
        Ok(rows) => rows,
        Err(error) => {
            terminal::print(&format!("error: {error}"));
            return ExitCode::Usage;
        }
    };
    // The table is the output; a closed pipe does not change the verdict.
    let _ = std::io::stdout().write_all(matrix::table(&rows).as_bytes());
    if rows.iter().any(matrix::Row::has_failed) {
        ExitCode::Fail
    } else {
        ExitCode::Ok
    }
}
