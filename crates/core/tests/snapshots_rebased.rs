//! States taken over by a process whose clock starts elsewhere: backoff, rolling histogram, and the time window of a
//! breaker, against counts made anew from the whole history.

use core::time::Duration;

use evenkeel_core::Rebase;
use evenkeel_core::backoff::{Backoff, BackoffPolicy, Jitter};
use evenkeel_core::breaker::{Breaker, BreakerPolicy, Outcome, Permit, PermitId, Trigger, Window};
use proptest::prelude::*;
use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};

const fn ns(ns: u64) -> Duration {
    Duration::from_nanos(ns)
}

/// Instants near each other, near the ends, and anywhere.
fn instant() -> impl Strategy<Value = u64> {
    prop_oneof![
        6 => 0_u64..200,
        3 => 1_000_u64..1_100,
        1 => Just(0),
        1 => (0_u64..30).prop_map(|back| u64::MAX - back),
        1 => any::<u64>(),
    ]
}

fn away() -> impl Strategy<Value = Duration> {
    prop_oneof![
        3 => Just(Duration::ZERO),
        4 => (0_u64..100).prop_map(ns),
        1 => any::<u64>().prop_map(ns),
        1 => Just(Duration::MAX),
    ]
}

/// Half of the snapshots are taken soon after the latest instant.
fn taken_soon(mut rebase: Rebase, latest_ns: u64) -> Rebase {
    if rebase.taken_at_ns % 2 == 0 {
        rebase.taken_at_ns = latest_ns.saturating_add(rebase.taken_at_ns % 9);
    }
    rebase
}

fn rebase() -> impl Strategy<Value = Rebase> {
    (instant(), instant(), away()).prop_map(|(taken_at_ns, now_ns, away)| Rebase {
        taken_at_ns,
        now_ns,
        away,
    })
}

// ---- what is in the window

/// A window of `slices` slices of `len_ns`, as the sum over everything that was ever recorded.
#[derive(Clone, Copy, Debug)]
struct Grid {
    len_ns: u64,
    slices: u64,
}

impl Grid {
    /// Whether what was recorded at `at_ns`, before the rebase, still counts at `query_ns`, after it.
    fn counts(self, at_ns: u64, latest_ns: u64, rebase: Rebase, query_ns: u64) -> bool {
        let len = i128::from(self.len_ns);
        let away_ns = i128::try_from(rebase.away.as_nanos()).expect("below 2^94");
        // On the old clock: has it left by now?
        let now_there =
            (i128::from(latest_ns.max(rebase.taken_at_ns)) + away_ns).min(u64::MAX.into());
        let (current, slice) = (now_there / len, i128::from(at_ns) / len);
        let age = current - slice;
        // On the new clock: to what slice does the start of the current one move?
        let moved_ns =
            current * len - i128::from(rebase.taken_at_ns) + i128::from(rebase.now_ns) - away_ns;
        let moved = moved_ns.clamp(0, rebase.now_ns.into()) / len - age;
        let query = i128::from(query_ns) / len;
        age < self.slices.into() && moved >= 0 && query - moved < self.slices.into()
    }
}

fn grid() -> impl Strategy<Value = Grid> {
    (prop_oneof![4 => 1_u64..20, 1 => Just(1 << 59)], 1_u64..6)
        .prop_map(|(len_ns, slices)| Grid { len_ns, slices })
}

/// The instants as the machine sees them: time that runs backwards stands still.
fn monotone(times: &[u64]) -> Vec<u64> {
    times
        .iter()
        .scan(0, |latest, &at_ns| {
            *latest = at_ns.max(*latest);
            Some(*latest)
        })
        .collect()
}

fn breaker_policy(grid: Grid) -> BreakerPolicy {
    let open = BackoffPolicy::builder(ns(10));
    BreakerPolicy::builder(open, ns(5))
        .trigger(Trigger::Failures { failures: 1_000 })
        .trigger(Trigger::SlowRate {
            slower_than: ns(10),
            at_least: evenkeel_core::Ratio::ONE,
            min_calls: 1_000,
        })
        .window(Window::Time {
            span: ns(grid.len_ns * grid.slices),
            slices: u32::try_from(grid.slices).expect("few"),
        })
        .build()
        .expect("a policy")
}

/// A result in closed: failed if the instant is odd, slow if it is divisible by 3.
fn report(breaker: &mut Breaker, at_ns: u64) {
    let id = PermitId::from_words([breaker.generation(), 0]);
    let outcome = if at_ns % 2 == 1 {
        Outcome::Failure
    } else {
        Outcome::Success
    };
    let latency_ns = if at_ns % 3 == 0 { 11 } else { 10 };
    let mut rng = SplitMix64::seed_from_u64(1);
    let receipt = breaker.on_outcome(at_ns, Permit::from_id(id), outcome, latency_ns, &mut rng);
    assert!(!receipt.is_stale());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn a_breakers_window_holds_what_its_history_says(
        grid in grid(),
        times in proptest::collection::vec(instant(), 0..12),
        rebase in rebase(),
        later in proptest::collection::vec(0_u64..60, 1..4),
    ) {
        let mut breaker = Breaker::new(breaker_policy(grid));
        let times = monotone(&times);
        times.iter().for_each(|&at_ns| report(&mut breaker, at_ns));
        let latest_ns = times.last().copied().unwrap_or(0);
        let rebase = taken_soon(rebase, latest_ns);
        let mut here = Breaker::restore_rebased(*breaker.policy(), breaker.state(), rebase).expect("its own state");
        prop_assert_eq!(Breaker::restore(*here.policy(), here.state()), Ok(here.clone()));

        let mut now_ns = rebase.now_ns;
        let mut recorded = Vec::new();
        for step in later {
            now_ns = now_ns.saturating_add(step);
            let fresh = Grid::counts_fresh;
            let old = times.iter().filter(|&&at_ns| grid.counts(at_ns, latest_ns, rebase, now_ns));
            let new = recorded.iter().filter(|&&at_ns| fresh(grid, at_ns, now_ns));
            let live: Vec<u64> = old.chain(new).copied().collect();
            let of = |test: fn(&&u64) -> bool| live.iter().filter(test).count();
            let counts = here.window(now_ns);
            prop_assert_eq!(counts.calls as usize, live.len());
            prop_assert_eq!(counts.failures.map(|n| n as usize), Some(of(|at| **at % 2 == 1)));
            prop_assert_eq!(counts.slow.map(|n| n as usize), Some(of(|at| **at % 3 == 0)));
            report(&mut here, now_ns);
            recorded.push(now_ns);
            prop_assert_eq!(Breaker::restore(*here.policy(), here.state()), Ok(here.clone()));
        }
    }

    #[test]
    fn a_backoff_goes_on_as_if_its_life_had_been_on_the_new_clock(
        steps in proptest::collection::vec(0_u64..50, 1..8),
        taken in 0_u64..50,
        shift in 0_u64..1_000_000,
        down in any::<bool>(),
    ) {
        let policy = BackoffPolicy::builder(ns(10)).jitter(Jitter::Decorrelated).build().expect("a policy");
        let (from_ns, to_ns) = if down { (shift, 0) } else { (0, shift) };
        let mut rng = SplitMix64::seed_from_u64(shift);
        let (mut there, mut here) = (Backoff::new(policy), Backoff::new(policy));
        let mut now_ns = 0;
        for step in steps {
            now_ns += step;
            let mut same = rng.clone();
            let _ = there.next_wait(from_ns + now_ns, &mut rng);
            let _ = here.next_wait(to_ns + now_ns, &mut same);
        }
        let at = |origin_ns: u64| origin_ns + now_ns + taken;
        let rebase = Rebase { taken_at_ns: at(from_ns), now_ns: at(to_ns), away: Duration::ZERO };
        let moved = Backoff::restore_rebased(policy, there.state(), rebase);
        prop_assert_eq!(moved, Ok(here));
    }

    #[test]
    fn a_rebased_backoff_is_one_that_restores_and_waits_no_longer(
        times in proptest::collection::vec(instant(), 0..6),
        rebase in rebase(),
    ) {
        let policy = BackoffPolicy::builder(ns(10)).cap(ns(50)).build().expect("a policy");
        let mut rng = SplitMix64::seed_from_u64(3);
        let mut there = Backoff::new(policy);
        for at_ns in times {
            let _ = there.next_wait(at_ns, &mut rng);
        }
        let mut here = Backoff::restore_rebased(policy, there.state(), rebase).expect("its own state");
        prop_assert_eq!(Backoff::restore(policy, here.state()), Ok(here.clone()));
        if let Ok(wait) = here.next_wait(rebase.now_ns, &mut rng) {
            prop_assert!(wait.at_ns - rebase.now_ns <= 50, "the new clock stands at {}", rebase.now_ns);
        }
    }
}

impl Grid {
    fn counts_fresh(self, at_ns: u64, query_ns: u64) -> bool {
        query_ns / self.len_ns - at_ns / self.len_ns < self.slices
    }
}

#[cfg(feature = "alloc")]
mod rolling {
    use evenkeel_core::estimator::{RollingHistogram, RollingHistogramPolicy};

    use super::*;

    fn policy(grid: Grid) -> RollingHistogramPolicy {
        let slices = u32::try_from(grid.slices).expect("few");
        RollingHistogramPolicy::new(ns(grid.len_ns * grid.slices), slices, 2).expect("a policy")
    }

    fn after(grid: Grid, times: &[u64]) -> RollingHistogram {
        let mut rolling = RollingHistogram::new(policy(grid));
        for (value, &at_ns) in (1_u64..).zip(times) {
            rolling.record(at_ns, value * value);
        }
        rolling
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 1_000, ..ProptestConfig::default() })]

        #[test]
        fn it_holds_what_its_history_says(
            grid in grid(),
            times in proptest::collection::vec(instant(), 0..12),
            rebase in rebase(),
            later in proptest::collection::vec(0_u64..60, 1..4),
        ) {
            let times = monotone(&times);
            let there = after(grid, &times);
            let latest_ns = times.last().copied().unwrap_or(0);
            let rebase = taken_soon(rebase, latest_ns);
            let mut here = RollingHistogram::restore_rebased(policy(grid), there.state(), rebase).expect("its own state");
            prop_assert_eq!(RollingHistogram::restore(policy(grid), here.state()), Ok(here.clone()));

            let mut now_ns = rebase.now_ns;
            let mut recorded = Vec::new();
            for step in later {
                now_ns = now_ns.saturating_add(step);
                let old = (1_u64..).zip(&times).filter(|(_, at_ns)| grid.counts(**at_ns, latest_ns, rebase, now_ns));
                let old_sum: u128 = old.map(|(value, _)| u128::from(value * value)).sum();
                let new = recorded.iter().filter(|&&at_ns| grid.counts_fresh(at_ns, now_ns)).count();
                prop_assert_eq!(here.sum(now_ns), old_sum + 1_000 * new as u128);
                here.record(now_ns, 1_000);
                recorded.push(now_ns);
                prop_assert_eq!(RollingHistogram::restore(policy(grid), here.state()), Ok(here.clone()));
            }
        }

        /// By whole slices, with nobody away: the histogram whose values were recorded that much later or earlier.
        #[test]
        fn by_whole_slices_it_is_the_histogram_that_was_shifted(
            grid in grid().prop_filter("room for a shift", |grid| grid.len_ns < 100),
            times in proptest::collection::vec(0_u64..300, 1..12),
            (from, to) in (0_u64..50, 0_u64..50),
        ) {
            let times = monotone(&times);
            let shifted = |by: u64| -> Vec<u64> { times.iter().map(|at_ns| at_ns + by * grid.len_ns).collect() };
            let (there, here) = (after(grid, &shifted(from)), after(grid, &shifted(to)));
            let latest_ns = times[times.len() - 1];
            let rebase = Rebase {
                taken_at_ns: latest_ns + from * grid.len_ns,
                now_ns: latest_ns + to * grid.len_ns,
                away: Duration::ZERO,
            };
            prop_assert_eq!(RollingHistogram::restore_rebased(policy(grid), there.state(), rebase), Ok(here));
        }
    }

    #[test]
    fn a_clock_that_starts_at_0_keeps_the_current_slice_only() {
        let grid = Grid {
            len_ns: 10,
            slices: 4,
        };
        let there = after(grid, &[95, 105, 109, 112]);
        let rebase = Rebase {
            taken_at_ns: 115,
            now_ns: 0,
            away: Duration::ZERO,
        };
        let here = RollingHistogram::restore_rebased(policy(grid), there.state(), rebase)
            .expect("its own state");
        assert_eq!((here.count(0), here.count(39), here.count(40)), (1, 1, 0));
    }

    #[test]
    fn after_longer_away_than_the_window_looks_back_nothing_is_left() {
        let grid = Grid {
            len_ns: 10,
            slices: 4,
        };
        let there = after(grid, &[95, 105, 109, 112]);
        for (away, left) in [
            (0, 4),
            (14, 4),
            (15, 3),
            (24, 3),
            (25, 1),
            (34, 1),
            (35, 0),
            (u64::MAX, 0),
        ] {
            // Slices begin on the new clock as they do on the old one.
            for now_ns in [60, 1_000].map(|slice_ns| slice_ns + (115 + away % 10) % 10) {
                let rebase = Rebase {
                    taken_at_ns: 115,
                    now_ns,
                    away: ns(away),
                };
                let here = RollingHistogram::restore_rebased(policy(grid), there.state(), rebase)
                    .expect("its own state");
                assert_eq!(here.count(now_ns), left, "{away} ns away, until {now_ns}");
            }
        }
    }
}
