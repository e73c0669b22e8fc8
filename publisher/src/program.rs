//! The program around the engine: options in, exit code out.

use std::ffi::OsString;

use event_log::event::Role;
use prometheus_client::registry::Registry;
use runtime::{
    ExitCode, Shutdown,
    config::{Parsed, Side},
    light::{Session, SessionError, SessionPlan, report_outcome, run_program},
    logging,
    progress::Progress,
};

use crate::{
    args::{self, Args, EXCLUSIVE},
    engine,
    metrics::Metrics,
    settings::Settings,
};

/// The whole program. `argv[0]` is the name shown in the help, such as `publisher` or `lpt publisher`.
#[must_use]
pub fn main_with(argv: impl IntoIterator<Item = OsString>) -> ExitCode {
    run_program(Side::Publisher, &args::command(), EXCLUSIVE, argv, run)
}

/// Runs the publisher with parsed options on the current tokio runtime, listening to signals, and says on standard
/// error what went wrong, if anything did.
pub async fn run(parsed: Parsed<Args>) -> ExitCode {
    report_outcome(publish(parsed).await)
}

async fn publish(parsed: Parsed<Args>) -> Result<(), SessionError> {
    logging::init(&parsed.args.run.log_level)?;
    let settings = Settings::resolve(&parsed.args).map_err(|error| SessionError::Usage(error.to_string()))?;
    if parsed.args.network.search.requires_rln() {
        tracing::warn!("relays of this network drop messages without an RLN proof: the service node must attach it");
    }
    let shutdown = Shutdown::on_signals().map_err(|error| SessionError::Internal(error.to_string()))?;
    let metrics = Metrics::default();
    let mut registry = Registry::default();
    metrics.register(&mut registry);
    let session = Session::open(&parsed.args.run, registry, plan(&parsed, &settings)).await?;
    let counted = metrics.clone();
    let progress = Progress::start(parsed.args.run.progress, "publisher", move || counted.snapshot());
    let frame = session.frame(metrics.clone(), shutdown);
    let outcome = engine::run(settings, frame).await;
    progress.finish().await;
    session.finish(outcome, metrics.counters()).await
}

fn plan(parsed: &Parsed<Args>, settings: &Settings) -> SessionPlan {
    let search = settings.search.as_ref();
    let mut config = SessionPlan::config(&parsed.values, &settings.routes, settings.cluster_id, search);
    config.insert("seed".into(), settings.seed.into());
    config.insert("messages".into(), settings.messages.unwrap_or(0).into());
    config.insert("pace".into(), settings.rate.to_string().into());
    config.insert("max-size".into(), (settings.size_range_bytes.1 as u64).into());
    SessionPlan {
        role: Role::Publisher,
        clients: settings.clients,
        messages: settings.schedule().planned().map(u64::from),
        interval_ns: Some(settings.rate.interval_ns()),
        config,
    }
}
