//! The options of `lpt soak`.

use std::{path::PathBuf, time::Duration};

use clap::Parser;
use runtime::units::parse_duration;

/// A whole test again and again, with a page of the history
#[derive(Debug, Clone, Parser)]
#[command(name = "lpt soak", version, max_term_width = 100)]
pub struct Args {
    /// Time from the start of one run to the start of the next; a run that takes longer costs its successors their turn
    /// [also: TEST_INTERVAL_MINUTES]
    #[arg(long, value_name = "DURATION", default_value = "30m", value_parser = parse_duration)]
    pub every: Duration,

    /// Runs until it ends; 0 is until a signal
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub runs: u64,

    /// Run folders that are kept; the history remembers more
    #[arg(long, value_name = "N", default_value_t = 48, value_parser = clap::value_parser!(u32).range(1..))]
    pub keep: u32,

    /// Folder of runs, history and page
    #[arg(long, value_name = "FOLDER", default_value = "lpt-soak")]
    pub soak_folder: PathBuf,

    /// Options for each `lpt run`
    #[arg(last = true, value_name = "RUN OPTIONS", allow_hyphen_values = true)]
    pub rest: Vec<String>,
}
