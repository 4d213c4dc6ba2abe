//! The key of a table in a journal: a number or a text.

use alloc::string::String;
use core::fmt;

use serde::{Deserialize, Serialize};

/// A table's key as a journal holds it: a number or a text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Key {
    /// Any unsigned number.
    Number(u64),
    /// Anything else.
    Text(String),
}

impl From<u64> for Key {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => fmt::Display::fmt(number, f),
            Self::Text(text) => f.pad(text),
        }
    }
}

/// A key that can be recorded.
///
/// Two different keys must give two different [`Key`]s. The numbers and texts of the standard library are keys; for your
/// own type say which number or text it is. (No answer of a table depends on the order or the hash of its keys.)
///
/// ```
/// use evenkeel_replay::{Key, ToKey};
///
/// #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
/// struct Peer(u32);
///
/// impl ToKey for Peer {
///     fn to_key(&self) -> Key {
///         Key::Number(self.0.into())
///     }
/// }
///
/// assert_eq!(Peer(7).to_key(), 7_u64.to_key());
/// assert_eq!("db-1".to_string().to_key().to_string(), "db-1");
/// ```
pub trait ToKey {
    /// The key as a journal holds it.
    fn to_key(&self) -> Key;
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl ToKey for $number {
            fn to_key(&self) -> Key {
                Key::Number(u64::from(*self))
            }
        }
    )*};
}

numbers!(u8, u16, u32, u64);

impl ToKey for String {
    fn to_key(&self) -> Key {
        Key::Text(self.clone())
    }
}

impl ToKey for &str {
    fn to_key(&self) -> Key {
        Key::Text((*self).into())
    }
}

impl ToKey for Key {
    fn to_key(&self) -> Key {
        self.clone()
    }
}
