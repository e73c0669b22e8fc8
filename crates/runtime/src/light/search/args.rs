//! The options of a search.

use std::net::SocketAddr;

use clap::{Args, ValueEnum, builder::PossibleValuesParser};
use discovery::{Bootstrap, Choice, NETWORKS, Network};

/// Most service nodes a search may be asked for: tests, and connections that stand by, are other people's cost.
const MAX_WANTED: i64 = 64;

/// How service nodes are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ChoiceArg {
    /// By lot, from --choose-seed.
    Random,
    /// The best round trips; all candidates are tested.
    Fastest,
}

impl From<ChoiceArg> for Choice {
    fn from(choice: ChoiceArg) -> Self {
        match choice {
            ChoiceArg::Random => Self::Random,
            ChoiceArg::Fastest => Self::Fastest,
        }
    }
}

/// Where service nodes are searched for, and how they are chosen.
#[derive(Debug, Clone, Args)]
pub struct SearchArgs {
    /// Public network whose cluster, shards and bootstrap nodes are the defaults: twn (cluster 1, 8 shards), sandbox (the
    /// fleet of twn), status.prod, status.staging (both cluster 16, shard 32)
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(NETWORKS.map(|network| network.name)))]
    pub network: Option<String>,

    /// Where the search for service nodes begins, when --service-node does not give them or not enough: a multiaddr or
    /// ENR of a node that answers peer exchange, or a list in DNS (enrtree://KEY@DOMAIN). Repeatable
    #[arg(long, value_name = "ADDRESS")]
    pub bootstrap_node: Vec<Bootstrap>,

    /// Service nodes to find, besides those given; those not in use stand by
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=MAX_WANTED))]
    pub service_nodes_wanted: u32,

    /// How service nodes are chosen among the candidates that pass a test
    #[arg(long, value_name = "HOW", value_enum, default_value_t = ChoiceArg::Random)]
    pub choose: ChoiceArg,

    /// Seed of what is drawn by lot in a search [default: derived from --key-seed, otherwise random; recorded in the event
    /// log]
    #[arg(long, value_name = "NUMBER")]
    pub choose_seed: Option<u64>,

    /// Tests every candidate, to learn how many of a network can be used, even when fewer are enough
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub test_peers: bool,

    /// Name server for lists in DNS [default: those of this host]. Repeatable
    #[arg(long, value_name = "IP:PORT")]
    pub name_server: Vec<SocketAddr>,
}

impl SearchArgs {
    /// Whether relays of the network named by `--network` drop messages without an RLN proof.
    #[must_use]
    pub fn requires_rln(&self) -> bool {
        let network = self.network.as_deref().and_then(Network::named);
        network.is_some_and(|network| network.requires_rln)
    }
}
