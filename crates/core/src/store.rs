//! A row of 64-bit words of a length fixed at construction: inline up to `N`, on the heap above that where the
//! feature `alloc` is on. Windows, leases and counters live in these.

#[cfg(feature = "alloc")]
type Row<const N: usize> = smallvec::SmallVec<[u64; N]>;

/// Whether a store can have so many words: any number with `alloc`, the inline ones without.
pub(crate) const fn fits(words: usize, inline: usize) -> bool {
    cfg!(feature = "alloc") || words <= inline
}

#[cfg(feature = "alloc")]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Store<const N: usize>(Row<N>);

#[cfg(feature = "alloc")]
impl<const N: usize> Store<N> {
    /// `words` zeros.
    pub(crate) fn zeroed(words: usize) -> Self {
        Self(smallvec::smallvec![0; words])
    }

    #[inline]
    pub(crate) fn words(&self) -> &[u64] {
        &self.0
    }

    #[inline]
    pub(crate) fn words_mut(&mut self) -> &mut [u64] {
        &mut self.0
    }
}

#[cfg(not(feature = "alloc"))]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Store<const N: usize> {
    row: [u64; N],
    len: usize,
}

#[cfg(not(feature = "alloc"))]
impl<const N: usize> Store<N> {
    /// `words` zeros. Without `alloc`, at most `N` of them: policies refuse more in `build()`.
    pub(crate) fn zeroed(words: usize) -> Self {
        Self {
            row: [0; N],
            len: words.min(N),
        }
    }

    #[inline]
    pub(crate) fn words(&self) -> &[u64] {
        self.row.get(..self.len).unwrap_or(&[])
    }

    #[inline]
    pub(crate) fn words_mut(&mut self) -> &mut [u64] {
        self.row.get_mut(..self.len).unwrap_or(&mut [])
    }
}
