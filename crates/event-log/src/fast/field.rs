//! How each kind of field is read, and what owned value it stands for.

use super::{cursor::Cursor, hex_digits, time::LastMinute};
use crate::{
    event::{PushOutcome, RelayOrigin, Transport},
    hash::MessageHash,
    timestamp::Timestamp,
};

/// A field as it stands in a line.
pub(super) trait Field<'a>: Sized {
    /// The type in the event structs.
    type Owned;

    /// Reads the value, the cursor standing behind the key's colon.
    fn value(cursor: &mut Cursor<'a>, minute: &mut LastMinute) -> Option<Self>;

    /// Reads key and value; `key` begins with its comma and ends with its colon.
    #[inline(always)]
    fn member(cursor: &mut Cursor<'a>, minute: &mut LastMinute, key: &'static str) -> Option<Self> {
        cursor.expect(key)?;
        Self::value(cursor, minute)
    }

    /// The value as the event structs hold it.
    fn owned(self) -> Self::Owned;

    /// The value of an event struct, borrowed.
    fn view(owned: &'a Self::Owned) -> Self;
}

/// A list of strings, such as the peers a message was sent to.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a>(List<'a>);

#[derive(Debug, Clone, Copy)]
enum List<'a> {
    Empty,
    /// As it stands in a line, without the first and the last quote.
    Text(&'a str),
    Strings(&'a [String]),
}

impl<'a> Names<'a> {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// The strings in order.
    pub fn iter(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let (text, strings) = match self.0 {
            List::Empty => (None, &[][..]),
            // No string of it holds a quote, so this is the only way it can stand there.
            List::Text(text) => (Some(text.split("\",\"")), &[][..]),
            List::Strings(strings) => (None, strings),
        };
        text.into_iter().flatten().chain(strings.iter().map(String::as_str))
    }
}

impl PartialEq for Names<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Names<'_> {}

impl<'a> Field<'a> for Names<'a> {
    type Owned = Vec<String>;

    fn value(cursor: &mut Cursor<'a>, _: &mut LastMinute) -> Option<Self> {
        cursor.expect("[")?;
        if cursor.take("]") {
            return Some(Self(List::Empty));
        }
        cursor.expect("\"")?;
        let start = cursor.clone();
        loop {
            cursor.until_quote()?;
            if cursor.take("]") {
                return Some(Self(List::Text(start.text_to(cursor, "\"]".len()))));
            }
            cursor.expect(",\"")?;
        }
    }

    fn owned(self) -> Vec<String> {
        self.iter().map(str::to_owned).collect()
    }

    fn view(owned: &'a Vec<String>) -> Self {
        Self(List::Strings(owned))
    }
}

impl<'a, T: Field<'a>> Field<'a> for Option<T> {
    type Owned = Option<T::Owned>;

    #[inline(always)]
    fn value(cursor: &mut Cursor<'a>, minute: &mut LastMinute) -> Option<Self> {
        T::value(cursor, minute).map(Some)
    }

    #[inline(always)]
    fn member(cursor: &mut Cursor<'a>, minute: &mut LastMinute, key: &'static str) -> Option<Self> {
        if cursor.take(key) {
            Self::value(cursor, minute)
        } else {
            Some(None)
        }
    }

    fn owned(self) -> Self::Owned {
        self.map(T::owned)
    }

    fn view(owned: &'a Self::Owned) -> Self {
        owned.as_ref().map(T::view)
    }
}

impl<'a> Field<'a> for &'a str {
    type Owned = String;

    #[inline(always)]
    fn value(cursor: &mut Cursor<'a>, _: &mut LastMinute) -> Option<Self> {
        cursor.expect("\"")?;
        cursor.until_quote()
    }

    fn owned(self) -> String {
        self.to_owned()
    }

    fn view(owned: &'a String) -> Self {
        owned
    }
}

impl<'a> Field<'a> for MessageHash {
    type Owned = Self;

    #[inline(always)]
    fn value(cursor: &mut Cursor<'a>, _: &mut LastMinute) -> Option<Self> {
        cursor.expect("\"0x")?;
        let hash = hex_digits::decode(cursor.bytes::<64>()?)?;
        cursor.expect("\"")?;
        Some(Self(hash))
    }

    fn owned(self) -> Self {
        self
    }

    fn view(owned: &'a Self) -> Self {
        *owned
    }
}

impl<'a> Field<'a> for Timestamp {
    type Owned = Self;

    #[inline(always)]
    fn value(cursor: &mut Cursor<'a>, minute: &mut LastMinute) -> Option<Self> {
        cursor.expect("\"")?;
        minute.read(cursor)
    }

    fn owned(self) -> Self {
        self
    }

    fn view(owned: &'a Self) -> Self {
        *owned
    }
}

macro_rules! integer {
    ($($ty:ty),*) => { $(
        impl<'a> Field<'a> for $ty {
            type Owned = Self;

            #[inline(always)]
            fn value(cursor: &mut Cursor<'a>, _: &mut LastMinute) -> Option<Self> {
                cursor.integer()?.try_into().ok()
            }

            fn owned(self) -> Self {
                self
            }

            fn view(owned: &'a Self) -> Self {
                *owned
            }
        }
    )* };
}
integer!(u32, u64);

macro_rules! choice {
    ($ty:ident { $($name:literal => $variant:ident),* $(,)? }) => {
        impl<'a> Field<'a> for $ty {
            type Owned = Self;

            #[inline(always)]
            fn value(cursor: &mut Cursor<'a>, minute: &mut LastMinute) -> Option<Self> {
                match <&str>::value(cursor, minute)? {
                    $($name => Some(Self::$variant),)*
                    _ => None,
                }
            }

            fn owned(self) -> Self {
                self
            }

            fn view(owned: &'a Self) -> Self {
                *owned
            }
        }
    };
}
choice!(PushOutcome { "ok" => Ok, "failed" => Failed, "dropped" => Dropped, "timed_out" => TimedOut });
choice!(Transport { "libp2p" => Libp2p, "rest" => Rest });
choice!(RelayOrigin { "lightpush" => Lightpush, "relay" => Relay });
