//! Backoff for many keys: a failure and the check that follows it, of keys in random order.
//!
//! Beside it the table that origin O2 has: a `HashMap` of the standard library, without a bound, jitter or order; and
//! governor, which decides and takes down in one call whether a key goes too fast.

mod due;
mod governor;

use std::collections::HashMap;
use std::hint::black_box;
use std::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::random::Rng;
use evenkeel_core::table::{BackoffTable, BackoffTablePolicy};

use crate::inputs::rng;
use crate::repeat::repeated;
use crate::{Case, Entrant};

const BASE: Duration = Duration::from_millis(10);
const CAP: Duration = Duration::from_secs(60);

/// How many keys, and how many times faster than O2's table we want to be: without the due index, and with it.
const SIZES: [(u32, f64, f64); 3] = [
    (1_000, 2.5, 2.0),
    (1_000_000, 4.0, 2.5),
    (10_000_000, 5.0, 3.0),
];

/// The same for governor, at the most keys.
const GOVERNOR: f64 = 4.0;

/// The cases of the tables.
#[must_use]
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (keys, plain, indexed) in SIZES {
        let of_governor = (keys == 10_000_000).then_some(GOVERNOR);
        cases.extend([
            failure_and_check(keys, false)
                .against(origin(keys), plain)
                .against(governor::hashmap(keys), of_governor)
                .against(governor::dashmap(keys), of_governor),
            failure_and_check(keys, true).against(origin(keys), indexed),
        ]);
    }
    cases.extend(due::cases());
    cases
}

fn failure_and_check(keys: u32, due_index: bool) -> Case {
    let with = if due_index { ", due index" } else { "" };
    let ours = repeated("ours", move || {
        let mut table = filled(keys, due_index);
        let (mut drawn, mut rng, mut now_ns) = (Keys::new(keys, 5), rng(6), 0);
        move || {
            now_ns += 1_000;
            fail_and_check(&mut table, now_ns, drawn.draw(), &mut rng)
        }
    });
    Case::new(
        format!("table: failure and check of {keys} keys{with}"),
        ours,
        same_holds,
    )
}

fn origin(keys: u32) -> Entrant {
    repeated("origin O2", move || {
        let mut table = PeerTable::default();
        (0..keys).for_each(|key| table.record_failure(spread(key), 0));
        let (mut drawn, mut now_ns) = (Keys::new(keys, 5), 0);
        move || {
            now_ns += 1_000;
            let key = drawn.draw();
            table.record_failure(key, now_ns);
            table.should_retry(key, now_ns)
        }
    })
}

/// Keys as they come from elsewhere: no small numbers in a row.
#[must_use]
pub fn spread(key: u32) -> u64 {
    u64::from(key).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Keys in random order.
#[derive(Debug)]
pub struct Keys<R> {
    keys: u32,
    rng: R,
}

impl Keys<rand_xoshiro::Xoshiro256PlusPlus> {
    /// Of `keys` keys.
    #[must_use]
    pub fn new(keys: u32, seed: u64) -> Self {
        let rng = rng(seed);
        Self { keys, rng }
    }

    /// One of them.
    pub fn draw(&mut self) -> u64 {
        let word = self.rng.next_u64() >> 32;
        spread(((word * u64::from(self.keys)) >> 32) as u32)
    }
}

/// An empty table with room for `keys` keys.
#[must_use]
pub fn empty(keys: u32, due_index: bool) -> BackoffTable<u64> {
    let backoff = BackoffPolicy::builder(BASE).cap(CAP).jitter(Jitter::Full);
    let builder = BackoffTablePolicy::builder(backoff, keys, Duration::from_secs(3_600));
    let policy = builder.due_index(due_index).build();
    BackoffTable::new(policy.expect("a valid policy"))
}

/// A table in which each of `keys` keys has failed once.
#[must_use]
pub fn filled(keys: u32, due_index: bool) -> BackoffTable<u64> {
    let (mut table, mut rng) = (empty(keys, due_index), rng(4));
    for key in 0..keys {
        let hold = table.on_failure(u64::from(key), &spread(key), &mut rng);
        let _ = hold.expect("there is room");
    }
    table
}

/// What a caller does when a key fails, and when it wants to know whether to try it.
pub fn fail_and_check(
    table: &mut BackoffTable<u64>,
    now_ns: u64,
    key: u64,
    rng: &mut rand_xoshiro::Xoshiro256PlusPlus,
) -> bool {
    let hold = table.on_failure(now_ns, &key, rng);
    black_box(hold.is_ok());
    table.try_acquire(now_ns, &key).is_ok()
}

/// The table of origin O2.
#[derive(Debug, Default)]
pub struct PeerTable {
    peers: HashMap<u64, PeerState>,
}

#[derive(Debug, Default)]
struct PeerState {
    attempts: u32,
    last_attempt_ns: u64,
    next_retry_ns: u64,
}

impl PeerTable {
    /// The peer failed. It is looked up and then put in, as the origin does.
    pub fn record_failure(&mut self, peer: u64, now_ns: u64) {
        let before = self.peers.get(&peer).map_or(0, |state| state.attempts);
        let attempts = before.saturating_add(1);
        let state = PeerState {
            attempts,
            last_attempt_ns: now_ns,
            next_retry_ns: now_ns.saturating_add(delay_ns(attempts)),
        };
        self.peers.insert(peer, state);
    }

    /// Whether to try it now.
    #[must_use]
    pub fn should_retry(&self, peer: u64, now_ns: u64) -> bool {
        let state = self.peers.get(&peer);
        state.is_none_or(|state| now_ns >= state.next_retry_ns)
    }
}

fn delay_ns(attempts: u32) -> u64 {
    let doubled = 10_000_000_u64.checked_shl(attempts.saturating_sub(1).min(40));
    doubled.unwrap_or(u64::MAX).min(60_000_000_000)
}

/// Without jitter both hold a key until the same instant.
fn same_holds() {
    let backoff = BackoffPolicy::builder(BASE).cap(CAP).jitter(Jitter::None);
    // The origin never forgets.
    let forget_after = Duration::from_secs(1_000_000);
    let policy = BackoffTablePolicy::builder(backoff, 50, forget_after).build();
    let mut ours: BackoffTable<u64> = BackoffTable::new(policy.expect("a valid policy"));
    let mut origin = PeerTable::default();
    let (mut keys, mut rng) = (Keys::new(50, 1), rng(2));
    for at in 0..2_000 {
        // Never while a hold stands: there ours keeps the longer one.
        let (now_ns, key) = (at * 61_000_000_000, keys.draw());
        origin.record_failure(key, now_ns);
        let hold = ours.on_failure(now_ns, &key, &mut rng).expect("room");
        let state = &origin.peers[&key];
        assert_eq!(hold.until_ns, Some(state.next_retry_ns));
        assert_eq!(
            (hold.attempt, now_ns),
            (state.attempts, state.last_attempt_ns)
        );
    }
}
