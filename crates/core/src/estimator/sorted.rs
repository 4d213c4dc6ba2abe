//! A row of values in ascending order, in which one value can take the place of another.

use alloc::vec::Vec;

/// Values in ascending order, equal ones side by side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sorted(Vec<u64>);

impl Sorted {
    pub(super) fn with_capacity(values: usize) -> Self {
        Self(Vec::with_capacity(values))
    }

    pub(super) fn from_unsorted(values: &[u64], capacity: usize) -> Self {
        let mut row = Vec::with_capacity(capacity.max(values.len()));
        row.extend_from_slice(values);
        row.sort_unstable();
        Self(row)
    }

    #[inline]
    pub(super) fn values(&self) -> &[u64] {
        &self.0
    }

    pub(super) fn insert(&mut self, value: u64) {
        let at = self.0.partition_point(|&v| v < value);
        // Growing at the end and shifting is `Vec::insert` without its panic.
        self.0.push(value);
        if let Some(tail) = self.0.get_mut(at..) {
            shift_up(tail, value);
        }
    }

    /// Takes out one `old`, which must be there, and puts in `new`. Only what lies between them moves.
    #[inline]
    pub(super) fn replace(&mut self, old: u64, new: u64) {
        let row = self.0.as_mut_slice();
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

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

/// Drops the first value, moves the others down, puts `last` at the end.
#[inline]
fn shift_down(part: &mut [u64], last: u64) {
    if let [_, ..] = part {
        part.copy_within(1.., 0);
    }
    if let Some(place) = part.last_mut() {
        *place = last;
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
