//! Streams that service nodes open to us: metadata questions and filter pushes.

use std::{sync::Arc, time::SystemTime};

use futures::AsyncWriteExt;
use libp2p::{PeerId, Stream};
use tokio::{
    sync::{Semaphore, mpsc},
    time::timeout,
};

use super::event::ClientEvent;
use crate::{
    frame::{self, FrameError},
    net::streams::InboundStream,
    wire::{MessagePush, WakuMetadata, frame_cap, protocol_id},
};

/// Inbound streams read at a time. nwaku keeps one push stream a connection, go-waku opens one a message, and all of
/// them wait while the owner takes no events. Further streams are reset, and told when they are pushes.
const MAX_INBOUND_STREAMS: usize = 1024;

/// How long a peer may take to ask its metadata question once it opened the stream.
const METADATA_READ_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);

/// Serves inbound streams until the swarm is gone.
pub(crate) async fn serve(
    mut streams: mpsc::Receiver<InboundStream>,
    cluster_id: u16,
    shards: Vec<u16>,
    events: mpsc::Sender<ClientEvent>,
) {
    let places = Arc::new(Semaphore::new(MAX_INBOUND_STREAMS));
    let metadata = Arc::new(WakuMetadata::new(cluster_id, &shards));
    while let Some(InboundStream {
        peer, protocol, stream, ..
    }) = streams.recv().await
    {
        let Ok(place) = places.clone().try_acquire_owned() else {
            drop(stream);
            if protocol.as_ref() == protocol_id::FILTER_PUSH {
                let _ = events.send(push_stream_refused(peer, MAX_INBOUND_STREAMS)).await;
            }
            continue;
        };
        let events = events.clone();
        let metadata = metadata.clone();
        tokio::spawn(async move {
            if protocol.as_ref() == protocol_id::METADATA {
                let _ = timeout(METADATA_READ_TIMEOUT, answer_metadata(stream, &metadata)).await;
            } else {
                read_pushes(peer, stream, &events).await;
            }
            drop(place);
        });
    }
}

/// Tells that a push stream was reset unread: a message may be lost by it.
pub(crate) fn push_stream_refused(peer: PeerId, limit: usize) -> ClientEvent {
    ClientEvent::MalformedPush {
        peer,
        error: format!("push stream refused: more than {limit} streams at a time"),
    }
}

async fn answer_metadata(mut stream: Stream, ours: &WakuMetadata) -> Result<(), FrameError> {
    let _: WakuMetadata = frame::read_frame(&mut stream, frame_cap::METADATA_BYTES).await?;
    frame::write_frame(&mut stream, ours, frame_cap::METADATA_BYTES).await?;
    stream.close().await.map_err(FrameError::Io)
}

/// Reads pushes until the peer ends the stream. The stream is never closed from this side: nwaku and our own node keep
/// it open for the next message and reset it when it was idle for minutes, which is normal.
async fn read_pushes(peer: PeerId, mut stream: Stream, events: &mpsc::Sender<ClientEvent>) {
    loop {
        let event = match frame::read_frame::<MessagePush, _>(&mut stream, frame_cap::FILTER_PUSH_BYTES).await {
            Ok(MessagePush {
                waku_message: Some(message),
                pubsub_topic,
            }) => ClientEvent::Push {
                peer,
                pubsub_topic: pubsub_topic.unwrap_or_default(),
                message,
                arrived: SystemTime::now(),
            },
            Ok(MessagePush { waku_message: None, .. }) => ClientEvent::MalformedPush {
                peer,
                error: "push without a message".into(),
            },
            Err(FrameError::Closed | FrameError::Io(_)) => return,
            Err(error) => {
                // The length or the body was wrong: where the next frame begins is not known any more.
                let _ = events
                    .send(ClientEvent::MalformedPush {
                        peer,
                        error: error.to_string(),
                    })
                    .await;
                return;
            }
        };
        if events.send(event).await.is_err() {
            return;
        }
    }
}
