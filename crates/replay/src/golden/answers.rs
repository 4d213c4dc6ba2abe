//! The calls and answers of a golden trace as one number, where there is no alloc to write a journal with.

use evenkeel_core::backoff::Backoff;
use evenkeel_core::breaker::Breaker;
use evenkeel_core::budget::{RetryRatio, RetryTokens};
use evenkeel_core::estimator::{LogHistogram, ThresholdWindow};
#[cfg(feature = "alloc")]
use evenkeel_core::estimator::{QuantileWindow, RollingHistogram, SampleWindow};
use evenkeel_core::health::HealthProbe;
use evenkeel_core::reconnect::Reconnect;
use evenkeel_core::restart::Restart;
use evenkeel_core::retry::Retry;
#[cfg(feature = "alloc")]
use evenkeel_core::table::{BackoffTable, BreakerTable, RecoveryBudget};
use evenkeel_core::throttle::AdaptiveThrottle;

use super::canonical::Canonical;
use super::{calls, machine, machines};
use crate::generate::Generate;
#[cfg(feature = "alloc")]
use crate::key::Key;
use crate::machine::Machine;

/// The digest of all calls and answers of the golden trace of a machine, and of the states that it ends in: FNV-1a,
/// 64 bits, over the values themselves. No text is written and nothing is allocated, so a device prints the same number
/// as the machine that you develop on.
///
/// `docs/golden/answers.txt` has them.
///
/// ```
/// use evenkeel_core::backoff::Backoff;
/// use evenkeel_replay::golden;
///
/// assert_eq!(format!("{:016x}", golden::answers::<Backoff>()), "020c5137bafa7ea0");
/// ```
// One function for each machine, so that a look at the binary says which machine does what.
#[inline(never)]
#[must_use]
pub fn answers<M: Generate>() -> u64 {
    let mut digest = Canonical::default();
    for id in 0..machines::<M>() {
        let Some((_, _, mut pilot)) = machine::<M>(id) else {
            continue;
        };
        for _ in 0..calls::<M>() {
            let (now_ns, call) = pilot.next_call();
            let answer = pilot.go(now_ns, &call);
            digest.add(&(now_ns, call, answer));
            if let Some(query) = pilot.query() {
                let answer = pilot.go(now_ns, &query);
                digest.add(&(query, answer));
            }
        }
        digest.add(&pilot.machine().state());
    }
    digest.value()
}

/// Shows the name and the [answers] of every machine of this build. Without `alloc` a histogram cannot be merged, so it
/// gets other calls, which are told under a name of their own.
///
/// ```
/// use evenkeel_replay::golden;
///
/// golden::all_answers(&mut |name, digest| println!("{digest:016x}  {name}"));
/// ```
pub fn all_answers(show: &mut dyn FnMut(&'static str, u64)) {
    macro_rules! show {
        ($($Machine:ty),* $(,)?) => {
            $(show(<$Machine as Machine>::NAME, answers::<$Machine>());)*
        };
    }
    show!(
        AdaptiveThrottle,
        Backoff,
        Breaker,
        HealthProbe,
        Reconnect,
        Restart,
        Retry,
        RetryRatio
    );
    show!(RetryTokens, ThresholdWindow);
    #[cfg(not(feature = "alloc"))]
    show("log_histogram-without-alloc", answers::<LogHistogram>());
    #[cfg(feature = "alloc")]
    show!(
        BackoffTable<Key>,
        BreakerTable<Key>,
        LogHistogram,
        QuantileWindow,
        RecoveryBudget<Key>
    );
    #[cfg(feature = "alloc")]
    show!(RollingHistogram, SampleWindow);
}
