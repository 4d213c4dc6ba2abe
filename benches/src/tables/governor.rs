//! governor's keyed limiters, on the clock and the hasher that they come with.
//!
//! One call decides and takes down; ours takes two for it, a failure and a check. Their answers are to different questions,
//! so none are compared: the limits are so high that each call is let through and counted.

use std::num::NonZeroU32;

use governor::{Quota, RateLimiter};

use super::{Keys, spread};
use crate::Entrant;
use crate::repeat::repeated;

fn quota() -> Quota {
    Quota::per_second(NonZeroU32::MAX)
}

pub(super) fn hashmap(keys: u32) -> Entrant {
    repeated("governor 0.10, hashmap", move || {
        let limiter = RateLimiter::hashmap(quota());
        checking(keys, move |key| limiter.check_key(&key).is_ok())
    })
}

pub(super) fn dashmap(keys: u32) -> Entrant {
    repeated("governor 0.10, dashmap", move || {
        let limiter = RateLimiter::dashmap(quota());
        checking(keys, move |key| limiter.check_key(&key).is_ok())
    })
}

/// Each key once, then keys in random order.
fn checking(keys: u32, mut check: impl FnMut(u64) -> bool) -> impl FnMut() -> bool {
    (0..keys).for_each(|key| assert!(check(spread(key))));
    let mut drawn = Keys::new(keys, 5);
    move || check(drawn.draw())
}
