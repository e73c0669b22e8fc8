//! Outages: times in which messages were lost one after the other.
//!
//! An outage of delivery is a run of at least [`MIN_OUTAGE_MESSAGES`] messages, in the order of their intended times, that
//! one receiver expected and lost all of: messages of all senders, or of one sender. It begins with the intended time of
//! the first and ends with that of the next message that arrived. An outage of publishing is such a run of messages of
//! one sender that were never acknowledged. Outages of one kind that overlap in time are one.

use std::collections::BTreeMap;

use event_log::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{place::Place, ranges::IndexRanges};

/// Fewest messages in a row that make an outage: single losses have causes of their own, and two in a row are common
/// by chance once a percent is lost.
pub const MIN_OUTAGE_MESSAGES: usize = 3;

/// What failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutageKind {
    /// Messages were never acknowledged.
    Publishing,
    /// Acknowledged messages did not arrive.
    Delivery,
}

/// What one receiver lost of one sender in an outage; of an outage of publishing, what the sender did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OutageLoss {
    /// The receiver; absent from outages of publishing.
    pub receiver: Option<String>,
    /// The sender.
    pub sender: String,
    /// Which indices.
    pub indices: IndexRanges,
}

/// Losses of an outage at one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OutagePlace {
    /// The place.
    pub place: Place,
    /// Losses there.
    pub count: u64,
}

/// A time in which messages were lost one after the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Outage {
    /// What failed.
    pub kind: OutageKind,
    /// Intended time of the first message lost.
    pub begin: Timestamp,
    /// Intended time of the next message that was not lost; absent when there was none.
    pub end: Option<Timestamp>,
    /// Deliveries (or messages) lost in it.
    pub lost: u64,
    /// By place, in the order of the message's way.
    pub by_place: Vec<OutagePlace>,
    /// By receiver and sender.
    pub losses: Vec<OutageLoss>,
}

/// A message of a sequence, in the order of intended times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) at_ns: i64,
    pub(super) sender: u32,
    pub(super) index: u32,
    /// Where it was lost; `None` when it was not.
    pub(super) lost: Option<Place>,
}

/// An outage at one receiver (or of one sender).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    begin_ns: i64,
    /// `i64::MAX` when it did not end.
    end_ns: i64,
    places: BTreeMap<Place, u64>,
    indices: BTreeMap<usize, Vec<u32>>,
}

/// A run of lost messages under way.
#[derive(Debug, Clone, Default)]
struct Run {
    first_ns: i64,
    /// Numbers of the lost messages.
    members: Vec<usize>,
}

/// What is found on the way through a sequence. Only lost messages are kept, so that a few among millions cost little.
#[derive(Debug, Default)]
struct Found {
    lost: Vec<Step>,
    /// Whether each of `lost` belongs to an outage.
    member: Vec<bool>,
    spans: Vec<(i64, i64)>,
}

impl Found {
    /// Ends a run; whether there was one.
    fn close(&mut self, run: &mut Run, end_ns: i64) -> bool {
        let was_open = !run.members.is_empty();
        if run.members.len() >= MIN_OUTAGE_MESSAGES {
            self.spans.push((run.first_ns, end_ns));
            run.members.iter().for_each(|number| self.member[*number] = true);
        }
        run.members.clear();
        was_open
    }
}

/// The outages in one receiver's sequence. `senders` is the number of senders.
pub(super) fn parts(steps: impl IntoIterator<Item = Step>, senders: usize) -> Vec<Part> {
    let mut found = Found::default();
    // One run over all senders, and one for each.
    let mut runs = vec![Run::default(); senders + 1];
    // Mostly none is open, and the next message that arrived is passed over.
    let mut open_runs = 0;
    for step in steps {
        let of_step = [0, step.sender as usize + 1];
        if step.lost.is_none() {
            if open_runs > 0 {
                for of in of_step {
                    open_runs -= usize::from(found.close(&mut runs[of], step.at_ns));
                }
            }
            continue;
        }
        for of in of_step {
            let run = &mut runs[of];
            if run.members.is_empty() {
                run.first_ns = step.at_ns;
                open_runs += 1;
            }
            run.members.push(found.lost.len());
        }
        found.lost.push(step);
        found.member.push(false);
    }
    for run in &mut runs {
        found.close(run, i64::MAX);
    }
    let mut parts = joined(found.spans);
    let mut at = 0;
    for (step, _) in found.lost.iter().zip(found.member).filter(|(_, member)| *member) {
        while parts.get(at).is_some_and(|part| part.end_ns < step.at_ns) {
            at += 1;
        }
        if let (Some(part), Some(place)) = (parts.get_mut(at), step.lost) {
            *part.places.entry(place).or_default() += 1;
            part.indices.entry(step.sender as usize).or_default().push(step.index);
        }
    }
    parts
}

/// A part with its receiver; without one for outages of publishing.
pub(super) type NamedPart = (Option<String>, Part);

/// Spans that overlap become one part.
fn joined(mut spans: Vec<(i64, i64)>) -> Vec<Part> {
    spans.sort_unstable();
    let mut parts: Vec<Part> = Vec::new();
    for (begin_ns, end_ns) in spans {
        match parts.last_mut() {
            Some(last) if begin_ns <= last.end_ns => last.end_ns = last.end_ns.max(end_ns),
            _ => parts.push(Part {
                begin_ns,
                end_ns,
                places: BTreeMap::new(),
                indices: BTreeMap::new(),
            }),
        }
    }
    parts
}

/// Joins the parts of all receivers (or senders) that overlap in time.
pub(super) fn merge(kind: OutageKind, mut parts: Vec<NamedPart>, sender_names: &[&str]) -> Vec<Outage> {
    parts.sort_by(|(a_name, a), (b_name, b)| {
        let order = |part: &Part| (part.begin_ns, part.end_ns);
        order(a).cmp(&order(b)).then_with(|| a_name.cmp(b_name))
    });
    let mut groups: Vec<(i64, i64, Vec<NamedPart>)> = Vec::new();
    for (name, part) in parts {
        match groups.last_mut() {
            Some((_, end_ns, members)) if part.begin_ns <= *end_ns => {
                *end_ns = part.end_ns.max(*end_ns);
                members.push((name, part));
            }
            _ => groups.push((part.begin_ns, part.end_ns, vec![(name, part)])),
        }
    }
    let outage = |(begin_ns, end_ns, members)| outage(kind, begin_ns, end_ns, members, sender_names);
    groups.into_iter().map(outage).collect()
}

fn outage(kind: OutageKind, begin_ns: i64, end_ns: i64, members: Vec<NamedPart>, sender_names: &[&str]) -> Outage {
    let mut places: BTreeMap<Place, u64> = BTreeMap::new();
    let mut indices: BTreeMap<(Option<String>, &str), Vec<u32>> = BTreeMap::new();
    for (receiver, part) in members {
        for (place, count) in part.places {
            *places.entry(place).or_default() += count;
        }
        for (sender, lost) in part.indices {
            indices
                .entry((receiver.clone(), sender_names[sender]))
                .or_default()
                .extend(lost);
        }
    }
    let loss = |((receiver, sender), mut indices): ((Option<String>, &str), Vec<u32>)| {
        indices.sort_unstable();
        OutageLoss {
            receiver,
            sender: sender.to_owned(),
            indices: indices.into_iter().collect(),
        }
    };
    let by_place = Place::ALL.iter().filter_map(|place| {
        let count = *places.get(place)?;
        Some(OutagePlace { place: *place, count })
    });
    Outage {
        kind,
        begin: Timestamp::from_unix_ns(begin_ns),
        end: (end_ns != i64::MAX).then(|| Timestamp::from_unix_ns(end_ns)),
        lost: places.values().sum(),
        by_place: by_place.collect(),
        losses: indices.into_iter().map(loss).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One message a letter, one a second: `x` lost, `.` arrived; of the senders given.
    fn steps(of_senders: &[&str]) -> Vec<Step> {
        let step = |(sender, pattern): (usize, &&str)| {
            let each = pattern.bytes().enumerate().filter(|(_, letter)| *letter != b' ');
            let step = |(at, letter): (usize, u8)| Step {
                at_ns: at as i64 * 10 + sender as i64,
                sender: sender as u32,
                index: at as u32 + 1,
                lost: (letter == b'x').then_some(Place::RelayedNotPushed),
            };
            each.map(step).collect::<Vec<_>>()
        };
        let mut steps: Vec<Step> = of_senders.iter().enumerate().flat_map(step).collect();
        steps.sort_by_key(|step| step.at_ns);
        steps
    }

    fn spans(of_senders: &[&str]) -> Vec<(i64, i64, u64)> {
        parts(steps(of_senders), of_senders.len())
            .iter()
            .map(|part| (part.begin_ns, part.end_ns, part.places.values().sum()))
            .collect()
    }

    #[test]
    fn three_in_a_row_are_an_outage() {
        assert_eq!(spans(&["..xxx..xx..x"]), [(20, 50, 3)]);
        assert_eq!(spans(&["xx.xx.xx"]), []);
        assert_eq!(spans(&["..xxxx"]), [(20, i64::MAX, 4)]);
    }

    #[test]
    fn two_senders_make_an_outage_together() {
        assert_eq!(spans(&["..xx..", "..x..."]), [(20, 31, 3)]);
    }

    #[test]
    fn one_sender_alone_has_an_outage_while_others_arrive() {
        assert_eq!(spans(&["..xxx.", "......"]), [(20, 50, 3)]);
    }

    #[test]
    fn overlapping_parts_of_receivers_are_one_outage() {
        let of = |name: &str, pattern| {
            parts(steps(&[pattern]), 1)
                .into_iter()
                .map(|part| (Some(name.to_owned()), part))
                .collect::<Vec<_>>()
        };
        let all = [of("b", "..xxx....."), of("a", "...xxx...."), of("a", "........xxx")].concat();
        let outages = merge(OutageKind::Delivery, all, &["s"]);
        assert_eq!(outages.len(), 2);
        assert_eq!(
            (
                outages[0].begin.unix_ns(),
                outages[0].end.unwrap().unix_ns(),
                outages[0].lost
            ),
            (20, 60, 6)
        );
        let names: Vec<_> = outages[0].losses.iter().map(|loss| loss.receiver.as_deref()).collect();
        assert_eq!(names, [Some("a"), Some("b")]);
        assert_eq!(outages[0].losses[0].indices.show(9), "4-6");
        assert_eq!(outages[1].end, None);
    }
}
