//! Where the message ended for one receiver, and why we believe so.

use event_log::Timestamp;

use super::{
    evidence::{Evidence, NodeLog},
    model::{Fate, ReceiverFate, Repeat},
    names::Names,
    receivers::{Client, ServiceNode},
};
use crate::{place::Place, units::show_ns};

/// What is known when receivers are judged.
pub(super) struct Explainer<'a> {
    pub(super) names: &'a Names,
    pub(super) evidence: &'a Evidence<'a>,
    pub(super) zero: Timestamp,
    pub(super) intended: Option<Timestamp>,
}

impl<'a> Explainer<'a> {
    /// What became of the message at `client`.
    pub(super) fn fate(&self, client: &Client<'a>) -> ReceiverFate {
        let mut fate = ReceiverFate {
            receiver: client.name.clone(),
            peer_id: client.peer_id.map(str::to_owned),
            log: client.log.path.clone(),
            fate: Fate::Received,
            place: None,
            latency_ns: None,
            transport: client.arrivals.first().and_then(|first| first.transport),
            repeats: Vec::new(),
            why: Vec::new(),
            missing: Vec::new(),
        };
        if client.arrivals.is_empty() {
            self.absent(client, &mut fate);
        } else {
            self.arrived(client, &mut fate);
        }
        for stranger in &client.strangers {
            fate.why.push(format!(
                "What arrived at {} claims its number under a hash that no publisher log knows: unexpected, and not it.",
                self.moment(stranger.at)
            ));
        }
        fate
    }

    fn arrived(&self, client: &Client<'a>, fate: &mut ReceiverFate) {
        let Some(first) = client.arrivals.first() else { return };
        fate.latency_ns = self.intended.map(|intended| first.at.since_ns(intended));
        fate.why.push(format!(
            "It arrived from {} at {}.",
            self.names.of_service(first.service_node),
            self.moment(first.at)
        ));
        for (number, again) in client.arrivals.iter().enumerate().skip(1) {
            let retry_twin = client.arrivals[..number].iter().all(|known| known.hash != again.hash);
            let repeat = Repeat {
                at: again.at,
                age_ns: again.at.since_ns(first.at),
                service_node: self.names.of(again.service_node.peer),
                transport: again.transport,
                retry_twin,
            };
            let both = [first, again].map(|arrival| client.service_nodes.contains(&arrival.service_node));
            let from = self.names.of_service(again.service_node);
            let why = why_again(first.service_node, again.service_node, both == [true, true]);
            fate.why.push(repeated(&repeat, &from, why));
            fate.repeats.push(repeat);
        }
        if self.evidence.attempted && self.evidence.acked.is_empty() {
            fate.why
                .push("No attempt was acknowledged, and it was relayed all the same: recovered.".to_owned());
        }
        if !self.evidence.attempted {
            fate.why.push("No publisher log knows it: unexpected.".to_owned());
        }
    }

    fn absent(&self, client: &Client<'a>, fate: &mut ReceiverFate) {
        if !self.evidence.attempted {
            fate.fate = Fate::NotPublished;
            fate.why
                .push("No publisher log tells of it, so nobody can say that it was due here.".to_owned());
            fate.missing.push("the publisher's log".to_owned());
            return;
        }
        let Some(settled) = client.settled else { return };
        fate.fate = settled.fate;
        fate.place = settled.place;
        match (settled.fate, settled.place) {
            (Fate::Lost, Some(place)) => self.lost(client, &self.evidence.of_place(place, client), fate),
            (Fate::NeverAcked, Some(place)) => fate.why.push(never_acked(place).to_owned()),
            (Fate::NotObservedBefore, _) => {
                let subscribed = client.window.subscribed_ns.map(Timestamp::from_unix_ns);
                let at = subscribed.map_or_else(String::new, |at| format!(" (at {})", self.moment(at)));
                fate.why.push(format!(
                    "It was sent before the first subscription here was accepted{at}: not due."
                ));
            }
            (Fate::NotObservedAfter, _) => {
                let how = if client.window.complete {
                    "It was acknowledged after this receiver had ended: not due."
                } else {
                    "The log of this receiver breaks off too early to tell whether it arrived."
                };
                fate.why.push(how.to_owned());
            }
            _ => {}
        }
    }

    pub(super) fn node(&self, node: &NodeLog<'a>) -> String {
        node.log.node().unwrap_or(&node.log.path).to_owned()
    }

    /// A moment as on the time line.
    pub(super) fn moment(&self, at: Timestamp) -> String {
        super::text::relative(at.since_ns(self.zero))
    }
}

/// Why a message that no service node acknowledged is no loss.
fn never_acked(place: Place) -> &'static str {
    match place {
        Place::NoAnswer => {
            "No service node acknowledged it, and one at least never answered: it may have been relayed or not, so this \
             is no loss."
        }
        Place::RefusedByServiceNode => "Every attempt was refused: it was never on its way.",
        _ => "No attempt left the publisher: it was never on its way.",
    }
}

/// Where an arrival after the first came from.
fn repeated(repeat: &Repeat, from: &str, why: &str) -> String {
    let age = show_ns(repeat.age_ns);
    let (what, why) = if repeat.retry_twin {
        ("Another attempt at it (a retry twin)", ": the publisher repeated it")
    } else {
        ("A duplicate", why)
    };
    format!("{what} arrived from {from}, {age} after the first{why}.")
}

/// Why the same bytes came once more.
fn why_again(first: ServiceNode<'_>, again: ServiceNode<'_>, subscribed_at_both: bool) -> &'static str {
    match (first.peer == again.peer, first.is_rest, again.is_rest) {
        (true, false, false) => ": the same service node delivered it twice",
        (true, true, true) => ": the same REST API handed it out twice",
        (true, ..) => ": the receiver uses this service node by filter over libp2p and over REST, and each delivers",
        (false, false, false) if subscribed_at_both => {
            ": the receiver is subscribed at both service nodes, and each pushes"
        }
        (false, true, true) if subscribed_at_both => {
            ": the receiver asks both service nodes over REST, and each hands it out"
        }
        (false, ..) if subscribed_at_both => {
            ": one service node pushes it by filter over libp2p, the other hands it out over REST"
        }
        (false, ..) => "",
    }
}
