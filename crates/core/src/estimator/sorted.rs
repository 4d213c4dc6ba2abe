//! A row of values in ascending order, in which one value can take the place of another.

use alloc::boxed::Box;
use alloc::vec;

/// Values in ascending order, equal ones side by side. Nothing but making and copying it allocates.
#[derive(Clone, Debug)]
pub(super) struct Sorted {
    places: Box<[u64]>,
    /// How many of the places are in use, from the front.
    len: usize,
}

impl Sorted {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            places: vec![0; capacity].into_boxed_slice(),
            len: 0,
        }
    }

    #[inline]
    pub(super) fn values(&self) -> &[u64] {
        self.places.get(..self.len).unwrap_or(&[])
    }

    /// Puts in `value`, for which there must be room.
    pub(super) fn insert(&mut self, value: u64) {
        let at = self.values().partition_point(|&v| v < value);
        if let Some(part) = self.places.get_mut(at..=self.len) {
            shift_up(part, value);
            self.len = self.len.wrapping_add(1);
        }
    }

    /// Takes out one `old`, which must be there, and puts in `new`. Only what lies between them moves.
    #[inline]
    pub(super) fn replace(&mut self, old: u64, new: u64) {
        let row = self.places.get_mut(..self.len).unwrap_or(&mut []);
        // Both searches run over the whole row, so that neither waits for the other.
        let old_at = row.partition_point(|&v| v < old);
        let new_at = row.partition_point(|&v| v < new);
        if old < new {
            if let Some(part) = row.get_mut(old_at..new_at) {
                shift_down(part, new);
            }
        } else if let Some(part) = row.get_mut(new_at..=old_at) {
            shift_up(part, new);
        }
    }

    /// Holds `values` and nothing else.
    pub(super) fn refill(&mut self, values: &[u64]) {
        if let Some(row) = self.places.get_mut(..values.len()) {
            row.copy_from_slice(values);
            row.sort_unstable();
            self.len = values.len();
        }
    }

    pub(super) const fn clear(&mut self) {
        self.len = 0;
    }
}

/// How many values move down at once: 2 KiB. From some more on memory is moved by one instruction of the processor where
/// it has that, which takes 35 ns to get going if the values go down by one place, and nothing of the kind if they go up.
const BLOCK: usize = 256;

/// Drops the first value, moves the others down, puts `last` at the end.
#[inline]
fn shift_down(part: &mut [u64], last: u64) {
    let mut last = last;
    for block in part.rchunks_mut(BLOCK) {
        // So the compiler sees that there is a first, and no way to a panic is left.
        let [first, ..] = *block else { continue };
        block.copy_within(1.., 0);
        if let Some(place) = block.last_mut() {
            *place = last;
        }
        last = first;
    }
}

/// Drops the last value, moves the others up, puts `first` at the start.
#[inline]
fn shift_up(part: &mut [u64], first: u64) {
    if let [_, ..] = part {
        part.copy_within(..part.len().saturating_sub(1), 1);
    }
    if let Some(place) = part.first_mut() {
        *place = first;
    }
}
