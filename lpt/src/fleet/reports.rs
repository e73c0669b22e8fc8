//! Makes the folder of the reports writable for a tracer that is not root.
//!
//! A folder of the host that is mounted into a container belongs to whoever cloned the repository, or to root when the
//! engine made it. This part, and it alone, runs as root, without any capability but that of changing modes.

use std::{fs, os::unix::fs::PermissionsExt};

use runtime::{ExitCode, Shutdown, terminal};
use tokio::time::sleep;

use super::{
    args::Args,
    folder::FleetFolder,
    phase::{FleetError, POLL_INTERVAL},
    role::linger,
};

/// Everybody may add and remove: the folder holds nothing but reports.
const MODE: u32 = 0o777;

/// Opens the folder, then stays as long as the run.
pub(super) async fn run(args: &Args, shutdown: &Shutdown) -> Result<ExitCode, FleetError> {
    let folder = &args.fleet_reports;
    if let Err(error) = fs::set_permissions(folder, fs::Permissions::from_mode(MODE)) {
        // The tracer may be able to write there all the same, and says so if not.
        terminal::print(&format!(
            "warning: cannot open {} to all users: {error}\n",
            folder.display()
        ));
    }
    let fleet = FleetFolder(args.fleet_folder.clone());
    let run = async {
        loop {
            if let Ok(Some(run)) = fleet.current() {
                return run;
            }
            sleep(POLL_INTERVAL).await;
        }
    };
    if let Some(run) = shutdown.unless_requested(run).await {
        linger(&run, shutdown).await;
    }
    Ok(ExitCode::Ok)
}
