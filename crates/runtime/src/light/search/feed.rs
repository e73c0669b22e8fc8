//! Further service nodes for clients that have used up theirs.

use super::finder::Finder;
use crate::light::ServiceNode;
use libp2p::PeerId;
use std::{collections::HashSet, future::pending, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep_until},
};

/// Searches in a row that may find nothing before it is believed that there is nothing: as often as the Nim tester
/// means to try another service node (`maxFailedServiceNodeSwitches` in `receiver.nim`).
const MAX_FRUITLESS_SEARCHES: u32 = 10;

/// Time between two searches. Clients that run through their nodes shall not make us a burden to a network.
const SEARCH_PAUSE: Duration = Duration::from_secs(10);

/// Longest time of one search, its rounds included.
const SEARCH_TIMEOUT: Duration = Duration::from_secs(120);

/// What later searches have found so far.
#[derive(Debug, Default)]
struct State {
    found: Vec<ServiceNode>,
    is_exhausted: bool,
}

/// What a client hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedNews {
    /// Service nodes that are new to the client.
    Nodes(Vec<ServiceNode>),
    /// There will be no more.
    Exhausted,
}

/// One client's end: asks for further service nodes, and hears of those found for anybody.
#[derive(Debug, Clone)]
pub struct NodeFeed {
    ask: Option<mpsc::Sender<()>>,
    state: watch::Receiver<State>,
    seen_count: usize,
}

impl NodeFeed {
    /// A feed that never has anything: service nodes were given, not searched for.
    #[must_use]
    pub fn none() -> Self {
        Self {
            ask: None,
            state: watch::channel(State::default()).1,
            seen_count: 0,
        }
    }

    /// Whether there may still be more.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.ask.is_some() && !self.state.borrow().is_exhausted
    }

    /// Asks for more. Asking again while a search is on changes nothing.
    pub fn ask(&self) {
        if let Some(ask) = &self.ask {
            // Full means that somebody has asked already.
            let _ = ask.try_send(());
        }
    }

    /// Waits for what is new to this client. Never completes when nothing can come any more.
    pub async fn next(&mut self) -> FeedNews {
        let seen_count = self.seen_count;
        let changed = match &self.ask {
            Some(_) => {
                let state = &mut self.state;
                state.changed().await.is_ok().then(|| {
                    let state = state.borrow_and_update();
                    (state.found[seen_count..].to_vec(), state.is_exhausted)
                })
            }
            None => None,
        };
        match changed {
            Some((nodes, _)) if !nodes.is_empty() => {
                self.seen_count += nodes.len();
                FeedNews::Nodes(nodes)
            }
            Some(_) => FeedNews::Exhausted,
            None => pending().await,
        }
    }
}

/// Makes a search whenever somebody asks, until all feeds are dropped or too many searches found nothing. Peers in
/// `known` and those handed out are never handed out again.
pub(super) fn serve(mut finder: Finder, mut known: HashSet<PeerId>) -> NodeFeed {
    let (ask, mut asked) = mpsc::channel(1);
    let (state, watching) = watch::channel(State::default());
    tokio::spawn(async move {
        let mut next_search = Instant::now() + SEARCH_PAUSE;
        'asked: while asked.recv().await.is_some() {
            for _ in 0..MAX_FRUITLESS_SEARCHES {
                tokio::select! {
                    () = sleep_until(next_search) => {}
                    () = state.closed() => break 'asked,
                }
                let found = tokio::select! {
                    found = finder.find(&known, Instant::now() + SEARCH_TIMEOUT) => found,
                    () = state.closed() => break 'asked,
                };
                next_search = Instant::now() + SEARCH_PAUSE;
                match found {
                    Ok(nodes) => {
                        known.extend(nodes.iter().map(|node| node.peer_id));
                        state.send_modify(|state| state.found.extend(nodes.into_iter().map(ServiceNode::from)));
                        continue 'asked;
                    }
                    Err(error) => tracing::warn!("{error}"),
                }
            }
            state.send_modify(|state| state.is_exhausted = true);
            tracing::warn!(
                searches = MAX_FRUITLESS_SEARCHES,
                "no further service nodes are searched for"
            );
            break;
        }
        finder.stop().await;
    });
    NodeFeed {
        ask: Some(ask),
        state: watching,
        seen_count: 0,
    }
}

/// A feed in a test's hands.
#[cfg(feature = "test-support")]
#[derive(Debug)]
pub struct TestFeed {
    state: watch::Sender<State>,
    asked: mpsc::Receiver<()>,
}

#[cfg(feature = "test-support")]
impl TestFeed {
    /// The test's end and a client's.
    #[must_use]
    pub fn new() -> (Self, NodeFeed) {
        let (ask, asked) = mpsc::channel(1);
        let (state, watching) = watch::channel(State::default());
        let feed = NodeFeed {
            ask: Some(ask),
            state: watching,
            seen_count: 0,
        };
        (Self { state, asked }, feed)
    }

    /// Waits until the client has asked.
    pub async fn asked(&mut self) {
        let _ = self.asked.recv().await;
    }

    /// Whether the client has asked since.
    pub fn was_asked(&mut self) -> bool {
        self.asked.try_recv().is_ok()
    }

    /// Hands out nodes.
    pub fn give(&self, nodes: Vec<ServiceNode>) {
        self.state.send_modify(|state| state.found.extend(nodes));
    }

    /// Says that there are no more.
    pub fn exhaust(&self) {
        self.state.send_modify(|state| state.is_exhausted = true);
    }
}
