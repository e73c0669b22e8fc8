//! The parties of a cell: light clients and service nodes, ours and other people's.

use std::{
    collections::BTreeSet,
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
};

use event_log::{Event, read_log};
use serde::Deserialize;

use crate::{failure::Failure, process::Process};

/// A publisher or a receiver, ours or of js-waku. Both write an event log of ours.
pub(crate) struct Client {
    pub(crate) process: Process,
    /// Its event log.
    pub(crate) log: PathBuf,
    /// The messages it saw, as js-waku writes them; our own clients hash what they see by themselves.
    pub(crate) messages: Option<PathBuf>,
}

impl Client {
    pub(crate) fn name(&self) -> &str {
        self.process.name()
    }

    /// Waits until it has subscribed.
    pub(crate) fn wait_until_subscribed(&mut self) -> Result<(), Failure> {
        let log = self.log.clone();
        self.process.wait_for("its subscription", || {
            let subscribed = |event: &Event| matches!(event, Event::Subscribed(_));
            events(&log).iter().any(subscribed).then_some(())
        })
    }

    /// Waits until this many different messages have arrived.
    pub(crate) fn wait_for_arrivals(&mut self, count: usize) -> Result<(), Failure> {
        let log = self.log.clone();
        self.process.wait_for(&format!("the arrival of {count} messages"), || {
            let hash = |event| {
                if let Event::Received(event) = event {
                    Some(event.hash)
                } else {
                    None
                }
            };
            let arrived: BTreeSet<_> = events(&log).into_iter().filter_map(hash).collect();
            (arrived.len() >= count).then_some(())
        })
    }

    /// Waits until it has done what it was started for.
    pub(crate) fn finish(&mut self) -> Result<(), Failure> {
        self.process.finish()
    }
}

/// Our own service node.
pub(crate) struct OurNode {
    pub(crate) process: Process,
    /// Where it listens: TCP first, then WebSocket.
    pub(crate) tcp: String,
    pub(crate) web_socket: String,
    pub(crate) log: PathBuf,
}

impl OurNode {
    /// Waits until it listens at both addresses.
    pub(crate) fn new(mut process: Process, log: PathBuf) -> Result<Self, Failure> {
        let (tcp, web_socket) = process.wait_for("its addresses", || {
            let address = |event| {
                if let Event::Listening(event) = event {
                    Some(event.address)
                } else {
                    None
                }
            };
            let (web_sockets, tcp): (Vec<_>, Vec<_>) = events(&log)
                .into_iter()
                .filter_map(address)
                .partition(|address| address.contains("/ws"));
            Some((tcp.first()?.clone(), web_sockets.first()?.clone()))
        })?;
        Ok(Self {
            process,
            tcp,
            web_socket,
            log,
        })
    }

    /// Waits until its relay mesh has a peer.
    pub(crate) fn wait_for_mesh(&mut self) -> Result<(), Failure> {
        let log = self.log.clone();
        self.process.wait_for("a mesh peer", || {
            let joined = |event: &Event| matches!(event, Event::MeshChanged(mesh) if mesh.peers > 0);
            events(&log).iter().any(joined).then_some(())
        })
    }
}

/// A go-waku service node.
pub(crate) struct GoNode {
    pub(crate) process: Process,
    pub(crate) ready: GoReady,
    /// go-waku's own log.
    pub(crate) log: PathBuf,
    /// Every message it relayed, with the hash it computed.
    pub(crate) messages: PathBuf,
}

/// What a go-waku node says once it is ready.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct GoReady {
    pub(crate) addresses: Vec<String>,
    pub(crate) enr: String,
    pub(crate) peer_id: String,
    pub(crate) rest: String,
    pub(crate) version: String,
}

impl GoNode {
    /// Waits until it is ready.
    pub(crate) fn new(mut process: Process, log: PathBuf, messages: PathBuf) -> Result<Self, Failure> {
        let line = process.first_line()?;
        let wrong = |reason: String| Failure::Content {
            path: PathBuf::from(format!("{}.stdout", process.name())),
            reason,
        };
        let ready: GoReady = serde_json::from_str(&line).map_err(|error| wrong(error.to_string()))?;
        if ready.addresses.is_empty() {
            return Err(wrong("no address".to_owned()));
        }
        Ok(Self {
            process,
            ready,
            log,
            messages,
        })
    }

    pub(crate) fn address(&self) -> &str {
        &self.ready.addresses[0]
    }
}

/// Every event of a log so far; none when there is no log yet.
pub(crate) fn events(path: &Path) -> Vec<Event> {
    let Ok(file) = File::open(path) else {
        return Vec::new();
    };
    read_log(BufReader::new(file))
        .filter_map(|line| Some(line.ok()?.record.ok()?.event))
        .collect()
}
