//! The version that every stored state begins with.

/// Version `N` of a state's layout. It stands first in the state and reads nothing but `N`, so that a state of another
/// version is refused for its version and not for the first field that moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Version<const N: u16>;

#[cfg(feature = "serde")]
mod stored {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Version;
    use crate::error::RestoreError;

    impl<const N: u16> Serialize for Version<N> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_u16(N)
        }
    }

    impl<'de, const N: u16> Deserialize<'de> for Version<N> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            match u16::deserialize(deserializer)? {
                found if found == N => Ok(Self),
                found => Err(D::Error::custom(RestoreError::Version {
                    found,
                    expected: N,
                })),
            }
        }
    }
}
