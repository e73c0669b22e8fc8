//! Where the message ended for one receiver, and why we believe so.

use event_log::{Event, Timestamp};

use super::{
    evidence::{Evidence, NodeLog, Placed},
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

    fn lost(&self, client: &Client<'a>, placed: &Placed<'a, '_>, fate: &mut ReceiverFate) {
        match placed.place {
            Place::ReceiverNotSubscribed => self.not_subscribed(client, fate),
            Place::PushedNotReceived => {
                fate.why.push(self.pushed(placed));
                fate.why.push(
                    "Filter has no acknowledgement: what is written to the stream may still be lost in the connection \
                     or in the receiver."
                        .to_owned(),
                );
            }
            Place::RelayedNotPushed => {
                fate.why.push(self.pushed(placed));
                fate.why
                    .extend(placed.node.and_then(|node| self.unsubscribed_at(node, client)));
            }
            Place::AckedNotRelayed => self.not_relayed(client, fate),
            _ => self.unknown(client, placed, fate),
        }
        self.name_missing(client, fate);
    }

    fn not_subscribed(&self, client: &Client<'a>, fate: &mut ReceiverFate) {
        if client.window.subscribed_ns.is_none() {
            fate.why
                .push("No subscription of it was ever accepted: its log has none.".to_owned());
            return;
        }
        for gap in client
            .gaps
            .iter()
            .filter(|gap| self.evidence.acked.iter().any(|a| gap.overlaps(a.sent, a.acked)))
        {
            let until = gap
                .until
                .map_or("the end of its log".to_owned(), |until| self.moment(until));
            let reason = if gap.reason.is_empty() {
                String::new()
            } else {
                format!(": {}", gap.reason)
            };
            let since = self.moment(gap.since);
            fate.why
                .push(format!("It had no live subscription from {since} to {until}{reason}."));
        }
        for node in client.service_nodes.iter().flat_map(|peer| self.evidence.logs_of(peer)) {
            if let Some(last) = node.log.last.filter(|_| node.log.ended.is_none()) {
                let name = self.node(node);
                let last = self.moment(last);
                fate.why.push(format!(
                    "The log of {name}, where it was subscribed, breaks off at {last} without an end: that node was killed or crashed."
                ));
            }
        }
    }

    fn pushed(&self, placed: &Placed<'a, '_>) -> String {
        let name = placed
            .node
            .map_or_else(|| "a service node".to_owned(), |node| self.node(node));
        match placed.push {
            Some(push) if placed.place == Place::PushedNotReceived => {
                format!(
                    "{name} logged at {} that it had written it to this receiver's stream; its log does not have it.",
                    self.moment(push.at)
                )
            }
            Some(push) => {
                let error = push.error.map(|error| format!(": {error}")).unwrap_or_default();
                let at = self.moment(push.at);
                format!(
                    "{name} tried to push it here and failed at {at} ({:?}){error}.",
                    push.outcome
                )
                .replace("TimedOut", "timed out")
            }
            None => {
                let had = placed
                    .node
                    .and_then(|node| node.had)
                    .map_or_else(String::new, |at| format!(" at {}", self.moment(at)));
                format!("{name} had it{had}, and its log, which is whole, has no push of it to this receiver.")
            }
        }
    }

    /// Why the node did not push: it no longer knew the subscriber.
    fn unsubscribed_at(&self, node: &NodeLog<'a>, client: &Client<'a>) -> Option<String> {
        let had = node.had?;
        let name = self.node(node);
        node.log.records.iter().rev().find_map(|record| match &record.event {
            Event::FilterExpired(e) if Some(e.peer.as_str()) == client.peer_id && record.time <= had => Some(format!(
                "{name} had removed this subscriber at {}: {}.",
                self.moment(record.time),
                e.reason
            )),
            _ => None,
        })
    }

    fn not_relayed(&self, client: &Client<'a>, fate: &mut ReceiverFate) {
        let own: Vec<String> = client.service_nodes.iter().map(|peer| self.names.of(peer)).collect();
        let ackers: std::collections::BTreeSet<String> = self
            .evidence
            .acked
            .iter()
            .map(|a| self.names.of(a.service_node))
            .collect();
        fate.why.push(format!(
            "{} acknowledged it, and it never came to {}, where this receiver was subscribed.",
            crate::select::list(ackers),
            crate::select::list(own)
        ));
        let had: Vec<String> = self
            .evidence
            .nodes
            .iter()
            .filter(|node| node.had.is_some())
            .map(|node| self.node(node))
            .collect();
        if had.is_empty() {
            fate.why.push("No log of a service node has it.".to_owned());
        } else {
            fate.why.push(format!(
                "It got as far as {} (see the relay tree).",
                crate::select::list(had)
            ));
        }
    }

    fn unknown(&self, client: &Client<'a>, placed: &Placed<'a, '_>, fate: &mut ReceiverFate) {
        if let Some(node) = placed.node {
            let had = node
                .had
                .map_or_else(String::new, |at| format!(" at {}", self.moment(at)));
            fate.why.push(format!(
                "{} had it{had}; its log is torn or damaged, so whether it was pushed here cannot be said.",
                self.node(node)
            ));
        } else if client.service_nodes.is_empty() {
            fate.why
                .push("It is not known at which service node this receiver was subscribed.".to_owned());
        } else {
            let own: Vec<String> = client.service_nodes.iter().map(|peer| self.names.of(peer)).collect();
            fate.why.push(format!(
                "The last that is known of it is its acknowledgement. Whether it came to {} is not logged here.",
                crate::select::list(own)
            ));
        }
    }

    fn name_missing(&self, client: &Client<'a>, fate: &mut ReceiverFate) {
        let ackers = self.evidence.acked.iter().map(|a| a.service_node);
        let concerned: std::collections::BTreeSet<&str> = client.service_nodes.iter().copied().chain(ackers).collect();
        for peer in concerned {
            let name = self.names.of(peer);
            if self.evidence.logs_of(peer).next().is_none() {
                fate.missing.push(format!("the log of service node {name} ({peer})"));
            }
            for node in self.evidence.logs_of(peer).filter(|node| !node.log.is_whole()) {
                let last = node
                    .log
                    .last
                    .map_or_else(String::new, |last| format!(" after {}", self.moment(last)));
                fate.missing.push(format!("the rest of the log of {name}{last}"));
            }
        }
    }

    fn node(&self, node: &NodeLog<'a>) -> String {
        let header = node.log.header.as_ref();
        header.map_or_else(|| node.log.path.clone(), |header| header.node.clone())
    }

    /// A moment as on the time line.
    fn moment(&self, at: Timestamp) -> String {
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
