//! Which failed attempts are repeated.

use std::{collections::BTreeSet, fmt, str::FromStr, time::Duration};

use waku::{ClassTable, Status, StatusClass, net::PushAnswer};

/// What became of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The service node said yes.
    Acked {
        /// Its answer.
        status: Status,
        /// To how many relay peers it says it sent.
        relay_peers: Option<u32>,
    },
    /// The service node said no.
    Refused(Status),
    /// Bytes left, no answer came: the message may have been relayed.
    NoAnswer(String),
    /// Nothing left this process.
    NotSent(String),
}

/// Which kinds of failure are repeated: status classes, single status codes, missing answers, unsent requests.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RetryOn {
    classes: BTreeSet<StatusClass>,
    codes: BTreeSet<u32>,
    no_answer: bool,
    not_sent: bool,
}

/// A word in `--retry-on` that means nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{word:?} is none of retry, other-peer, permanent (classes of status codes), no-answer, not-sent, none, or a status \
     code such as 503; separate several by commas"
)]
pub struct RetryOnError {
    word: String,
}

impl FromStr for RetryOn {
    type Err = RetryOnError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut on = Self::default();
        let words: Vec<&str> = text.split(',').map(str::trim).filter(|word| !word.is_empty()).collect();
        if words == ["none"] {
            return Ok(on);
        }
        for word in words {
            match (word, word.parse(), word.parse::<StatusClass>()) {
                ("no-answer", ..) => on.no_answer = true,
                ("not-sent", ..) => on.not_sent = true,
                (_, Ok(code), _) => drop(on.codes.insert(code)),
                (_, _, Ok(class)) if class != StatusClass::Ok => drop(on.classes.insert(class)),
                _ => return Err(RetryOnError { word: word.to_owned() }),
            }
        }
        Ok(on)
    }
}

impl fmt::Display for RetryOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let classes = self.classes.iter().map(|class| class.name().to_owned());
        let codes = self.codes.iter().map(u32::to_string);
        let others = [(self.no_answer, "no-answer"), (self.not_sent, "not-sent")];
        let others = others
            .into_iter()
            .filter(|(is_set, _)| *is_set)
            .map(|(_, word)| word.to_owned());
        let words: Vec<_> = classes.chain(codes).chain(others).collect();
        f.write_str(if words.is_empty() { "none" } else { "" })?;
        f.write_str(&words.join(","))
    }
}

/// How often, after what and how soon an index is tried again.
#[derive(Debug, Clone)]
pub struct RetryPolicy {
    /// Attempts at one index, the first included; at least 1.
    pub attempts: u32,
    /// Pause before the next attempt.
    pub after: Duration,
    /// Which failures are repeated.
    pub on: RetryOn,
    /// What status codes mean.
    pub classes: ClassTable,
}

impl RetryPolicy {
    /// Whether an answer says yes or no.
    #[must_use]
    pub fn judge(&self, answer: PushAnswer) -> Outcome {
        let PushAnswer { status, relay_peers } = answer;
        match self.classes.class(&status) {
            StatusClass::Ok => Outcome::Acked { status, relay_peers },
            _ => Outcome::Refused(status),
        }
    }

    /// Whether an index whose attempt number `attempt` (from 1) ended so is tried again.
    #[must_use]
    pub fn is_retried(&self, attempt: u32, outcome: &Outcome) -> bool {
        attempt < self.attempts
            && match outcome {
                Outcome::Acked { .. } => false,
                Outcome::Refused(status) => {
                    self.on.codes.contains(&status.code) || self.on.classes.contains(&self.classes.class(status))
                }
                Outcome::NoAnswer(_) => self.on.no_answer,
                Outcome::NotSent(_) => self.on.not_sent,
            }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use waku::ServiceProtocol;

    use super::*;

    fn policy(on: &str, attempts: u32) -> RetryPolicy {
        let classes = ClassTable::new(ServiceProtocol::LightpushV3);
        RetryPolicy {
            attempts,
            after: Duration::from_secs(2),
            on: on.parse().expect("valid"),
            classes,
        }
    }

    fn refused(code: u32) -> Outcome {
        Outcome::Refused(Status::new(code, None))
    }

    #[test]
    fn default_repeats_what_another_try_may_cure() {
        let policy = policy("retry,other-peer,no-answer,not-sent", 3);
        for (outcome, expected) in [
            (refused(429), true),
            (refused(505), true),
            (refused(420), false),
            (Outcome::NoAnswer("timeout".into()), true),
            (Outcome::NotSent("no connection".into()), true),
            (
                Outcome::Acked {
                    status: Status::new(200, None),
                    relay_peers: Some(1),
                },
                false,
            ),
        ] {
            assert_eq!(policy.is_retried(1, &outcome), expected, "{outcome:?}");
            assert_eq!(policy.is_retried(2, &outcome), expected, "{outcome:?}");
            assert!(
                !policy.is_retried(3, &outcome),
                "the third attempt is the last: {outcome:?}"
            );
        }
    }

    #[test]
    fn single_codes_and_none() {
        assert!(policy("503", 2).is_retried(1, &refused(503)));
        assert!(!policy("503", 2).is_retried(1, &refused(505)));
        assert!(!policy("none", 9).is_retried(1, &refused(429)));
        assert!(!policy("none", 9).is_retried(1, &Outcome::NoAnswer(String::new())));
    }

    #[test]
    fn status_table_decides_what_is_an_ack() {
        let mut policy = policy("none", 1);
        let judge = |policy: &RetryPolicy, code| {
            policy.judge(PushAnswer {
                status: Status::new(code, None),
                relay_peers: None,
            })
        };
        assert!(matches!(judge(&policy, 200), Outcome::Acked { .. }));
        assert_eq!(judge(&policy, 505), refused(505));
        policy.classes = ClassTable::with_overrides(ServiceProtocol::LightpushV3, ["505=ok"]).expect("valid");
        assert!(matches!(judge(&policy, 505), Outcome::Acked { .. }));
    }

    #[test]
    fn unknown_words_are_named() {
        for bad in ["sometimes", "retry,none", "ok", "5xx"] {
            assert!(bad.parse::<RetryOn>().is_err(), "{bad}");
        }
        let error = "retry,often".parse::<RetryOn>().expect_err("unknown").to_string();
        assert!(error.starts_with("\"often\" is none of retry"), "{error}");
    }

    proptest! {
        #[test]
        fn any_text_parses_or_fails(text in any::<String>()) {
            let _ = text.parse::<RetryOn>();
        }

        #[test]
        fn display_reads_back(codes in prop::collection::btree_set(0_u32..1000, 0..4), no_answer: bool, not_sent: bool) {
            let classes = BTreeSet::from([StatusClass::Retry]);
            let on = RetryOn { classes, codes, no_answer, not_sent };
            prop_assert_eq!(on.to_string().parse(), Ok(on));
        }
    }
}
