//! Children that end with their parent, whatever ends the parent.
//!
//! A child of `lpt run` holds the reading end of a pipe whose writing end only the parent has. When the parent is gone,
//! by a panic, a crash or `kill -9`, the pipe ends, and the child asks itself to stop, and stops itself if it does not.

use std::{io::Read, thread, time::Duration};

use rustix::process::{Signal, getpid, kill_process};

/// Set for children of `lpt run`: standard input is the leash.
pub(crate) const LEASH_VARIABLE: &str = "LPT_LEASH";

/// How long a child may take to drain and close its log once its parent is gone.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// In a child of `lpt run`, starts the thread that waits for the parent's end. Elsewhere does nothing.
pub(crate) fn end_with_parent() {
    if std::env::var_os(LEASH_VARIABLE).is_none() {
        return;
    }
    let watch = || {
        let mut byte = [0_u8; 1];
        // The parent never writes: a byte or an error means as much as the end.
        let _ = std::io::stdin().read(&mut byte);
        let _ = kill_process(getpid(), Signal::TERM);
        thread::sleep(DRAIN_TIMEOUT);
        let _ = kill_process(getpid(), Signal::KILL);
    };
    if let Err(error) = thread::Builder::new().name("leash".into()).spawn(watch) {
        runtime::terminal::print(&format!("error: cannot watch for the end of lpt run: {error}\n"));
    }
}
