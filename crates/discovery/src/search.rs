//! A search: ask the places to begin, leave out what does not fit, test the rest, choose.

use std::{collections::HashSet, time::Duration};

use futures::{StreamExt, stream};
use libp2p::PeerId;
use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};
use tokio::time::{Instant, sleep, timeout};
use waku::ServiceNodeAddr;

use crate::{
    bootstrap::Bootstrap,
    candidate::Candidates,
    enrtree,
    note::{Asked, Found, Note, NothingFound, Tested, Via},
    probe::Prober,
    txt::TxtResolver,
};

/// Rounds of one search, as in the Nim tester (`service_peer_management.nim`): a node may have nobody to name yet.
pub const MAX_ROUNDS: u32 = 5;

/// Pause between two rounds, as in the Nim tester.
const ROUND_PAUSE: Duration = Duration::from_secs(5);

/// Records asked of one node. nwaku holds at most 60; the Nim tester asks for 100, too.
const ASKED_RECORDS: u64 = 100;

/// Nodes asked by peer exchange in one round. A list in DNS may name hundreds, and each answer is 60 records.
pub const MAX_ASKED: usize = 16;

/// Questions under way at once.
const PARALLEL_ASKS: usize = 8;

/// How long reading one list may take, as long as the Nim tester waits for one answer.
const LIST_TIMEOUT: Duration = Duration::from_secs(30);

/// Candidates tested in one round. More would be rude, and take minutes when most of them are gone.
pub const MAX_TESTS: usize = 100;

/// Tests under way at once (nwaku: 10 dials).
const PARALLEL_TESTS: usize = 8;

/// How service nodes are chosen among those that passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// By lot: the first that pass, in an order that follows from the seed.
    Random,
    /// The best round trips; every candidate is tested for it.
    Fastest,
}

/// What a search is after.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Where it begins.
    pub bootstrap: Vec<Bootstrap>,
    /// How it chooses.
    pub choice: Choice,
    /// Seed of everything drawn by lot.
    pub seed: u64,
    /// Most service nodes wanted.
    pub wanted: usize,
    /// Whether all candidates are tested, though fewer would do.
    pub tests_all: bool,
}

/// A search that can be made again.
#[derive(Debug)]
pub struct Search<R> {
    plan: Plan,
    prober: Prober,
    resolver: R,
    rng: StdRng,
}

impl<R: TxtResolver> Search<R> {
    /// A search by `plan` with the testing client `prober`.
    #[must_use]
    pub fn new(plan: Plan, prober: Prober, resolver: R) -> Self {
        let rng = StdRng::seed_from_u64(plan.seed);
        Self {
            plan,
            prober,
            resolver,
            rng,
        }
    }

    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Ends the testing client.
    pub async fn stop(&self) {
        self.prober.stop().await;
    }

    /// Searches for service nodes other than `known`, in several rounds if need be, until `deadline`.
    ///
    /// # Errors
    /// [`NothingFound`].
    pub async fn run(
        &mut self,
        known: &HashSet<PeerId>,
        deadline: Instant,
        note: &(dyn Fn(Note) + Send + Sync),
    ) -> Result<Vec<ServiceNodeAddr>, NothingFound> {
        let mut round = 1;
        loop {
            let trouble = Trouble::default();
            let tell = |told: Note| {
                told.trouble().into_iter().for_each(|error| trouble.set(error));
                note(told);
            };
            let outcome = tokio::time::timeout_at(deadline, self.round(round, known, &tell)).await;
            let found = outcome.ok();
            if let Some(found) = found.as_ref().filter(|found| !found.chosen.is_empty()) {
                return Ok(found.chosen.clone());
            }
            if round == MAX_ROUNDS || Instant::now() + ROUND_PAUSE >= deadline {
                return Err(NothingFound::after(round, found.as_ref(), trouble.take()));
            }
            sleep(ROUND_PAUSE).await;
            round += 1;
        }
    }

    async fn round(&mut self, round: u32, known: &HashSet<PeerId>, note: &(dyn Fn(Note) + Send + Sync)) -> Found {
        let candidates = self.gather(round, note).await;
        let (nodes, left_out) = candidates.select(self.prober.need(), known, MAX_TESTS, &mut self.rng);
        let passed = self.test(round, nodes, note).await;
        let mut usable = passed.usable;
        if self.plan.choice == Choice::Fastest {
            usable.sort_by_key(|(_, round_trip)| *round_trip);
        }
        let found = Found {
            round,
            candidate_count: candidates.len(),
            left_out,
            tested_count: passed.tested_count,
            usable_count: usable.len(),
            chosen: usable
                .into_iter()
                .map(|(node, _)| node)
                .take(self.plan.wanted)
                .collect(),
        };
        note(Note::Found(found.clone()));
        found
    }

    /// Reads the lists, then asks nodes for others: the given ones, then those of the lists.
    async fn gather(&mut self, round: u32, note: &(dyn Fn(Note) + Send + Sync)) -> Candidates {
        let mut candidates = Candidates::default();
        let (mut given, mut listed) = (Vec::new(), Vec::new());
        for bootstrap in &self.plan.bootstrap {
            match bootstrap {
                Bootstrap::Address(node) => {
                    candidates.add_address(node.clone());
                    given.push(node.clone());
                }
                Bootstrap::Record(record) => {
                    given.extend(ServiceNodeAddr::try_from(&**record).ok());
                    candidates.add_record((**record).clone());
                }
                Bootstrap::List(url) => {
                    let (asked, records) = self.read_list(round, url).await;
                    note(Note::Asked(asked));
                    // Records of another cluster would be asked in vain.
                    let cluster_id = self.prober.need().cluster_id;
                    let ours = records
                        .iter()
                        .filter(|record| record.cluster.is_none_or(|cluster| cluster == cluster_id));
                    listed.extend(ours.filter_map(|record| ServiceNodeAddr::try_from(record).ok()));
                    records.into_iter().for_each(|record| candidates.add_record(record));
                }
            }
        }
        listed.shuffle(&mut self.rng);
        let mut seen = HashSet::new();
        let askable = given.into_iter().chain(listed).filter(|node| seen.insert(node.peer_id));
        let prober = &self.prober;
        let mut answers = stream::iter(askable.take(MAX_ASKED))
            .map(|node| async move {
                let answer = prober.ask(&node, ASKED_RECORDS).await;
                (node, answer)
            })
            .buffered(PARALLEL_ASKS);
        while let Some((node, answer)) = answers.next().await {
            let mut asked = Asked {
                round,
                bootstrap: node.to_string(),
                via: Via::PeerExchange,
                record_count: 0,
                bad_count: 0,
                error: None,
            };
            match answer {
                Ok(peers) => {
                    (asked.record_count, asked.bad_count) = (peers.records.len(), peers.bad_count);
                    asked.error = (!peers.status.is_ok()).then(|| format!("status {}", peers.status));
                    peers
                        .records
                        .into_iter()
                        .for_each(|record| candidates.add_record(record));
                }
                Err(error) => asked.error = Some(error.to_string()),
            }
            note(Note::Asked(asked));
        }
        candidates
    }

    async fn read_list(&self, round: u32, url: &enrtree::TreeUrl) -> (Asked, Vec<waku::NodeRecord>) {
        let mut asked = Asked {
            round,
            bootstrap: url.to_string(),
            via: Via::Dns,
            record_count: 0,
            bad_count: 0,
            error: None,
        };
        let list = match timeout(LIST_TIMEOUT, enrtree::walk(url, &self.resolver)).await {
            Ok(Ok(list)) => list,
            Ok(Err(error)) => {
                asked.error = Some(error.to_string());
                return (asked, Vec::new());
            }
            Err(_) => {
                asked.error = Some(format!("not read within {} s", LIST_TIMEOUT.as_secs()));
                return (asked, Vec::new());
            }
        };
        (asked.record_count, asked.bad_count) = (list.records.len(), list.bad_count);
        asked.error = list.first_error;
        if list.is_cut && asked.error.is_none() {
            asked.error = Some("the list is larger than what is read of one".to_owned());
        }
        (asked, list.records)
    }

    /// Tests candidates in their order, several at a time; by lot no more than it takes.
    async fn test(&self, round: u32, nodes: Vec<ServiceNodeAddr>, note: &(dyn Fn(Note) + Send + Sync)) -> Passed {
        let wants_all = self.plan.tests_all || self.plan.choice == Choice::Fastest;
        let prober = &self.prober;
        let mut tests = stream::iter(nodes)
            .map(|node| async move {
                let probed = prober.test(&node).await;
                (node, probed)
            })
            .buffered(PARALLEL_TESTS);
        let mut passed = Passed::default();
        while let Some((node, probed)) = tests.next().await {
            passed.tested_count += 1;
            note(Note::Tested(Tested {
                round,
                peer: node.peer_id,
                address: probed.address.or_else(|| node.addresses.first().cloned()),
                agent: probed.agent,
                connect_time: probed.connect_time,
                round_trip: probed.outcome.as_ref().ok().copied(),
                error: probed.outcome.as_ref().err().map(ToString::to_string),
            }));
            if let Ok(round_trip) = probed.outcome {
                passed.usable.push((node, round_trip));
            }
            if !wants_all && passed.usable.len() >= self.plan.wanted {
                break;
            }
        }
        passed
    }
}

/// What the tests of a round gave.
#[derive(Default)]
struct Passed {
    tested_count: usize,
    usable: Vec<(ServiceNodeAddr, Duration)>,
}

/// What went wrong last, kept for the error.
#[derive(Default)]
struct Trouble(std::sync::Mutex<Option<String>>);

impl Trouble {
    fn set(&self, error: String) {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(error);
    }

    fn take(self) -> Option<String> {
        self.0.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
