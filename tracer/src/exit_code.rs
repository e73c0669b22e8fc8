//! What the tracer's exit codes mean, in one place.

/// Exit code of the tracer. Codes from 64 up are those of `sysexits.h` and say that there is no verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ExitCode {
    /// Verdict pass: everything that was judged is within its limits. Also `--help` and `--version`.
    Pass = 0,
    /// Verdict fail: a limit is exceeded for certain.
    Fail = 1,
    /// Verdict unknown: the logs do not allow a verdict; the report says why.
    Unknown = 2,
    /// The command line is wrong.
    Usage = 64,
    /// An input is missing or cannot be read.
    Input = 66,
    /// The tracer itself is at fault.
    Internal = 70,
    /// The report cannot be written.
    Output = 74,
}

impl ExitCode {
    /// All codes with one line each, as `--help` shows them.
    pub const HELP: &str = "\
Exit codes:
   0  pass: everything judged is within its limits
   1  fail: a limit is exceeded for certain
   2  unknown: the logs do not allow a verdict, the report says why
  64  the command line is wrong
  66  an input is missing or cannot be read
  70  the tracer itself is at fault
  74  the report cannot be written";

    /// The number.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_names_every_code() {
        use ExitCode::{Fail, Input, Internal, Output, Pass, Unknown, Usage};
        for code in [Pass, Fail, Unknown, Usage, Input, Internal, Output] {
            let number = format!("{:>4}  ", code.code());
            assert_eq!(
                ExitCode::HELP.lines().filter(|line| line.starts_with(&number)).count(),
                1,
                "{code:?}"
            );
        }
        assert_eq!(ExitCode::HELP.lines().count(), 8);
    }
}
