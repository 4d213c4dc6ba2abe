//! Keys that an outsider has chosen to meet in a table without a seed do not meet in a shared one.

use std::cell::Cell;
use std::hash::{BuildHasher, Hash, Hasher};
use std::time::Duration;

use evenkeel_core::ConfigError;
use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::breaker::{BreakerPolicy, Trigger};
use evenkeel_core::table::{BreakerTable, BreakerTablePolicy, FixedState};
use evenkeel_std::SharedBreakerTable;

thread_local! {
    static COMPARED: Cell<u64> = const { Cell::new(0) };
}

/// A key that counts how often it is compared with another.
#[derive(Clone, Debug, Eq)]
struct Host(u64);

impl PartialEq for Host {
    fn eq(&self, other: &Self) -> bool {
        COMPARED.set(COMPARED.get() + 1);
        self.0 == other.0
    }
}

impl Hash for Host {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write_u64(self.0);
    }
}

const HOSTS: usize = 64;

/// Which bits a table of [`HOSTS`] keys looks at before it compares two keys, once it has spread those of a hash: the
/// highest for the group, seven in between for the tag.
const LOOKED_AT: u64 = 0xfe00_0000_07f0_0000;
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Keys whose hashes are as one to a table without a seed: anyone can find them.
fn chosen() -> Vec<Host> {
    let hash = |key: u64| FixedState.hash_one(Host(key)).wrapping_mul(SPREAD) & LOOKED_AT;
    let wanted = hash(0);
    let found = (0..).filter(|&key| hash(key) == wanted);
    found.take(HOSTS).map(Host).collect()
}

fn policy() -> Result<BreakerTablePolicy, ConfigError> {
    let open = BackoffPolicy::builder(Duration::from_secs(1));
    let breaker = BreakerPolicy::builder(open, Duration::from_secs(5))
        .trigger(Trigger::Consecutive { failures: 1 })
        .build()?;
    BreakerTablePolicy::builder(breaker, HOSTS as u32, Duration::from_secs(60)).build()
}

#[test]
fn chosen_keys_do_not_meet_in_a_shared_table() -> Result<(), ConfigError> {
    let hosts = chosen();
    COMPARED.set(0);
    let mut unseeded = BreakerTable::<Host>::new(policy()?);
    for host in &hosts {
        let _ = unseeded.set_mode(0, host, evenkeel_core::breaker::Mode::ForcedOpen);
    }
    let met = COMPARED.replace(0);
    assert!(met > 500, "they are chosen badly: {met}");

    let shared = SharedBreakerTable::<Host>::new(policy()?);
    for host in &hosts {
        let _ = shared.set_mode(host, evenkeel_core::breaker::Mode::ForcedOpen);
    }
    let met = COMPARED.get();
    assert!(met < 300, "{met} comparisons for {HOSTS} keys");
    Ok(())
}
