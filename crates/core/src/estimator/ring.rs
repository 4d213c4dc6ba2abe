//! The last `n` of something in order of arrival, in memory that is taken once.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

/// A ring of fixed capacity. Nothing but making and copying it allocates.
#[derive(Clone, Debug)]
pub(super) struct Ring<T> {
    places: Box<[T]>,
    /// Where the next one goes: while there is room the number held, then the oldest.
    head: usize,
    len: usize,
}

impl<T: Copy + Default> Ring<T> {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            places: vec![T::default(); capacity].into_boxed_slice(),
            head: 0,
            len: 0,
        }
    }

    /// Takes in `item`; the oldest leaves when the ring is full.
    #[inline]
    pub(super) fn push(&mut self, item: T) -> Option<T> {
        let place = self.places.get_mut(self.head)?;
        let oldest = core::mem::replace(place, item);
        self.head = self.head.wrapping_add(1);
        if self.head >= self.places.len() {
            self.head = 0;
        }
        if self.len < self.places.len() {
            self.len = self.len.wrapping_add(1);
            None
        } else {
            Some(oldest)
        }
    }

    #[inline]
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// All that it holds, in no particular order.
    pub(super) fn items(&self) -> &[T] {
        self.places.get(..self.len).unwrap_or(&[])
    }

    /// All that it holds, in order of arrival.
    pub(super) fn oldest_first(&self) -> Vec<T> {
        let items = self.items();
        // While there is room the head is the length, and all of it is older.
        let (newer, older) = items.split_at_checked(self.head).unwrap_or((items, &[]));
        let mut all = Vec::with_capacity(items.len());
        all.extend_from_slice(older);
        all.extend_from_slice(newer);
        all
    }

    pub(super) const fn clear(&mut self) {
        self.head = 0;
        self.len = 0;
    }
}
