//! Record what machines of [`evenkeel_core`] decided in production, replay it in a test bit for bit, and ask what another
//! policy would have done.
//!
//! Record: a [`Recorder`] has the methods of the machine that it wraps. What it takes down goes to memory, to a flight
//! recorder of the last calls ([`Journal::last`](journal::Journal::last)), or to files by a thread of its own.
//!
//! ```
//! # #[cfg(feature = "std")] {
//! use core::time::Duration;
//! use evenkeel_core::backoff::BackoffPolicy;
//! use evenkeel_core::breaker::{Breaker, BreakerPolicy, Outcome, Trigger};
//! use evenkeel_replay::journal::{self, Journal, Reader};
//! use evenkeel_replay::shrink::{self, Property};
//! use evenkeel_replay::verify;
//! use rand_xoshiro::{Xoshiro256PlusPlus, rand_core::SeedableRng};
//!
//! let open = BackoffPolicy::builder(Duration::from_secs(1));
//! let policy = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(Trigger::Consecutive { failures: 3 });
//! let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
//!
//! let recording = Journal::last(100_000);
//! let mut breaker = recording.record("db", Breaker::new(policy.build()?));
//! for call in 0..10 {
//!     let now_ns = call * 1_000_000;
//!     if let Ok(grant) = breaker.try_acquire(now_ns, &mut rng) {
//!         let _ = breaker.on_outcome(now_ns + 500, grant.permit, Outcome::Failure, 500, &mut rng);
//!     }
//! }
//!
//! // Something went wrong: write down what led to it.
//! let mut written = Vec::new();
//! recording.dump(&mut written)?;
//!
//! // In a test, on any machine: the same decisions.
//! let verified = verify(Reader::new(&written[..]))?;
//! assert_eq!(verified.ops, 13); // ten asks, three reports
//!
//! // What it takes for the breaker to open, and no more: three asks, three reports.
//! let loaded = journal::load(&written[..]);
//! let shrunk = shrink::shrink(&loaded, &"change:consecutive".parse::<Property>()?, shrink::EFFORT)?;
//! assert_eq!(shrunk.text().lines().count(), 1 + 6 + 1); // the machine, the calls, the end
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A journal that is checked in is a test of one line: `evenkeel_replay::verify_file("incident.jsonl").unwrap()`.
//! [`what_if`] runs other policies over a journal; the command line tool does all of this with reports. The format is
//! documented in `docs/formats.md`, for other languages, too; `docs/journal.md` has the commands; `docs/incident.md`
//! goes through an incident.
//!
//! What can happen to a machine is defined once: the `Op` and `Answer` of each machine's module, and [`Machine::apply`].
//! The law suite, the vectors and the [golden] traces of this project are built on it; so can your fuzz targets be, with
//! [`generate`].
//!
//! Features: `std` (default) for journals and all that reads or writes them; `alloc` for tables and machines of any
//! kind; neither for the ops, answers and random calls of the machines that need no alloc.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(
    not(feature = "std"),
    allow(
        rustdoc::broken_intra_doc_links,
        reason = "pages tell of what only journals have; its links are checked where they are"
    )
)]

#[cfg(feature = "alloc")]
extern crate alloc;

#[cfg(feature = "alloc")]
pub mod any;
#[cfg(feature = "std")]
mod diff;
#[cfg(feature = "std")]
mod difference;
#[cfg(feature = "std")]
mod digest;
#[cfg(feature = "std")]
mod extra_key;
pub mod generate;
pub mod golden;
#[cfg(feature = "alloc")]
mod group;
#[cfg(feature = "std")]
pub mod journal;
#[cfg(feature = "alloc")]
mod key;
mod machine;
mod machines;
#[cfg(feature = "std")]
mod moved;
#[cfg(feature = "std")]
mod past;
#[cfg(feature = "std")]
mod recorder;
#[cfg(feature = "std")]
pub mod shrink;
#[cfg(feature = "alloc")]
mod table_key;
#[cfg(feature = "std")]
mod verify;
#[cfg(feature = "std")]
pub mod what_if;
pub mod words;

#[cfg(feature = "std")]
pub use diff::{Diff, DiffDamage, Parting, diff};
#[cfg(feature = "std")]
pub use difference::{CallDifference, Difference, What};
#[cfg(feature = "alloc")]
pub use group::Group;
#[cfg(feature = "alloc")]
pub use key::{Key, ToKey};
pub use machine::{Assumed, Change, Machine, NoId, Verdict};
pub use machines::{
    adaptive_throttle, backoff, breaker, health_probe, log_histogram, reconnect, restart, retry,
    retry_ratio, retry_tokens, threshold_window,
};
#[cfg(feature = "alloc")]
pub use machines::{
    backoff_table, breaker_table, quantile_window, recovery_budget, rolling_histogram,
    sample_window,
};
#[cfg(feature = "std")]
pub use recorder::{Feed, Recorder};
#[cfg(feature = "alloc")]
pub use table_key::TableKey;
#[cfg(feature = "std")]
pub use verify::{Failed, Unverified, Verified, verify, verify_file};
