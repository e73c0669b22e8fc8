//! Fetching a node list: breadth first, each record once, within limits.

use std::collections::{HashSet, VecDeque};

use futures::{StreamExt, stream};
use waku::NodeRecord;

use super::{
    entry::{Entry, Root, RootError, SubtreeHash},
    url::TreeUrl,
};
use crate::txt::{TxtError, TxtResolver};

/// Lookups for one URL, links included. Waku's lists have tens of records; a hostile one shall not keep us busy.
pub const MAX_LOOKUPS: usize = 1024;

/// Branches on the way to a node. Thirteen hashes fit into a record, so that this is a depth nobody needs.
pub const MAX_DEPTH: u32 = 8;

/// Lists read for one URL: its own and those it links to, directly or not.
pub const MAX_LISTS: usize = 8;

/// Lookups under way at once.
const PARALLEL_LOOKUPS: usize = 8;

/// Why a list cannot be read at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WalkError {
    /// The root record cannot be looked up.
    #[error("node list at {domain}: {error}")]
    Lookup {
        /// Where.
        domain: String,
        /// Why.
        error: TxtError,
    },
    /// There is no root record.
    #[error("node list at {domain}: none of its {txt_count} TXT records is the root of a list")]
    NoRoot {
        /// Where.
        domain: String,
        /// TXT records there.
        txt_count: usize,
    },
    /// The root record is not taken.
    #[error("node list at {domain}: {error}")]
    Root {
        /// Where.
        domain: String,
        /// Why.
        error: RootError,
    },
}

/// What a list holds.
#[derive(Debug, Clone, Default)]
pub struct NodeList {
    /// The nodes, in the order of the tree, each record once. Their signatures have been verified.
    pub records: Vec<NodeRecord>,
    /// Version of the list itself, without those it links to.
    pub sequence: u64,
    /// Records and linked lists left out, because they cannot be looked up, do not fit their hash, or do not read.
    pub bad_count: usize,
    /// What went wrong first, if anything did.
    pub first_error: Option<String>,
    /// Whether something was left out because of [`MAX_LOOKUPS`], [`MAX_DEPTH`] or [`MAX_LISTS`].
    pub is_cut: bool,
    lookups: usize,
}

impl NodeList {
    fn note_bad(&mut self, what: &str, error: &impl ToString) {
        self.bad_count += 1;
        self.first_error
            .get_or_insert_with(|| format!("{what}: {}", error.to_string()));
    }
}

/// A record to fetch.
struct Step {
    hash: SubtreeHash,
    depth: u32,
}

/// Reads the list at `url` and those it links to. A bad record costs itself and what is below it; a bad linked list
/// costs that list.
///
/// # Errors
/// [`WalkError`] when the root of `url` itself is of no use.
pub async fn walk(url: &TreeUrl, resolver: &impl TxtResolver) -> Result<NodeList, WalkError> {
    let mut list = NodeList::default();
    let mut waiting = VecDeque::from([url.clone()]);
    let mut domains = HashSet::from([url.domain().to_owned()]);
    while let Some(url) = waiting.pop_front() {
        let root = match root_of(&url, resolver, &mut list).await {
            Ok(root) => root,
            Err(error) if domains.len() == 1 && list.lookups == 1 => return Err(error),
            Err(error) => {
                list.note_bad("linked list", &error);
                continue;
            }
        };
        if list.lookups == 1 {
            list.sequence = root.sequence;
        }
        for link in subtrees(&url, &root, resolver, &mut list).await {
            if domains.contains(link.domain()) {
                continue;
            }
            if domains.len() >= MAX_LISTS {
                list.is_cut = true;
                break;
            }
            domains.insert(link.domain().to_owned());
            waiting.push_back(link);
        }
    }
    Ok(list)
}

async fn root_of(url: &TreeUrl, resolver: &impl TxtResolver, list: &mut NodeList) -> Result<Root, WalkError> {
    let domain = || url.domain().to_owned();
    list.lookups += 1;
    let texts = resolver.txt(url.domain()).await.map_err(|error| WalkError::Lookup {
        domain: domain(),
        error,
    })?;
    let root = texts
        .iter()
        .find(|text| Root::is_meant(text))
        .ok_or(WalkError::NoRoot {
            domain: domain(),
            txt_count: texts.len(),
        })?;
    Root::read(root, url.key()).map_err(|error| WalkError::Root {
        domain: domain(),
        error,
    })
}

/// Collects the nodes of one list and returns its links.
async fn subtrees(url: &TreeUrl, root: &Root, resolver: &impl TxtResolver, list: &mut NodeList) -> Vec<TreeUrl> {
    let mut links = Vec::new();
    let mut known = HashSet::from([root.nodes.clone(), root.links.clone()]);
    let mut level: Vec<Step> = [&root.nodes, &root.links]
        .map(|hash| Step {
            hash: hash.clone(),
            depth: 0,
        })
        .into();
    level.dedup_by(|b, a| a.hash == b.hash);
    while !level.is_empty() {
        let room = MAX_LOOKUPS.saturating_sub(list.lookups);
        list.is_cut |= level.len() > room;
        level.truncate(room);
        list.lookups += level.len();
        let fetched: Vec<_> = stream::iter(level)
            .map(|step| async {
                let entry = fetch(&step.hash, url.domain(), resolver).await;
                (step, entry)
            })
            .buffered(PARALLEL_LOOKUPS)
            .collect()
            .await;
        level = Vec::new();
        for (step, entry) in fetched {
            match entry {
                Ok(Entry::Node(record)) if list.records.iter().any(|known| known.text() == record.text()) => {}
                Ok(Entry::Node(record)) => list.records.push(*record),
                Ok(Entry::Link(link)) => links.push(link),
                Ok(Entry::Branch(hashes)) if step.depth < MAX_DEPTH => {
                    let new = hashes.into_iter().filter(|hash| known.insert(hash.clone()));
                    level.extend(new.map(|hash| Step {
                        hash,
                        depth: step.depth + 1,
                    }));
                }
                Ok(Entry::Branch(_)) => list.is_cut = true,
                Err(error) => list.note_bad(&format!("{}.{}", step.hash, url.domain()), &error),
            }
        }
    }
    links
}

async fn fetch(hash: &SubtreeHash, domain: &str, resolver: &impl TxtResolver) -> Result<Entry, String> {
    let texts = resolver
        .txt(&format!("{hash}.{domain}"))
        .await
        .map_err(|error| error.to_string())?;
    let text = texts.iter().find(|text| hash.fits(text));
    let text = text.ok_or_else(|| format!("none of {} TXT records fits the hash", texts.len()))?;
    text.parse().map_err(|error: super::EntryError| error.to_string())
}
