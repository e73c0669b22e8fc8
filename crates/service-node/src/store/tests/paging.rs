//! Paging against a model: the messages as a list.

use proptest::{prelude::*, sample::Index};
use prost::Message;
use waku::wire::frame_cap::STORE_RESPONSE_BYTES;

use super::*;
use crate::store::query::answer;

/// Follows the cursor to the end; the pages in walk order. Checks what holds for every page.
fn walk(connection: &Connection, mut request: StoreQueryRequest, max_bytes: usize) -> Vec<Vec<MessageHash>> {
    let mut pages = Vec::new();
    loop {
        let response = answer(connection, &request, max_bytes);
        assert_eq!((response.status_code, response.request_id()), (Some(200), "id"));
        let page = hashes(&response);
        assert!(page.len() <= request.page_size());
        assert!(page.len() <= 1 || response.encoded_len() <= max_bytes);
        let cursor = response.cursor();
        if cursor.is_some() {
            let end = if request.is_forward() {
                page.last()
            } else {
                page.first()
            };
            assert_eq!(cursor.as_ref(), end);
        }
        pages.push(page);
        match cursor {
            Some(cursor) => request.pagination_cursor = Some(cursor.to_bytes()),
            None => return pages,
        }
    }
}

/// As js-waku does: the next cursor is the page's own last (first) hash, and the end is an empty page.
fn walk_as_js(connection: &Connection, mut request: StoreQueryRequest) -> Vec<Vec<MessageHash>> {
    let mut pages = Vec::new();
    loop {
        let page = hashes(&answer(connection, &request, STORE_RESPONSE_BYTES));
        let end = if request.is_forward() {
            page.last()
        } else {
            page.first()
        };
        let Some(cursor) = end else { return pages };
        request.pagination_cursor = Some(cursor.to_bytes());
        pages.push(page);
    }
}

/// The whole in ascending order: pages of a backward walk come newest first, each ascending in itself.
fn joined(mut pages: Vec<Vec<MessageHash>>, forward: bool) -> Vec<MessageHash> {
    if !forward {
        pages.reverse();
    }
    pages.concat()
}

fn content_topic(number: u8) -> String {
    format!("/app/1/topic-{number}/proto")
}

fn pubsub_topic(number: u8) -> String {
    format!("/waku/2/rs/1/{number}")
}

/// Few timestamps, so that many messages share one; few topics; payloads of different sizes.
fn any_entries() -> impl Strategy<Value = Vec<StoreEntry>> {
    let timestamp_ns = prop_oneof![8 => 0_i64..12, 1 => Just(i64::MIN), 1 => Just(i64::MAX), 1 => Just(-1)];
    let one = (0_u8..2, 0_u8..4, timestamp_ns, 0_usize..400, any::<u16>());
    let entry_of = |(pubsub, content, timestamp_ns, padding, salt): (u8, u8, i64, usize, u16)| {
        let payload = [salt.to_be_bytes().as_slice(), &vec![7; padding]].concat();
        entry(&pubsub_topic(pubsub), &content_topic(content), timestamp_ns, payload)
    };
    prop::collection::vec(one.prop_map(entry_of), 0..80)
}

#[derive(Clone, Debug)]
struct Filter {
    pubsub: Option<u8>,
    contents: Vec<u8>,
    start_ns: Option<i64>,
    end_ns: Option<i64>,
    hashes: Option<Vec<Index>>,
}

fn any_filter() -> impl Strategy<Value = Filter> {
    let bound = || prop::option::of(-2_i64..14);
    let hashes = prop::option::weighted(0.3, prop::collection::vec(any::<Index>(), 1..30));
    (
        prop::option::of(0_u8..3),
        prop::collection::vec(0_u8..5, 0..4),
        bound(),
        bound(),
        hashes,
    )
        .prop_map(|(pubsub, contents, start_ns, end_ns, hashes)| Filter {
            pubsub,
            contents,
            start_ns,
            end_ns,
            hashes,
        })
}

impl Filter {
    fn request(&self, entries: &[StoreEntry]) -> StoreQueryRequest {
        let picked = self.hashes.iter().flatten().filter(|_| !entries.is_empty());
        let mut hashes: Vec<_> = picked.map(|index| index.get(entries).hash.to_bytes()).collect();
        if self.hashes.is_some() {
            hashes.push(MessageHash::from([0x5a; 32]).to_bytes());
        }
        StoreQueryRequest {
            pubsub_topic: self.pubsub.map(pubsub_topic),
            content_topics: self.contents.iter().copied().map(content_topic).collect(),
            time_start: self.start_ns,
            time_end: self.end_ns,
            message_hashes: hashes,
            ..request()
        }
    }
}

/// What a request matches, by reading every message.
fn matching(entries: &[StoreEntry], request: &StoreQueryRequest) -> Vec<MessageHash> {
    let matches = |entry: &&StoreEntry| {
        let timestamp_ns = entry.message.timestamp();
        request
            .pubsub_topic
            .as_deref()
            .is_none_or(|topic| topic == &*entry.pubsub_topic)
            && (request.content_topics.is_empty()
                || request
                    .content_topics
                    .iter()
                    .any(|topic| topic == entry.message.content_topic()))
            && request.time_start.is_none_or(|start_ns| timestamp_ns >= start_ns)
            && request.time_end.is_none_or(|end_ns| timestamp_ns <= end_ns)
            && (request.message_hashes.is_empty() || request.message_hashes.contains(&entry.hash.to_bytes()))
    };
    in_order(&entries.iter().filter(matches).cloned().collect::<Vec<_>>())
}

proptest! {
    #[test]
    fn every_walk_returns_each_match_exactly_once_in_order(
        entries in any_entries(),
        filter in any_filter(),
        forward: bool,
        include_data: bool,
        limit in 1_u64..15,
    ) {
        let connection = filled(&entries);
        let request = StoreQueryRequest {
            include_data: Some(include_data),
            pagination_forward: Some(forward),
            pagination_limit: Some(limit),
            ..filter.request(&entries)
        };
        let expected = matching(&entries, &request);
        let full_pages = |pages: &[Vec<MessageHash>]| {
            pages.iter().take(pages.len().saturating_sub(1)).all(|page| page.len() as u64 == limit)
        };

        let pages = walk(&connection, request.clone(), STORE_RESPONSE_BYTES);
        prop_assert!(full_pages(&pages));
        prop_assert_eq!(pages.len() as u64, (expected.len() as u64).div_ceil(limit).max(1));
        prop_assert_eq!(&joined(pages, forward), &expected);

        prop_assert_eq!(&joined(walk_as_js(&connection, request), forward), &expected);
    }

    #[test]
    fn pages_cut_short_by_size_lose_nothing(entries in any_entries(), forward: bool, max_bytes in 60_usize..1_500) {
        let connection = filled(&entries);
        let request = StoreQueryRequest {
            include_data: Some(true),
            pagination_forward: Some(forward),
            pagination_limit: Some(100),
            ..request()
        };
        let pages = walk(&connection, request, max_bytes);
        prop_assert_eq!(joined(pages, forward), in_order(&entries));
    }

    #[test]
    fn a_cursor_need_not_match_the_filter_it_is_used_with(entries in any_entries(), filter in any_filter(), cursor: Index) {
        prop_assume!(!entries.is_empty());
        let connection = filled(&entries);
        let cursor = cursor.get(&entries);
        let unpaged = StoreQueryRequest { pagination_limit: Some(100), ..filter.request(&entries) };
        let place = |hash: &MessageHash| {
            let found = entries.iter().find(|entry| entry.hash == *hash).expect("only stored hashes are returned");
            (found.message.timestamp(), found.hash)
        };
        let (before, after): (Vec<_>, Vec<_>) = matching(&entries, &unpaged)
            .into_iter()
            .filter(|hash| *hash != cursor.hash)
            .partition(|hash| place(hash) < place(&cursor.hash));
        for (forward, expected) in [(true, after), (false, before)] {
            let request = StoreQueryRequest {
                pagination_forward: Some(forward),
                pagination_cursor: Some(cursor.hash.to_bytes()),
                ..unpaged.clone()
            };
            prop_assert_eq!(hashes(&answer(&connection, &request, STORE_RESPONSE_BYTES)), expected);
        }
    }
}
