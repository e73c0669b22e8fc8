//! What the options mean once defaults, limits and combinations are settled.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use event_log::{Padding, payload::ENDLESS_COUNT};
use rand::{SeedableRng, rngs::StdRng};
use runtime::{
    light::{MAX_SERVICE_NODES, Route, SearchPlan, ServiceNode, Target, TargetError, distinct},
    units::Rate,
};
use waku::{ClassTable, ServiceProtocol, net::LightpushVersion, status_class, wire::frame_cap};

use crate::{
    args::{Args, Lightpush},
    message::FactoryPlan,
    retry::RetryPolicy,
    schedule::Schedule,
};

/// Messages of each client when neither number nor duration is given, as in the Nim tester.
const DEFAULT_MESSAGES: u32 = 120;

/// Time between two messages when nothing is said.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(1);

/// Largest payload when nothing is said: well below every network's limit.
const DEFAULT_MAX_SIZE_BYTES: u64 = 10 * 1024;

/// Largest payload at all: what a lightpush frame holds beside its envelope. What the *network* takes is for the
/// service node to say (150 KiB by default); its refusal is part of the measurement.
pub const MAX_PAYLOAD_BYTES: u64 = frame_cap::LARGEST_MESSAGE_BYTES as u64;

/// Options that make no sense, alone or together.
#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    /// Nowhere to send.
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
    /// Network, topics or shards.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// Smallest above largest.
    #[error("--min-size {min_bytes} B is above --max-size {max_bytes} B")]
    SizesCrossed {
        /// Smallest.
        min_bytes: u64,
        /// Largest.
        max_bytes: u64,
    },
    /// Beyond the frame.
    #[error(
        "--max-size {max_bytes} B does not fit into a lightpush request, whose messages have at most \
         {MAX_PAYLOAD_BYTES} B"
    )]
    TooLarge {
        /// Largest.
        max_bytes: u64,
    },
    /// An override of a status class.
    #[error("--status-class: {0}")]
    StatusClass(#[from] status_class::ClassError),
    /// A time that must not be zero.
    #[error("--{option} must be longer than 0")]
    Zero {
        /// The option.
        option: &'static str,
    },
}

/// Everything the engine needs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Service nodes, one entry a peer and transport; at first those given.
    pub service_nodes: Vec<ServiceNode>,
    /// The search for more, when one was asked for.
    pub search: Option<SearchPlan>,
    /// Lightpush version.
    pub version: LightpushVersion,
    /// Cluster id.
    pub cluster_id: u16,
    /// Content topics with their pubsub topics, used in turn.
    pub routes: Arc<[Route]>,
    /// Light clients.
    pub clients: u32,
    /// Seed of their identities.
    pub key_seed: Option<String>,
    /// Pace of each client.
    pub rate: Rate,
    /// Messages of each client; `None` = until stopped.
    pub messages: Option<u32>,
    /// From everything ready to the start of the schedule.
    pub start_after: Duration,
    /// End of the schedule, from the start.
    pub duration: Option<Duration>,
    /// Smallest and largest payload, bytes.
    pub size_range_bytes: (usize, usize),
    /// Seed of sizes and filler.
    pub seed: u64,
    /// Most unanswered requests of a client.
    pub in_flight: usize,
    /// Whether stores are asked not to keep the messages.
    pub ephemeral: bool,
    /// What is tried again.
    pub retry: RetryPolicy,
    /// Failures in a row before a client turns to another service node; `None` never.
    pub switch_after: Option<NonZeroU32>,
    /// Deadline of one request.
    pub request_timeout: Duration,
    /// How long outstanding answers are waited for at the end.
    pub drain_timeout: Duration,
    /// `/health` addresses to wait for.
    pub wait_for: Vec<String>,
    /// How long to wait for them and for the service nodes.
    pub wait_timeout: Duration,
}

impl Settings {
    /// Settles the options.
    ///
    /// # Errors
    /// [`UsageError`].
    pub fn resolve(args: &Args) -> Result<Self, UsageError> {
        let Args {
            network,
            load,
            failures,
            run,
        } = args;
        let service_nodes = distinct(&network.service_node);
        let target = Target::resolve(network)?;
        match service_nodes.len() {
            0 if target.search.is_none() => return Err(UsageError::NoServiceNode),
            given if given > MAX_SERVICE_NODES => return Err(UsageError::TooManyServiceNodes { given }),
            _ => {}
        }
        for (option, duration) in [
            ("request-timeout", Some(failures.request_timeout)),
            ("duration", load.duration),
        ] {
            if duration == Some(Duration::ZERO) {
                return Err(UsageError::Zero { option });
            }
        }
        let (version, protocol) = match load.lightpush {
            Lightpush::V3 => (LightpushVersion::V3, ServiceProtocol::LightpushV3),
            Lightpush::V2 => (LightpushVersion::V2, ServiceProtocol::LightpushV2),
        };
        let default_messages = if load.duration.is_some() { 0 } else { DEFAULT_MESSAGES };
        let switch_after = NonZeroU32::new(failures.switch_after).filter(|_| !failures.fixed_service_node);
        Ok(Self {
            service_nodes,
            search: target.search,
            version,
            cluster_id: target.cluster_id,
            routes: target.routes.into(),
            clients: network.clients,
            key_seed: network.key_seed.clone(),
            rate: load
                .rate
                .unwrap_or_else(|| Rate::from_interval(load.interval.unwrap_or(DEFAULT_INTERVAL))),
            messages: Some(load.messages.unwrap_or(default_messages)).filter(|messages| *messages > 0),
            start_after: load.start_after,
            duration: load.duration,
            size_range_bytes: size_range(load.min_size, load.max_size)?,
            seed: load.seed.unwrap_or_else(rand::random),
            in_flight: usize::try_from(load.in_flight).unwrap_or(usize::MAX),
            ephemeral: load.ephemeral,
            retry: RetryPolicy {
                attempts: failures.attempts,
                after: failures.retry_after,
                on: failures.retry_on.clone(),
                classes: ClassTable::with_overrides(protocol, &failures.status_class)?,
            },
            switch_after,
            request_timeout: failures.request_timeout,
            drain_timeout: failures.drain_timeout,
            wait_for: run.wait_for.clone(),
            wait_timeout: run.wait_timeout,
        })
    }

    /// A client's schedule, nothing taken yet.
    #[must_use]
    pub fn schedule(&self) -> Schedule {
        Schedule::new(self.rate, self.messages, self.duration)
    }

    /// What the clients' message factories have in common.
    #[must_use]
    pub fn factory_plan(&self, run: &str) -> FactoryPlan {
        FactoryPlan {
            run: run.into(),
            count: self.schedule().planned().unwrap_or(ENDLESS_COUNT),
            routes: self.routes.clone(),
            size_range_bytes: self.size_range_bytes,
            ephemeral: self.ephemeral,
            seed: self.seed,
            padding: Padding::new(&mut StdRng::seed_from_u64(self.seed)),
        }
    }
}

fn size_range(min_bytes: u64, max_bytes: Option<u64>) -> Result<(usize, usize), UsageError> {
    let max_bytes = max_bytes.unwrap_or_else(|| min_bytes.max(DEFAULT_MAX_SIZE_BYTES));
    if min_bytes > max_bytes {
        return Err(UsageError::SizesCrossed { min_bytes, max_bytes });
    }
    if max_bytes > MAX_PAYLOAD_BYTES {
        return Err(UsageError::TooLarge { max_bytes });
    }
    let narrow = |bytes| usize::try_from(bytes).unwrap_or(usize::MAX);
    Ok((narrow(min_bytes), narrow(max_bytes)))
}

#[cfg(test)]
mod tests {
    use clap::{FromArgMatches, error::ErrorKind};

    use super::*;
    use crate::args::{self, EXCLUSIVE};

    const NODE: &str = "/ip4/127.0.0.1/tcp/60000/p2p/16Uiu2HAmPLe7Mzm8TsYUubgCAW1aJoeFScxrLj8ppHFivPo97bUZ";

    fn settle(argv: &[&str]) -> Result<Settings, String> {
        let line = ["publisher"].iter().chain(argv).map(Into::into).collect::<Vec<_>>();
        let parsed = runtime::config::parse::<Args>(&args::command(), EXCLUSIVE, &line, |_| None);
        Settings::resolve(&parsed.map_err(|error| error.to_string())?.args).map_err(|error| error.to_string())
    }

    fn settled(argv: &[&str]) -> Settings {
        settle(&[&["--service-node", NODE], argv].concat()).expect("valid")
    }

    #[test]
    fn defaults_are_the_documented_ones() {
        let settings = settled(&[]);
        assert_eq!(
            (settings.clients, settings.cluster_id, settings.messages),
            (1, 0, Some(120))
        );
        assert_eq!(settings.rate, Rate::from_interval(Duration::from_secs(1)));
        assert_eq!(settings.size_range_bytes, (1024, 10 * 1024));
        assert_eq!(
            (settings.in_flight, settings.ephemeral, settings.retry.attempts),
            (64, false, 3)
        );
        assert_eq!(settings.retry.on.to_string(), "retry,other-peer,no-answer,not-sent");
        assert_eq!(settings.switch_after, NonZeroU32::new(3));
        assert_eq!(&*settings.routes[0].pubsub_topic, "/waku/2/rs/0/0");
        assert_eq!(&*settings.routes[0].content_topic, "/tester/2/light-pubsub-test/proto");
        let seconds = [settings.request_timeout, settings.drain_timeout, settings.wait_timeout].map(|d| d.as_secs());
        assert_eq!(seconds, [20, 30, 60]);
    }

    #[test]
    fn messages_zero_or_a_duration_alone_is_open_ended() {
        assert_eq!(settled(&["--messages=0"]).messages, None);
        assert_eq!(settled(&["--duration=5s"]).messages, None);
        assert_eq!(settled(&["--duration=5s"]).factory_plan("r").count, 5);
        assert_eq!(settled(&["--messages=0"]).factory_plan("r").count, ENDLESS_COUNT);
        assert_eq!(settled(&["--duration=5s", "--messages=7"]).messages, Some(7));
    }

    #[test]
    fn rates_intervals_and_fixed_nodes() {
        assert_eq!(settled(&["--rate=600/m"]).rate.interval_ns(), 100_000_000);
        assert!(settled(&["--rate=0"]).rate.is_unpaced() && settled(&["--interval=0"]).rate.is_unpaced());
        assert_eq!(settled(&["--fixed-service-node"]).switch_after, None);
        assert!(settled(&["--ephemeral", "true"]).ephemeral);
        assert_eq!(
            settled(&["--service-node", NODE]).service_nodes.len(),
            1,
            "the same peer twice is one node"
        );
    }

    #[test]
    fn nonsense_is_explained() {
        let node = ["--service-node", NODE];
        for (argv, expected) in [
            (
                &["--min-size=2KiB", "--max-size=1KiB"][..],
                "--min-size 2048 B is above --max-size 1024 B",
            ),
            (
                &["--max-size=2MiB"],
                "--max-size 2097152 B does not fit into a lightpush request",
            ),
            (&["--status-class=503"], "--status-class: status override"),
            (&["--request-timeout=0"], "--request-timeout must be longer than 0"),
            (
                &["--shard=9", "--shards-in-network=8"],
                "--shard 9 does not exist in a network of 8 shards",
            ),
            (&["--interval=500"], "has no unit: say 500ms or 500s"),
            (&["--retry-on=always"], "is none of retry"),
            (&["--interval=1s", "--rate=1"], "exclude each other"),
            (&["--in-flight=0"], "0 is not in 1..=256"),
            (&["--service-node=/ip4/127.0.0.1/tcp/1"], "add the peer id"),
        ] {
            let error = settle(&[&node[..], argv].concat()).expect_err(expected);
            assert!(error.contains(expected), "{error}");
        }
        assert!(
            settle(&[])
                .expect_err("no node")
                .starts_with("no service node: give --service-node")
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
        assert!(options >= 30, "{options} options");
        command.clone().debug_assert();
        let help = command.try_get_matches_from(["publisher", "--help"]).expect_err("help");
        assert_eq!(help.kind(), ErrorKind::DisplayHelp);
        assert!(help.to_string().contains("Exit codes:"));
    }

    #[test]
    fn every_default_passes_its_own_parser() {
        let matches = args::command().mut_args(|arg| arg.env(clap::builder::Resettable::Reset));
        let matches = matches.try_get_matches_from(["publisher"]).expect("defaults are valid");
        assert!(Args::from_arg_matches(&matches).is_ok());
    }
}
