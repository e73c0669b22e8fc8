//! The options of `lpt fleet`.

use std::{path::PathBuf, time::Duration};

use clap::{Parser, ValueEnum};
use runtime::units::parse_duration;

/// Most members of one role: a folder of a few thousand files is still listed in no time.
const MAX_MEMBERS: i64 = 10_000;

/// What a container is in the fleet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FleetRole {
    /// A service node of ours that relays to the others
    Node,
    /// Stands for service nodes that are not ours: asks them for their addresses (--node-info), or leaves it to the
    /// environment of each publisher and receiver to name them
    Nodes,
    /// A publisher
    Publisher,
    /// A receiver
    Receiver,
    /// Makes the run, waits for everybody, and judges; its exit code is the fleet's
    Tracer,
    /// Makes the folder of the reports writable for a tracer that is not root
    Reports,
}

/// One part of a fleet whose parts find each other in a shared folder
#[derive(Debug, Clone, Parser)]
#[command(name = "lpt fleet", version, max_term_width = 100)]
pub struct Args {
    /// What this process is in the fleet
    #[arg(value_enum)]
    pub role: FleetRole,

    /// Folder that all parts share
    #[arg(long, value_name = "FOLDER", default_value = "/fleet", help_heading = "Fleet")]
    pub fleet_folder: PathBuf,

    /// Service nodes in the fleet
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=MAX_MEMBERS), help_heading = "Fleet")]
    pub fleet_nodes: u32,

    /// Publishers in the fleet
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=MAX_MEMBERS), help_heading = "Fleet")]
    pub fleet_publishers: u32,

    /// Receivers in the fleet
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=MAX_MEMBERS), help_heading = "Fleet")]
    pub fleet_receivers: u32,

    /// Index of this process among those of its role, from 0 [default: the first that is free]
    #[arg(long, value_name = "INDEX", value_parser = clap::value_parser!(u32).range(0..MAX_MEMBERS), help_heading = "Fleet")]
    pub fleet_index: Option<u32>,

    /// Name or address at which the others reach this process [default: the address of its host name]
    #[arg(long, value_name = "HOST", help_heading = "Fleet")]
    pub fleet_host: Option<String>,

    /// Port of this process's /health and /metrics
    #[arg(long, value_name = "PORT", default_value_t = 8003, value_parser = clap::value_parser!(u16).range(1..), help_heading = "Fleet")]
    pub fleet_http_port: u16,

    /// Port at which a service node of ours listens
    #[arg(long, value_name = "PORT", default_value_t = 60000, value_parser = clap::value_parser!(u16).range(1..), help_heading = "Fleet")]
    pub fleet_node_port: u16,

    /// Service nodes each receiver client is subscribed at, at once; the others stand by
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..), help_heading = "Fleet")]
    pub redundancy: u32,

    /// How long the parts may take to find each other
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = parse_duration, help_heading = "Time")]
    pub fleet_wait: Duration,

    /// Longest run: the tracer then judges what is there
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = parse_duration, help_heading = "Time")]
    pub fleet_timeout: Duration,

    /// How long nothing must arrive, after the last publisher ended, until a receiver ends
    #[arg(long, value_name = "DURATION", default_value = "3s", value_parser = parse_duration, help_heading = "Time")]
    pub fleet_drain: Duration,

    /// Stay until the tracer has ended, for fleets that end as soon as one container does
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_value_t = true, default_missing_value = "true", action = clap::ArgAction::Set, help_heading = "Time")]
    pub fleet_linger: bool,

    /// With `nodes`: REST API that tells a node's address at /debug/v1/info, such as http://nwaku:8645; a name of several hosts asks
    /// all of them, until there are --fleet-nodes
    #[arg(long, value_name = "URL", help_heading = "Service nodes of others")]
    pub node_info: Option<String>,

    /// Folder in which the tracer makes one for each report
    #[arg(long, value_name = "FOLDER", default_value = "/out", help_heading = "Reports")]
    pub fleet_reports: PathBuf,

    /// Reports, and runs in the shared folder, that are kept; older ones are removed
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..), help_heading = "Reports")]
    pub fleet_keep: u32,

    /// Options for the role itself; for the tracer its subcommand, `report` or `gate`, with options
    #[arg(last = true, value_name = "ROLE OPTIONS", allow_hyphen_values = true)]
    pub rest: Vec<String>,
}
