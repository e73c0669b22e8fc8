//! The `waku2` key of a node record: one byte, one bit per protocol served.

use std::fmt;

/// A protocol that a node serves, by its bit (`waku_enr/capabilities.nim`; RFC 31 stops at sync, go-waku at lightpush).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Capability {
    /// Bit 0.
    Relay,
    /// Bit 1.
    Store,
    /// Bit 2.
    Filter,
    /// Bit 3.
    Lightpush,
    /// Bit 4, store sync.
    Sync,
    /// Bit 5.
    Mix,
}

impl Capability {
    /// All of them, by bit.
    pub const ALL: [Self; 6] = [
        Self::Relay,
        Self::Store,
        Self::Filter,
        Self::Lightpush,
        Self::Sync,
        Self::Mix,
    ];

    const fn mask(self) -> u8 {
        1 << self as u8
    }

    /// The name in lists.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Relay => "relay",
            Self::Store => "store",
            Self::Filter => "filter",
            Self::Lightpush => "lightpush",
            Self::Sync => "sync",
            Self::Mix => "mix",
        }
    }
}

/// A set of [`Capability`]. Bits without a name are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Capabilities(u8);

impl Capabilities {
    /// The set as its byte in the record.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// The set of a byte from a record.
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// True if the node says that it serves `capability`.
    pub const fn contains(self, capability: Capability) -> bool {
        self.0 & capability.mask() != 0
    }

    /// The members, by bit.
    pub fn iter(self) -> impl Iterator<Item = Capability> {
        Capability::ALL
            .into_iter()
            .filter(move |&capability| self.contains(capability))
    }
}

impl FromIterator<Capability> for Capabilities {
    fn from_iter<I: IntoIterator<Item = Capability>>(capabilities: I) -> Self {
        Self(
            capabilities
                .into_iter()
                .fold(0, |bits, capability| bits | capability.mask()),
        )
    }
}

impl fmt::Display for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.iter().map(Capability::name).collect();
        f.write_str(&names.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_capability_has_its_bit() {
        let bits: Vec<u8> = Capability::ALL
            .map(|one| Capabilities::from_iter([one]).bits())
            .to_vec();
        assert_eq!(bits, [1, 2, 4, 8, 16, 32]);
    }

    #[test]
    fn a_byte_reads_as_its_members() {
        let set = Capabilities::from_bits(0b0000_1101);
        assert_eq!(set.to_string(), "relay,filter,lightpush");
        assert!(!set.contains(Capability::Store));
        assert_eq!(Capabilities::from_bits(0x80).to_string(), "");
    }
}
