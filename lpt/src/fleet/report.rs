//! The report of a fleet: every form of it in a folder of its own, with the logs it was made from.

use std::{
    fs, io,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    time::Duration,
};

use runtime::{ExitCode, Shutdown, terminal};

use super::{
    args::Args,
    folder::{FolderError, RunFolder, at, prune, write_whole},
    phase::{FleetError, wait_for},
    role::{code_of, start},
};
use crate::dated::{dated_name, is_dated_name};

/// Forms of the report, each with its file; CSV is a folder.
const FORMS: [(&str, &str); 6] = [
    ("text", "report.txt"),
    ("json", "report.json"),
    ("markdown", "report.md"),
    ("junit", "report.xml"),
    ("html", "report.html"),
    ("csv", "csv"),
];

/// Points to the newest report.
const LATEST: &str = "latest";

/// Mode of a report's folder: whoever owns the folder above may remove it, although the tracer has another user id.
const OPEN_MODE: u32 = 0o777;

/// Waits until reports can be written: better to say so before a run than after it.
pub(super) async fn check_folder(folder: &Path, wait: Duration, shutdown: &Shutdown) -> Result<(), FleetError> {
    let probe = folder.join(".writable");
    let writable = || fs::write(&probe, b"").and_then(|()| fs::remove_file(&probe));
    let waited = wait_for("not writable", wait, shutdown, || Ok(writable().ok())).await;
    match waited {
        Err(FleetError::Late { .. }) => Err(writable().err().map_or(
            FleetError::Late {
                what: "the reports' folder was not writable",
                waited: wait,
            },
            |source| FleetError::Folder(at(folder)(source)),
        )),
        other => other,
    }
}

/// Judges the run and writes its report. The text form goes to standard output; the exit code is the verdict.
pub(super) async fn write(args: &Args, run: &RunFolder) -> Result<ExitCode, FleetError> {
    let name = dated_name(&run.run_id);
    let folder = args.fleet_reports.join(&name);
    fs::create_dir(&folder).map_err(at(&folder))?;
    open_to_all(&folder)?;
    let logs = folder.join("logs");
    if copy_logs(&run.path, &logs)? == 0 {
        terminal::print("error: nobody wrote an event log, so there is nothing to judge\n");
        return Ok(ExitCode::ServiceNodeUnavailable);
    }
    let code = trace(args, run, &folder, &logs).await?;
    fs::create_dir_all(folder.join("csv")).map_err(at(&folder))?;
    open_to_all(&folder.join("csv"))?;
    write_whole(&folder.join("exit-code"), format!("{}\n", code.code()).as_bytes())?;
    point_to(&args.fleet_reports, &name);
    let kept = usize::try_from(args.fleet_keep).unwrap_or(usize::MAX);
    for problem in prune(&args.fleet_reports, kept, is_dated_name) {
        terminal::print(&format!("warning: an old report stays: {problem}\n"));
    }
    terminal::print(&format!("reports: {}\n", folder.display()));
    Ok(code)
}

async fn trace(args: &Args, run: &RunFolder, folder: &Path, logs: &Path) -> Result<ExitCode, FleetError> {
    let (subcommand, options) = match args.rest.split_first() {
        Some((first, options)) => (first.as_str(), options),
        None => ("report", &[][..]),
    };
    if !matches!(subcommand, "report" | "gate") {
        return Err(FleetError::Usage(format!(
            "the tracer of a fleet takes `report` or `gate`, not {subcommand:?}"
        )));
    }
    let mut arguments = vec![
        "tracer".to_owned(),
        subcommand.to_owned(),
        format!("--run={}", run.run_id),
    ];
    arguments.push(format!(
        "--expect=publishers={},receivers={}",
        args.fleet_publishers, args.fleet_receivers
    ));
    for (kind, file) in FORMS {
        arguments.push(format!("--report={kind}={}", folder.join(file).display()));
    }
    arguments.extend(options.iter().cloned());
    arguments.push(logs.display().to_string());
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let (mut child, _leash) = start(&arguments)?;
    Ok(code_of(child.wait().await.map_err(FleetError::Start)?))
}

/// Copies the event logs beside the report, and returns how many there are.
fn copy_logs(from: &Path, to: &Path) -> Result<usize, FolderError> {
    fs::create_dir(to).map_err(at(to))?;
    open_to_all(to)?;
    let entries = fs::read_dir(from).map_err(at(from))?;
    let mut count = 0;
    for entry in entries {
        let path = entry.map_err(at(from))?.path();
        if path.extension().is_some_and(|extension| extension == "jsonl") {
            let copy = to.join(path.file_name().unwrap_or_default());
            fs::copy(&path, &copy).map_err(at(&copy))?;
            count += 1;
        }
    }
    Ok(count)
}

fn open_to_all(folder: &Path) -> Result<(), FolderError> {
    fs::set_permissions(folder, fs::Permissions::from_mode(OPEN_MODE)).map_err(at(folder))
}

/// Not every file system under a shared folder of a desktop knows links; the report is there without it, too.
fn point_to(reports: &Path, name: &str) {
    let link = reports.join(LATEST);
    let own = reports.join(format!(".{LATEST}.{name}"));
    let replaced = symlink(name, &own).and_then(|()| fs::rename(&own, &link));
    if let Err(error) = replaced.or_else(|error| match error.kind() {
        io::ErrorKind::Unsupported => Ok(()),
        _ => Err(error),
    }) {
        terminal::print(&format!("warning: cannot point {} to it: {error}\n", link.display()));
    }
}
