//! Counters that threads do not share: successes that wait to be told to the machine, and refusals.
//!
//! A stripe is open or closed. While it is open a success whose ticket it carries adds itself; that single step on one
//! word is the success. Whoever holds the lock closes all stripes before it tells the machine anything, and tells it
//! of the successes that it found first. A success that finds its stripe closed takes the lock.

use std::sync::atomic::Ordering;

use crate::sync::{AtomicU64, thread_number};

/// A stripe that has counted so many sends the next one to the lock: what is told at once stays bounded.
const MOST: u64 = 1_024;

const OPEN: u64 = 1;
const COUNT: Field = Field { shift: 1, bits: 11 };
const SLICE: Field = Field {
    shift: 12,
    bits: 28,
};
const GENERATION: Field = Field {
    shift: 40,
    bits: 24,
};

const ONE: u64 = 1 << COUNT.shift;
const CLOSED: u64 = 0;

struct Field {
    shift: u32,
    bits: u32,
}

impl Field {
    const fn mask(&self) -> u64 {
        ((1 << self.bits) - 1) << self.shift
    }

    const fn cut(&self, number: u64) -> u64 {
        (number << self.shift) & self.mask()
    }
}

/// Which successes an open stripe counts: those of this generation, in this slice of time.
///
/// Both are cut short (24 and 28 bits). The generation was compared as a whole just before, and the slice is that of the
/// clock now: to be taken for another, a thread would have to stop between two steps for 16 million transitions, or 268
/// million slices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket(u64);

impl Ticket {
    #[inline]
    pub(super) const fn new(generation: u64, slice: u64) -> Self {
        Self(GENERATION.cut(generation) | SLICE.cut(slice) | OPEN)
    }
}

/// A cache line (on some machines lines come in pairs) of its own.
#[derive(Debug)]
#[repr(align(128))]
struct Stripe {
    pending: AtomicU64,
    refused: AtomicU64,
}

#[derive(Debug)]
pub(super) struct Stripes {
    stripes: Box<[Stripe]>,
}

impl Stripes {
    pub(super) fn new(count: usize) -> Self {
        let stripe = |_| Stripe {
            pending: AtomicU64::new(CLOSED),
            refused: AtomicU64::new(0),
        };
        let count = count.max(1).next_power_of_two();
        Self {
            stripes: (0..count).map(stripe).collect(),
        }
    }

    #[inline]
    fn own(&self) -> Option<&Stripe> {
        self.stripes.get(thread_number() & (self.stripes.len() - 1))
    }

    /// Counts a success; false when the lock must be asked.
    ///
    /// Acquire and release: what follows is not done before the stripe was opened, and whoever closes it sees
    /// everything that came before. So a success that follows upon a locked step is never counted as before it: it
    /// has seen that step's closing of every stripe.
    #[inline]
    pub(super) fn count(&self, ticket: Ticket) -> bool {
        let Some(stripe) = self.own() else {
            return false;
        };
        let mut pending = stripe.pending.load(Ordering::Relaxed);
        loop {
            // What is left is the count, or more than any count where the stripe is closed or has another ticket.
            if pending.wrapping_sub(ticket.0) >= MOST << COUNT.shift {
                return false;
            }
            let counted = stripe.pending.compare_exchange_weak(
                pending,
                pending + ONE,
                Ordering::AcqRel,
                Ordering::Relaxed,
            );
            match counted {
                Ok(_) => return true,
                Err(now) => pending = now,
            }
        }
    }

    /// Closes all stripes; how many successes they had counted. Under the lock.
    pub(super) fn close(&self) -> u64 {
        let counted = self.stripes.iter().map(|stripe| {
            (stripe.pending.swap(CLOSED, Ordering::AcqRel) & COUNT.mask()) >> COUNT.shift
        });
        counted.sum()
    }

    /// Opens all stripes for the successes of `ticket`. Under the lock, after the machine and the word are up to date.
    pub(super) fn open(&self, ticket: Ticket) {
        for stripe in &self.stripes {
            stripe.pending.store(ticket.0, Ordering::Release);
        }
    }

    #[inline]
    pub(super) fn count_refusal(&self) {
        if let Some(stripe) = self.own() {
            // Relaxed: a counter that decides nothing.
            stripe.refused.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn refusals(&self) -> u64 {
        let refused = self.stripes.iter();
        let refused = refused.map(|stripe| stripe.refused.load(Ordering::Relaxed));
        refused.fold(0, u64::wrapping_add)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn only_the_ticket_it_was_opened_for_is_counted() {
        let stripes = Stripes::new(1);
        let ticket = Ticket::new(7, 3);
        assert!(!stripes.count(ticket), "closed");
        stripes.open(ticket);
        assert!(stripes.count(ticket));
        assert!(!stripes.count(Ticket::new(8, 3)));
        assert!(!stripes.count(Ticket::new(7, 4)));
        assert_eq!((stripes.close(), stripes.close()), (1, 0));
        assert!(!stripes.count(ticket));
    }

    #[test]
    fn a_full_stripe_sends_to_the_lock_and_does_not_spill_into_the_slice() {
        let stripes = Stripes::new(1);
        let ticket = Ticket::new(u64::MAX, u64::MAX);
        stripes.open(ticket);
        assert_eq!((0..5_000).filter(|_| stripes.count(ticket)).count(), 1_024);
        assert_eq!(stripes.close(), 1_024);
    }

    #[test]
    fn nothing_is_lost_or_doubled_while_it_opens_and_closes() {
        let stripes = Stripes::new(4);
        let ticket = Ticket::new(1, 0);
        std::thread::scope(|scope| {
            let counting = || {
                let mut counted = 0;
                while counted < 10_000 {
                    counted += u64::from(stripes.count(ticket));
                }
                counted
            };
            let threads: Vec<_> = (0..3).map(|_| scope.spawn(counting)).collect();
            let mut found = 0;
            while !threads
                .iter()
                .all(std::thread::ScopedJoinHandle::is_finished)
            {
                stripes.open(ticket);
                // The others have their turn here also where there is one processor.
                std::thread::yield_now();
                found += stripes.close();
            }
            let counted: u64 = threads
                .into_iter()
                .map(|thread| thread.join().expect("no panic"))
                .sum();
            assert_eq!(found, counted);
        });
    }
}
