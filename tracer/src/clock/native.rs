//! What a line of a native log is worth to the clocks.
//!
//! A cause must have been logged before it could have its effect, an effect after it had its cause, whatever the node did
//! in between. nwaku's `sent relay message` is written before the bytes leave, `received relay message` after the message
//! was validated, a lightpush request between reading and answering, the start of pushes before them. What comes after the
//! fact (`waku.relay published`, the end of pushes, `message archived`) causes nothing that is known.

use super::moments::Moment;
use crate::node_log::{NodeEvent, NodeEventKind, TimeQuality};

/// How far a time in nanoseconds may be off either way, after its 64-bit float of seconds.
const FLOAT_NS: i64 = 256;

/// How much later than the time of its line a line of nwaku may have been written: 4 ms of the coarse clock, and the rest of
/// the millisecond.
const COARSE_NS: i64 = 5_000_000;

/// The same of go-waku: the rest of the millisecond.
const MILLISECOND_NS: i64 = 1_000_000;

/// What a line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Received,
    Sent,
    Requested,
    Pushing,
    FilterRequest,
}

/// A line that is a cause or an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NativeMoment {
    what: What,
    /// Not after it happened.
    earliest_ns: i64,
    /// Not before it happened.
    latest_ns: i64,
}

impl NativeMoment {
    /// The moment of an event, if it is one.
    pub(crate) fn of(event: &NodeEvent<'_>) -> Option<Self> {
        let what = match event.kind {
            NodeEventKind::RelayReceived { .. } => What::Received,
            NodeEventKind::RelaySent { .. } => What::Sent,
            NodeEventKind::Lightpush { .. } => What::Requested,
            NodeEventKind::FilterPushStart { .. } => What::Pushing,
            NodeEventKind::FilterRequest { .. } => What::FilterRequest,
            _ => return None,
        };
        // go-waku's own time may be that of a time server; its lines go by the clock of the host.
        let (earliest_ns, latest_ns) = match (event.line_quality, event.quality) {
            (TimeQuality::Line1Ms, _) => (event.line_ns, event.line_ns.saturating_add(MILLISECOND_NS)),
            (_, TimeQuality::Float256Ns) => (
                event.at_ns.saturating_sub(FLOAT_NS),
                event.at_ns.saturating_add(FLOAT_NS),
            ),
            _ => (event.line_ns, event.line_ns.saturating_add(COARSE_NS)),
        };
        Some(Self {
            what,
            earliest_ns,
            latest_ns,
        })
    }

    /// When a filter client had asked, if this is what it says.
    pub(super) fn filter_request_ns(self) -> Option<i64> {
        (self.what == What::FilterRequest).then_some(self.latest_ns)
    }

    /// The moments of the message at the node `own`, each with its time; `peer` is the relay peer it names, in full.
    pub(super) fn moments(self, own: &str, peer: Option<&str>) -> impl Iterator<Item = (i64, Moment)> {
        let (earliest_ns, latest_ns) = (self.earliest_ns, self.latest_ns);
        let own = own.to_owned();
        let moments = match (self.what, peer) {
            (What::Received, peer) => {
                let from = peer.map(str::to_owned);
                [Some((latest_ns, Moment::Got { own: Some(own), from })), None]
            }
            (What::Sent, Some(to)) => {
                let to = to.to_owned();
                [Some((earliest_ns, Moment::Handed { own, to })), None]
            }
            (What::Sent, None) | (What::FilterRequest, _) => [None, None],
            (What::Requested, _) => {
                let read = Moment::Read { own: own.clone() };
                [Some((latest_ns, read)), Some((earliest_ns, Moment::Answered { own }))]
            }
            (What::Pushing, _) => [Some((earliest_ns, Moment::Pushing { own })), None],
        };
        moments.into_iter().flatten()
    }
}
