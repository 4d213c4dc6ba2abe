//! An instant that may not be there, in 9 bytes that go into any gap: an `Option<u64>` takes 16, and a program may hold
//! a million states.

use core::fmt;
use core::hash::{Hash, Hasher};

/// An `Option<u64>`, stored, shown, hashed and compared as one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct PackedNs(Option<[u8; 8]>);

impl PackedNs {
    pub(crate) const NONE: Self = Self(None);

    #[inline]
    pub(crate) const fn new(at_ns: Option<u64>) -> Self {
        match at_ns {
            Some(at_ns) => Self(Some(at_ns.to_ne_bytes())),
            None => Self::NONE,
        }
    }

    #[inline]
    pub(crate) const fn get(self) -> Option<u64> {
        match self.0 {
            Some(bytes) => Some(u64::from_ne_bytes(bytes)),
            None => None,
        }
    }

    #[inline]
    pub(crate) const fn is_none(self) -> bool {
        self.0.is_none()
    }
}

impl fmt::Debug for PackedNs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

impl Hash for PackedNs {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.get().hash(state);
    }
}

#[cfg(feature = "serde")]
mod stored {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::PackedNs;

    impl Serialize for PackedNs {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            self.get().serialize(serializer)
        }
    }

    impl<'de> Deserialize<'de> for PackedNs {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            Option::deserialize(deserializer).map(Self::new)
        }
    }
}
