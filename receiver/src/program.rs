//! The program around the engine: options in, exit code out.

use std::ffi::OsString;

use event_log::event::Role;
use prometheus_client::registry::Registry;
use runtime::{
    ExitCode, Shutdown,
    config::{Parsed, Side},
    light::{Session, SessionError, SessionPlan, report_outcome, run_program},
    logging,
    progress::{Progress, ProgressMode},
};

use crate::{
    args::{self, Args, EXCLUSIVE},
    engine,
    metrics::Metrics,
    settings::Settings,
};

/// The whole program. `argv[0]` is the name shown in the help, such as `receiver` or `lpt receiver`.
#[must_use]
pub fn main_with(argv: impl IntoIterator<Item = OsString>) -> ExitCode {
    run_program(Side::Receiver, &args::command(), EXCLUSIVE, argv, run)
}

/// Runs the receiver with parsed options on the current tokio runtime, listening to signals, and says on standard
/// error what went wrong, if anything did.
pub async fn run(parsed: Parsed<Args>) -> ExitCode {
    report_outcome(receive(parsed).await)
}

async fn receive(parsed: Parsed<Args>) -> Result<(), SessionError> {
    logging::init(&parsed.args.run.log_level)?;
    let settings = Settings::resolve(&parsed.args).map_err(|error| SessionError::Usage(error.to_string()))?;
    let shutdown = Shutdown::on_signals().map_err(|error| SessionError::Internal(error.to_string()))?;
    let metrics = Metrics::default();
    let mut registry = Registry::default();
    metrics.register(&mut registry);
    let session = Session::open(&parsed.args.run, registry, plan(&parsed, &settings)).await?;
    let counted = metrics.clone();
    let total = settings
        .end
        .expect_messages
        .map(|each| each.saturating_mul(u64::from(settings.clients)));
    let mode = parsed.args.run.progress;
    let progress = Progress::start(mode, "receiver", move || counted.snapshot(total));
    let frame = session.frame(metrics.clone(), shutdown);
    let outcome = engine::run(settings, frame, mode != ProgressMode::None).await;
    progress.finish().await;
    session.finish(outcome, metrics.counters()).await
}

fn plan(parsed: &Parsed<Args>, settings: &Settings) -> SessionPlan {
    let search = settings.search.as_ref();
    let mut config = SessionPlan::config(&parsed.values, &settings.routes, settings.cluster_id, search);
    config.insert("redundancy".into(), (settings.redundancy as u64).into());
    SessionPlan {
        role: Role::Receiver,
        clients: settings.clients,
        messages: None,
        interval_ns: None,
        config,
    }
}
