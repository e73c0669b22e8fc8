//! One connection's gossipsub handlers, one after another. See [`super::renewing`].

use std::{
    collections::VecDeque,
    task::{Context, Poll},
    time::Duration,
};

use libp2p::swarm::{
    ConnectionHandler, ConnectionHandlerEvent, SubstreamProtocol,
    handler::{ConnectionEvent, DialUpgradeError, FullyNegotiatedInbound, FullyNegotiatedOutbound, ListenUpgradeError},
};

use tokio::time::{Interval, MissedTickBehavior, interval};

use super::renewing::{FromHandler, InnerHandler, ToHandler};

/// Streams a gossipsub handler can be given in one direction. It switches itself off at the fifth
/// (`MAX_SUBSTREAM_ATTEMPTS` in libp2p-gossipsub 0.50 `handler.rs`).
const STREAMS_PER_HANDLER: usize = 4;

/// A spare is asked for when this many are used, so that it is there in time.
const ASK_FOR_SPARE_AT: usize = 2;

/// How often a relay connection is looked at without cause. gossipsub's handler does not hear of new messages while it has
/// no outbound stream, so after a reset they would wait for some other traffic on the connection.
const WAKE_UP_INTERVAL: Duration = Duration::from_millis(250);

type Inbound = <InnerHandler as ConnectionHandler>::InboundProtocol;
type Outbound = <InnerHandler as ConnectionHandler>::OutboundProtocol;

/// One gossipsub handler and how much of its budget is used.
struct Generation {
    id: u64,
    handler: InnerHandler,
    inbound_used: usize,
    outbound_used: usize,
    /// It asked for an outbound stream while an older generation still had one.
    waiting_outbound: Option<SubstreamProtocol<Outbound>>,
    /// It asked for an outbound stream beyond its budget: it has none and never will.
    outbound_over: bool,
}

impl Generation {
    fn new(id: u64, handler: InnerHandler) -> Self {
        Self {
            id,
            handler,
            inbound_used: 0,
            outbound_used: 0,
            waiting_outbound: None,
            outbound_over: false,
        }
    }
}

/// The handlers of one connection, oldest first.
///
/// The newest takes the streams the peer opens. The oldest whose budget lasts opens ours: the peer replaces its inbound
/// stream by each new one, so two of ours at a time would cost messages.
pub struct RenewingHandler {
    generations: VecDeque<Generation>,
    next_id: u64,
    spare: Option<InnerHandler>,
    /// A spare is under way or here.
    asked: bool,
    must_ask: bool,
    /// Runs on connections that speak relay; a light client's connection is left in peace.
    wake_up: Option<Interval>,
}

impl RenewingHandler {
    pub(super) fn new(handler: InnerHandler) -> Self {
        Self {
            generations: VecDeque::from([Generation::new(0, handler)]),
            next_id: 1,
            spare: None,
            asked: false,
            must_ask: false,
            wake_up: None,
        }
    }

    fn speaks_relay(&mut self) {
        self.wake_up.get_or_insert_with(|| {
            let mut wake_up = interval(WAKE_UP_INTERVAL);
            wake_up.set_missed_tick_behavior(MissedTickBehavior::Delay);
            wake_up
        });
    }

    /// Puts the spare to work; false when there is none yet.
    fn start_next_generation(&mut self) -> bool {
        let Some(handler) = self.spare.take() else { return false };
        self.generations.push_back(Generation::new(self.next_id, handler));
        self.next_id += 1;
        self.asked = false;
        true
    }

    fn ask_when_low(&mut self, used: usize) {
        if used >= ASK_FOR_SPARE_AT && !self.asked {
            self.asked = true;
            self.must_ask = true;
        }
    }

    /// The generation for a stream the peer opened, or `None` when the peer opens them faster than spares arrive.
    fn for_inbound(&mut self) -> Option<&mut Generation> {
        let full = self
            .generations
            .back()
            .is_none_or(|newest| newest.inbound_used >= STREAMS_PER_HANDLER);
        if full && !self.start_next_generation() {
            return None;
        }
        let used = self.generations.back()?.inbound_used + 1;
        self.ask_when_low(used);
        let newest = self.generations.back_mut()?;
        newest.inbound_used += 1;
        Some(newest)
    }

    /// Drops what is of no more use once the newest generation has the peer's stream: generations without a stream of
    /// ours. The one that opens our streams stays.
    fn drop_superseded(&mut self) {
        let newest = self.next_id.saturating_sub(1);
        let owner = self
            .generations
            .iter()
            .find(|generation| !generation.outbound_over)
            .map(|owner| owner.id);
        self.generations
            .retain(|generation| generation.id == newest || Some(generation.id) == owner);
    }

    fn outbound_result(&mut self, id: u64) -> Option<&mut Generation> {
        let position = self.generations.iter().position(|generation| generation.id == id)?;
        self.generations[position].outbound_used += 1;
        let (used, is_newest) = (
            self.generations[position].outbound_used,
            position + 1 == self.generations.len(),
        );
        if is_newest {
            self.ask_when_low(used);
        }
        self.generations.get_mut(position)
    }
}

impl ConnectionHandler for RenewingHandler {
    type FromBehaviour = ToHandler;
    type ToBehaviour = FromHandler;
    type InboundProtocol = Inbound;
    type OutboundProtocol = Outbound;
    type InboundOpenInfo = ();
    /// Which generation asked.
    type OutboundOpenInfo = u64;

    fn listen_protocol(&self) -> SubstreamProtocol<Inbound> {
        self.generations
            .back()
            .map(|newest| newest.handler.listen_protocol())
            .expect("there is always a newest generation")
    }

    fn on_behaviour_event(&mut self, event: ToHandler) {
        match event {
            ToHandler::Inner(event) => {
                if let Some(newest) = self.generations.back_mut() {
                    newest.handler.on_behaviour_event(event);
                }
            }
            ToHandler::Spare(spare) => self.spare = Some(*spare),
        }
    }

    fn connection_keep_alive(&self) -> bool {
        self.generations
            .iter()
            .any(|generation| generation.handler.connection_keep_alive())
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ConnectionHandlerEvent<Outbound, u64, FromHandler>> {
        if std::mem::take(&mut self.must_ask) {
            return Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(FromHandler::NeedSpare));
        }
        if let Some(wake_up) = &mut self.wake_up {
            while wake_up.poll_tick(cx).is_ready() {}
        }
        let mut position = 0;
        let mut owner_seen = false;
        while position < self.generations.len() {
            let generation = &mut self.generations[position];
            let is_owner = !owner_seen && !generation.outbound_over;
            let wish = match generation.waiting_outbound.take_if(|_| is_owner) {
                Some(waiting) => Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest { protocol: waiting }),
                None => generation.handler.poll(cx),
            };
            match wish {
                Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest { protocol }) => {
                    if !is_owner {
                        generation.waiting_outbound = Some(protocol);
                    } else if generation.outbound_used < STREAMS_PER_HANDLER {
                        let protocol = protocol.map_info(|()| generation.id);
                        return Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest { protocol });
                    } else {
                        generation.outbound_over = true;
                        let was_newest = position + 1 == self.generations.len();
                        if was_newest && !self.start_next_generation() {
                            // The spare was asked for two streams ago; its arrival wakes this task.
                            self.ask_when_low(STREAMS_PER_HANDLER);
                        }
                    }
                    continue; // the same generation may have more to say
                }
                Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(event)) => {
                    return Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(FromHandler::Inner(event)));
                }
                Poll::Ready(ConnectionHandlerEvent::ReportRemoteProtocols(support)) => {
                    return Poll::Ready(ConnectionHandlerEvent::ReportRemoteProtocols(support));
                }
                Poll::Ready(_) => {}
                Poll::Pending => {
                    owner_seen |= is_owner;
                    position += 1;
                }
            }
        }
        let all_over = self.generations.iter().all(|generation| generation.outbound_over);
        if all_over && self.start_next_generation() {
            cx.waker().wake_by_ref();
        }
        if std::mem::take(&mut self.must_ask) {
            return Poll::Ready(ConnectionHandlerEvent::NotifyBehaviour(FromHandler::NeedSpare));
        }
        Poll::Pending
    }

    fn on_connection_event(&mut self, event: ConnectionEvent<'_, Inbound, Outbound, (), u64>) {
        match event {
            ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound { protocol, info: () }) => {
                self.speaks_relay();
                let Some(newest) = self.for_inbound() else { return };
                let inbound = FullyNegotiatedInbound { protocol, info: () };
                newest
                    .handler
                    .on_connection_event(ConnectionEvent::FullyNegotiatedInbound(inbound));
                self.drop_superseded();
            }
            ConnectionEvent::ListenUpgradeError(ListenUpgradeError { info: (), error }) => {
                let Some(newest) = self.for_inbound() else { return };
                let refused = ListenUpgradeError { info: (), error };
                newest
                    .handler
                    .on_connection_event(ConnectionEvent::ListenUpgradeError(refused));
            }
            ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound { protocol, info }) => {
                self.speaks_relay();
                let Some(generation) = self.outbound_result(info) else {
                    return;
                };
                let outbound = FullyNegotiatedOutbound { protocol, info: () };
                generation
                    .handler
                    .on_connection_event(ConnectionEvent::FullyNegotiatedOutbound(outbound));
            }
            ConnectionEvent::DialUpgradeError(DialUpgradeError { info, error }) => {
                let Some(generation) = self.outbound_result(info) else {
                    return;
                };
                let failed = DialUpgradeError { info: (), error };
                generation
                    .handler
                    .on_connection_event(ConnectionEvent::DialUpgradeError(failed));
            }
            // gossipsub's handler reacts to nothing else, and the other events do not count against its budget.
            _ => {}
        }
    }
}
