//! What the options mean once defaults, limits and combinations are settled.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use runtime::light::{MAX_SERVICE_NODES, Route, SearchPlan, ServiceNode, Target, TargetError, distinct};

use crate::{args::Args, ending::EndRules};

/// Content topics in one subscribe request, the limit of nwaku and go-waku (`waku_filter_v2/protocol.nim`).
pub const MAX_TOPICS_PER_REQUEST: usize = 100;

/// Longest wait for the answer to a ping (nwaku and go-waku: 5 s).
const MAX_PING_TIMEOUT: Duration = Duration::from_secs(5);

/// Options that make no sense, alone or together.
#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    /// Nowhere to subscribe.
    #[error(
        "no service node: give --service-node (or LPT_SERVICE_NODE, or service-node in the configuration file), or have \
         them searched for with --bootstrap-node or --network"
    )]
    NoServiceNode,
    /// Too many of them.
    #[error("{given} service nodes are given, at most {MAX_SERVICE_NODES} are possible")]
    TooManyServiceNodes {
        /// How many.
        given: usize,
    },
    /// More subscriptions than nodes.
    #[error("--redundancy {redundancy} needs as many service nodes, only {given} are given")]
    Redundancy {
        /// Wanted.
        redundancy: u32,
        /// Given.
        given: usize,
    },
    /// Several clients at one mailbox.
    #[error(
        "--clients {clients} with {node}: a REST service node has one mailbox a content topic, and who polls it first \
         empties it for the others; give a receiver with a REST service node one client"
    )]
    SharedMailbox {
        /// A REST service node.
        node: String,
        /// Clients wanted.
        clients: u32,
    },
    /// More subscriptions than nodes that are given and searched for.
    #[error(
        "--redundancy {redundancy} needs as many service nodes, {given} are given and {wanted} searched for: raise --service-nodes-wanted"
    )]
    SearchedRedundancy {
        /// Wanted.
        redundancy: u32,
        /// Given.
        given: usize,
        /// Searched for.
        wanted: usize,
    },
    /// Network, topics or shards.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// A time that must not be zero.
    #[error("--{option} must be longer than 0")]
    Zero {
        /// The option.
        option: &'static str,
    },
}

/// One subscribe request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Pubsub topic.
    pub pubsub_topic: Arc<str>,
    /// At most [`MAX_TOPICS_PER_REQUEST`] content topics.
    pub content_topics: Vec<String>,
}

/// Everything the engine needs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Service nodes, one entry a peer and transport; at first those given.
    pub service_nodes: Vec<ServiceNode>,
    /// The search for more, when one was asked for.
    pub search: Option<SearchPlan>,
    /// Service nodes each client is subscribed at.
    pub redundancy: usize,
    /// Cluster id.
    pub cluster_id: u16,
    /// Content topics with their pubsub topics.
    pub routes: Vec<Route>,
    /// The requests that make one whole subscription.
    pub chunks: Arc<[Chunk]>,
    /// Light clients.
    pub clients: u32,
    /// Seed of their identities.
    pub key_seed: Option<String>,
    /// Time between two pings.
    pub ping_interval: Duration,
    /// Failed pings in a row that end a subscription.
    pub ping_failures: u32,
    /// Deadline of a ping.
    pub ping_timeout: Duration,
    /// Deadline of a subscribe request.
    pub request_timeout: Duration,
    /// Time between two polls of a REST service node.
    pub rest_poll_interval: Duration,
    /// Messages a REST service node's mailbox holds, when that is not the server's default.
    pub rest_cache_messages: Option<usize>,
    /// Failures in a row before a client turns to another service node.
    pub switch_after: u32,
    /// When to end.
    pub end: EndRules,
    /// `/health` addresses to wait for.
    pub wait_for: Vec<String>,
    /// How long to wait for them and for all subscriptions.
    pub wait_timeout: Duration,
    /// Whether messages of any run count: no run id was given.
    pub any_run: bool,
}

impl Settings {
    /// Settles the options.
    ///
    /// # Errors
    /// [`UsageError`].
    pub fn resolve(args: &Args) -> Result<Self, UsageError> {
        let Args {
            network,
            subscription,
            end,
            run,
        } = args;
        let service_nodes = distinct(&network.service_node);
        let given = service_nodes.len();
        let target = Target::resolve(network)?;
        if given == 0 && target.search.is_none() {
            return Err(UsageError::NoServiceNode);
        }
        if given > MAX_SERVICE_NODES {
            return Err(UsageError::TooManyServiceNodes { given });
        }
        let is_rest = |node: &&ServiceNode| matches!(node, ServiceNode::Rest(_));
        if let Some(node) = service_nodes.iter().find(is_rest).filter(|_| network.clients > 1) {
            return Err(UsageError::SharedMailbox {
                node: node.to_string(),
                clients: network.clients,
            });
        }
        let redundancy = redundancy(subscription.redundancy, given, target.search.as_ref())?;
        for (option, duration) in [
            ("ping-interval", Some(subscription.ping_interval)),
            ("request-timeout", Some(subscription.request_timeout)),
            ("rest-poll-interval", Some(subscription.rest_poll_interval)),
            ("duration", end.duration),
            ("until-idle", end.until_idle),
        ] {
            if duration == Some(Duration::ZERO) {
                return Err(UsageError::Zero { option });
            }
        }
        Ok(Self {
            service_nodes,
            search: target.search,
            redundancy,
            cluster_id: target.cluster_id,
            chunks: chunks(&target.routes).into(),
            routes: target.routes,
            clients: network.clients,
            key_seed: network.key_seed.clone(),
            ping_interval: subscription.ping_interval,
            ping_failures: subscription.ping_failures,
            ping_timeout: subscription.request_timeout.min(MAX_PING_TIMEOUT),
            request_timeout: subscription.request_timeout,
            rest_poll_interval: subscription.rest_poll_interval,
            rest_cache_messages: subscription.rest_cache_messages.map(|messages| messages as usize),
            switch_after: subscription.switch_after,
            end: EndRules {
                duration: end.duration,
                until_idle: end.until_idle,
                idle_grace: end.idle_grace,
                expect_messages: end.expect_messages,
            },
            wait_for: run.wait_for.clone(),
            wait_timeout: run.wait_timeout,
            any_run: run.run_id.is_none(),
        })
    }

    /// Pubsub topics with the number of content topics subscribed to on each.
    #[must_use]
    pub fn topic_counts(&self) -> BTreeMap<Arc<str>, u32> {
        self.routes.iter().fold(BTreeMap::new(), |mut counts, route| {
            *counts.entry(route.pubsub_topic.clone()).or_default() += 1;
            counts
        })
    }
}

/// Service nodes to be subscribed at: as many as asked for, otherwise all that are given, otherwise one of those found.
fn redundancy(asked: Option<u32>, given: usize, search: Option<&SearchPlan>) -> Result<usize, UsageError> {
    let Some(redundancy) = asked else {
        return Ok(given.max(1));
    };
    let wanted = search.map_or(0, |search| search.wanted);
    match (redundancy as usize, search) {
        (enough, _) if enough <= given + wanted => Ok(enough),
        (_, None) => Err(UsageError::Redundancy { redundancy, given }),
        (_, Some(_)) => Err(UsageError::SearchedRedundancy {
            redundancy,
            given,
            wanted,
        }),
    }
}

/// The routes in requests of one pubsub topic and at most [`MAX_TOPICS_PER_REQUEST`] content topics each.
fn chunks(routes: &[Route]) -> Vec<Chunk> {
    let mut by_pubsub: BTreeMap<Arc<str>, Vec<String>> = BTreeMap::new();
    for route in routes {
        by_pubsub
            .entry(route.pubsub_topic.clone())
            .or_default()
            .push(route.content_topic.to_string());
    }
    let chunk = |(pubsub_topic, topics): (Arc<str>, Vec<String>)| {
        let parts = topics
            .chunks(MAX_TOPICS_PER_REQUEST)
            .map(<[String]>::to_vec)
            .collect::<Vec<_>>();
        parts.into_iter().map(move |content_topics| Chunk {
            pubsub_topic: pubsub_topic.clone(),
            content_topics,
        })
    };
    by_pubsub.into_iter().flat_map(chunk).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{self, EXCLUSIVE};

    const NODE: &str = "/ip4/127.0.0.1/tcp/60000/p2p/16Uiu2HAmPLe7Mzm8TsYUubgCAW1aJoeFScxrLj8ppHFivPo97bUZ";

    fn settle(argv: &[String]) -> Result<Settings, String> {
        let line: Vec<_> = std::iter::once("receiver".into())
            .chain(argv.iter().map(Into::into))
            .collect();
        let parsed = runtime::config::parse::<Args>(&args::command(), EXCLUSIVE, &line, |_| None);
        Settings::resolve(&parsed.map_err(|error| error.to_string())?.args).map_err(|error| error.to_string())
    }

    fn with_node(argv: &[&str]) -> Vec<String> {
        [&["--service-node", NODE], argv]
            .concat()
            .into_iter()
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn defaults_are_the_documented_ones() {
        let settings = settle(&with_node(&[])).expect("valid");
        assert_eq!((settings.redundancy, settings.clients, settings.cluster_id), (1, 1, 0));
        let seconds = [
            settings.ping_interval,
            settings.request_timeout,
            settings.ping_timeout,
            settings.wait_timeout,
        ];
        assert_eq!(seconds.map(|duration| duration.as_secs()), [30, 15, 5, 60]);
        assert_eq!(
            (settings.ping_failures, settings.switch_after, settings.any_run),
            (2, 3, true)
        );
        assert_eq!(settings.chunks.len(), 1);
        assert_eq!(settings.chunks[0].content_topics, ["/tester/2/light-pubsub-test/proto"]);
        assert!(!settle(&with_node(&["--run-id=r1"])).expect("valid").any_run);
    }

    #[test]
    fn requests_hold_one_pubsub_topic_and_at_most_a_hundred_content_topics() {
        let topics = (0..250).map(|n| format!("--content-topic=/app/1/topic-{n}/proto"));
        let argv: Vec<_> = with_node(&[]).into_iter().chain(topics).collect();
        let settings = settle(&argv).expect("valid");
        let sizes: Vec<_> = settings.chunks.iter().map(|chunk| chunk.content_topics.len()).collect();
        assert_eq!(sizes, [100, 100, 50]);
        assert_eq!(settings.topic_counts().into_values().collect::<Vec<_>>(), [250]);
        let topics = [
            "--content-topic=/toychat/2/a/proto",
            "--content-topic=/toychat2/2/a/proto",
        ];
        let argv = with_node(&[&topics[..], &["--shards-in-network=8"]].concat());
        let chunks = settle(&argv).expect("valid").chunks;
        let pubsub: Vec<_> = chunks.iter().map(|chunk| chunk.pubsub_topic.to_string()).collect();
        assert_eq!(pubsub, ["/waku/2/rs/0/3", "/waku/2/rs/0/6"]);
    }

    #[test]
    fn nonsense_is_explained() {
        for (argv, expected) in [
            (
                &["--redundancy=2"][..],
                "--redundancy 2 needs as many service nodes, only 1 are given",
            ),
            (&["--until-idle=0"], "--until-idle must be longer than 0"),
            (&["--ping-interval=0"], "--ping-interval must be longer than 0"),
            (&["--ping-interval=30"], "has no unit: say 30ms or 30s"),
            (&["--expect-messages=0"], "0 is not in 1.."),
        ] {
            let error = settle(&with_node(argv)).expect_err(expected);
            assert!(error.contains(expected), "{error}");
        }
        assert!(
            settle(&[])
                .expect_err("no node")
                .starts_with("no service node: give --service-node")
        );
    }

    #[test]
    fn two_clients_would_take_messages_from_each_other_in_one_mailbox() {
        let argv = |clients: &str| {
            let argv = ["--service-node=http://127.0.0.1:8645", clients];
            settle(&with_node(&argv))
        };
        assert_eq!(argv("--clients=1").expect("valid").service_nodes.len(), 2);
        let error = argv("--clients=2").expect_err("shared");
        assert!(error.starts_with("--clients 2 with http://127.0.0.1:8645"), "{error}");
    }

    #[test]
    fn searched_nodes_count_towards_the_redundancy() {
        let list = "enrtree://AIRVQ5DDA4FFWLRBCHJWUWOO6X6S4ZTZ5B667LQ6AJU6PEYDLRD5O@sandbox.waku.nodes.status.im";
        let searched = |more: &[&str]| {
            let argv = [&["--bootstrap-node", list], more].concat();
            settle(&argv.into_iter().map(str::to_owned).collect::<Vec<_>>())
        };
        assert_eq!(searched(&[]).expect("valid").redundancy, 1, "the others stand by");
        assert_eq!(searched(&["--redundancy=3"]).expect("valid").redundancy, 3);
        assert_eq!(
            searched(&["--service-node", NODE, "--redundancy=4"])
                .expect("valid")
                .redundancy,
            4
        );
        let error = searched(&["--redundancy=4"]).expect_err("too many");
        assert!(
            error.ends_with("0 are given and 3 searched for: raise --service-nodes-wanted"),
            "{error}"
        );
    }

    #[test]
    fn every_option_has_its_environment_variable() {
        let command = args::command();
        let mut options = 0;
        for arg in command.get_arguments() {
            let long = arg.get_long().expect("there are only long options");
            let expected = format!("LPT_{}", long.replace('-', "_").to_uppercase());
            assert_eq!(
                arg.get_env().and_then(|name| name.to_str()),
                Some(expected.as_str()),
                "--{long}"
            );
            options += 1;
        }
        assert!(options >= 25, "{options} options");
        command.debug_assert();
    }
}
