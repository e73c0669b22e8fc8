//! Why a message was lost at a receiver: the evidence for its place, and which log would tell more.

use std::collections::BTreeSet;

use event_log::Event;

use super::{
    evidence::{NodeLog, Placed},
    explain::Explainer,
    model::ReceiverFate,
    receivers::Client,
};
use crate::{node_log::Shows, place::Place};

impl<'a> Explainer<'a> {
    /// Why we believe that it was lost there.
    pub(super) fn lost(&self, client: &Client<'a>, placed: &Placed<'a, '_>, fate: &mut ReceiverFate) {
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
        for node in client
            .service_nodes
            .iter()
            .flat_map(|node| self.evidence.logs_of(node.peer))
        {
            let torn = node.log.ended.is_none() && node.log.native.is_none();
            if let Some(last) = node.log.last.filter(|_| torn) {
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
            Some(push) if placed.place == Place::PushedNotReceived && self.is_nwaku(placed) => {
                format!(
                    "{name} logged at {} that its pushes of it, one to this receiver, had ended (nwaku writes so although single \
                     pushes may have failed); the receiver's log does not have it.",
                    self.moment(push.at)
                )
            }
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
                format!(
                    "{name} had it{had}, and its log, which {}, has no push of it to this receiver.",
                    if self.is_native(placed) {
                        "covers the run"
                    } else {
                        "is whole"
                    }
                )
            }
        }
    }

    /// Whether the node ends its pushes of a message with one line for all of them.
    fn is_nwaku(&self, placed: &Placed<'a, '_>) -> bool {
        let native = placed.node.and_then(|node| node.log.native.as_ref());
        native.is_some_and(|native| !native.is_go_waku)
    }

    fn is_native(&self, placed: &Placed<'a, '_>) -> bool {
        placed.node.is_some_and(|node| node.log.native.is_some())
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
        let own: Vec<String> = client
            .service_nodes
            .iter()
            .map(|node| self.names.of_service(*node))
            .collect();
        let ackers: BTreeSet<String> = self
            .evidence
            .acked
            .iter()
            .map(|a| self.names.of_service(a.service_node))
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
            let because = if node.unclear_to(client) {
                "it tried to push it here, and does not log how that ended"
            } else if node.log.native.is_some() {
                "its native log does not cover the run or shows no pushes"
            } else {
                "its log is torn or damaged"
            };
            fate.why.push(format!(
                "{} had it{had}; {because}, so whether it was pushed here cannot be said.",
                self.node(node)
            ));
        } else if client.service_nodes.is_empty() {
            fate.why
                .push("It is not known at which service node this receiver was subscribed.".to_owned());
        } else {
            let own: Vec<String> = client
                .service_nodes
                .iter()
                .map(|node| self.names.of_service(*node))
                .collect();
            fate.why.push(format!(
                "The last that is known of it is its acknowledgement. Whether it came to {} is not logged here.",
                crate::select::list(own)
            ));
            if client.service_nodes.iter().any(|node| node.is_rest) {
                fate.why.push(
                    "A node serves its REST clients as a filter client of yet another node, and its log does not tell \
                     what it gave them."
                        .to_owned(),
                );
            }
        }
    }

    fn name_missing(&self, client: &Client<'a>, fate: &mut ReceiverFate) {
        let ackers = self.evidence.acked.iter().map(|a| a.service_node);
        let all = client.service_nodes.iter().copied().chain(ackers);
        // What a node gave or took over REST is not in its log.
        let concerned: BTreeSet<&str> = all.filter(|node| !node.is_rest).map(|node| node.peer).collect();
        for peer in concerned {
            let name = self.names.of(peer);
            if self.evidence.logs_of(peer).next().is_none() {
                fate.missing.push(format!("the log of service node {name} ({peer})"));
            }
            let unknown = fate.place == Some(Place::UnknownNoNodeLog);
            let silent = |node: &&NodeLog<'_>| {
                let too_little = !(node.shows.received && node.shows.pushes);
                node.log.native.is_some() && (node.shows == Shows::NOTHING || (unknown && too_little))
            };
            for node in self.evidence.logs_of(peer).filter(silent) {
                fate.missing.push(format!(
                    "a log of {} that covers the run and is detailed enough to show relayed messages and pushes",
                    self.node(node)
                ));
            }
            let torn = |node: &&NodeLog<'_>| node.log.native.is_none() && !node.log.is_whole();
            for node in self.evidence.logs_of(peer).filter(torn) {
                let last = node
                    .log
                    .last
                    .map_or_else(String::new, |last| format!(" after {}", self.moment(last)));
                fate.missing.push(format!("the rest of the log of {name}{last}"));
            }
        }
    }
}
