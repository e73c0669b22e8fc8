//! The transport every Waku peer of ours uses: TCP or WebSocket, Noise, then Yamux or Mplex.
//!
//! nwaku offers Yamux and Mplex, go-waku Yamux only, js-waku Mplex only over WebSocket: all three connect to this one.
//! It is assembled by hand and boxed once, so that swarms built on it do not multiply compile time.

use std::{io, time::Duration};

use libp2p::{
    PeerId, Transport,
    core::{
        muxing::StreamMuxerBox,
        transport::Boxed,
        upgrade::{SelectUpgrade, Version},
    },
    identity::Keypair,
    noise, tcp, yamux,
};

use super::dns;

/// Longest time for TCP connect, WebSocket handshake, Noise and muxer negotiation together (nwaku:
/// `DefaultDialTimeout` in `peer_manager.nim`).
pub const DIAL_TIMEOUT: Duration = Duration::from_secs(10);

/// Identify's protocol version; the value every libp2p implementation sends.
pub const IDENTIFY_PROTOCOL_VERSION: &str = "ipfs/0.1.0";

/// Inbound streams of one connection being negotiated at a time; further ones wait.
pub const NEGOTIATING_STREAMS: usize = 1024;

/// How long a connection without streams lives. Waku requests keep no stream open, so a light client that listens or
/// pauses looks idle; whether a connection is alive is for the ping to say.
pub const IDLE_CONNECTION_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

/// Streams one Mplex connection may carry at a time. libp2p's default of 128 refused streams at 64 requests in flight,
/// because a finished stream is counted until both halves are gone.
const MPLEX_MAX_STREAMS: usize = 1024;

/// Why a transport could not be built.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up the noise handshake with this key: {0}")]
pub struct TransportError(#[from] noise::Error);

/// Streams one Yamux connection may carry at a time. Beyond this number, counted over both directions, Yamux closes the
/// whole connection; with its default of 512 a burst of pushes or requests with a stream each did so.
const YAMUX_MAX_STREAMS: usize = 2048;

/// Builds the transport for one identity.
///
/// # Errors
/// When the key cannot sign the Noise handshake.
pub fn build(keypair: &Keypair) -> Result<Boxed<(PeerId, StreamMuxerBox)>, TransportError> {
    let tcp = || dns::SystemDns::new(tcp::tokio::Transport::new(tcp::Config::default().nodelay(true)));
    let mut mplex = libp2p_mplex::Config::default();
    mplex.set_max_num_streams(MPLEX_MAX_STREAMS);
    let mut yamux = yamux::Config::default();
    yamux.set_max_num_streams(YAMUX_MAX_STREAMS);
    let transport = libp2p_websocket::Config::new(tcp())
        .or_transport(tcp())
        .map_err(io::Error::other)
        .upgrade(Version::V1Lazy)
        .authenticate(noise::Config::new(keypair)?)
        .multiplex(SelectUpgrade::new(yamux, mplex))
        .timeout(DIAL_TIMEOUT)
        .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)))
        .boxed();
    Ok(transport)
}
