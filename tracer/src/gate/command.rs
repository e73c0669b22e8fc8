//! `tracer gate`.

use std::path::PathBuf;

use clap::Args;

use super::{
    error::ExpressionError,
    evaluate::apply,
    expression::Expression,
    file::{self, DEFAULT_PROFILE, GatesFileError},
};
use crate::{
    cli::LogArgs,
    exit_code::ExitCode,
    run::{complain, report_and_deliver},
};

/// Arguments of `gate`.
#[derive(Debug, Args)]
pub struct GateArgs {
    /// What is judged and how it is shown.
    #[command(flatten)]
    pub logs: LogArgs,

    /// Gates: a TOML file with [profile.NAME] and fail-if = ["loss > 0.1%", ...]
    #[arg(long, value_name = "FILE")]
    pub gates: Option<PathBuf>,

    /// Profile of the gates file [default: default]
    #[arg(long, value_name = "NAME", requires = "gates")]
    pub profile: Option<String>,

    /// A gate: fail if this holds, such as 'loss > 0.1%' or 'latency.p99 > 500ms per receiver'
    #[arg(long, value_name = "EXPRESSION", required_unless_present = "gates")]
    pub fail_if: Vec<String>,
}

impl GateArgs {
    /// The expressions of the file, then those of the command line; each once.
    fn expressions(&self) -> Result<Vec<Expression>, GateError> {
        let mut expressions = match &self.gates {
            Some(path) => file::read(path, self.profile.as_deref().unwrap_or(DEFAULT_PROFILE))?,
            None => Vec::new(),
        };
        for text in &self.fail_if {
            let parsed = text.parse().map_err(|error: ExpressionError| GateError::Expression {
                text: text.clone(),
                error: Box::new(error),
            })?;
            expressions.push(parsed);
        }
        let mut seen: Vec<Expression> = Vec::with_capacity(expressions.len());
        for expression in expressions {
            if !seen.contains(&expression) {
                seen.push(expression);
            }
        }
        Ok(seen)
    }
}

/// Why there are no gates to judge by.
#[derive(Debug, thiserror::Error)]
enum GateError {
    #[error(transparent)]
    File(#[from] GatesFileError),
    #[error("--fail-if {text:?}: {error}")]
    Expression { text: String, error: Box<ExpressionError> },
}

/// Judges logs by expressions. They are checked before a single log is read.
pub(crate) fn run_gate(args: &GateArgs) -> ExitCode {
    let expressions = match args.expressions() {
        Ok(expressions) => expressions,
        Err(error) => {
            complain(&error.to_string());
            return match error {
                GateError::File(GatesFileError::Unreadable { .. }) => ExitCode::Input,
                GateError::File(_) | GateError::Expression { .. } => ExitCode::Usage,
            };
        }
    };
    report_and_deliver(&args.logs, &args.logs.options(), |report| apply(report, &expressions))
}
