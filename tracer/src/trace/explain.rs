//! Where the message ended for one receiver, and why we believe so.

use event_log::Timestamp;

use super::{
    evidence::{Evidence, NodeLog},
    model::{Fate, ReceiverFate, Repeat},
    names::Names,
    receivers::Client,
};
use crate::{place::Place, receivers::Observation, units::show_ns};

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
            self.names.of(first.service_node),
            self.moment(first.at)
        ));
        for (number, again) in client.arrivals.iter().enumerate().skip(1) {
            let retry_twin = client.arrivals[..number].iter().all(|known| known.hash != again.hash);
            let repeat = Repeat {
                at: again.at,
                age_ns: again.at.since_ns(first.at),
                service_node: self.names.of(again.service_node),
                retry_twin,
            };
            let both = [first, again].map(|arrival| client.service_nodes.contains(arrival.service_node));
            let same_node = again.service_node == first.service_node;
            fate.why.push(repeated(&repeat, same_node, both == [true, true]));
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
        if self.evidence.acked.is_empty() {
            let place = self.evidence.place_of_failure();
            fate.fate = Fate::NeverAcked;
            fate.place = Some(place);
            fate.why.push(match place {
                Place::NoAnswer => {
                    "No service node acknowledged it, and one at least never answered: it may have been \
                                    relayed or not, so this is no loss."
                        .to_owned()
                }
                Place::RefusedByServiceNode => "Every attempt was refused: it was never on its way.".to_owned(),
                _ => "No attempt left the publisher: it was never on its way.".to_owned(),
            });
            return;
        }
        let observe = |a: &super::evidence::Acked<'_>| client.window.observe(a.sent.unix_ns(), a.acked.unix_ns());
        match self.evidence.acked.iter().map(observe).max() {
            Some(Observation::Within) => {
                let placed = self.evidence.place(client);
                fate.fate = Fate::Lost;
                fate.place = Some(placed.place);
                self.lost(client, &placed, fate);
            }
            Some(Observation::Before) => {
                fate.fate = Fate::NotObservedBefore;
                let subscribed = client.window.subscribed_ns.map(Timestamp::from_unix_ns);
                let at = subscribed.map_or_else(String::new, |at| format!(" (at {})", self.moment(at)));
                fate.why.push(format!(
                    "It was sent before the first subscription here was accepted{at}: not due."
                ));
            }
            _ => {
                fate.fate = Fate::NotObservedAfter;
                let how = if client.window.complete {
                    "It was acknowledged after this receiver had ended: not due."
                } else {
                    "The log of this receiver breaks off too early to tell whether it arrived."
                };
                fate.why.push(how.to_owned());
            }
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
/// Where an arrival after the first came from.
fn repeated(repeat: &Repeat, same_node: bool, subscribed_at_both: bool) -> String {
    let age = show_ns(repeat.age_ns);
    let from = &repeat.service_node;
    let what = if repeat.retry_twin {
        "Another attempt at it (a retry twin)"
    } else {
        "A duplicate"
    };
    let why = match (repeat.retry_twin, same_node, subscribed_at_both) {
        (true, _, _) => ": the publisher repeated it",
        (false, true, _) => ": the same service node delivered it twice",
        (false, false, true) => ": the receiver is subscribed at both service nodes, and each pushes",
        (false, false, false) => "",
    };
    format!("{what} arrived from {from}, {age} after the first{why}.")
}
