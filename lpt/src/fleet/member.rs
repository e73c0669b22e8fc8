//! Names of the members of a fleet.

use std::fmt;

use super::folder::{FolderError, RunFolder};

/// What a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Kind {
    Node,
    Publisher,
    Receiver,
    Tracer,
}

/// A member of the fleet, shown as `publisher-1`: that is its node name, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Member {
    pub(super) kind: Kind,
    /// From 0.
    pub(super) index: u32,
}

impl Member {
    pub(super) fn new(kind: Kind, index: u32) -> Self {
        Self { kind, index }
    }

    /// There is one.
    pub(super) fn tracer() -> Self {
        Self::new(Kind::Tracer, 0)
    }

    /// All `count` of a kind.
    pub(super) fn all(kind: Kind, count: u32) -> impl Iterator<Item = Self> {
        (0..count).map(move |index| Self::new(kind, index))
    }
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Tracer => self.kind.fmt(f),
            kind => write!(f, "{kind}-{}", self.index + 1),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Node => "node",
            Self::Publisher => "publisher",
            Self::Receiver => "receiver",
            Self::Tracer => "tracer",
        })
    }
}

/// Takes the place with this index, or the first that is free; `None` when there is none.
pub(super) fn take_place(
    run: &RunFolder,
    kind: Kind,
    count: u32,
    index: Option<u32>,
) -> Result<Option<Member>, FolderError> {
    let candidates = match index {
        Some(index) => index..(index + 1).min(count),
        None => 0..count,
    };
    for index in candidates {
        let member = Member::new(kind, index);
        if run.claim(&member)? {
            return Ok(Some(member));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

    use super::*;
    use crate::fleet::folder::FleetFolder;

    #[test]
    fn places_are_handed_out_in_order_until_there_are_none() {
        let dir = tempfile::tempdir().unwrap();
        let run = FleetFolder(dir.path().to_owned()).begin("run").unwrap();
        let take = |index| {
            take_place(&run, Kind::Receiver, 3, index)
                .unwrap()
                .map(|member| member.to_string())
        };
        assert_eq!(take(None).as_deref(), Some("receiver-1"));
        assert_eq!(take(Some(1)).as_deref(), Some("receiver-2"));
        assert_eq!(take(Some(1)), None, "taken");
        assert_eq!(take(None).as_deref(), Some("receiver-3"));
        assert_eq!(take(None), None);
        assert_eq!(take(Some(7)), None, "beyond the fleet");
    }
}
