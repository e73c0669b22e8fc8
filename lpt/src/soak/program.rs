//! The program of `lpt soak`: runs on a schedule, history and page after each.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::CommandFactory;
use event_log::Timestamp;
use runtime::{ExitCode, Shutdown, config, light::random_run_id, terminal, threads};
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{Instant, sleep_until};

use super::{
    args::Args,
    history::{self, Entry, MAX_ENTRIES, Summary},
    page,
};
use crate::{
    dated::{dated_name, is_dated_name},
    fleet::{FleetError, code_of, prune, start, wait_for, write_whole},
};

/// The interval by its name in the supervisor of the Nim tester.
const INTERVAL_ALIAS: &str = "TEST_INTERVAL_MINUTES";

/// How long the folder may take to become writable: beside the soak test in containers, `lpt fleet reports` sees to it.
const FOLDER_WAIT: Duration = Duration::from_secs(10);

/// The command with its environment variables and its table of exit codes.
#[must_use]
pub fn command() -> clap::Command {
    config::with_environment(Args::command()).after_help(ExitCode::help_table(&ExitCode::ALL))
}

/// The whole program, program name first. The exit code is the worst verdict of its runs.
#[must_use]
pub fn main_with(argv: Vec<OsString>) -> ExitCode {
    let mut parsed = match config::parse::<Args>(&command(), &[], &argv, |name| std::env::var_os(name)) {
        Ok(parsed) => parsed,
        Err(error) => return error.report(),
    };
    if !parsed.is_given("every") {
        match interval_alias(std::env::var(INTERVAL_ALIAS).ok().as_deref()) {
            Ok(Some(every)) => parsed.args.every = every,
            Ok(None) => {}
            Err(error) => {
                terminal::print(&format!("error: {error}\n"));
                return ExitCode::Usage;
            }
        }
    }
    match threads::block_on(soak(&parsed.args)) {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => {
            terminal::print(&format!("error: {error}\n"));
            error.exit_code()
        }
        Err(error) => {
            terminal::print(&format!("error: {error}\n"));
            ExitCode::Internal
        }
    }
}

fn interval_alias(value: Option<&str>) -> Result<Option<Duration>, String> {
    match value.map(str::trim).filter(|value| !value.is_empty()) {
        None => Ok(None),
        Some(value) => match value.parse::<u32>() {
            Ok(minutes) => Ok(Some(Duration::from_secs(60 * u64::from(minutes)))),
            Err(_) => Err(format!(
                "environment variable {INTERVAL_ALIAS}: {value:?} is not a number of minutes"
            )),
        },
    }
}

async fn soak(args: &Args) -> Result<ExitCode, FleetError> {
    let shutdown = Shutdown::on_signals().map_err(|error| FleetError::Internal(error.to_string()))?;
    let folder = Folder(args.soak_folder.clone());
    let made = || Ok(fs::create_dir_all(folder.runs()).ok());
    if let Err(FleetError::Late { .. }) = wait_for("the folder is not there", FOLDER_WAIT, &shutdown, made).await {
        fs::create_dir_all(folder.runs()).map_err(|error| folder.error(error))?;
    }
    let mut entries = history::load(&folder.history()).map_err(|error| folder.error(error))?;
    let known = entries.len();
    let mut own = Vec::new();
    let mut due = Instant::now();
    for number in 1_u64.. {
        let entry = one_run(args, &folder, &shutdown).await?;
        terminal::print(&format!("soak: run {number} {}: {}\n", entry.name, entry.word()));
        own.push(entry.clone());
        entries.push(entry);
        let surplus = entries.len().saturating_sub(MAX_ENTRIES);
        entries.drain(..surplus);
        keep(args, &folder, &entries)?;
        if shutdown.is_requested() || number == args.runs {
            break;
        }
        due = next_turn(due, args.every, Instant::now());
        if shutdown.unless_requested(sleep_until(due)).await.is_none() {
            break;
        }
    }
    terminal::print(&format!(
        "soak: {} runs, {known} before them; page: {}\n",
        own.len(),
        folder.page().display()
    ));
    Ok(history::worst(&own))
}

/// The first turn after `now`: a run that took longer than the interval costs its successors their turn, so that runs
/// never pile up.
fn next_turn(last: Instant, every: Duration, now: Instant) -> Instant {
    if every.is_zero() {
        return now;
    }
    let mut next = last + every;
    while next < now {
        next += every;
    }
    next
}

async fn one_run(args: &Args, folder: &Folder, shutdown: &Shutdown) -> Result<Entry, FleetError> {
    let name = dated_name(&random_run_id());
    let (began, clock) = (Timestamp::now(), Instant::now());
    let run_folder = folder.runs().join(&name);
    let flag = format!("--folder={}", run_folder.display());
    let arguments: Vec<&str> = ["run", flag.as_str()]
        .into_iter()
        .chain(args.rest.iter().map(String::as_str))
        .collect();
    let (mut child, _leash) = start(&arguments)?;
    let status = tokio::select! {
        status = child.wait() => status,
        () = shutdown.requested() => {
            if let Some(pid) = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw) {
                // It may have ended in this moment.
                let _ = kill_process(pid, Signal::TERM);
            }
            child.wait().await
        }
    };
    Ok(Entry {
        started: began.to_string(),
        seconds: clock.elapsed().as_secs_f64(),
        exit_code: code_of(status.map_err(FleetError::Start)?).code(),
        summary: Summary::read(&run_folder.join("report.json")),
        name,
    })
}

/// Removes old run folders and writes history and page anew.
fn keep(args: &Args, folder: &Folder, entries: &[Entry]) -> Result<(), FleetError> {
    let kept = usize::try_from(args.keep).unwrap_or(usize::MAX);
    for problem in prune(&folder.runs(), kept, is_dated_name) {
        terminal::print(&format!("warning: an old run stays: {problem}\n"));
    }
    let text = serde_json::to_vec_pretty(entries).map_err(|error| FleetError::Internal(error.to_string()))?;
    write_whole(&folder.history(), &text)?;
    let page = page::render(entries, |name| folder.runs().join(name).is_dir());
    write_whole(&folder.page(), page.as_bytes())?;
    Ok(())
}

/// Where everything is.
struct Folder(PathBuf);

impl Folder {
    fn runs(&self) -> PathBuf {
        self.0.join("runs")
    }

    fn history(&self) -> PathBuf {
        self.0.join("history.json")
    }

    fn page(&self) -> PathBuf {
        self.0.join("index.html")
    }

    fn error(&self, source: io::Error) -> FleetError {
        FleetError::Folder(crate::fleet::FolderError::Io {
            path: Path::new(&self.0).to_owned(),
            source,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_that_were_missed_are_not_made_up_for() {
        let start = Instant::now();
        let every = Duration::from_secs(60);
        let next = |took_s| (next_turn(start, every, start + Duration::from_secs(took_s)) - start).as_secs();
        assert_eq!([next(5), next(60), next(61), next(200)], [60, 60, 120, 240]);
        assert_eq!(next_turn(start, Duration::ZERO, start), start);
    }

    #[test]
    fn the_interval_by_its_old_name() {
        assert_eq!(interval_alias(Some("180")), Ok(Some(Duration::from_secs(10_800))));
        assert_eq!(interval_alias(Some("")), Ok(None));
        assert!(interval_alias(Some("3h")).is_err_and(|error| error.contains("TEST_INTERVAL_MINUTES")));
    }
}
