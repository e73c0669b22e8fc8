//! How far a run has come, and waiting for it.

use std::time::Duration;

use runtime::{ExitCode, Shutdown};
use tokio::time::{Instant, sleep};

use super::folder::{FolderError, RunFolder};

/// How often the shared folder is looked at: a run starts and ends a few such pauses later than it could.
pub(super) const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// What the tracer tells everybody, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Every receiver is subscribed: publish.
    ReceiversReady,
    /// Every publisher has ended: receive what is under way, and end.
    PublishersEnded,
    /// Every receiver has ended: service nodes are no longer needed.
    ReceiversEnded,
    /// Something went wrong, or the user stops the run: end now.
    Stop,
}

impl Phase {
    pub(super) fn file(self) -> &'static str {
        match self {
            Self::ReceiversReady => "receivers-ready",
            Self::PublishersEnded => "publishers-ended",
            Self::ReceiversEnded => "receivers-ended",
            Self::Stop => "stop",
        }
    }
}

/// Why a part of a fleet did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// The shared folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// Nobody made a run.
    #[error("no run in {folder} after {} s: start `lpt fleet tracer` with the same folder", .waited.as_secs())]
    NoRun {
        /// The shared folder.
        folder: String,
        /// How long was waited.
        waited: Duration,
    },
    /// More members than the fleet has places.
    #[error(
        "no place left for {place}: the fleet is told to have {count}; is a container of an earlier start still running?"
    )]
    NoPlace {
        /// The role, with the index when one was asked for.
        place: String,
        /// How many there are.
        count: u32,
    },
    /// The others did not come so far in time.
    #[error("{what} after {} s", .waited.as_secs())]
    Late {
        /// What was waited for.
        what: &'static str,
        /// How long was waited.
        waited: Duration,
    },
    /// The tracer called the run off.
    #[error("the run was stopped: see what the tracer says")]
    Stopped,
    /// Asked to end, by a signal, before there was anything to do.
    #[error("stopped by a signal")]
    Signal,
    /// This process's own address.
    #[error("cannot find out at which address others reach this process ({host}: {reason}): give --fleet-host")]
    NoHost {
        /// The host name.
        host: String,
        /// What the system says.
        reason: String,
    },
    /// A role could not be started.
    #[error("cannot start the role: {0}")]
    Start(std::io::Error),
    /// The addresses of foreign service nodes.
    #[error("--node-info {url}: {reason}")]
    NodeInfo {
        /// What was asked.
        url: String,
        /// What went wrong last.
        reason: String,
    },
    /// Options that contradict each other.
    #[error("{0}")]
    Usage(String),
    /// The operating system refuses the basics.
    #[error("internal error: {0}")]
    Internal(String),
}

impl FleetError {
    /// The exit code that tells this error.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) | Self::NoPlace { .. } => ExitCode::Usage,
            Self::Folder(_) => ExitCode::CannotCreateOutput,
            Self::NoRun { .. } | Self::Late { .. } | Self::Stopped | Self::NodeInfo { .. } => {
                ExitCode::ServiceNodeUnavailable
            }
            // Asked to end, and ended.
            Self::Signal => ExitCode::Ok,
            Self::NoHost { .. } | Self::Start(_) | Self::Internal(_) => ExitCode::Internal,
        }
    }
}

/// Looks again and again until `look` finds something.
pub(crate) async fn wait_for<T>(
    what: &'static str,
    wait: Duration,
    shutdown: &Shutdown,
    mut look: impl FnMut() -> Result<Option<T>, FolderError>,
) -> Result<T, FleetError> {
    let deadline = Instant::now() + wait;
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        if Instant::now() >= deadline {
            return Err(FleetError::Late { what, waited: wait });
        }
        if shutdown.unless_requested(sleep(POLL_INTERVAL)).await.is_none() {
            return Err(FleetError::Signal);
        }
    }
}

/// [`wait_for`] inside a run, which may be called off.
pub(super) async fn wait_in_run<T>(
    run: &RunFolder,
    what: &'static str,
    wait: Duration,
    shutdown: &Shutdown,
    mut look: impl FnMut() -> Result<Option<T>, FolderError>,
) -> Result<T, FleetError> {
    let found = wait_for(what, wait, shutdown, || match look()? {
        Some(found) => Ok(Some(Some(found))),
        None if run.has_reached(Phase::Stop) => Ok(Some(None)),
        None => Ok(None),
    });
    found.await?.ok_or(FleetError::Stopped)
}

/// Completes when the run has come so far.
pub(super) async fn reached(run: &RunFolder, phase: Phase) {
    while !run.has_reached(phase) {
        sleep(POLL_INTERVAL).await;
    }
}
