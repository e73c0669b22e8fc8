//! What the network options mean together: cluster, routes, and whether service nodes are searched for.

use std::net::SocketAddr;

use discovery::{Bootstrap, Choice, Network, Sharding};
use sha2::{Digest, Sha256};

use crate::light::{NetworkArgs, Route, TopicsError, resolve_routes};

/// Separates this use of `--key-seed` from any other.
const DOMAIN: &[u8] = b"lpt search seed v1";

/// Most places where a search begins. Each is asked once a round.
const MAX_BOOTSTRAP_NODES: usize = 16;

/// Network options that contradict each other.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// Topics or shards.
    #[error(transparent)]
    Topics(#[from] TopicsError),
    /// A cluster that the bootstrap nodes of the network are not on.
    #[error(
        "--cluster-id {cluster_id} contradicts --network {network}, whose bootstrap nodes are on cluster {network_cluster}: \
         leave one of them out, or give --bootstrap-node or --service-node"
    )]
    Cluster {
        /// The cluster given.
        cluster_id: u16,
        /// The network given.
        network: &'static str,
        /// The network's cluster.
        network_cluster: u16,
    },
    /// A shard that the nodes of the network do not relay.
    #[error(
        "shard {shard} is not relayed on --network {network} ({relayed}): give --shard, or --bootstrap-node or \
         --service-node for nodes that do"
    )]
    Shard {
        /// The shard of one of the content topics.
        shard: u16,
        /// The network given.
        network: &'static str,
        /// What is relayed, in words.
        relayed: String,
    },
    /// Too many places to begin.
    #[error("{given} bootstrap nodes are given, at most {MAX_BOOTSTRAP_NODES} are possible")]
    TooManyBootstrapNodes {
        /// How many.
        given: usize,
    },
}

/// A search to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchPlan {
    /// Where it begins.
    pub bootstrap: Vec<Bootstrap>,
    /// How it chooses.
    pub choice: Choice,
    /// Seed of what is drawn by lot.
    pub seed: u64,
    /// Service nodes to find.
    pub wanted: usize,
    /// Whether every candidate is tested.
    pub tests_all: bool,
    /// Name servers; empty for those of this host.
    pub name_servers: Vec<SocketAddr>,
}

/// What the clients of a process aim at.
#[derive(Debug, Clone)]
pub struct Target {
    /// Cluster.
    pub cluster_id: u16,
    /// Content topics with their pubsub topics.
    pub routes: Vec<Route>,
    /// The search, when bootstrap nodes are given, or when a network is given and service nodes are not.
    pub search: Option<SearchPlan>,
}

impl Target {
    /// Settles the options. What is given by itself wins over what `--network` brings, unless the two cannot work
    /// together.
    ///
    /// # Errors
    /// [`TargetError`].
    pub fn resolve(args: &NetworkArgs) -> Result<Self, TargetError> {
        let search = &args.search;
        let network = search.network.as_deref().and_then(Network::named);
        let uses_preset_nodes = search.bootstrap_node.is_empty() && args.service_node.is_empty();
        let cluster_id = args
            .cluster_id
            .or(network.map(|network| network.cluster_id))
            .unwrap_or(0);
        let (shard, shards_in_network) = sharding(args, network);
        let routes = resolve_routes(cluster_id, shard, shards_in_network, &args.content_topic)?;
        let bootstrap = match network {
            Some(network) if uses_preset_nodes => {
                check(network, cluster_id, &routes)?;
                network.bootstrap()
            }
            _ => search.bootstrap_node.clone(),
        };
        if bootstrap.len() > MAX_BOOTSTRAP_NODES {
            return Err(TargetError::TooManyBootstrapNodes { given: bootstrap.len() });
        }
        let plan = SearchPlan {
            bootstrap,
            choice: search.choose.into(),
            seed: search.choose_seed.unwrap_or_else(|| seed_of(args.key_seed.as_deref())),
            wanted: search.service_nodes_wanted as usize,
            tests_all: search.test_peers,
            name_servers: search.name_server.clone(),
        };
        Ok(Self {
            cluster_id,
            routes,
            search: Some(plan).filter(|plan| !plan.bootstrap.is_empty()),
        })
    }
}

/// Shard and number of shards: as given, otherwise the network's.
fn sharding(args: &NetworkArgs, network: Option<&Network>) -> (Option<u16>, Option<u16>) {
    let given = (args.shard, args.shards_in_network);
    match (given, network.map(|network| network.sharding)) {
        ((shard, None), Some(Sharding::Auto { shard_count })) => (shard, Some(shard_count)),
        ((None, None), Some(Sharding::Static { default_shard, .. })) => (Some(default_shard), None),
        (given, _) => given,
    }
}

fn check(network: &Network, cluster_id: u16, routes: &[Route]) -> Result<(), TargetError> {
    if cluster_id != network.cluster_id {
        return Err(TargetError::Cluster {
            cluster_id,
            network: network.name,
            network_cluster: network.cluster_id,
        });
    }
    match routes.iter().find(|route| !network.relays(route.shard)) {
        None => Ok(()),
        Some(route) => Err(TargetError::Shard {
            shard: route.shard,
            network: network.name,
            relayed: match network.sharding {
                Sharding::Auto { shard_count } => format!("0 to {}", shard_count - 1),
                Sharding::Static { shards, .. } => {
                    let shards: Vec<_> = shards.iter().map(ToString::to_string).collect();
                    shards.join(", ")
                }
            },
        }),
    }
}

fn seed_of(key_seed: Option<&str>) -> u64 {
    let Some(text) = key_seed else { return rand::random() };
    let digest: [u8; 32] = Sha256::new().chain_update(DOMAIN).chain_update(text).finalize().into();
    digest[..8]
        .iter()
        .fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use clap::{Args, Command, FromArgMatches};

    use super::*;

    const PEER: &str = "/ip4/127.0.0.1/tcp/1/p2p/16Uiu2HAmPLe7Mzm8TsYUubgCAW1aJoeFScxrLj8ppHFivPo97bUZ";

    fn resolve(argv: &[&str]) -> Result<Target, String> {
        let command = NetworkArgs::augment_args(Command::new("x"));
        let matches = command.try_get_matches_from(["x"].iter().chain(argv));
        let args = NetworkArgs::from_arg_matches(&matches.map_err(|error| error.to_string())?).expect("parsed");
        Target::resolve(&args).map_err(|error| error.to_string())
    }

    fn topics(target: &Target) -> Vec<String> {
        target
            .routes
            .iter()
            .map(|route| route.pubsub_topic.to_string())
            .collect()
    }

    #[test]
    fn without_network_and_bootstrap_everything_is_as_before() {
        let target = resolve(&["--service-node", PEER]).expect("valid");
        assert_eq!((target.cluster_id, topics(&target)), (0, vec!["/waku/2/rs/0/0".into()]));
        assert_eq!(target.search, None);
    }

    #[test]
    fn a_network_brings_cluster_shard_and_bootstrap_nodes() {
        let target = resolve(&["--network=status.prod"]).expect("valid");
        assert_eq!(topics(&target), ["/waku/2/rs/16/32"]);
        assert_eq!(target.search.expect("a search").bootstrap.len(), 4);
        let target = resolve(&["--network=twn", "--content-topic=/toychat/2/huilong/proto"]).expect("valid");
        assert_eq!(topics(&target), ["/waku/2/rs/1/3"], "by autosharding over 8");
        for network in discovery::NETWORKS {
            assert!(resolve(&["--network", network.name]).is_ok());
        }
    }

    #[test]
    fn what_is_given_wins_over_the_network() {
        let target = resolve(&["--network=status.prod", "--shard=64"]).expect("valid");
        assert_eq!(topics(&target), ["/waku/2/rs/16/64"]);
        let own = resolve(&[
            "--network=status.prod",
            "--bootstrap-node",
            PEER,
            "--cluster-id=9",
            "--shard=0",
        ]);
        let own = own.expect("nodes of one's own may be anywhere");
        assert_eq!(topics(&own), ["/waku/2/rs/9/0"]);
        assert_eq!(own.search.expect("a search").bootstrap.len(), 1);
        let given = resolve(&["--network=status.prod", "--service-node", PEER]).expect("valid");
        assert_eq!(
            (given.cluster_id, given.search),
            (16, None),
            "service nodes are given: no search"
        );
        let both = resolve(&["--service-node", PEER, "--bootstrap-node", PEER]).expect("valid");
        assert!(both.search.is_some());
    }

    #[test]
    fn contradictions_are_explained() {
        for (argv, expected) in [
            (
                &["--network=twn", "--cluster-id=2"][..],
                "--cluster-id 2 contradicts --network twn",
            ),
            (
                &["--network=twn", "--shard=8"],
                "--shard 8 does not exist in a network of 8 shards",
            ),
            (&["--network=status.prod", "--shard=0"], "(1, 32, 64, 128, 256)"),
            (
                &["--network=nowhere"],
                "possible values: twn, status.prod, status.staging, sandbox",
            ),
            (&["--bootstrap-node=example.org"], "a bootstrap node is a multiaddr"),
            (&["--service-nodes-wanted=0"], "0 is not in 1..=64"),
            (&["--name-server=example"], "invalid socket address"),
        ] {
            let error = resolve(argv).expect_err(expected);
            assert!(error.contains(expected), "{argv:?}: {error}");
        }
        let many = vec!["--bootstrap-node"; 17].into_iter().flat_map(|flag| [flag, PEER]);
        let error = resolve(&many.collect::<Vec<_>>()).expect_err("too many");
        assert!(error.contains("17 bootstrap nodes"), "{error}");
    }

    #[test]
    fn the_seed_follows_from_the_key_seed_unless_given() {
        let seed = |more: &[&str]| {
            let argv = [&["--bootstrap-node", PEER], more].concat();
            resolve(&argv).expect("valid").search.expect("a search").seed
        };
        assert_eq!(seed(&["--key-seed=a"]), seed(&["--key-seed=a"]));
        assert_ne!(seed(&["--key-seed=a"]), seed(&["--key-seed=b"]));
        assert_eq!(seed(&["--key-seed=a", "--choose-seed=5"]), 5);
        assert_ne!(seed(&[]), seed(&[]));
    }
}
