//! Numbers the keys of a trace by first appearance, without an allocation for a key seen before.

use hashbrown::{DefaultHashBuilder, HashTable};
use std::fmt;
use std::hash::BuildHasher;

use crate::numbers;
use crate::trace::Keyed;
use crate::trace_error::Found;

/// Where keys are not told apart, no more of them are counted.
const MOST_COUNTED: usize = 1_000;

/// How many keys there are.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct KeyCount {
    pub(crate) count: usize,
    /// Whether there may be more.
    pub(crate) or_more: bool,
}

impl KeyCount {
    pub(crate) fn is_several(self) -> bool {
        self.count > 1
    }
}

impl fmt::Display for KeyCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let more = if self.or_more { " or more" } else { "" };
        let plural = if self.is_several() { "s" } else { "" };
        write!(f, "{}{more} key{plural}", numbers::count(self.count as u64))
    }
}

/// The keys met so far. The table is only asked, never walked: hash order shows nowhere.
pub(crate) struct Keys {
    keyed: Keyed,
    /// By number. Without numbering: the current key alone, overwritten by the next one.
    names: Vec<String>,
    numbers: HashTable<u32>,
    /// Without numbering: the hashes of the first [`MOST_COUNTED`] keys.
    counted: HashTable<u64>,
    hasher: DefaultHashBuilder,
    /// Rows of one key often follow each other.
    latest: u32,
}

impl Keys {
    pub(crate) fn new(keyed: Keyed) -> Self {
        Self {
            keyed,
            names: Vec::new(),
            numbers: HashTable::new(),
            counted: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            latest: 0,
        }
    }

    pub(crate) fn keyed(&self) -> Keyed {
        self.keyed
    }

    /// The number of `key`, a new one if it was not met before.
    #[inline]
    pub(crate) fn id(&mut self, key: &[u8]) -> Result<u32, Found> {
        if self.name_bytes(self.latest) == Some(key) {
            return Ok(self.latest);
        }
        self.latest = match self.keyed {
            Keyed::Yes => self.number(key)?,
            Keyed::No => self.replace(key)?,
        };
        Ok(self.latest)
    }

    pub(crate) fn name(&self, id: u32) -> &str {
        self.names.get(id as usize).map_or("", String::as_str)
    }

    /// How many keys were met: exact where they are numbered, else up to a bound.
    pub(crate) fn count(&self) -> KeyCount {
        match self.keyed {
            Keyed::Yes => KeyCount {
                count: self.names.len(),
                or_more: false,
            },
            Keyed::No => KeyCount {
                count: self.counted.len(),
                or_more: self.counted.len() == MOST_COUNTED,
            },
        }
    }

    pub(crate) fn into_names(self) -> Vec<String> {
        match self.keyed {
            Keyed::Yes => self.names,
            Keyed::No => Vec::new(),
        }
    }

    fn name_bytes(&self, id: u32) -> Option<&[u8]> {
        self.names.get(id as usize).map(String::as_bytes)
    }

    fn number(&mut self, key: &[u8]) -> Result<u32, Found> {
        let hash = self.hasher.hash_one(key);
        let is_key = |&id: &u32| self.names[id as usize].as_bytes() == key;
        if let Some(&id) = self.numbers.find(hash, is_key) {
            return Ok(id);
        }
        let name = checked(key)?.to_owned();
        let id = u32::try_from(self.names.len()).map_err(|_| Found::TooManyKeys)?;
        self.names.push(name);
        let (names, hasher) = (&self.names, &self.hasher);
        self.numbers.insert_unique(hash, id, |&id| {
            hasher.hash_one(names[id as usize].as_bytes())
        });
        Ok(id)
    }

    fn replace(&mut self, key: &[u8]) -> Result<u32, Found> {
        let name = checked(key)?;
        if self.counted.len() < MOST_COUNTED {
            let hash = self.hasher.hash_one(key);
            let entry = self.counted.entry(hash, |&met| met == hash, |&met| met);
            entry.or_insert(hash);
        }
        if self.names.is_empty() {
            self.names.push(String::new());
        }
        self.names[0].clear();
        self.names[0].push_str(name);
        Ok(0)
    }
}

fn checked(key: &[u8]) -> Result<&str, Found> {
    if key.is_empty() {
        return Err(Found::EmptyKey);
    }
    std::str::from_utf8(key).map_err(|_| Found::NotUtf8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_numbered_by_first_appearance() {
        let mut keys = Keys::new(Keyed::Yes);
        let ids: Vec<_> = [b"b", b"a", b"b", b"b", b"c", b"a"]
            .iter()
            .map(|key| keys.id(*key).ok())
            .collect();
        assert_eq!(ids, [0, 1, 0, 0, 2, 1].map(Some));
        assert_eq!(keys.into_names(), ["b", "a", "c"]);
    }

    #[test]
    fn without_numbers_only_the_current_name_is_kept() {
        let mut keys = Keys::new(Keyed::No);
        for n in 0..1_000 {
            let key = format!("key-{n}");
            assert_eq!(keys.id(key.as_bytes()).ok(), Some(0));
            assert_eq!(keys.name(0), key);
        }
        assert_eq!(keys.names.len(), 1);
        assert_eq!(keys.count().to_string(), "1,000 or more keys");
    }

    #[test]
    fn keys_are_counted_either_way() {
        for keyed in [Keyed::Yes, Keyed::No] {
            let mut keys = Keys::new(keyed);
            let mut count = |key: &[u8]| {
                let _ = keys.id(key);
                keys.count().to_string()
            };
            let counts = [b"b", b"a", b"b", b"c"].map(|key| count(key));
            assert_eq!(counts, ["1 key", "2 keys", "2 keys", "3 keys"]);
        }
    }
}
