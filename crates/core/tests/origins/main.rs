//! What users of the systems of ORIGINS have today, each row a test of that name; docs/origins.md lists them.
//!
//! The rows of O1 about restarts are in restart_facts.rs, those of O4 about links in reconnect_facts/o4.rs.
#![cfg(feature = "alloc")]

mod breaker;
mod peers;
mod recovery;
mod schedules;

use evenkeel_core::backoff::BackoffPolicy;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;

const MS: u64 = 1_000_000;
const SECOND: u64 = 1000 * MS;

fn rng() -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(5)
}

const fn ms(ms: u64) -> core::time::Duration {
    core::time::Duration::from_millis(ms)
}

fn ceilings(policy: &BackoffPolicy, attempts: impl IntoIterator<Item = u32>) -> Vec<u128> {
    let ceilings = attempts.into_iter().map(|n| policy.ceiling(n).as_millis());
    ceilings.collect()
}
