//! What stands below the options in `--help`: examples, which the tests parse, and what the exit codes mean.

use crate::exit_code::ExitCode;

/// Of the tracer itself.
const TRACER: &str = "\
Examples:
  tracer logs run/                              what is in the logs of a run
  tracer report run/                            what was lost, late and doubled, and the verdict
  tracer gate run/ --fail-if 'loss > 0.1%'      a verdict by a limit of your own
  tracer trace publisher-1/0:17 run/            where message 17 of a sender went
  tracer diff before/ after/                    what has become better or worse";

const REPORT: &str = "\
Examples:
  tracer report run/
  tracer report run/ --report html=report.html --report junit=gates.xml
  tracer report publisher.jsonl receiver.jsonl nwaku.log.gz --max-loss 0.5 --max-latency-p99 2s
  docker compose logs --no-log-prefix | tracer report - --format json
  tracer report --source loki=http://loki:3100 --query '{namespace=\"waku\"}' \\
      --start 2026-01-31T12:00:00Z";

const GATE: &str = "\
Examples:
  tracer gate run/ --fail-if 'loss > 0.1%' --fail-if 'latency.p99 > 500ms per receiver'
  tracer gate run/ --gates gates.toml --profile nightly --report markdown=summary.md";

const DIFF: &str = "\
Examples:
  tracer diff before/ after/
  tracer diff main.json branch/ --fail-on-worse
  tracer diff logs/ logs/ --run-before 0f3c --run-after 1a2b";

const DIFF_CODES: &str = "\
Exit codes:
   0  the runs were compared; with --fail-on-worse: nothing is worse beyond the noise
   1  with --fail-on-worse: something is
   2  with --fail-on-worse: it cannot be said, or was not tested
  64  the command line is wrong
  66  an input is missing or cannot be read
  70  the tracer itself is at fault
  74  the comparison cannot be written";

const TRACE: &str = "\
Examples:
  tracer trace publisher-1/0:17 run/            sender and index, as a report lists what was lost
  tracer trace 0x7cdd668c run/                  the hash, or its beginning
  tracer trace 0x7cdd668c run/ --format json";

const TRACE_CODES: &str = "\
Exit codes:
   0  the message was found, whatever became of it
  64  the command line is wrong, or the ID fits several messages
  66  an input is missing or cannot be read, or no log tells of the message
  70  the tracer itself is at fault
  74  the trace cannot be written";

const LOGS: &str = "\
Examples:
  tracer logs run/
  docker logs nwaku 2>&1 | tracer logs -
  tracer logs --source victorialogs=http://victorialogs:9428 \\
      --query 'namespace:waku | sort by (_time)' --source-header 'Authorization: Bearer $TOKEN'";

const LOGS_CODES: &str = "\
Exit codes:
   0  every log that was named tells something
   2  one tells nothing: a warning says why
  64  the command line is wrong
  66  an input is missing or cannot be read
  70  the tracer itself is at fault
  74  the inventory cannot be written";

pub(crate) fn tracer() -> String {
    below(TRACER, ExitCode::HELP)
}

pub(crate) fn report() -> String {
    below(REPORT, ExitCode::HELP)
}

pub(crate) fn gate() -> String {
    below(GATE, ExitCode::HELP)
}

pub(crate) fn diff() -> String {
    below(DIFF, DIFF_CODES)
}

pub(crate) fn trace() -> String {
    below(TRACE, TRACE_CODES)
}

pub(crate) fn logs() -> String {
    below(LOGS, LOGS_CODES)
}

fn below(examples: &str, codes: &str) -> String {
    format!("{examples}\n\n{codes}")
}
