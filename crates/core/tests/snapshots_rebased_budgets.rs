//! Windows of a retry ratio and of a throttle, taken over by a process whose clock starts elsewhere, against counts made
//! anew from the whole history; and a bucket that refills while nobody runs it.

use core::time::Duration;

use evenkeel_core::budget::{
    RetryCause, RetryRatio, RetryRatioPolicy, RetryTokens, RetryTokensPolicy,
};
use evenkeel_core::throttle::{AdaptiveThrottle, AdaptiveThrottlePolicy};
use evenkeel_core::{Ratio, Rebase};
use proptest::prelude::*;
use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};

const fn ns(ns: u64) -> Duration {
    Duration::from_nanos(ns)
}

/// A history on the old clock, ascending; how it moves; and how long after that somebody asks.
#[derive(Clone, Debug)]
struct Move {
    len_ns: u64,
    slices: u32,
    times: Vec<u64>,
    rebase: Rebase,
    later_ns: u64,
}

fn a_move() -> impl Strategy<Value = Move> {
    let instant = || prop_oneof![4 => 0_u64..200, 1 => 1_000_u64..1_100];
    let away = prop_oneof![2 => Just(0), 4 => 0_u64..150, 1 => any::<u64>()];
    let times = proptest::collection::vec(instant(), 1..12);
    let new_clock = prop_oneof![4 => 0_u64..60, 1 => instant(), 1 => any::<u64>()];
    let grid = (1_u64..20, 1_u32..6);
    (grid, times, 0_u64..30, new_clock, away, 0_u64..60).prop_map(
        |((len_ns, slices), mut times, taken, now_ns, away, later_ns)| {
            times.sort_unstable();
            let taken_at_ns = times.last().map_or(0, |at_ns| at_ns + taken);
            let rebase = Rebase {
                taken_at_ns,
                now_ns,
                away: ns(away),
            };
            Move {
                len_ns,
                slices,
                times,
                rebase,
                later_ns,
            }
        },
    )
}

impl Move {
    fn span(&self) -> Duration {
        ns(self.len_ns * u64::from(self.slices))
    }

    fn query_ns(&self) -> u64 {
        self.rebase.now_ns.saturating_add(self.later_ns)
    }

    /// How many of the history count at the query: slices keep their distance from the one that is current when the
    /// new process begins, and a slice that lies before 0 is dropped.
    fn live(&self) -> u32 {
        let len = i128::from(self.len_ns);
        let away_ns = i128::try_from(self.rebase.away.as_nanos()).expect("a u64");
        let current = (i128::from(self.rebase.taken_at_ns) + away_ns) / len;
        let into = (i128::from(self.rebase.taken_at_ns) + away_ns) % len;
        let begins = (i128::from(self.rebase.now_ns) - into).max(0) / len;
        let query = i128::from(self.query_ns()) / len;
        let counts = |at_ns: &&u64| {
            let age = current - i128::from(**at_ns) / len;
            let slice = begins - age;
            age < self.slices.into() && slice >= 0 && query - slice < self.slices.into()
        };
        u32::try_from(self.times.iter().filter(counts).count()).expect("few")
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 4_000, ..ProptestConfig::default() })]

    #[test]
    fn a_ratios_window_holds_what_its_history_says(a_move in a_move()) {
        let builder = RetryRatioPolicy::builder(Ratio::ONE).slices(a_move.slices);
        let policy = builder.ttl(a_move.span()).floor_per_second(u32::MAX).build().expect("a policy");
        let mut there = RetryRatio::new(policy);
        a_move.times.iter().for_each(|&at_ns| there.on_request(at_ns));
        let mut here = RetryRatio::restore_rebased(policy, there.state(), a_move.rebase).expect("its own state");
        prop_assert_eq!(RetryRatio::restore(policy, here.state()), Ok(here.clone()));
        let now_ns = a_move.query_ns();
        prop_assert_eq!(here.requests(now_ns), a_move.live());
        here.on_request(now_ns);
        prop_assert_eq!(here.requests(now_ns), a_move.live() + 1);
    }

    #[test]
    fn a_throttles_history_holds_what_happened(a_move in a_move()) {
        let builder = AdaptiveThrottlePolicy::builder().slices(a_move.slices).history(a_move.span());
        let policy = builder.min_requests(u32::MAX).build().expect("a policy");
        let (mut there, mut rng) = (AdaptiveThrottle::new(policy), SplitMix64::seed_from_u64(1));
        for &at_ns in &a_move.times {
            prop_assert!(there.try_request(at_ns, &mut rng).is_ok());
            there.on_accepted(at_ns);
        }
        let here = AdaptiveThrottle::restore_rebased(policy, there.state(), a_move.rebase).expect("its own state");
        prop_assert_eq!(AdaptiveThrottle::restore(policy, here.state()), Ok(here.clone()));
        let now_ns = a_move.query_ns();
        prop_assert_eq!((here.requests(now_ns), here.accepts(now_ns)), (a_move.live(), a_move.live()));
    }

    /// As on a clock that went on: what the refill gave while nobody ran it is there, on a young clock, too.
    #[test]
    fn a_bucket_refills_while_nobody_runs_it(a_move in a_move(), per_ns in 1_u64..9, capacity in 1_000_u64..3_000) {
        let builder = RetryTokensPolicy::builder(capacity).refill_milli(2).refill_per(ns(per_ns));
        let policy = builder.build().expect("a policy");
        let mut there = RetryTokens::new(policy);
        for &at_ns in &a_move.times {
            let _ = there.try_withdraw(at_ns, RetryCause::Failure);
        }
        let here = RetryTokens::restore_rebased(policy, there.state(), a_move.rebase).expect("its own state");
        prop_assert_eq!(RetryTokens::restore(policy, here.state()), Ok(here.clone()));
        let away_ns = u64::try_from(a_move.rebase.away.as_nanos()).expect("a u64");
        let later_ns = a_move.query_ns() - a_move.rebase.now_ns;
        let gone_on_ns = a_move.rebase.taken_at_ns.saturating_add(away_ns).saturating_add(later_ns);
        prop_assert_eq!(here.balance_milli(a_move.query_ns()), there.balance_milli(gone_on_ns));
    }
}
