//! What a search tells while it goes on, and when it has found nothing.

use std::time::Duration;

use libp2p::{Multiaddr, PeerId};
use waku::ServiceNodeAddr;

use crate::candidate::LeftOutCounts;

/// How a place to begin was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// A node list in DNS.
    Dns,
    /// Peer exchange.
    PeerExchange,
}

/// A place to begin was asked.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Round, from 1.
    pub round: u32,
    /// Who: a URL, or an address.
    pub bootstrap: String,
    /// How.
    pub via: Via,
    /// Records it named, their signatures verified.
    pub record_count: usize,
    /// Records it named that do not read or verify.
    pub bad_count: usize,
    /// What went wrong, if anything did.
    pub error: Option<String>,
}

/// A candidate was tested.
#[derive(Debug, Clone)]
pub struct Tested {
    /// Round, from 1.
    pub round: u32,
    /// Who.
    pub peer: PeerId,
    /// Where it was reached, or the first address when it was not.
    pub address: Option<Multiaddr>,
    /// Its agent string, as it claims, when it got that far.
    pub agent: Option<String>,
    /// From the dial to the end of the introduction.
    pub connect_time: Option<Duration>,
    /// One request and its answer, when it passed.
    pub round_trip: Option<Duration>,
    /// Why it did not pass.
    pub error: Option<String>,
}

/// A round has ended.
#[derive(Debug, Clone)]
pub struct Found {
    /// Round, from 1.
    pub round: u32,
    /// Peers named.
    pub candidate_count: usize,
    /// Candidates left out without a test.
    pub left_out: LeftOutCounts,
    /// Candidates tested.
    pub tested_count: usize,
    /// Candidates that passed.
    pub usable_count: usize,
    /// Those chosen, in the order of the choice.
    pub chosen: Vec<ServiceNodeAddr>,
}

/// Something to tell while a search goes on.
#[derive(Debug, Clone)]
pub enum Note {
    /// A place to begin was asked.
    Asked(Asked),
    /// A candidate was tested.
    Tested(Tested),
    /// A round has ended.
    Found(Found),
}

/// A search without success.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "no usable service node found in {rounds} rounds: {candidate_count} peers named, {left_out} left out by their records \
     ({capability} without the protocol, {cluster} on another cluster, {shard} without the shard), {tested_count} tested\
     {}", .last_error.as_ref().map(|error| format!("; last error: {error}")).unwrap_or_default()
)]
pub struct NothingFound {
    /// Rounds made.
    pub rounds: u32,
    /// Peers named in the last round.
    pub candidate_count: usize,
    /// Left out in the last round, for whatever reason.
    pub left_out: usize,
    /// Without the capability.
    pub capability: usize,
    /// On another cluster.
    pub cluster: usize,
    /// Without the shard.
    pub shard: usize,
    /// Tested in the last round.
    pub tested_count: usize,
    /// What went wrong last.
    pub last_error: Option<String>,
}

impl Note {
    /// What went wrong, and with whom.
    pub(crate) fn trouble(&self) -> Option<String> {
        match self {
            Note::Asked(asked) => {
                let error = asked.error.as_ref()?;
                Some(format!("{}: {error}", asked.bootstrap))
            }
            Note::Tested(tested) => {
                let error = tested.error.as_ref()?;
                Some(format!("{}: {error}", tested.peer))
            }
            Note::Found(_) => None,
        }
    }
}

impl NothingFound {
    /// After so many rounds, the last of which ended with `found`, or not in time.
    pub(crate) fn after(rounds: u32, found: Option<&Found>, last_error: Option<String>) -> Self {
        let counts = found.map(|found| found.left_out).unwrap_or_default();
        Self {
            rounds,
            candidate_count: found.map_or(0, |found| found.candidate_count),
            left_out: counts.total(),
            capability: counts.capability,
            cluster: counts.cluster,
            shard: counts.shard,
            tested_count: found.map_or(0, |found| found.tested_count),
            last_error,
        }
    }
}
