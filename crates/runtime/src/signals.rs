//! Shutdown: the first SIGINT or SIGTERM asks for a clean end, the second leaves at once.

use std::{future::Future, io, process};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::ExitCode;

/// A request to end in order. Clones share one state; engines take a clone and stop starting new work when it fires.
#[derive(Debug, Clone, Default)]
pub struct Shutdown(CancellationToken);

impl Shutdown {
    /// Not requested yet, and independent of signals.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Fires when SIGINT or SIGTERM arrives. At the second one the process ends with [`ExitCode::Interrupted`].
    /// Must be called on a tokio runtime, once per process.
    ///
    /// # Errors
    /// When the signal handlers cannot be installed.
    pub fn on_signals() -> io::Result<Self> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let shutdown = Self::new();
        let requested = shutdown.clone();
        tokio::spawn(async move {
            let first = next_signal(&mut interrupt, &mut terminate).await;
            tracing::info!(signal = first, "ending in order; a second signal leaves at once");
            requested.request();
            next_signal(&mut interrupt, &mut terminate).await;
            process::exit(i32::from(ExitCode::Interrupted.code()));
        });
        Ok(shutdown)
    }

    /// Asks for the end. Idempotent.
    pub fn request(&self) {
        self.0.cancel();
    }

    /// Whether the end has been asked for.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Completes when the end is asked for; at once if it already was.
    pub async fn requested(&self) {
        self.0.cancelled().await;
    }

    /// What `future` completes with; `None` when the end is asked for first.
    pub async fn unless_requested<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            outcome = future => Some(outcome),
            () = self.requested() => None,
        }
    }

    /// [`Shutdown::requested`] as a future that owns its handle.
    pub fn into_future(self) -> impl Future<Output = ()> + Send + 'static {
        self.0.cancelled_owned()
    }

    /// A part of the whole: fires with this one, and can be fired alone.
    #[must_use]
    pub fn child(&self) -> Self {
        Self(self.0.child_token())
    }
}

async fn next_signal(interrupt: &mut Signal, terminate: &mut Signal) -> &'static str {
    tokio::select! {
        _ = interrupt.recv() => "SIGINT",
        _ = terminate.recv() => "SIGTERM",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn clones_and_children_see_the_request() {
        let shutdown = Shutdown::new();
        let (clone, child) = (shutdown.clone(), shutdown.child());
        assert!(!clone.is_requested());
        shutdown.request();
        clone.requested().await;
        child.requested().await;
    }

    #[tokio::test]
    async fn a_request_ends_what_would_not_end_and_nothing_else() {
        let shutdown = Shutdown::new();
        assert_eq!(shutdown.unless_requested(async { 7 }).await, Some(7));
        shutdown.request();
        assert_eq!(shutdown.unless_requested(std::future::pending::<u8>()).await, None);
    }

    #[tokio::test]
    async fn child_fires_alone() {
        let shutdown = Shutdown::new();
        shutdown.child().request();
        assert!(!shutdown.is_requested());
    }
}
