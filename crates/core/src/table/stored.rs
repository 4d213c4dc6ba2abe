//! What the stored states of tables share: a key with what is known of it, and what must hold of all keys.

use core::hash::{BuildHasher, Hash};

use hashbrown::HashTable;

use crate::error::RestoreError;

/// A key and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Kept<K, E> {
    pub(super) key: K,
    pub(super) entry: E,
}

/// No more keys than `max_keys`: the policy may be another than the one that the state was stored under.
pub(super) const fn check_room(keys: usize, max_keys: u32) -> Result<(), RestoreError> {
    if keys > max_keys as usize {
        let what = "it holds more keys than the policy allows";
        return Err(RestoreError::Misfit { what });
    }
    Ok(())
}

/// No key is there twice, as in a state that somebody has changed.
pub(super) fn check_distinct<'a, K, S>(
    keys: impl Iterator<Item = &'a K>,
    hasher: &S,
) -> Result<(), RestoreError>
where
    K: Hash + Eq + 'a,
    S: BuildHasher,
{
    let mut seen: HashTable<&K> = HashTable::new();
    for key in keys {
        let hash = hasher.hash_one(key);
        if seen.find(hash, |&other| other == key).is_some() {
            let what = "a key is there twice";
            return Err(RestoreError::Corrupt { what });
        }
        seen.insert_unique(hash, key, |other| hasher.hash_one(other));
    }
    Ok(())
}
