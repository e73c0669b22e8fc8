//! Which part of the tester a command line is for.

use std::{ffi::OsString, process};

use clap::CommandFactory;
use runtime::ExitCode;

use crate::{fleet, healthcheck, leash, run, soak};

/// A role's own entry point, given its whole command line.
type Role = fn(Vec<OsString>) -> process::ExitCode;

/// The roles and tools by the name of their subcommand.
const ROLES: [(&str, Role); 7] = [
    ("node", |argv| service_node::cli::main_with(argv).into()),
    ("publisher", |argv| publisher::main_with(argv).into()),
    ("receiver", |argv| receiver::main_with(argv).into()),
    ("tracer", |argv| tracer::run_cli(argv).code().into()),
    ("fleet", |argv| fleet::main_with(argv).into()),
    ("soak", |argv| soak::main_with(argv).into()),
    ("healthcheck", healthcheck::main_with),
];

/// Runs what `argv` (program name first) asks for: a role, or a whole test.
#[must_use]
pub fn main_with(mut argv: Vec<OsString>) -> process::ExitCode {
    leash::end_with_parent();
    let name = argv.get(1).map(|name| name.to_string_lossy().into_owned());
    let name = name.as_deref();
    if let Some((name, role)) = ROLES.iter().find(|(role, _)| Some(*role) == name) {
        // The role's help shows how it was called: `lpt node`, not `service-node`.
        let own = std::iter::once(OsString::from(format!("lpt {name}")));
        return role(own.chain(argv.into_iter().skip(2)).collect());
    }
    if name == Some("help") && argv.len() > 2 {
        let asked = [argv[0].clone(), argv[2].clone(), "--help".into()];
        return main_with(asked.to_vec());
    }
    if name == Some("run") {
        argv.remove(1);
    }
    match name {
        None | Some("run") => run::main_with(argv).into(),
        Some(flag) if flag.starts_with('-') && !matches!(flag, "-h" | "--help" | "-V" | "--version") => {
            run::main_with(argv).into()
        }
        // Help, version, and names that do not exist.
        Some(_) => describe(argv),
    }
}

/// The command as `lpt --help` shows it.
fn overview() -> clap::Command {
    clap::Command::new("lpt")
        .version(runtime::version::version())
        .about("Tells how many messages get lost, where, how late and how often twice on their way from lightpush to filter")
        .long_about(
            "Tells how many messages get lost, where, how late and how often twice on their way from lightpush to filter.\n\n\
             Without a subcommand, or with `run`: a whole test on this machine, from service nodes to the report. The \
             exit code is the tracer's: 0 pass, 1 fail, 2 unknown.",
        )
        .subcommand(run::Args::command().name("run"))
        .subcommand(service_node::cli::command().name("node"))
        .subcommand(publisher::command().name("publisher"))
        .subcommand(receiver::command().name("receiver"))
        .subcommand(tracer::cli::Cli::command().name("tracer"))
        .subcommand(fleet::command().name("fleet"))
        .subcommand(soak::command().name("soak"))
        .subcommand(healthcheck::command().name("healthcheck"))
        .subcommand_required(true)
        .disable_help_subcommand(true)
        .after_help(ExitCode::help_table(&ExitCode::ALL))
}

fn describe(argv: Vec<OsString>) -> process::ExitCode {
    match overview().try_get_matches_from(argv) {
        Ok(_) => ExitCode::Usage.into(),
        Err(error) => {
            let code = if error.use_stderr() {
                ExitCode::Usage
            } else {
                ExitCode::Ok
            };
            // Help into a closed pipe is nobody's loss.
            let _ = error.print();
            code.into()
        }
    }
}
