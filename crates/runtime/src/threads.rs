//! The one place where the tokio runtime of a process is made.

use std::{future::Future, io};

/// Runs `future` to its end on a multi-threaded tokio runtime with all drivers, then drops the runtime and whatever
/// tasks are still on it.
///
/// # Errors
/// When the operating system refuses threads or the event queue.
pub fn block_on<F: Future>(future: F) -> io::Result<F::Output> {
    Ok(tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(future))
}
