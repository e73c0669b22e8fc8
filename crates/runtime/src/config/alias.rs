//! Environment names of the Nim tester and of its fleet runner, understood besides our own.
//!
//! Sources: `run_tester_node*.sh`, `run_service_node.sh`, `infra.env` and `docker-compose.yml` of
//! logos-messaging/logos-delivery, `apps/liteprotocoltester`; `docker-compose.yml` and `run_tester_node.sh` of
//! waku-org/lpt-runner; both read on 2026-11-21. `docs/fleets.md` has the table for users.

use super::Side::{self, Publisher, Receiver, ServiceNode};

/// How the value of a foreign name becomes one of ours.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Meaning {
    /// The value of this option, as it stands.
    Option(&'static str),
    /// Milliseconds without a unit, for this option.
    Milliseconds(&'static str),
    /// Seconds without a unit, for this option.
    Seconds(&'static str),
    /// A port to serve metrics at, on every address, as there.
    MetricsPort(&'static str),
    /// A level of chronicles, the Nim logger.
    LogLevel(&'static str),
    /// `/waku/2/rs/<cluster>/<shard>`: cluster and shard at once.
    PubsubTopic,
    /// Where to look for service nodes when none is named.
    Bootstrap,
}

/// One foreign name.
#[derive(Debug)]
pub(crate) struct Alias {
    pub(crate) name: &'static str,
    pub(crate) sides: &'static [Side],
    pub(crate) meaning: Meaning,
}

const fn alias(name: &'static str, sides: &'static [Side], meaning: Meaning) -> Alias {
    Alias { name, sides, meaning }
}

const ALL: &[Side] = &[Publisher, Receiver, ServiceNode];
const CLIENTS: &[Side] = &[Publisher, Receiver];

/// All of them. Of two names for one option the newer stands first.
pub(crate) const ALIASES: &[Alias] = &[
    alias("CLUSTER_ID", ALL, Meaning::Option("cluster-id")),
    alias("SHARD", ALL, Meaning::Option("shard")),
    // Older runners; the image of today no longer reads it.
    alias("PUBSUB", ALL, Meaning::PubsubTopic),
    alias("CONTENT_TOPIC", CLIENTS, Meaning::Option("content-topic")),
    alias("NUM_MESSAGES", &[Publisher], Meaning::Option("messages")),
    alias(
        "MESSAGE_INTERVAL_MILLIS",
        &[Publisher],
        Meaning::Milliseconds("interval"),
    ),
    // Older runners; the image of today no longer reads it.
    alias("DELAY_MESSAGES", &[Publisher], Meaning::Milliseconds("interval")),
    alias("MIN_MESSAGE_SIZE", &[Publisher], Meaning::Option("min-size")),
    alias("MAX_MESSAGE_SIZE", &[Publisher], Meaning::Option("max-size")),
    alias(
        "START_PUBLISHING_AFTER_SECS",
        &[Publisher],
        Meaning::Seconds("start-after"),
    ),
    alias("START_PUBLISHING_AFTER", &[Publisher], Meaning::Seconds("start-after")),
    alias("LIGHTPUSH_SERVICE_PEER", &[Publisher], Meaning::Option("service-node")),
    alias("LIGHTPUSH_BOOTSTRAP", &[Publisher], Meaning::Bootstrap),
    alias("FILTER_SERVICE_PEER", &[Receiver], Meaning::Option("service-node")),
    alias("FILTER_BOOTSTRAP", &[Receiver], Meaning::Bootstrap),
    alias("NUM_PUBLISHER_NODES", CLIENTS, Meaning::Option("expect-publishers")),
    alias("NUM_RECEIVER_NODES", CLIENTS, Meaning::Option("expect-receivers")),
    alias(
        "PUBLISHER_METRICS_PORT",
        &[Publisher],
        Meaning::MetricsPort("metrics-address"),
    ),
    alias(
        "RECEIVER_METRICS_PORT",
        &[Receiver],
        Meaning::MetricsPort("metrics-address"),
    ),
    alias("LOG_LEVEL", CLIENTS, Meaning::LogLevel("log-level")),
];

/// The foreign names that some role understands, for whoever starts a role and wants none of them to reach it.
pub fn alias_names() -> impl Iterator<Item = &'static str> {
    ALIASES.iter().map(|alias| alias.name)
}

impl Meaning {
    /// The options it sets and their values.
    pub(crate) fn values(self, value: &str) -> Result<Vec<(&'static str, String)>, String> {
        let value = value.trim();
        match self {
            Self::Option(option) => Ok(vec![(option, value.to_owned())]),
            Self::Milliseconds(option) => whole(value, "milliseconds").map(|n| vec![(option, format!("{n}ms"))]),
            Self::Seconds(option) => whole(value, "seconds").map(|n| vec![(option, format!("{n}s"))]),
            Self::MetricsPort(option) => match value.parse::<u16>() {
                Ok(port) => Ok(vec![(option, format!("0.0.0.0:{port}"))]),
                Err(_) => Err(format!("{value:?} is not a port: give a number up to 65535")),
            },
            Self::LogLevel(option) => level(value).map(|level| vec![(option, level.to_owned())]),
            Self::PubsubTopic => pubsub_topic(value),
            Self::Bootstrap => Ok(vec![("bootstrap-node", value.to_owned())]),
        }
    }
}

fn whole(value: &str, unit: &str) -> Result<u32, String> {
    let refused = |_| format!("{value:?} is not a number of {unit}: give a whole number without a unit");
    value.parse().map_err(refused)
}

fn level(value: &str) -> Result<&'static str, String> {
    match value.to_ascii_uppercase().as_str() {
        "TRACE" => Ok("trace"),
        "DEBUG" => Ok("debug"),
        "INFO" | "NOTICE" => Ok("info"),
        "WARN" => Ok("warn"),
        "ERROR" | "FATAL" => Ok("error"),
        _ => Err(format!(
            "{value:?} is not a level: TRACE, DEBUG, INFO, NOTICE, WARN, ERROR or FATAL"
        )),
    }
}

fn pubsub_topic(value: &str) -> Result<Vec<(&'static str, String)>, String> {
    let refused = || format!("{value:?} is not a pubsub topic with a static shard, such as /waku/2/rs/66/0");
    let (cluster, shard) = value
        .strip_prefix("/waku/2/rs/")
        .and_then(|rest| rest.split_once('/'))
        .ok_or_else(refused)?;
    match (cluster.parse::<u16>(), shard.parse::<u16>()) {
        (Ok(cluster), Ok(shard)) => Ok(vec![("cluster-id", cluster.to_string()), ("shard", shard.to_string())]),
        _ => Err(refused()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_get_our_units() {
        let values = |meaning: Meaning, text| meaning.values(text).map_err(|error| error.to_string());
        assert_eq!(
            values(Meaning::Milliseconds("interval"), " 400 "),
            Ok(vec![("interval", "400ms".into())])
        );
        assert_eq!(
            values(Meaning::Seconds("start-after"), "60"),
            Ok(vec![("start-after", "60s".into())])
        );
        assert_eq!(
            values(Meaning::MetricsPort("metrics-address"), "8003"),
            Ok(vec![("metrics-address", "0.0.0.0:8003".into())])
        );
        assert_eq!(
            values(Meaning::LogLevel("log-level"), "NOTICE"),
            Ok(vec![("log-level", "info".into())])
        );
        assert_eq!(
            values(Meaning::PubsubTopic, "/waku/2/rs/66/3"),
            Ok(vec![("cluster-id", "66".into()), ("shard", "3".into())])
        );
    }

    #[test]
    fn nonsense_is_named() {
        for (meaning, text, expected) in [
            (Meaning::Milliseconds("interval"), "1s", "whole number without a unit"),
            (Meaning::Seconds("start-after"), "-1", "whole number without a unit"),
            (Meaning::MetricsPort("metrics-address"), "80030", "up to 65535"),
            (Meaning::LogLevel("log-level"), "LOUD", "NOTICE"),
            (Meaning::PubsubTopic, "/waku/2/default-waku/proto", "/waku/2/rs/66/0"),
            (Meaning::PubsubTopic, "/waku/2/rs/66/70000", "/waku/2/rs/66/0"),
        ] {
            let error = meaning.values(text).expect_err(text);
            assert!(error.contains(expected) && error.contains(text), "{error}");
        }
    }

    #[test]
    fn no_name_stands_twice_for_one_side() {
        for (index, alias) in ALIASES.iter().enumerate() {
            let again = ALIASES[..index]
                .iter()
                .find(|other| other.name == alias.name && other.sides.iter().any(|side| alias.sides.contains(side)));
            assert!(again.is_none(), "{}", alias.name);
        }
    }
}
