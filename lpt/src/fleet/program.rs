//! The program of `lpt fleet`: options in, exit code out.

use std::ffi::OsString;

use clap::CommandFactory;
use runtime::{ExitCode, Shutdown, config, terminal, threads};

use super::{
    args::{Args, FleetRole},
    foreign, lead,
    member::Kind,
    phase::FleetError,
    reports, role,
};

/// Names of the fleet runner that say how many there are; compose replicas are set elsewhere, so the two can differ.
pub(super) const COUNTS: [&str; 2] = ["NUM_PUBLISHER_NODES", "NUM_RECEIVER_NODES"];

/// The command with its environment variables and its table of exit codes.
#[must_use]
pub fn command() -> clap::Command {
    config::with_environment(Args::command()).after_help(ExitCode::help_table(&ExitCode::ALL))
}

/// The whole program, program name first.
#[must_use]
pub fn main_with(argv: Vec<OsString>) -> ExitCode {
    let parsed = match config::parse::<Args>(&command(), &[], &argv, |name| std::env::var_os(name)) {
        Ok(parsed) => parsed,
        Err(error) => return error.report(),
    };
    let outcome = match threads::block_on(run(&parsed.args)) {
        Ok(outcome) => outcome,
        Err(error) => Err(FleetError::Internal(error.to_string())),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            terminal::print(&format!("error: {error}\n"));
            error.exit_code()
        }
    }
}

async fn run(args: &Args) -> Result<ExitCode, FleetError> {
    check_counts(args, |name| std::env::var(name).ok())?;
    let shutdown = Shutdown::on_signals().map_err(|error| FleetError::Internal(error.to_string()))?;
    match args.role {
        FleetRole::Node => role::run(Kind::Node, args, &shutdown).await,
        FleetRole::Publisher => role::run(Kind::Publisher, args, &shutdown).await,
        FleetRole::Receiver => role::run(Kind::Receiver, args, &shutdown).await,
        FleetRole::Nodes => foreign::run(args, &shutdown).await,
        FleetRole::Tracer => lead::run(args, &shutdown).await,
        FleetRole::Reports => reports::run(args, &shutdown).await,
    }
}

/// A count that the user gave by its old name must be that of the fleet.
fn check_counts(args: &Args, env: impl Fn(&str) -> Option<String>) -> Result<(), FleetError> {
    let real = [args.fleet_publishers, args.fleet_receivers];
    for (name, real) in COUNTS.into_iter().zip(real) {
        let Some(asked) = env(name).filter(|value| !value.trim().is_empty()) else {
            continue;
        };
        if asked.trim().parse() != Ok(real) {
            return Err(FleetError::Usage(format!(
                "environment variable {name} says {:?}, but the fleet is started with {real}: add the file \
                 compose/lpt-runner.yaml, which takes the number from there, or unset it",
                runtime::escape::escape(&asked)
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

    use clap::Parser;

    use super::*;

    #[test]
    fn counts_by_their_old_names_must_be_those_of_the_fleet() {
        let args = Args::try_parse_from(["lpt fleet", "tracer", "--fleet-publishers=3"]).unwrap();
        let check =
            |value: &'static str| check_counts(&args, |name| (name == "NUM_PUBLISHER_NODES").then(|| value.to_owned()));
        assert!(check("3").is_ok() && check("").is_ok());
        let error = check("5").unwrap_err().to_string();
        assert!(error.contains("\"5\"") && error.contains("started with 3"), "{error}");
    }

    #[test]
    fn options_of_the_role_come_after_two_dashes() {
        let argv: Vec<OsString> = [
            "lpt fleet",
            "tracer",
            "--fleet-keep",
            "3",
            "--",
            "gate",
            "--profile",
            "ci",
        ]
        .map(Into::into)
        .into();
        let parsed = config::parse::<Args>(&command(), &[], &argv, |_| None).unwrap();
        assert_eq!(parsed.args.rest, ["gate", "--profile", "ci"]);
        assert_eq!((parsed.args.role, parsed.args.fleet_keep), (FleetRole::Tracer, 3));
    }
}
