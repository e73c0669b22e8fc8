//! What to do about a status: tables from code to class, one per protocol, which the user can override.
//!
//! | Class | Meaning |
//! |---|---|
//! | ok | done |
//! | retry | the same request at the same service node, later |
//! | other-peer | the same request at another service node, at once |
//! | permanent | no service node will take this request: give it up |
//!
//! | Code | Lightpush v3, v2 | Filter | Store | Peer exchange |
//! |---|---|---|---|---|
//! | 200 | ok | ok | ok | ok |
//! | 300 | by hundreds | other-peer | other-peer | by hundreds |
//! | 400 | permanent | permanent | permanent | permanent |
//! | 401 | by hundreds | by hundreds | by hundreds | other-peer |
//! | 404 | by hundreds | retry | other-peer | by hundreds |
//! | 413, 420, 421 | permanent | by hundreds | by hundreds | by hundreds |
//! | 429 | retry | retry | retry | retry |
//! | 500, 503, 504, 505, 599 | other-peer | other-peer | other-peer | other-peer |
//! | 2xx | ok | ok | ok | ok |
//! | 4xx | permanent | permanent | permanent | permanent |
//! | all others | other-peer | other-peer | other-peer | other-peer |
//!
//! Why 5xx is other-peer: each of them says something about *that* node (no relay peers, no membership, full, broken),
//! the reliability specification replaces a lightpush peer after one such answer, and a repetition of the same bytes
//! at the same nwaku within two minutes is answered 505 whatever became of them. 429 is the one that waiting cures. A
//! filter's 404 means that the subscription is gone, which subscribing again at the same node cures. Codes nobody has
//! defined are judged by their hundreds; below 200, in the 3xx and from 600 on nothing is known, so another peer is
//! asked.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::status::Status;

/// What to do about a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StatusClass {
    /// Done.
    Ok,
    /// Again at the same service node, later.
    Retry,
    /// Again at another service node.
    OtherPeer,
    /// Give up.
    Permanent,
}

impl StatusClass {
    /// The name in overrides and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Retry => "retry",
            Self::OtherPeer => "other-peer",
            Self::Permanent => "permanent",
        }
    }
}

impl fmt::Display for StatusClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for StatusClass {
    type Err = ClassError;

    fn from_str(text: &str) -> Result<Self, ClassError> {
        [Self::Ok, Self::Retry, Self::OtherPeer, Self::Permanent]
            .into_iter()
            .find(|class| class.name() == text)
            .ok_or_else(|| ClassError::Class(text.to_owned()))
    }
}

/// The protocols that answer with a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ServiceProtocol {
    /// Lightpush version 3.
    LightpushV3,
    /// Lightpush version 2, its texts translated by [`crate::status::lightpush_v2_status`].
    LightpushV2,
    /// Filter subscribe.
    Filter,
    /// Store query.
    Store,
    /// Peer exchange.
    PeerExchange,
}

/// An override that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClassError {
    /// No `=` in it.
    #[error("status override {0:?} is not of the form code=class, for example 503=other-peer")]
    Form(String),
    /// What stands before the `=` is no number.
    #[error("status code {0:?} is not a decimal number, for example 503=other-peer")]
    Code(String),
    /// What stands behind the `=` is no class.
    #[error("status class {0:?} is unknown, expected ok, retry, other-peer or permanent")]
    Class(String),
    /// One code, twice.
    #[error("status code {0} is overridden twice")]
    Twice(u32),
}

/// The classes of one protocol's codes, with the user's overrides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassTable {
    protocol: ServiceProtocol,
    overrides: BTreeMap<u32, StatusClass>,
}

impl ClassTable {
    /// The table above.
    pub const fn new(protocol: ServiceProtocol) -> Self {
        Self {
            protocol,
            overrides: BTreeMap::new(),
        }
    }

    /// The table above, changed by texts such as `503=retry`. Empty texts are skipped.
    pub fn with_overrides<I>(protocol: ServiceProtocol, overrides: I) -> Result<Self, ClassError>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let mut table = Self::new(protocol);
        for text in overrides {
            let text = text.as_ref().trim();
            if text.is_empty() {
                continue;
            }
            let (code, class) = parse_override(text)?;
            if table.overrides.insert(code, class).is_some() {
                return Err(ClassError::Twice(code));
            }
        }
        Ok(table)
    }

    /// The class of a status.
    pub fn class(&self, status: &Status) -> StatusClass {
        self.class_of_code(status.code)
    }

    /// The class of a code.
    pub fn class_of_code(&self, code: u32) -> StatusClass {
        self.overrides
            .get(&code)
            .copied()
            .unwrap_or_else(|| default_class(self.protocol, code))
    }

    /// The user's overrides, by code, for the record of the configuration.
    pub fn overrides(&self) -> impl Iterator<Item = (u32, StatusClass)> {
        self.overrides.iter().map(|(&code, &class)| (code, class))
    }
}

/// Reads one override, such as `503=other-peer`.
pub fn parse_override(text: &str) -> Result<(u32, StatusClass), ClassError> {
    let (code, class) = text.split_once('=').ok_or_else(|| ClassError::Form(text.to_owned()))?;
    let code = code.trim();
    if !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ClassError::Code(code.to_owned()));
    }
    let number = code.parse().map_err(|_| ClassError::Code(code.to_owned()))?;
    Ok((number, class.trim().parse()?))
}

fn default_class(protocol: ServiceProtocol, code: u32) -> StatusClass {
    use ServiceProtocol::{Filter, PeerExchange, Store};
    match (protocol, code) {
        (_, 200..=299) => StatusClass::Ok,
        (_, 429) | (Filter, 404) => StatusClass::Retry,
        (Store, 404) | (PeerExchange, 401) => StatusClass::OtherPeer,
        (_, 400..=499) => StatusClass::Permanent,
        _ => StatusClass::OtherPeer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ServiceProtocol::{Filter, LightpushV2, LightpushV3, PeerExchange, Store};
    use StatusClass::{Ok as Done, OtherPeer, Permanent, Retry};
    use proptest::prelude::*;

    #[test]
    fn the_table_of_the_documentation() {
        for (code, [lightpush, filter, store, px]) in [
            (200, [Done, Done, Done, Done]),
            (300, [OtherPeer, OtherPeer, OtherPeer, OtherPeer]),
            (400, [Permanent, Permanent, Permanent, Permanent]),
            (401, [Permanent, Permanent, Permanent, OtherPeer]),
            (404, [Permanent, Retry, OtherPeer, Permanent]),
            (413, [Permanent, Permanent, Permanent, Permanent]),
            (420, [Permanent, Permanent, Permanent, Permanent]),
            (421, [Permanent, Permanent, Permanent, Permanent]),
            (429, [Retry, Retry, Retry, Retry]),
            (500, [OtherPeer, OtherPeer, OtherPeer, OtherPeer]),
            (503, [OtherPeer, OtherPeer, OtherPeer, OtherPeer]),
            (504, [OtherPeer, OtherPeer, OtherPeer, OtherPeer]),
            (505, [OtherPeer, OtherPeer, OtherPeer, OtherPeer]),
            (599, [OtherPeer, OtherPeer, OtherPeer, OtherPeer]),
            (0, [OtherPeer, OtherPeer, OtherPeer, OtherPeer]),
            (204, [Done, Done, Done, Done]),
            (600, [OtherPeer, OtherPeer, OtherPeer, OtherPeer]),
        ] {
            let class = |protocol| ClassTable::new(protocol).class_of_code(code);
            let got = [class(LightpushV3), class(Filter), class(Store), class(PeerExchange)];
            assert_eq!(got, [lightpush, filter, store, px], "{code}");
            assert_eq!(class(LightpushV2), lightpush, "{code}");
        }
    }

    #[test]
    fn overrides_win_over_the_table() {
        let texts = ["503=retry", " 421 = other-peer ", ""];
        let table = ClassTable::with_overrides(LightpushV3, texts).unwrap();
        assert_eq!(table.class(&Status::new(503, None)), Retry);
        assert_eq!(table.class_of_code(421), OtherPeer);
        assert_eq!(table.class_of_code(505), OtherPeer);
        assert_eq!(table.overrides().collect::<Vec<_>>(), [(421, OtherPeer), (503, Retry)]);
    }

    #[test]
    fn faulty_overrides_say_what_is_wrong() {
        let parse = |text: &str| ClassTable::with_overrides(Store, [text]).unwrap_err();
        assert_eq!(parse("503"), ClassError::Form("503".to_owned()));
        assert_eq!(parse("x=retry"), ClassError::Code("x".to_owned()));
        assert_eq!(parse("=retry"), ClassError::Code(String::new()));
        assert_eq!(parse("+5=retry"), ClassError::Code("+5".to_owned()));
        assert_eq!(parse("99999999999=retry"), ClassError::Code("99999999999".to_owned()));
        assert_eq!(parse("503=maybe"), ClassError::Class("maybe".to_owned()));
        let twice = ClassTable::with_overrides(Store, ["503=retry", "503=ok"]);
        assert_eq!(twice, Err(ClassError::Twice(503)));
    }

    proptest! {
        #[test]
        fn any_override_text_parses_or_fails_without_panic(text in ".{0,40}") {
            let _ = parse_override(&text);
        }

        #[test]
        fn every_written_override_reads_back(code: u32, index in 0_usize..4) {
            let class = [Done, Retry, OtherPeer, Permanent][index];
            prop_assert_eq!(parse_override(&format!("{code}={class}")), Ok((code, class)));
        }
    }
}
