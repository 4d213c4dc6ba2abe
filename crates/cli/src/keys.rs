//! Numbers the keys of a trace by first appearance, without an allocation for a key seen before.

use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher;

use crate::trace::Keyed;
use crate::trace_error::Found;

/// The keys met so far. The table is only asked, never walked: hash order shows nowhere.
pub(crate) struct Keys {
    keyed: Keyed,
    /// By number. Without numbering: the current key alone, overwritten by the next one.
    names: Vec<String>,
    numbers: HashTable<u32>,
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
    }
}
