//! How a row of words is written in a stored state: most of them are 0, so runs of 0 are counted.
//!
//! A sequence of numbers: the length of the row, then each word, where a 0 is followed by how many zeros there
//! are. Zeros at the end are left out. `[8, 5, 0, 3, 9]` is `5 0 0 0 9 0 0 0`.
//!
//! Reading takes memory for at most [`MAX_WORDS`] words, whatever the input says.

use core::fmt;

use serde::de::{self, SeqAccess, Visitor};
use serde::ser::SerializeSeq;
use serde::{Deserializer, Serializer};

use crate::store::{Store, fits};

/// The longest row in any state: a bit for each value of the largest window.
const MAX_WORDS: u64 = 1 << 14;

pub(crate) fn serialize<const N: usize, S: Serializer>(
    row: &Store<N>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    // Formats without end marks need the length first, so the runs are walked twice.
    let mut written = 1_usize;
    for_each_number(row.words(), |_| {
        written = written.saturating_add(1);
        Ok::<(), S::Error>(())
    })?;
    let mut seq = serializer.serialize_seq(Some(written))?;
    seq.serialize_element(&row.words().len())?;
    for_each_number(row.words(), |number| seq.serialize_element(&number))?;
    seq.end()
}

fn for_each_number<E>(words: &[u64], mut emit: impl FnMut(u64) -> Result<(), E>) -> Result<(), E> {
    let mut zeros = 0_u64;
    for &word in words {
        if word == 0 {
            zeros = zeros.saturating_add(1);
            continue;
        }
        if zeros > 0 {
            emit(0)?;
            emit(zeros)?;
            zeros = 0;
        }
        emit(word)?;
    }
    Ok(())
}

pub(crate) fn deserialize<'de, const N: usize, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Store<N>, D::Error> {
    deserializer.deserialize_seq(Row::<N>)
}

struct Row<const N: usize>;

impl<'de, const N: usize> Visitor<'de> for Row<N> {
    type Value = Store<N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the length of a row, its words, and runs of zeros as 0 and how many")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Store<N>, A::Error> {
        let len: u64 = seq
            .next_element()?
            .ok_or_else(|| de::Error::invalid_length(0, &self))?;
        let words = usize::try_from(len.min(MAX_WORDS)).unwrap_or(0);
        if len > MAX_WORDS || !fits(words, N) {
            return Err(de::Error::custom(
                "the row is longer than any that is written",
            ));
        }
        let misplaced = || de::Error::custom("the numbers do not fill the row as they should");
        let mut row = Store::zeroed(words);
        let mut free = row.words_mut().iter_mut();
        while let Some(mut word) = seq.next_element::<u64>()? {
            if word == 0 {
                let zeros = seq.next_element::<usize>()?.ok_or_else(misplaced)?;
                let last = zeros.checked_sub(1).ok_or_else(misplaced)?;
                free.nth(last).ok_or_else(misplaced)?;
                // Each row is written in one way only: a run ends with a word.
                word = seq.next_element()?.ok_or_else(misplaced)?;
            }
            if word == 0 {
                return Err(misplaced());
            }
            *free.next().ok_or_else(misplaced)? = word;
        }
        Ok(row)
    }
}
