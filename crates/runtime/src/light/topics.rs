//! From content topics and sharding options to the pubsub topic of each.

use std::{collections::BTreeSet, sync::Arc};

use waku::{ContentTopic, PubsubTopic, ShardCount, TopicError, autoshard};

/// Most content topics of one process: what nwaku grants one filter subscriber (`waku_filter_v2/subscriptions.nim`).
pub const MAX_CONTENT_TOPICS: usize = 1000;

/// One content topic and where it travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// `/waku/2/rs/<cluster>/<shard>`.
    pub pubsub_topic: Arc<str>,
    /// The content topic, as given.
    pub content_topic: Arc<str>,
    /// The shard in `pubsub_topic`.
    pub shard: u16,
}

/// Why the topics make no sense together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TopicsError {
    /// A shard that cannot be.
    #[error("--shard: {0}")]
    Shard(#[from] TopicError),
    /// A number of shards that cannot be.
    #[error("--shards-in-network: {0}")]
    ShardCount(String),
    /// The shard is not one of the network's.
    #[error(
        "--shard {shard} does not exist in a network of {shard_count} shards (0 to {max}): change it, or leave it \
         out to derive the shard from each content topic", max = .shard_count - 1
    )]
    NotInNetwork {
        /// The shard given.
        shard: u16,
        /// The number of shards given.
        shard_count: u16,
    },
    /// More than [`MAX_CONTENT_TOPICS`].
    #[error("--content-topic is given {given} times, at most {MAX_CONTENT_TOPICS} are possible")]
    TooMany {
        /// How many.
        given: usize,
    },
}

/// The routes of `topics`, without repetitions. With `shard` all go there; without it, `shards_in_network` derives the
/// shard of each by autosharding; without both it is shard 0.
///
/// # Errors
/// [`TopicsError`].
pub fn resolve_routes(
    cluster_id: u16,
    shard: Option<u16>,
    shards_in_network: Option<u16>,
    topics: &[ContentTopic],
) -> Result<Vec<Route>, TopicsError> {
    let shard_count = shards_in_network
        .map(|count| ShardCount::new(count).map_err(|error| TopicsError::ShardCount(error.to_string())))
        .transpose()?;
    if let (Some(shard), Some(count)) = (shard, shard_count)
        && shard >= count.get()
    {
        return Err(TopicsError::NotInNetwork {
            shard,
            shard_count: count.get(),
        });
    }
    if topics.len() > MAX_CONTENT_TOPICS {
        return Err(TopicsError::TooMany { given: topics.len() });
    }
    let fixed = PubsubTopic::new(cluster_id, shard.unwrap_or(0))?;
    let mut seen = BTreeSet::new();
    let distinct = topics.iter().filter(|topic| seen.insert(topic.as_str()));
    Ok(distinct
        .map(|topic| match (shard, shard_count) {
            (None, Some(count)) => route(autoshard(cluster_id, count, topic), topic),
            _ => route(fixed, topic),
        })
        .collect())
}

fn route(pubsub: PubsubTopic, content: &ContentTopic) -> Route {
    Route {
        pubsub_topic: pubsub.to_string().into(),
        content_topic: content.as_str().into(),
        shard: pubsub.shard(),
    }
}

/// The shards of some routes, ascending.
#[must_use]
pub fn shards(routes: &[Route]) -> Vec<u16> {
    routes
        .iter()
        .map(|route| route.shard)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topics(texts: &[&str]) -> Vec<ContentTopic> {
        texts.iter().map(|text| text.parse().expect("valid topic")).collect()
    }

    fn pubsub(shard: Option<u16>, count: Option<u16>, texts: &[&str]) -> Vec<String> {
        let routes = resolve_routes(3, shard, count, &topics(texts)).expect("valid");
        routes.into_iter().map(|route| route.pubsub_topic.to_string()).collect()
    }

    /// Expected shards from the autosharding table of nwaku's `tests/waku_core/topics/test_sharding.nim`.
    #[test]
    fn shard_beats_autosharding_beats_shard_zero() {
        let texts = &["/toychat/2/huilong/proto", "/toychat2/2/huilong/proto"];
        assert_eq!(pubsub(Some(5), Some(8), texts), ["/waku/2/rs/3/5", "/waku/2/rs/3/5"]);
        assert_eq!(pubsub(None, Some(8), texts), ["/waku/2/rs/3/3", "/waku/2/rs/3/6"]);
        assert_eq!(pubsub(None, None, texts), ["/waku/2/rs/3/0", "/waku/2/rs/3/0"]);
        let routes = resolve_routes(3, None, Some(8), &topics(texts)).expect("valid");
        assert_eq!(shards(&routes), [3, 6]);
    }

    #[test]
    fn repeated_topics_count_once() {
        assert_eq!(pubsub(None, None, &["/a/1/b/c", "/a/1/b/c"]).len(), 1);
    }

    #[test]
    fn impossible_shards_are_explained() {
        let error = |shard, count| resolve_routes(1, shard, count, &topics(&["/a/1/b/c"])).expect_err("impossible");
        assert_eq!(
            error(Some(8), Some(8)),
            TopicsError::NotInNetwork {
                shard: 8,
                shard_count: 8
            }
        );
        assert!(error(Some(8), Some(8)).to_string().contains("0 to 7"));
        assert!(matches!(error(Some(1024), None), TopicsError::Shard(_)));
        assert!(matches!(error(None, Some(0)), TopicsError::ShardCount(_)));
        let many = vec!["/a/1/b/c".parse::<ContentTopic>().expect("valid"); MAX_CONTENT_TOPICS + 1];
        assert!(matches!(
            resolve_routes(1, None, None, &many),
            Err(TopicsError::TooMany { .. })
        ));
    }
}
