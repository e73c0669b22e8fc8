//! The program around a test: options in, report out, verdict as exit code.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io::{self, IsTerminal, Write},
};

use clap::CommandFactory;
use runtime::{
    ExitCode, Shutdown,
    config::{self, Parsed},
    light::random_run_id,
    logging,
    progress::ProgressMode,
    terminal, threads,
};
use tracer::{
    Options, Report, TextStyle, Verdict,
    report::{ReportKind, Reporter},
};

use super::{
    args::Args,
    fleet::{Fleet, RunError, Step},
    folder::{FolderError, RunFolder},
};

/// The whole program, given its command line without the word `run`.
#[must_use]
pub fn main_with(argv: Vec<OsString>) -> ExitCode {
    let command = config::with_environment(Args::command())
        .bin_name("lpt run")
        .after_help(ExitCode::help_table(&ExitCode::ALL));
    let parsed = match config::parse::<Args>(&command, &[], &argv, |name| std::env::var_os(name)) {
        Ok(parsed) => parsed,
        Err(error) => return error.report(),
    };
    if let Err(error) = logging::init(&parsed.args.log_level) {
        return fail(&error, ExitCode::Usage);
    }
    match threads::block_on(run(&parsed)) {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => {
            let code = error.exit_code();
            fail(&error, code)
        }
        Err(error) => fail(&error, ExitCode::Internal),
    }
}

fn fail(error: &dyn std::fmt::Display, code: ExitCode) -> ExitCode {
    terminal::print(&format!("error: {error}\n"));
    code
}

async fn run(parsed: &Parsed<Args>) -> Result<ExitCode, RunError> {
    let args = &parsed.args;
    let shutdown = Shutdown::on_signals().map_err(RunError::OwnPath)?;
    let run_id = random_run_id();
    let folder = RunFolder::create(args.folder.as_deref(), &run_id)?;
    let tells = args.progress != ProgressMode::None;
    let say = |text: String| {
        if tells {
            terminal::print(&format!("{text}\n"));
        }
    };
    say(format!("run folder: {}", folder.path().display()));
    write_scenario(parsed, &run_id, &folder)?;
    let mut fleet = Fleet::new(args, &run_id, &folder)?;
    let outcome = fleet.run(&shutdown, &mut |step| say(describe(&step))).await;
    drop(fleet);
    outcome?;
    Ok(report(args, &folder)?)
}

/// Keeps the resolved options, so that `lpt run --config <folder>/run.toml` is the same test again.
fn write_scenario(parsed: &Parsed<Args>, run_id: &str, folder: &RunFolder) -> Result<(), FolderError> {
    let options: BTreeMap<_, _> = parsed
        .values
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "config" | "folder"))
        .collect();
    folder.write_toml("run.toml", &options)?;
    folder.write("run-id", &format!("{run_id}\n"))
}

fn describe(step: &Step) -> String {
    match step {
        Step::NodesUp { count: 1 } => "service node is up".to_owned(),
        Step::NodesUp { count } => format!("{count} service nodes relay to each other"),
        Step::ReceiversSubscribed { processes, clients } => {
            format!(
                "subscribed: {}, in {}",
                many(*clients, "receiver client"),
                many(*processes, "process")
            )
        }
        Step::Publishing {
            processes,
            messages_per_client,
        } => {
            format!(
                "publishing: {}, {messages_per_client} messages a client",
                many(*processes, "publisher")
            )
        }
        Step::Draining => "publishers have ended; waiting for the last messages".to_owned(),
        Step::Ended => "all processes have ended\n".to_owned(),
        Step::Trouble { text } => format!("warning: {text}"),
    }
}

/// `1 client`, `2 clients`, `2 processes`.
fn many(count: u32, thing: &str) -> String {
    let ending = match (count, thing.ends_with('s')) {
        (1, _) => "",
        (_, true) => "es",
        (_, false) => "s",
    };
    format!("{count} {thing}{ending}")
}

fn report(args: &Args, folder: &RunFolder) -> Result<ExitCode, FolderError> {
    let max_slip_ns = args
        .max_slip
        .map(|slip| i64::try_from(slip.as_nanos()).unwrap_or(i64::MAX));
    let options = Options {
        max_slip_ns,
        ..Options::default()
    };
    let report = match tracer::report(&[folder.path().to_owned()], &options) {
        Ok(report) => report,
        Err(error) => return Ok(fail(&error, ExitCode::InputMissing)),
    };
    folder.write("report.json", &tracer::render_json(&report))?;
    folder.write("report.txt", &tracer::render_text(&report, TextStyle::Plain))?;
    folder.write("report.html", &ReportKind::Html.render(&report))?;
    let shown = if args.format == "json" {
        tracer::render_json(&report)
    } else {
        let colour = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        tracer::render_text(&report, if colour { TextStyle::Coloured } else { TextStyle::Plain })
    };
    // A reader that went away has seen what it wanted; the folder keeps the whole.
    let _ = io::stdout().lock().write_all(shown.as_bytes());
    Ok(verdict_code(&report))
}

fn verdict_code(report: &Report) -> ExitCode {
    match report.verdict {
        Verdict::Pass => ExitCode::Ok,
        Verdict::Fail => ExitCode::Fail,
        Verdict::Unknown => ExitCode::Unknown,
    }
}
