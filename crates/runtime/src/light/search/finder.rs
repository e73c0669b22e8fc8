//! Makes searches, and writes down what they see.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use discovery::{
    Asked, Choice, Found, NameServers, Need, Note, NothingFound, Plan, ProbeConfig, Prober, Search, Tested, Via,
};
use event_log::{
    EventLog,
    event::{BootstrapAsked, BootstrapVia, CandidateTested, ServiceNodesChosen},
};
use libp2p::{PeerId, identity::Keypair};
use tokio::time::Instant;
use waku::ServiceNodeAddr;

use super::{NodeFeed, SearchMetrics, SearchPlan, agents::Agents, feed};
use crate::{
    escape::{Escaped, escape},
    light::{ServiceNode, SessionError},
    terminal,
};

/// What a search is made for, and where it is written down.
#[derive(Debug)]
pub struct SearchFrame {
    /// What a service node must offer.
    pub need: Need,
    /// For filter: a pubsub topic and a content topic to try a subscription with.
    pub subscription: Option<(String, String)>,
    /// Identity of the testing client.
    pub keypair: Keypair,
    /// Its agent string.
    pub agent: String,
    /// The event log.
    pub log: EventLog,
    /// The counters.
    pub metrics: SearchMetrics,
}

/// Adds to `service_nodes` those that the search of `plan` finds until `deadline`, and returns the feed of later ones.
/// Without a plan nothing happens. When service nodes were given, a search without success is only said.
///
/// # Errors
/// When there is no service node at all, or the testing client cannot be started.
pub async fn find_service_nodes(
    plan: Option<&SearchPlan>,
    frame: SearchFrame,
    service_nodes: &mut Vec<ServiceNode>,
    deadline: Instant,
) -> Result<NodeFeed, SessionError> {
    let Some(plan) = plan else {
        return Ok(NodeFeed::none());
    };
    let mut finder = Finder::start(plan, frame)?;
    match finder.find(&peers(service_nodes), deadline).await {
        Ok(found) => service_nodes.extend(found.into_iter().map(ServiceNode::from)),
        Err(error) if service_nodes.is_empty() => {
            finder.stop().await;
            return Err(SessionError::NothingFound(error));
        }
        Err(error) => tracing::warn!("{error}; only the given service nodes are used"),
    }
    Ok(feed::serve(finder, peers(service_nodes)))
}

/// Those that are spoken to over libp2p: a search finds nothing else, and one that is given over REST may be found.
fn peers(service_nodes: &[ServiceNode]) -> HashSet<PeerId> {
    let peer = |node: &ServiceNode| match node {
        ServiceNode::Libp2p(address) => Some(address.peer_id),
        ServiceNode::Rest(_) => None,
    };
    service_nodes.iter().filter_map(peer).collect()
}

/// A search that can be made again.
#[derive(Debug)]
pub(super) struct Finder {
    search: Search<NameServers>,
    log: EventLog,
    metrics: SearchMetrics,
}

impl Finder {
    fn start(plan: &SearchPlan, frame: SearchFrame) -> Result<Self, SessionError> {
        let probe = ProbeConfig {
            keypair: frame.keypair,
            agent: frame.agent,
            need: frame.need,
            subscription: frame.subscription,
        };
        let prober = Prober::start(probe).map_err(|error| SessionError::Internal(error.to_string()))?;
        let resolver = NameServers::new(plan.name_servers.clone());
        let plan = Plan {
            bootstrap: plan.bootstrap.clone(),
            choice: plan.choice,
            seed: plan.seed,
            wanted: plan.wanted,
            tests_all: plan.tests_all,
        };
        Ok(Self {
            search: Search::new(plan, prober, resolver),
            log: frame.log,
            metrics: frame.metrics,
        })
    }

    pub(super) async fn stop(&self) {
        self.search.stop().await;
    }

    /// One search; foreign text in its error is escaped.
    pub(super) async fn find(
        &mut self,
        known: &HashSet<PeerId>,
        deadline: Instant,
    ) -> Result<Vec<ServiceNodeAddr>, NothingFound> {
        let plan = self.search.plan();
        tracing::info!(bootstrap_nodes = plan.bootstrap.len(), "searching for service nodes");
        let (choice, seed) = (name(plan.choice), plan.seed);
        let agents = Mutex::new(Agents::default());
        let (log, metrics) = (self.log.clone(), self.metrics.clone());
        let note = |note: Note| match note {
            Note::Asked(asked) => log_asked(&log, asked),
            Note::Tested(tested) => {
                metrics.tested(tested.agent.as_deref(), tested.round_trip.is_some());
                let mut agents = agents.lock().unwrap_or_else(PoisonError::into_inner);
                agents.count(tested.agent.as_deref(), tested.round_trip);
                log_tested(&log, tested);
            }
            Note::Found(found) => {
                metrics.named(found.candidate_count);
                log_found(&log, found, choice, seed);
            }
        };
        let mut outcome = self.search.run(known, deadline, &note).await;
        let agents = agents.into_inner().unwrap_or_else(PoisonError::into_inner);
        if tracing::enabled!(tracing::Level::INFO)
            && let Some(table) = agents.table()
        {
            terminal::print(&table);
        }
        if let Err(error) = &mut outcome {
            error.last_error = error.last_error.as_deref().map(escape);
        }
        outcome
    }
}

fn name(choice: Choice) -> &'static str {
    match choice {
        Choice::Random => "random",
        Choice::Fastest => "fastest",
    }
}

fn log_asked(log: &EventLog, asked: Asked) {
    let (records, bootstrap) = (asked.record_count, Escaped(&asked.bootstrap));
    match &asked.error {
        None => tracing::debug!(%bootstrap, records, "bootstrap node asked"),
        Some(error) => tracing::warn!(%bootstrap, records, error = %Escaped(error), "bootstrap node asked"),
    }
    log.log(BootstrapAsked {
        round: asked.round,
        bootstrap: asked.bootstrap,
        via: match asked.via {
            Via::Dns => BootstrapVia::Dns,
            Via::PeerExchange => BootstrapVia::PeerExchange,
        },
        records: asked.record_count as u64,
        bad_records: asked.bad_count as u64,
        error: asked.error,
    });
}

fn log_tested(log: &EventLog, tested: Tested) {
    let (peer, agent) = (tested.peer, tested.agent.as_deref().map(escape));
    match &tested.error {
        None => tracing::debug!(%peer, agent, round_trip = ?tested.round_trip, "candidate passed"),
        Some(error) => tracing::debug!(%peer, agent, error = %Escaped(error), "candidate did not pass"),
    }
    log.log(CandidateTested {
        round: tested.round,
        service_node: peer.to_string(),
        address: tested.address.map(|address| address.to_string()),
        agent: tested.agent,
        connect_ms: tested.connect_time.map(|time| whole(time.as_millis())),
        round_trip_ns: tested.round_trip.map(|time: Duration| whole(time.as_nanos())),
        error: tested.error,
    });
}

fn log_found(log: &EventLog, found: Found, choice: &str, seed: u64) {
    let service_nodes: Vec<_> = found.chosen.iter().map(|node| node.peer_id.to_string()).collect();
    let (named, tested, usable) = (found.candidate_count, found.tested_count, found.usable_count);
    let chosen = service_nodes.join(" ");
    tracing::info!(named, left_out = found.left_out.total(), tested, usable, %chosen, "service nodes searched for");
    log.log(ServiceNodesChosen {
        round: found.round,
        choice: choice.to_owned(),
        seed,
        candidates: named as u64,
        other_cluster: found.left_out.cluster as u64,
        other_shard: found.left_out.shard as u64,
        no_capability: found.left_out.capability as u64,
        no_address: found.left_out.no_address as u64,
        known: found.left_out.known as u64,
        over_limit: found.left_out.over_limit as u64,
        tested: tested as u64,
        usable: usable as u64,
        service_nodes,
    });
}

fn whole(number: u128) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
