//! What users of the systems of ORIGINS have today, each row a test of that name; docs/origins.md lists them.
//!
//! Here are the rows that backoff, breaker and estimators answer; the others come with their machines.
#![cfg(feature = "alloc")]

mod breaker;
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
