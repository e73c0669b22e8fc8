//! The exit codes of every binary, in one place.
//!
//! 0, 1 and 2 are verdicts; the others follow `sysexits.h` where it has a fitting code, so that a script can tell
//! "delivery is bad" from "the test did not take place".

use std::process;

/// How a process of the tester ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ExitCode {
    /// It ran to its end, or drained cleanly after the first signal; a judging command says pass.
    Ok = 0,
    /// The verdict is fail: a limit was broken.
    Fail = 1,
    /// The verdict is unknown: the data does not allow one.
    Unknown = 2,
    /// Wrong usage or configuration: a flag, an environment variable, or the configuration file.
    Usage = 64,
    /// An input file is missing or unreadable.
    InputMissing = 66,
    /// No service node became ready in time, or it refused for good (another cluster).
    ServiceNodeUnavailable = 69,
    /// An internal error: a bug.
    Internal = 70,
    /// An output file cannot be created.
    CannotCreateOutput = 73,
    /// Reading or writing failed during the run, such as a full disk under the event log.
    Io = 74,
    /// Left at once at the second signal, without draining.
    Interrupted = 130,
}

impl ExitCode {
    /// All codes, ascending.
    pub const ALL: [Self; 10] = [
        Self::Ok,
        Self::Fail,
        Self::Unknown,
        Self::Usage,
        Self::InputMissing,
        Self::ServiceNodeUnavailable,
        Self::Internal,
        Self::CannotCreateOutput,
        Self::Io,
        Self::Interrupted,
    ];

    /// The number the parent process sees.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// One line for the table in `--help`.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Ok => "ran to its end, or drained after the first signal (verdict: pass)",
            Self::Fail => "verdict: fail",
            Self::Unknown => "verdict: unknown, the data does not allow one",
            Self::Usage => "wrong usage or configuration",
            Self::InputMissing => "an input file is missing or unreadable",
            Self::ServiceNodeUnavailable => "no service node became ready in time, or it refused for good",
            Self::Internal => "internal error",
            Self::CannotCreateOutput => "an output file cannot be created",
            Self::Io => "reading or writing failed during the run",
            Self::Interrupted => "left at the second signal, without draining",
        }
    }

    /// The table of `codes` for clap's `after_help`.
    #[must_use]
    pub fn help_table(codes: &[Self]) -> String {
        let rows = codes
            .iter()
            .map(|code| format!("  {:>3}  {}", code.code(), code.meaning()));
        std::iter::once("Exit codes:".to_owned())
            .chain(rows)
            .collect::<Vec<_>>()
            .join("\n")
    }
}

impl From<ExitCode> for process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_documented_ones() {
        assert_eq!(
            ExitCode::ALL.map(ExitCode::code),
            [0, 1, 2, 64, 66, 69, 70, 73, 74, 130]
        );
    }

    #[test]
    fn table_has_a_line_for_each_code() {
        let table = ExitCode::help_table(&ExitCode::ALL);
        assert_eq!(table.lines().count(), 11);
        assert!(table.contains("   69  no service node"), "{table}");
        assert!(table.contains("  130  left at the second signal"), "{table}");
    }
}
