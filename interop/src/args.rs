//! What the operator types.

use std::{path::PathBuf, time::Duration};

use clap::Parser;
use runtime::units::parse_duration;

/// Runs the tester against go-waku and js-waku, and prints which pairs work
#[derive(Debug, Clone, Parser)]
#[command(name = "interop", version, max_term_width = 100)]
pub struct Args {
    /// The lpt binary
    #[arg(long, value_name = "FILE")]
    pub lpt: PathBuf,

    /// The go-waku node of interop/go-waku-node
    #[arg(long, value_name = "FILE")]
    pub go_waku_node: PathBuf,

    /// Node.js, 22 or later
    #[arg(long, value_name = "FILE")]
    pub node: PathBuf,

    /// The folder interop/js-waku, with its packages installed
    #[arg(long, value_name = "FOLDER")]
    pub js_waku: PathBuf,

    /// Run only this cell; repeatable [default: all]
    #[arg(long, value_name = "NAME")]
    pub cell: Vec<String>,

    /// Messages of each publisher
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub messages: u32,

    /// How long the mesh of both relays stays idle between its two rounds
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = parse_duration)]
    pub idle: Duration,

    /// Cells that run side by side, beside the one that idles
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub jobs: u16,

    /// Where the logs of all parties go, a folder for each cell; must not exist [default: a temporary folder, kept
    /// when a cell fails]
    #[arg(long, value_name = "FOLDER")]
    pub logs: Option<PathBuf>,
}
