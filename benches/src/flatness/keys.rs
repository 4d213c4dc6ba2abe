//! Keys: so many in the table. In random order, where memory has its price; and one of them over and over, where it has not.

use std::hint::black_box;
use std::time::Duration;

use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::breaker::{BreakerPolicy, Outcome, Trigger};
use evenkeel_core::random::Rng as _;
use evenkeel_core::table::{
    BreakerTable, BreakerTablePolicy, RecoveryBudget, RecoveryBudgetPolicy,
};

use super::Series;
use crate::Entrant;
use crate::inputs::rng;
use crate::repeat::repeated;
use crate::tables::{Keys, fail_and_check, filled, spread};

const MANY: [(&str, u32); 3] = [
    ("1 000", 1_000),
    ("100 000", 100_000),
    ("10 000 000", 10_000_000),
];
const FEWER: [(&str, u32); 3] = [
    ("1 000", 1_000),
    ("100 000", 100_000),
    ("1 000 000", 1_000_000),
];

const HOUR: Duration = Duration::from_secs(3_600);

pub(super) fn series() -> Vec<Series> {
    let backoff = |due_index, any| {
        let sides = MANY.map(|(name, keys)| backoff_table(name, keys, due_index, any));
        sides.into()
    };
    let of = |operation: &str, sides| Series::new(operation, "keys", sides);
    vec![
        of(
            "memory alone: one of so many rows of 32 bytes, read and written",
            MANY.map(|(name, keys)| memory(name, keys)).into(),
        ),
        of(
            "BackoffTable: failure and check, one key",
            backoff(false, false),
        ),
        of(
            "BackoffTable: failure and check, any key",
            backoff(false, true),
        ),
        of(
            "BackoffTable, due index: failure and check, one key",
            backoff(true, false),
        ),
        of(
            "BackoffTable, due index: failure and check, any key",
            backoff(true, true),
        ),
        of(
            "BreakerTable: ask and report, any key",
            FEWER.map(|(name, keys)| breaker_table(name, keys)).into(),
        ),
        of(
            "RecoveryBudget: crash and success, any key",
            FEWER.map(|(name, keys)| recovery(name, keys)).into(),
        ),
    ]
}

/// What random access costs by itself, where nothing is looked up.
fn memory(name: &'static str, rows: u32) -> Entrant {
    repeated(name, move || {
        let mut memory = vec![[0_u64; 4]; rows as usize];
        let mut rng = rng(5);
        move || {
            let word = rng.next_u64() >> 32;
            let row = (word * u64::from(rows)) >> 32;
            let row = &mut memory[row as usize];
            row[0] += 1;
            row[0]
        }
    })
}

fn backoff_table(name: &'static str, keys: u32, due_index: bool, any: bool) -> Entrant {
    repeated(name, move || {
        let mut table = filled(keys, due_index);
        let (mut drawn, mut rng, mut now_ns) = (Keys::new(keys, 5), rng(6), 0);
        let one = spread(keys / 2);
        move || {
            now_ns += 1_000;
            let key = if any { drawn.draw() } else { one };
            fail_and_check(&mut table, now_ns, key, &mut rng)
        }
    })
}

fn breaker_table(name: &'static str, keys: u32) -> Entrant {
    repeated(name, move || {
        let open = BackoffPolicy::builder(Duration::from_secs(1));
        let policy = BreakerPolicy::builder(open, Duration::from_secs(5))
            .trigger(Trigger::Consecutive { failures: 20 })
            .build();
        let policy = BreakerTablePolicy::builder(policy.expect("a valid policy"), keys, HOUR);
        let mut table: BreakerTable<u64> =
            BreakerTable::new(policy.build().expect("a valid policy"));
        let (mut drawn, mut rng, mut now_ns) = (Keys::new(keys, 5), rng(6), 0);
        let mut call = move |key: u64, outcome| {
            now_ns += 1;
            let granted = table.try_acquire(now_ns, &key, &mut rng);
            let permit = granted.expect("closed").answer.permit;
            let told = table.on_outcome(now_ns, &key, permit, outcome, 1_000, &mut rng);
            black_box(&told);
        };
        (0..keys).for_each(|key| call(spread(key), Outcome::Failure));
        move || call(drawn.draw(), Outcome::Success)
    })
}

fn recovery(name: &'static str, keys: u32) -> Entrant {
    repeated(name, move || {
        let backoff = BackoffPolicy::builder(Duration::from_millis(250));
        let policy = RecoveryBudgetPolicy::builder(backoff, 3, HOUR, keys).build();
        let mut table: RecoveryBudget<u64> = RecoveryBudget::new(policy.expect("a valid policy"));
        let (mut drawn, mut rng, mut now_ns) = (Keys::new(keys, 5), rng(6), 0);
        for key in 0..keys {
            let recovery = table.try_recover(0, &spread(key), &mut rng);
            black_box(recovery.is_ok());
        }
        move || {
            now_ns += 1_000;
            let key = drawn.draw();
            black_box(table.try_recover(now_ns, &key, &mut rng).is_ok());
            table.on_success(now_ns, &key)
        }
    })
}
