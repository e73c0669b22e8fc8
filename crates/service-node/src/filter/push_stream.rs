//! The stream pushes go out on: one for many messages, or one for each.
//!
//! nwaku and our own client read any number of pushes from one stream, and js-waku stops after its hundredth stream, so
//! the stream is reused. go-waku reads exactly one message from a stream and closes it: what was written behind it is
//! lost. A subscriber that calls itself go-waku gets a stream a message from the start; one that ends a stream in use
//! is treated so from then on, until it connects anew.

use std::{
    io,
    time::{Duration, Instant},
};

use futures::{AsyncReadExt, AsyncWriteExt, FutureExt};
use libp2p::{PeerId, Stream, StreamProtocol};
use waku::{
    net::streams::{OpenError, StreamControl},
    wire::protocol_id,
};

/// Agent strings of clients that read one message a stream.
const ONE_PUSH_AGENTS: [&str; 1] = ["go-waku"];

/// A stream that is found ended so long after the last push was not ended because of it: js-libp2p resets streams that
/// were idle for two minutes, nwaku after five to ten.
const IDLE_MIN: Duration = Duration::from_secs(60);

/// Whether a client with this agent string reads only one message from a stream.
pub(super) fn reads_one_push(agent: Option<&str>) -> bool {
    agent.is_some_and(|agent| ONE_PUSH_AGENTS.iter().any(|prefix| agent.starts_with(prefix)))
}

/// Whether a subscriber that ended its stream is one that reads only one message. How many it had read cannot be known:
/// by the time its end is seen, more may have been written.
fn ended_because_read(since_last_push: Duration) -> bool {
    since_last_push < IDLE_MIN
}

/// Why a push was not written.
#[derive(Debug, thiserror::Error)]
pub(super) enum PushError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("the subscriber ended the push stream, or its connection is lost")]
    Ended,
    #[error("push stream broke: {0}")]
    Write(io::Error),
}

impl From<io::Error> for PushError {
    /// The text of a stream that takes no more bytes is left out: yamux says "connection is closed" of a stream that was
    /// reset on a live connection too (`connection/stream.rs`, `write_zero_err`), and Mplex says "broken pipe".
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::WriteZero | io::ErrorKind::BrokenPipe => Self::Ended,
            _ => Self::Write(error),
        }
    }
}

/// The push stream of one subscriber.
pub(super) struct PushStream {
    peer: PeerId,
    streams: StreamControl,
    open: Option<Stream>,
    last_push: Instant,
    one_push_only: bool,
}

impl PushStream {
    pub(super) fn new(peer: PeerId, streams: StreamControl) -> Self {
        Self {
            peer,
            streams,
            open: None,
            last_push: Instant::now(),
            one_push_only: false,
        }
    }

    /// From now on, or no longer, a new stream for every push.
    pub(super) fn set_one_push_only(&mut self, one_push_only: bool) {
        self.one_push_only = one_push_only;
        if one_push_only {
            self.open = None;
        }
    }

    /// Writes one frame and hands it to the connection. A stream whose write is cancelled is reset.
    pub(super) async fn push(&mut self, frame: &[u8]) -> Result<(), PushError> {
        self.drop_if_ended();
        if let Some(mut stream) = self.open.take() {
            // A stream that broke after we looked has not carried this frame: a new one will.
            if write(&mut stream, frame).await.is_ok() {
                self.keep(stream);
                return Ok(());
            }
        }
        let mut stream = self
            .streams
            .open(self.peer, StreamProtocol::new(protocol_id::FILTER_PUSH))
            .await?;
        write(&mut stream, frame).await?;
        if self.one_push_only {
            stream.close().await?;
        } else {
            self.keep(stream);
        }
        Ok(())
    }

    fn keep(&mut self, stream: Stream) {
        self.open = Some(stream);
        self.last_push = Instant::now();
    }

    /// Looks whether the subscriber ended the stream: a push written into it now would be lost.
    fn drop_if_ended(&mut self) {
        let Some(stream) = &mut self.open else { return };
        let mut byte = [0_u8; 1];
        // Subscribers write nothing on a push stream, so what can be read is its end.
        if let Some(Ok(0) | Err(_)) = stream.read(&mut byte).now_or_never() {
            self.open = None;
            self.one_push_only = self.one_push_only || ended_because_read(self.last_push.elapsed());
        }
    }
}

async fn write(stream: &mut Stream, frame: &[u8]) -> io::Result<()> {
    stream.write_all(frame).await?;
    stream.flush().await
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

    #[test]
    fn a_stream_that_was_reset_is_not_called_a_closed_connection() {
        let yamux = io::Error::new(io::ErrorKind::WriteZero, "fe34ba2f/8: connection is closed");
        let ended = "the subscriber ended the push stream, or its connection is lost";
        assert_eq!(PushError::from(yamux).to_string(), ended);
        assert_eq!(
            PushError::from(io::Error::from(io::ErrorKind::BrokenPipe)).to_string(),
            ended
        );
        let other = io::Error::other("bad frame");
        assert_eq!(PushError::from(other).to_string(), "push stream broke: bad frame");
    }

    #[test]
    fn the_reset_of_an_idle_stream_says_nothing_about_how_the_subscriber_reads() {
        assert!(ended_because_read(Duration::from_secs(1)));
        assert!(!ended_because_read(Duration::from_secs(120)));
    }
}
