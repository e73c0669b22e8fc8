//! Metadata: tells peers our cluster and shards, asks them for theirs, and sends strangers away (RFC 66).

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use libp2p::PeerId;
use prost::Message;
use tokio::sync::mpsc;
use waku::{
    net::{RequestError, client::metadata as ask_metadata},
    wire::{WakuMetadata, protocol_id},
};

use crate::{inbound::Answer, peer_exchange, services::Services};

/// How long a peer may take to answer. A burst of new clients may keep both sides busy for seconds.
const ASK_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a stranger keeps its connection, so that it can ask its own question and learn why it is sent away. It will
/// hang up by itself then; without the answer it would only see a lost connection, and come back.
const GOODBYE_DELAY: Duration = Duration::from_secs(1);

/// Answers a peer's question, and sends it away when it is on another cluster.
pub(crate) async fn answer(services: &Arc<Services>, peer: PeerId, frame: Bytes) -> Option<Answer> {
    let theirs = match WakuMetadata::decode(frame) {
        Ok(theirs) => theirs,
        Err(error) => {
            services.note_malformed(peer, protocol_id::METADATA, &error);
            return None;
        }
    };
    if let Some(reason) = stranger(services.config.cluster_id, &theirs) {
        let services = services.clone();
        tokio::spawn(async move { see_off(&services, peer, reason).await });
    }
    Answer::metadata(&ours(services))
}

/// Asks every peer that has introduced itself. Peers without the protocol and peers of another cluster are sent away,
/// as RFC 64 demands; a peer that is merely slow is not.
pub(crate) async fn ask_newcomers(mut identified: mpsc::Receiver<PeerId>, services: Arc<Services>) {
    while let Some(peer) = identified.recv().await {
        let services = services.clone();
        tokio::spawn(async move {
            match ask_metadata(&services.streams, peer, &ours(&services), ASK_TIMEOUT).await {
                Ok(theirs) => match stranger(services.config.cluster_id, &theirs) {
                    Some(reason) => see_off(&services, peer, reason).await,
                    None => peer_exchange::learn_from(&services, peer).await,
                },
                Err(RequestError::Unsupported { .. }) => {
                    services
                        .network
                        .disconnect(peer, "does not serve metadata".to_owned())
                        .await;
                }
                Err(_) => {}
            }
        });
    }
}

async fn see_off(services: &Services, peer: PeerId, reason: String) {
    tokio::time::sleep(GOODBYE_DELAY).await;
    services.network.disconnect(peer, reason).await;
}

fn ours(services: &Services) -> WakuMetadata {
    WakuMetadata::new(services.config.cluster_id, &services.config.shards)
}

fn stranger(our_cluster: u16, theirs: &WakuMetadata) -> Option<String> {
    match theirs.cluster_id {
        Some(cluster) if cluster == u32::from(our_cluster) => None,
        Some(cluster) => Some(format!("is on cluster {cluster}, not {our_cluster}")),
        None => Some("names no cluster".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_cluster_is_no_stranger() {
        assert_eq!(stranger(2, &WakuMetadata::new(2, &[])), None);
        assert_eq!(
            stranger(2, &WakuMetadata::new(0, &[])).unwrap(),
            "is on cluster 0, not 2"
        );
        assert_eq!(stranger(0, &WakuMetadata::default()).unwrap(), "names no cluster");
    }
}
