//! From a connection to a service node that is ready: identify, then metadata.

use libp2p::{Multiaddr, PeerId, identify};

use super::{ClientEvent, RequestError, driver::Driver, requests};
use crate::{
    net::{kept::Phase, streams::StreamControl},
    wire::{WakuMetadata, protocol_id},
};

/// What identify and the connection say about a peer that is being introduced.
#[derive(Debug, Clone)]
pub(super) struct Introduction {
    peer: PeerId,
    address: Multiaddr,
    agent: String,
    protocols: Vec<String>,
}

pub(super) type MetadataAnswer = (Introduction, Result<WakuMetadata, RequestError>);

impl Driver {
    /// Asks a peer that has identified itself for its metadata.
    pub(super) fn on_identify(&mut self, event: identify::Event, streams: &StreamControl) {
        let identify::Event::Received {
            peer_id: peer, info, ..
        } = event
        else {
            return;
        };
        if !matches!(self.kept.phase(peer), Some(Phase::Introducing(_))) {
            return;
        }
        let Some(address) = self.addresses.get(&peer).cloned() else {
            return;
        };
        let protocols = info.protocols.iter().map(ToString::to_string).collect();
        let introduction = Introduction {
            peer,
            address,
            agent: info.agent_version,
            protocols,
        };
        let (streams, ours, answers) = (streams.clone(), self.metadata.clone(), self.answers.0.clone());
        let deadline = self.introduction_timeout;
        tokio::spawn(async move {
            let answer = requests::metadata(&streams, introduction.peer, &ours, deadline).await;
            let _ = answers.send((introduction, answer)).await;
        });
    }

    /// Decides by a peer's metadata whether it is ready, to be tried again, or refused.
    pub(super) fn on_metadata(&mut self, (introduction, answer): MetadataAnswer) {
        let Introduction {
            peer,
            address,
            agent,
            protocols,
        } = introduction;
        if !matches!(self.kept.phase(peer), Some(Phase::Introducing(_))) {
            return; // lost or forgotten meanwhile
        }
        let ours = self.cluster_id;
        match answer.map(|metadata| metadata.cluster_id) {
            Ok(Some(cluster)) if cluster == u32::from(ours) => {
                self.known.insert(peer, &protocols);
                self.kept.set_phase(peer, Phase::Ready);
                let agent = Some(agent);
                self.outbox.push_back(ClientEvent::Ready {
                    peer,
                    address,
                    agent,
                    protocols,
                });
            }
            Ok(Some(cluster)) => {
                let hint = format!("start this client with cluster id {cluster}, or choose another service node");
                self.refuse(
                    peer,
                    format!("service node is on cluster {cluster}, this client on cluster {ours}: {hint}"),
                );
            }
            Ok(None) => self.refuse(peer, "service node names no cluster in its metadata".into()),
            Err(RequestError::Unsupported { .. }) => {
                let why = "RFC 64 forbids peers without it";
                self.refuse(
                    peer,
                    format!("service node does not serve {}: {why}", protocol_id::METADATA),
                );
            }
            Err(error) => {
                self.retry(peer, format!("metadata exchange failed: {error}"));
                let _ = self.swarm.disconnect_peer_id(peer);
            }
        }
    }
}
