//! The stream pushes go out on: one for many messages, or one for each.
//!
//! nwaku and our own client read any number of pushes from one stream, and js-waku stops after its hundredth stream, so
//! the stream is reused. go-waku reads exactly one message from a stream and closes it: what was written behind it is
//! lost. A subscriber that calls itself go-waku gets a stream a message from the start; one that closes a stream right
//! after its first message is treated so from then on.

use std::io;

use futures::{AsyncReadExt, AsyncWriteExt, FutureExt};
use libp2p::{PeerId, Stream, StreamProtocol};
use waku::{
    net::streams::{OpenError, StreamControl},
    wire::protocol_id,
};

/// Agent strings of clients that read one message a stream.
const ONE_PUSH_AGENTS: [&str; 1] = ["go-waku"];

/// Whether a client with this agent string reads only one message from a stream.
pub(super) fn reads_one_push(agent: Option<&str>) -> bool {
    agent.is_some_and(|agent| ONE_PUSH_AGENTS.iter().any(|prefix| agent.starts_with(prefix)))
}

/// Why a push was not written.
#[derive(Debug, thiserror::Error)]
pub(super) enum PushError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("push stream broke: {0}")]
    Write(#[from] io::Error),
}

/// The push stream of one subscriber.
pub(super) struct PushStream {
    peer: PeerId,
    streams: StreamControl,
    open: Option<Stream>,
    written_count: u64,
    one_push_only: bool,
}

impl PushStream {
    pub(super) fn new(peer: PeerId, streams: StreamControl) -> Self {
        Self { peer, streams, open: None, written_count: 0, one_push_only: false }
    }

    /// From now on, or no longer, a new stream for every push.
    pub(super) fn set_one_push_only(&mut self, one_push_only: bool) {
        self.one_push_only = one_push_only;
    }

    pub(super) fn is_one_push_only(&self) -> bool {
        self.one_push_only
    }

    /// Forgets the stream, which resets it.
    pub(super) fn reset(&mut self) {
        self.open = None;
    }

    /// Writes one frame; flushed only by [`PushStream::flush`] when the stream is reused.
    pub(super) async fn write(&mut self, frame: &[u8]) -> Result<(), PushError> {
        if self.one_push_only {
            let mut stream = open_new(self.peer, &self.streams).await?;
            stream.write_all(frame).await?;
            stream.close().await?;
            return Ok(());
        }
        self.drop_if_ended();
        let mut stream = match self.open.take() {
            Some(stream) => stream,
            None => {
                self.written_count = 0;
                open_new(self.peer, &self.streams).await?
            }
        };
        stream.write_all(frame).await?;
        self.written_count += 1;
        self.open = Some(stream);
        Ok(())
    }

    /// Hands what was written to the connection.
    pub(super) async fn flush(&mut self) -> Result<(), PushError> {
        if let Some(stream) = &mut self.open
            && let Err(error) = stream.flush().await
        {
            self.open = None;
            return Err(error.into());
        }
        Ok(())
    }

    /// Looks whether the subscriber ended the stream: a push written into it now would be lost.
    fn drop_if_ended(&mut self) {
        let Some(stream) = &mut self.open else { return };
        let mut byte = [0_u8; 1];
        // Subscribers write nothing on a push stream, so what can be read is its end.
        if let Some(Ok(0) | Err(_)) = stream.read(&mut byte).now_or_never() {
            self.open = None;
            if self.written_count == 1 {
                self.one_push_only = true;
            }
        }
    }
}

/// Apart from the rest of [`PushStream`], which holds a stream and so cannot be shared while waiting.
async fn open_new(peer: PeerId, streams: &StreamControl) -> Result<Stream, OpenError> {
    streams.open(peer, StreamProtocol::new(protocol_id::FILTER_PUSH)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_waku_is_told_by_its_agent() {
        assert!(reads_one_push(Some("go-waku")));
        assert!(reads_one_push(Some("go-waku/v0.10.0")));
        assert!(!reads_one_push(Some("js-waku")));
        assert!(!reads_one_push(None));
    }
}
