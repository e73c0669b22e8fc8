//! What a whole test is made of.

use std::{path::PathBuf, time::Duration};

use clap::Parser;
use runtime::{
    light::DEFAULT_CONTENT_TOPIC,
    logging,
    progress::ProgressMode,
    units::{UnitError, parse_duration, parse_rate, parse_size},
};
use waku::ContentTopic;

/// Most service nodes of one run: each holds a process, a swarm and its mesh.
const MAX_NODES: i64 = 100;

/// Most publisher or receiver processes of one run; more clients than that share processes.
const MAX_PROCESSES: i64 = 100;

/// A whole test on this machine: service nodes, publishers, receivers, report
#[derive(Debug, Clone, Parser)]
#[command(name = "lpt", version, max_term_width = 100)]
pub struct Args {
    /// Service nodes, each relaying to the ones before it
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=MAX_NODES), help_heading = "Fleet")]
    pub nodes: u32,

    /// Publisher processes; they push into the first half of the nodes
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=MAX_PROCESSES), help_heading = "Fleet")]
    pub publishers: u32,

    /// Receiver processes; they subscribe at the second half of the nodes
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=MAX_PROCESSES), help_heading = "Fleet")]
    pub receivers: u32,

    /// Light clients in each publisher process
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000), help_heading = "Fleet")]
    pub clients_per_publisher: u32,

    /// Light clients in each receiver process
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000), help_heading = "Fleet")]
    pub clients_per_receiver: u32,

    /// Service nodes at which each receiver client is subscribed at once
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..), help_heading = "Fleet")]
    pub redundancy: u32,

    /// Give every service node a store (in memory)
    #[arg(long, num_args = 0..=1, default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set, value_name = "BOOL", help_heading = "Fleet")]
    pub store: bool,

    /// Messages each publisher client sends
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=u64::from(u32::MAX)), help_heading = "Load")]
    pub messages: u64,

    /// Messages each publisher client sends a second, as 20/s or 600/m; 0 is as fast as answers allow
    #[arg(long, value_name = "RATE", default_value = "20/s", value_parser = checked_rate, help_heading = "Load")]
    pub rate: String,

    /// Payload size, one for all messages or a range, as 2KiB or 1KiB-4KiB
    #[arg(long, value_name = "SIZE[-SIZE]", default_value = "1KiB-4KiB", value_parser = parse_sizes, help_heading = "Load")]
    pub size: SizeRange,

    /// Requests each publisher client may have unanswered
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=256), help_heading = "Load")]
    pub in_flight: u64,

    /// Lightpush version of the publishers
    #[arg(long, value_name = "VERSION", default_value = "v3", value_parser = ["v2", "v3"], help_heading = "Load")]
    pub lightpush: String,

    /// Ask stores not to keep the messages
    #[arg(long, num_args = 0..=1, default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set, value_name = "BOOL", help_heading = "Load")]
    pub ephemeral: bool,

    /// Cluster of the network
    #[arg(long, value_name = "ID", default_value_t = 2, help_heading = "Network")]
    pub cluster_id: u16,

    /// Shard of the network
    #[arg(long, value_name = "SHARD", default_value_t = 0, help_heading = "Network")]
    pub shard: u16,

    /// Content topic; repeatable, used in turn
    #[arg(long, value_name = "TOPIC", default_value = DEFAULT_CONTENT_TOPIC, help_heading = "Network")]
    pub content_topic: Vec<ContentTopic>,

    /// Identities derive from this text instead of being drawn
    #[arg(long, value_name = "TEXT", help_heading = "Run")]
    pub key_seed: Option<String>,

    /// Run folder, which must not exist [default: lpt-runs/TIME-RUN-ID]
    #[arg(long, value_name = "FOLDER", help_heading = "Run")]
    pub folder: Option<PathBuf>,

    /// How long each part may take to be ready
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = parse_duration, help_heading = "Run")]
    pub wait_timeout: Duration,

    /// How long nothing must arrive, after the last publisher ended, until the receivers are ended
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = parse_duration, help_heading = "Run")]
    pub drain: Duration,

    /// Longest time for the receivers to fall silent
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = parse_duration, help_heading = "Run")]
    pub drain_timeout: Duration,

    /// Schedule slip (99th percentile) above which the run is no measurement [default: the tracer's rule]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, help_heading = "Run")]
    pub max_slip: Option<Duration>,

    /// Form of the report on standard output; the run folder keeps text, JSON and HTML
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = ["table", "json"], help_heading = "Run")]
    pub format: String,

    /// Configuration file (TOML): any option by its long name; flags and environment variables win over it
    #[arg(long, value_name = "FILE", help_heading = "Run")]
    pub config: Option<PathBuf>,

    /// Whether the steps of the run are told on standard error (`none` for silence)
    #[arg(long, value_name = "MODE", value_enum, default_value_t = ProgressMode::Auto, help_heading = "Run")]
    pub progress: ProgressMode,

    /// What is said on standard error: error, warn, info, debug, trace, or directives such as info,waku=debug
    #[arg(long, value_name = "LEVEL", default_value = "warn", value_parser = logging::check_filter, help_heading = "Run")]
    pub log_level: String,
}

/// Smallest and largest payload, bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SizeRange {
    /// Smallest.
    pub min_bytes: u64,
    /// Largest.
    pub max_bytes: u64,
}

fn parse_sizes(text: &str) -> Result<SizeRange, String> {
    let (min, max) = text.split_once('-').unwrap_or((text, text));
    let min_bytes = parse_size(min).map_err(|error| error.to_string())?;
    let max_bytes = parse_size(max).map_err(|error| error.to_string())?;
    if min_bytes > max_bytes {
        return Err(format!("the smaller size comes first: {max}-{min}"));
    }
    let most_bytes = publisher::settings::MAX_PAYLOAD_BYTES;
    if max_bytes > most_bytes {
        return Err(format!(
            "{max} is more than any network carries: at most {most_bytes} B"
        ));
    }
    Ok(SizeRange { min_bytes, max_bytes })
}

/// The text goes on to the publishers; here it only has to be a rate.
fn checked_rate(text: &str) -> Result<String, UnitError> {
    parse_rate(text).map(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_size_or_a_range() {
        assert_eq!(
            parse_sizes("2KiB"),
            Ok(SizeRange {
                min_bytes: 2048,
                max_bytes: 2048
            })
        );
        assert_eq!(
            parse_sizes("1KB-4KiB"),
            Ok(SizeRange {
                min_bytes: 1000,
                max_bytes: 4096
            })
        );
        assert!(parse_sizes("4KiB-1KiB").unwrap_err().contains("1KiB-4KiB"));
        assert!(parse_sizes("1KiB-").is_err());
        assert!(parse_sizes("2MiB").unwrap_err().contains("at most 1048576 B"));
    }
}
