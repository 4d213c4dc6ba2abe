//! Tables: one policy, many keys, memory that is bounded.
//!
//! A map of machines grows with every key that anybody names, and forgets by chance or never. A table has a bound, says
//! when a key is forgotten, and forgets nobody who is being held back.
//!
//! | table | question | answers for a key that is not tracked |
//! |---|---|---|
//! | [`BackoffTable`] | may this key be tried now? | yes, while the overflow entry is not held |
//! | [`RecoveryBudget`] | may this crashed key be recovered? | yes, while there is room |
//! | [`BreakerTable`] | may this key be called now? | a new breaker, or the overflow breaker |
//!
//! # What all have in common
//!
//! **A key is forgotten at an instant**, `forget_after` after nothing holds it back any more and nothing was heard of
//! it, whether its memory is freed then or later: nothing but `len()` can tell. Memory is freed when its place is
//! needed, or when the key is met. Which of many goes first is not said.
//!
//! **When a table is full** (`max_keys`), a new key takes the place of a forgotten one. If none is, it is not tracked.
//! A key that is held back is never dropped for another one: that would be amnesty by flooding. Those that are not
//! tracked are held back together, or refused, and the answer says so.
//!
//! **Order.** What comes out of a table comes by instant, ties in order of arrival: in a `BackoffTable` and a
//! `RecoveryBudget` that of the calls that set the instants, in a `BreakerTable` that in which the keys came in. No
//! answer, no order and no state depends on the hasher. Arrivals are numbered with 32 bits; about once in 2^32 of them
//! they are numbered anew, in O(n log n).
//!
//! **Keys** are looked up by any borrowed form (`&str` for `String`) and cloned only when they come in. Their hasher is
//! [`FixedState`] unless another is given: for keys that outsiders choose give a seeded one, `std::hash::RandomState`.
//!
//! **A snapshot** (`state()`) lists the keys in order; `restore` checks it as hostile input, `restore_rebased` takes
//! it to another origin of time.
//!
//! Not for: counting all clients that exist (a key that never failed takes no place in a `BackoffTable` or a
//! `RecoveryBudget`, but every key that was asked for does in a `BreakerTable`); sharing between threads without a
//! lock.
//!
//! ```
//! use core::time::Duration;
//! use evenkeel_core::backoff::{BackoffPolicy, Jitter};
//! use evenkeel_core::table::{BackoffTable, BackoffTablePolicy, HeldBy};
//! use rand_xoshiro::{Xoshiro256PlusPlus, rand_core::SeedableRng};
//!
//! let backoff = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(60)).jitter(Jitter::None);
//! let policy = BackoffTablePolicy::builder(backoff, 2, Duration::from_secs(300)).build()?; // room for two
//! let mut table: BackoffTable<u64> = BackoffTable::new(policy);
//! let mut rng = Xoshiro256PlusPlus::seed_from_u64(7);
//!
//! const SECOND: u64 = 1_000_000_000;
//! assert!(table.on_failure(0, &1, &mut rng).is_ok());
//! assert!(table.on_failure(0, &2, &mut rng).is_ok());
//! let full = table.on_failure(0, &3, &mut rng).unwrap_err();
//! assert_eq!(full.held_until_ns, Some(SECOND));
//!
//! // 1 and 2 have holds of their own; 3, 4 and all others share one.
//! let refused = table.try_acquire(SECOND / 2, &4).unwrap_err();
//! assert_eq!((refused.reason, refused.retry_at_ns), (HeldBy::Overflow, Some(SECOND)));
//!
//! // 300 s after its hold 1 is forgotten, and there is room again.
//! assert!(table.on_failure(300 * SECOND, &3, &mut rng).is_err());
//! assert!(table.on_failure(301 * SECOND, &3, &mut rng).is_ok());
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

mod backoff;
mod breaker;
mod full;
mod hash;
mod iter;
mod keyed;
mod recovery;
mod stored;

pub use backoff::{
    BackoffTable, BackoffTableBuilder, BackoffTableIter, BackoffTablePolicy, BackoffTableState,
    HeldBy, Hold,
};
pub use breaker::{
    Answered, AnsweredBy, BreakerTable, BreakerTableBuilder, BreakerTableIter, BreakerTablePolicy,
    BreakerTableState, Due, KeyGate,
};
pub use full::TableFull;
pub use hash::{FixedHasher, FixedState};
pub use recovery::{
    DeniedBy, Recovery, RecoveryBudget, RecoveryBudgetBuilder, RecoveryBudgetIter,
    RecoveryBudgetPolicy, RecoveryBudgetState,
};
