//! What must hold of a cell once its parties have ended.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use event_log::{Event, MessageHash};
use serde::Deserialize;

use crate::{
    failure::Failure,
    lab::Lab,
    messages,
    party::{Client, events},
};

/// Native log events that every message must leave behind at a go-waku node it was pushed to.
pub(crate) const GO_PUSHED: &[&str] = &["lightpush_request", "lightpush_answered", "relay_published"];

/// Native log events of every message that a go-waku node relays and hands to a filter subscriber.
pub(crate) const GO_DELIVERED: &[&str] = &["relay_received", "filter_pushed"];

/// What was published, each message once.
#[derive(Debug, Default)]
pub(crate) struct Published(BTreeSet<MessageHash>);

impl Published {
    /// What these publishers say was acknowledged, which must be all they planned.
    ///
    /// # Errors
    /// [`Failure::NotAcked`].
    pub(crate) fn by(publishers: &[&Client], planned: u32) -> Result<Self, Failure> {
        let mut published = Self::default();
        for publisher in publishers {
            published.add(publisher.name(), events(&publisher.log), planned)?;
        }
        Ok(published)
    }

    /// Adds what stands in the event log of one publisher.
    ///
    /// # Errors
    /// [`Failure::NotAcked`].
    pub(crate) fn add(&mut self, publisher: &str, log: Vec<Event>, planned: u32) -> Result<(), Failure> {
        let mut acked = 0;
        let mut reason = None;
        for event in log {
            match event {
                Event::Published(event) => {
                    acked += 1;
                    self.0.insert(event.hash);
                }
                Event::PublishFailed(event) if reason.is_none() => {
                    reason = Some(format!("{:?}: {}", event.outcome, event.error));
                }
                _ => {}
            }
        }
        if acked == planned as usize {
            return Ok(());
        }
        Err(Failure::NotAcked {
            publisher: publisher.to_owned(),
            acked,
            planned: planned as usize,
            reason: reason.unwrap_or_else(|| "no attempt failed".to_owned()),
        })
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn hashes(&self) -> Vec<MessageHash> {
        self.0.iter().copied().collect()
    }

    /// `party` must have every message, and nothing else. Copies are not judged.
    pub(crate) fn must_be_at(&self, party: &str, copies: &BTreeMap<MessageHash, usize>) -> Result<(), Failure> {
        let missing: Vec<_> = self.0.iter().filter(|hash| !copies.contains_key(hash)).collect();
        if let Some(example) = missing.first() {
            return Err(Failure::Missing {
                party: party.to_owned(),
                missing: missing.len(),
                published: self.count(),
                example: **example,
            });
        }
        let strange: Vec<_> = copies.keys().filter(|hash| !self.0.contains(hash)).collect();
        if let Some(example) = strange.first() {
            return Err(Failure::Strange {
                party: party.to_owned(),
                strange: strange.len(),
                example: **example,
            });
        }
        Ok(())
    }

    /// `party` must have every message exactly once, and nothing else.
    pub(crate) fn must_be_once_at(&self, party: &str, copies: &BTreeMap<MessageHash, usize>) -> Result<(), Failure> {
        self.must_be_up_to(1, party, copies)
    }

    /// `party` must have every message, none more than `times` times, and nothing else.
    pub(crate) fn must_be_up_to(
        &self,
        times: usize,
        party: &str,
        copies: &BTreeMap<MessageHash, usize>,
    ) -> Result<(), Failure> {
        self.must_be_at(party, copies)?;
        let often = copies.iter().find(|(_, copies)| **copies > times);
        often.map_or(Ok(()), |(example, copies)| {
            Err(Failure::Copies {
                party: party.to_owned(),
                copies: *copies,
                example: *example,
            })
        })
    }

    /// What a receiver's event log says arrived must be what was published, once each.
    pub(crate) fn must_have_arrived(&self, receiver: &Client) -> Result<(), Failure> {
        let mut copies = BTreeMap::new();
        for event in events(&receiver.log) {
            let hash = match event {
                Event::Received(event) => event.hash,
                Event::CorruptReceived(event) => event.hash,
                Event::ForeignReceived(event) => event.hash,
                _ => continue,
            };
            *copies.entry(hash).or_default() += 1;
        }
        self.must_be_once_at(receiver.name(), &copies)?;
        receiver
            .messages
            .as_deref()
            .map_or(Ok(()), |path| self.must_stand_in(receiver.name(), path))
    }

    /// What another implementation received or relayed, as it stands in its messages file, must be what was published,
    /// once each: the bytes it had must hash to what it says, and that to what was published.
    pub(crate) fn must_stand_in(&self, party: &str, path: &Path) -> Result<(), Failure> {
        self.must_stand_up_to(1, party, path)
    }

    /// The same, where each may stand up to `times` times.
    pub(crate) fn must_stand_up_to(&self, times: usize, party: &str, path: &Path) -> Result<(), Failure> {
        let copies = messages::read(party, path)?;
        self.must_be_up_to(times, party, &copies.into_values().next().unwrap_or_default())
    }
}

/// The bytes a js-waku publisher sent must hash to what it says.
pub(crate) fn sent_bytes_hash_alike(publisher: &Client) -> Result<(), Failure> {
    publisher
        .messages
        .as_deref()
        .map_or(Ok(()), |path| messages::read(publisher.name(), path).map(drop))
}

#[derive(Deserialize)]
struct Report {
    verdict: String,
    reasons: Vec<serde_json::Value>,
}

/// The tracer must pass what all parties logged, go-waku's native logs included.
///
/// # Errors
/// [`Failure::Verdict`] with the tracer's reasons.
pub(crate) fn tracer_passes(lab: &Lab<'_>, publishers: usize, receivers: usize) -> Result<(), Failure> {
    let report = lab.folder.join("report.json");
    let mut command = lab.lpt();
    command
        .args(["tracer", "report"])
        .arg(&lab.folder)
        // A machine that builds at the same time is no reason to doubt a delivery.
        .args(["--max-slip=1h", "--late-after=1h", "--format=json", "--output"])
        .arg(&report)
        .arg(format!("--expect=publishers={publishers},receivers={receivers}"));
    let output = command.output().map_err(|source| Failure::Start {
        name: "the tracer".to_owned(),
        source,
    })?;
    let text = std::fs::read_to_string(&report).unwrap_or_default();
    let report: Report = serde_json::from_str(&text).map_err(|error| Failure::Verdict {
        verdict: format!("nothing readable ({error})"),
        reasons: String::from_utf8_lossy(&output.stderr).into_owned(),
    })?;
    if output.status.success() && report.verdict == "pass" {
        return Ok(());
    }
    let reasons: Vec<_> = report.reasons.iter().map(ToString::to_string).collect();
    Err(Failure::Verdict {
        verdict: report.verdict,
        reasons: reasons.join("; "),
    })
}

#[derive(Deserialize)]
struct Inventory {
    kinds: BTreeMap<String, u64>,
    damaged_lines: u64,
}

/// The tracer must recognise in a go-waku log at least `expected` events of each kind, and find no damaged line.
///
/// # Errors
/// [`Failure::NativeLog`].
pub(crate) fn tracer_reads(lab: &Lab<'_>, log: &Path, kinds: &[&'static str], expected: usize) -> Result<(), Failure> {
    let wrong = |reason: String| Failure::Content {
        path: log.to_owned(),
        reason,
    };
    let output = lab
        .lpt()
        .args(["tracer", "logs", "--format=json"])
        .arg(log)
        .output()
        .map_err(|source| Failure::Start {
            name: "the tracer".to_owned(),
            source,
        })?;
    let inventories: Vec<Inventory> =
        serde_json::from_slice(&output.stdout).map_err(|error| wrong(error.to_string()))?;
    let [inventory] = inventories.as_slice() else {
        return Err(wrong(format!("the tracer saw {} logs in one file", inventories.len())));
    };
    if inventory.damaged_lines > 0 {
        return Err(wrong(format!(
            "the tracer saw {} damaged lines",
            inventory.damaged_lines
        )));
    }
    for kind in kinds {
        let found = inventory.kinds.get(*kind).copied().unwrap_or_default();
        if found < expected as u64 {
            return Err(Failure::NativeLog {
                log: log.file_name().unwrap_or_default().to_string_lossy().into_owned(),
                kind,
                found,
                expected: expected as u64,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

    use super::*;

    const A: MessageHash = MessageHash([0xaa; 32]);
    const B: MessageHash = MessageHash([0xbb; 32]);

    fn published(hashes: &[MessageHash]) -> Published {
        Published(hashes.iter().copied().collect())
    }

    #[test]
    fn every_message_once_is_what_holds() {
        let both = published(&[A, B]);
        assert!(both.must_be_once_at("r", &BTreeMap::from([(A, 1), (B, 1)])).is_ok());
        let lost = both.must_be_once_at("r", &BTreeMap::from([(A, 1)])).unwrap_err();
        assert!(
            matches!(
                lost,
                Failure::Missing {
                    missing: 1,
                    example: B,
                    ..
                }
            ),
            "{lost}"
        );
        let twice = both
            .must_be_once_at("r", &BTreeMap::from([(A, 1), (B, 2)]))
            .unwrap_err();
        assert!(
            matches!(
                twice,
                Failure::Copies {
                    copies: 2,
                    example: B,
                    ..
                }
            ),
            "{twice}"
        );
        assert!(both.must_be_up_to(2, "r", &BTreeMap::from([(A, 1), (B, 2)])).is_ok());
        assert!(both.must_be_up_to(2, "r", &BTreeMap::from([(A, 1), (B, 3)])).is_err());
        assert!(both.must_be_up_to(2, "r", &BTreeMap::from([(A, 2)])).is_err());
        // One lost and one strange must not cancel out.
        let other = published(&[A])
            .must_be_once_at("r", &BTreeMap::from([(A, 1), (B, 1)]))
            .unwrap_err();
        assert!(
            matches!(
                other,
                Failure::Strange {
                    strange: 1,
                    example: B,
                    ..
                }
            ),
            "{other}"
        );
    }

    #[test]
    fn a_publisher_that_sent_nothing_does_not_hold() {
        let silent = Published::default().add("p", Vec::new(), 3).unwrap_err();
        assert!(
            matches!(
                silent,
                Failure::NotAcked {
                    acked: 0,
                    planned: 3,
                    ..
                }
            ),
            "{silent}"
        );
    }
}
