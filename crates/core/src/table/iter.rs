//! How the keys of a table are gone through, whichever table it is: in the order of its snapshot.

/// Writes the iterator of a table: each key with what `$item` says of its slot, numbered `$at`.
macro_rules! iterator {
    (
        $(#[$doc:meta])*
        $Iter:ident: $Table:ident, (key, $Item:ty), |$table:ident, $at:ident, $slot:ident| $item:expr
    ) => {
        $(#[$doc])*
        pub struct $Iter<'a, K, S> {
            table: &'a $Table<K, S>,
            order: alloc::vec::IntoIter<u32>,
        }

        impl<K, S> core::fmt::Debug for $Iter<'_, K, S> {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.debug_struct(stringify!($Iter))
                    .field("left", &self.order.len())
                    .finish_non_exhaustive()
            }
        }

        impl<'a, K, S> Iterator for $Iter<'a, K, S> {
            type Item = (&'a K, $Item);

            fn next(&mut self) -> Option<Self::Item> {
                let ($table, $at) = (self.table, self.order.next()?);
                let $slot = $table.keys.slot($at)?;
                Some((&$slot.key, $item))
            }

            fn size_hint(&self) -> (usize, Option<usize>) {
                self.order.size_hint()
            }
        }

        impl<K, S> ExactSizeIterator for $Iter<'_, K, S> {}

        impl<'a, K, S> IntoIterator for &'a $Table<K, S> {
            type Item = (&'a K, $Item);
            type IntoIter = $Iter<'a, K, S>;

            fn into_iter(self) -> Self::IntoIter {
                self.iter()
            }
        }
    };
}

pub(super) use iterator;
