//! Which clients of a process have what they need: filled in by the clients, watched by the engine and by `/health`.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::{
    sync::{Semaphore, oneshot, watch},
    time::{Instant, timeout, timeout_at},
};

use super::{NodeId, Unavailable};
use crate::{escape::escape, http::Health};

/// Dials under way at once in one process. A thousand simultaneous handshakes would only time each other out.
const MAX_DIALS: usize = 64;

/// Longest time a dial holds one of the [`MAX_DIALS`] places: a service node that swallows packets must not keep the
/// other clients waiting.
const DIAL_PLACE_TIMEOUT: Duration = Duration::from_secs(5);

/// What is known at one moment.
#[derive(Debug, Clone, Default)]
struct State {
    ready: Vec<bool>,
    ready_clients: u32,
    /// Some client has no service node left that it could try.
    is_hopeless: bool,
    /// What went wrong last, by service node.
    errors: BTreeMap<NodeId, String>,
}

/// A board on which every client of a process marks whether it is ready.
#[derive(Debug)]
pub struct Board {
    state: watch::Sender<State>,
    dials: Arc<Semaphore>,
    opened: Instant,
}

/// A place among the dials under way; given back when dropped, or after a while in any case.
#[derive(Debug)]
pub struct DialPlace {
    _release: oneshot::Sender<()>,
}

impl Board {
    /// For `clients` clients, none ready.
    #[must_use]
    pub fn new(clients: u32) -> Self {
        let state = State {
            ready: vec![false; clients as usize],
            ..State::default()
        };
        let dials = Arc::new(Semaphore::new(MAX_DIALS));
        Self {
            state: watch::Sender::new(state),
            dials,
            opened: Instant::now(),
        }
    }

    /// Marks whether a client has what it needs.
    pub fn set_ready(&self, client: u32, is_ready: bool) {
        self.state.send_if_modified(|state| {
            let Some(mark) = state.ready.get_mut(client as usize).filter(|mark| **mark != is_ready) else {
                return false;
            };
            *mark = is_ready;
            state.ready_clients = if is_ready {
                state.ready_clients + 1
            } else {
                state.ready_clients - 1
            };
            true
        });
    }

    /// Notes what went wrong with a service node.
    pub fn failed(&self, peer: &NodeId, error: &str) {
        self.state.send_modify(|state| {
            state.errors.insert(peer.clone(), escape(error));
        });
    }

    /// Notes that a client has no service node left to try, so that waiting on is no use.
    pub fn give_up(&self) {
        self.state.send_modify(|state| state.is_hopeless = true);
    }

    /// Clients that have what they need.
    #[must_use]
    pub fn ready_clients(&self) -> u32 {
        self.state.borrow().ready_clients
    }

    /// Waits for a place among the dials under way.
    pub async fn dial_place(&self) -> DialPlace {
        let permit = self.dials.clone().acquire_owned().await;
        let (release, released) = oneshot::channel::<()>();
        tokio::spawn(async move {
            let _ = timeout(DIAL_PLACE_TIMEOUT, released).await;
            drop(permit);
        });
        DialPlace { _release: release }
    }

    /// Completes when all clients are ready.
    ///
    /// # Errors
    /// [`Unavailable`] when `deadline` passes first, or when a client gave up.
    pub async fn all_ready(&self, deadline: Instant) -> Result<(), Unavailable> {
        let mut state = self.state.subscribe();
        let settled = state.wait_for(|state| state.is_hopeless || state.ready.iter().all(|ready| *ready));
        // The sender lives as long as `self`, so the only failure is the deadline.
        let _ = timeout_at(deadline, settled).await;
        let state = self.state.borrow();
        if state.ready.iter().all(|ready| *ready) {
            Ok(())
        } else {
            Err(self.unavailable(&state))
        }
    }

    /// Whether every client still has a service node to try, ready or not.
    ///
    /// # Errors
    /// [`Unavailable`] when a client gave up and has not become ready since.
    pub fn still_hoped(&self) -> Result<(), Unavailable> {
        let state = self.state.borrow();
        match state.is_hopeless && !state.ready.iter().all(|ready| *ready) {
            true => Err(self.unavailable(&state)),
            false => Ok(()),
        }
    }

    /// Tells `health` the number of ready clients whenever it changes, under the name `counted`: 200 while all are.
    /// Never completes.
    pub async fn report(&self, health: &watch::Sender<Health>, counted: &'static str) {
        let mut state = self.state.subscribe();
        loop {
            let (ready_clients, clients) = {
                let state = state.borrow_and_update();
                (u64::from(state.ready_clients), state.ready.len() as u64)
            };
            let word = if ready_clients == clients {
                Health::ready()
            } else {
                Health::starting()
            };
            health.send_replace(word.with("clients", clients).with(counted, ready_clients));
            if state.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    fn unavailable(&self, state: &State) -> Unavailable {
        Unavailable {
            ready_clients: state.ready_clients,
            clients: u32::try_from(state.ready.len()).unwrap_or(u32::MAX),
            waited: Instant::now() - self.opened,
            errors: state
                .errors
                .iter()
                .map(|(peer, error)| (name(peer), error.clone()))
                .collect(),
        }
    }
}

/// What a user finds among the addresses given.
fn name(peer: &NodeId) -> String {
    match peer {
        NodeId::Libp2p(peer) => peer.to_string(),
        NodeId::Rest(node) => node.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use libp2p::PeerId;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn all_ready_waits_for_the_last_client() {
        let board = Board::new(2);
        let deadline = Instant::now() + Duration::from_secs(1);
        board.set_ready(0, true);
        board.set_ready(0, true);
        assert_eq!(board.ready_clients(), 1, "marking twice counts once");
        let waiting = board.all_ready(deadline);
        board.set_ready(1, true);
        assert_eq!(waiting.await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn deadline_tells_who_failed_and_how() {
        let board = Board::new(3);
        let peer = NodeId::from(PeerId::random());
        board.set_ready(2, true);
        board.failed(&peer, "refused\u{1b}[2J");
        let waited = Duration::from_secs(5);
        let unavailable = board
            .all_ready(Instant::now() + waited)
            .await
            .expect_err("two are missing");
        assert_eq!(
            (unavailable.ready_clients, unavailable.clients, unavailable.waited),
            (1, 3, waited)
        );
        assert_eq!(unavailable.errors[&peer.to_string()], "refused\\u{1b}[2J");
    }

    #[tokio::test(start_paused = true)]
    async fn giving_up_does_not_wait_for_the_deadline() {
        let board = Board::new(1);
        board.give_up();
        let started = Instant::now();
        assert!(board.all_ready(started + Duration::from_secs(60)).await.is_err());
        assert_eq!(Instant::now(), started);
    }

    #[tokio::test]
    async fn a_client_that_gave_up_is_no_hope_unless_it_is_ready_after_all() {
        let board = Board::new(1);
        assert_eq!(board.still_hoped(), Ok(()), "not ready, but trying");
        board.give_up();
        assert!(board.still_hoped().is_err());
        board.set_ready(0, true);
        assert_eq!(board.still_hoped(), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn dial_places_are_limited_given_back_and_never_held_for_ever() {
        let board = Board::new(1);
        let mut places = Vec::new();
        for _ in 0..MAX_DIALS {
            places.push(board.dial_place().await);
        }
        let started = Instant::now();
        places.pop();
        places.push(board.dial_place().await);
        assert_eq!(Instant::now(), started, "a dropped place is free at once");
        let _late = board.dial_place().await;
        assert_eq!(
            started.elapsed().as_secs(),
            DIAL_PLACE_TIMEOUT.as_secs(),
            "a held one after the time limit"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn health_is_ready_only_while_every_client_is() {
        let board = Board::new(1);
        let (health, mut status) = watch::channel(Health::starting());
        let reporting = board.report(&health, "subscribed");
        let watching = async {
            status
                .wait_for(|health| health.details.contains_key("subscribed"))
                .await
                .expect("sender lives");
            assert!(!status.borrow().is_ready);
            board.set_ready(0, true);
            status.wait_for(|health| health.is_ready).await.expect("sender lives");
            board.set_ready(0, false);
            status.wait_for(|health| !health.is_ready).await.expect("sender lives");
        };
        tokio::select! { () = reporting => unreachable!("never completes"), () = watching => {} }
    }
}
