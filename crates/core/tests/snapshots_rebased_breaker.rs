//! A breaker taken over by a process whose clock starts elsewhere goes on as one that was there all along, but for the
//! calls in flight: these are gone.

#[path = "breaker_common/mod.rs"]
mod breaker_common;

use core::time::Duration;

use evenkeel_core::Rebase;
use evenkeel_core::breaker::{
    Breaker, Health, Mode, Outcome, Permit, PermitId, Phase, Receipt, Transition, Transitions,
    Trigger,
};
use proptest::prelude::*;

use breaker_common::pair::{Call, Real, What};
use breaker_common::plan::Plan;
use breaker_common::strategies::{cases, script};
use breaker_common::words::Words;

/// Beyond this a deadline may not exist any more: saturation is not shifted.
const FAR_NS: u64 = 1 << 60;

/// The calls, all `origin_ns` later.
fn later(calls: &[Call], origin_ns: u64) -> Vec<Call> {
    let shift = |mut call: Call| {
        call.now_ns = call.now_ns.saturating_add(origin_ns);
        if let What::Report { outcome, .. } | What::Foreign { outcome, .. } = &mut call.what {
            if let Outcome::Overloaded {
                retry_at_ns: Some(at_ns),
            } = outcome
            {
                *at_ns = at_ns.saturating_add(origin_ns);
            }
        }
        call
    };
    calls.iter().copied().map(shift).collect()
}

fn after(plan: &Plan, calls: &[Call]) -> Real {
    let mut real = Real::new(plan, 1);
    let mut strange = Real::new(plan, 2);
    for call in calls {
        let _ = strange.call(call, &real.permits);
        let _ = real.call(call, &strange.permits);
    }
    real
}

fn clock_ns(calls: &[Call]) -> u64 {
    calls.iter().map(|call| call.now_ns).max().unwrap_or(0)
}

/// One breaker on the old clock and its successor on the new one, which is ahead by `ahead_ns`.
struct Both {
    there: Breaker,
    here: Breaker,
    ahead_ns: i128,
    /// The successor has seen the change of clock, too.
    generations: u64,
    permits: Vec<(PermitId, PermitId)>,
}

impl Both {
    fn here_ns(&self, at_ns: u64) -> u64 {
        u64::try_from(i128::from(at_ns) + self.ahead_ns).expect("far from both ends")
    }

    fn moved(&self, made: Transitions) -> Vec<Transition> {
        let shift = |made: Transition| Transition {
            at_ns: self.here_ns(made.at_ns),
            generation: made.generation + self.generations,
            ..made
        };
        made.into_iter().map(shift).collect()
    }

    fn compare(&self, now_ns: u64) {
        let (there, here) = (&self.there, &self.here);
        let moved = |at_ns: Option<u64>| at_ns.map(|at_ns| self.here_ns(at_ns));
        assert_eq!(moved(there.next_deadline_ns()), here.next_deadline_ns());
        assert_eq!(there.generation() + self.generations, here.generation());
        assert_eq!(there.mode(), here.mode());
        assert_eq!(there.consecutive_opens(), here.consecutive_opens());
        assert_eq!(there.consecutive_failures(), here.consecutive_failures());
        for at_ns in [now_ns, now_ns + 1, now_ns + 7, now_ns + 200] {
            let then_ns = self.here_ns(at_ns);
            assert_eq!(there.phase(at_ns), here.phase(then_ns));
            assert_eq!(there.window(at_ns), here.window(then_ns));
            let [old, new] = [there.peek(at_ns), here.peek(then_ns)]
                .map(|answer| answer.map_err(|no| (no.reason, no.retry_at_ns)));
            assert_eq!(old.map_err(|(reason, at_ns)| (reason, moved(at_ns))), new);
        }
    }

    fn step(&mut self, now_ns: u64, words: &mut Words) {
        let then_ns = self.here_ns(now_ns);
        let (choice, pick, latency_ns) = (words.next() % 20, words.next(), words.next() % 14);
        let mut same = words.clone();
        match choice {
            0..=7 => self.ask(now_ns, words, &mut same),
            8..=15 if !self.permits.is_empty() => {
                let at = usize::try_from(pick % 64).expect("small") % self.permits.len();
                let (old, new) = self.permits[at];
                let outcome = match pick % 7 {
                    0..=2 => Outcome::Success,
                    3..=4 => Outcome::Failure,
                    5 => Outcome::Ignored,
                    _ => Outcome::Overloaded { retry_at_ns: None },
                };
                let [old, new] = [Permit::from_id(old), Permit::from_id(new)];
                let told = self
                    .there
                    .on_outcome(now_ns, old, outcome, latency_ns, words);
                let tells = self
                    .here
                    .on_outcome(then_ns, new, outcome, latency_ns, &mut same);
                assert_eq!(kind(told), kind(tells));
                assert_eq!(self.moved(told.transitions()), list(tells.transitions()));
            }
            16 => {
                let health = if pick % 3 == 0 {
                    Health::Down
                } else {
                    Health::Up
                };
                let (told, tells) = (
                    self.there.on_health(now_ns, health),
                    self.here.on_health(then_ns, health),
                );
                assert_eq!(self.moved(told), list(tells));
            }
            17 => {
                let mode = [
                    Mode::Normal,
                    Mode::Observe,
                    Mode::ForcedOpen,
                    Mode::ForcedClosed,
                ][usize::try_from(pick % 4).expect("small")];
                for mode in [mode, Mode::Normal] {
                    let (told, tells) = (
                        self.there.set_mode(now_ns, mode),
                        self.here.set_mode(then_ns, mode),
                    );
                    assert_eq!(self.moved(told), list(tells));
                }
            }
            _ => {
                let (told, tells) = (self.there.poll(now_ns), self.here.poll(then_ns));
                assert_eq!(self.moved(told), list(tells));
            }
        }
        assert_eq!(words.drawn(), same.drawn(), "the words of {choice}");
        self.compare(now_ns);
        let (policy, state) = (*self.here.policy(), self.here.state());
        assert_eq!(Breaker::restore(policy, state).as_ref(), Ok(&self.here));
    }

    fn ask(&mut self, now_ns: u64, words: &mut Words, same: &mut Words) {
        let then_ns = self.here_ns(now_ns);
        let told = self.there.try_acquire(now_ns, words);
        match (told, self.here.try_acquire(then_ns, same)) {
            (Ok(old), Ok(new)) => {
                assert_eq!(self.moved(old.transitions), list(new.transitions));
                assert_eq!(old.would_refuse.is_some(), new.would_refuse.is_some());
                let ids = (old.permit.id(), new.permit.id());
                assert_eq!(ids.0.is_probe(), ids.1.is_probe());
                self.permits.push(ids);
            }
            (Err(old), Err(new)) => {
                assert_eq!(self.moved(old.transitions), list(new.transitions));
                assert_eq!(old.reason(), new.reason());
                let moved = old.retry_at_ns().map(|at_ns| self.here_ns(at_ns));
                assert_eq!(moved, new.retry_at_ns());
            }
            (old, new) => panic!("there {old:?}, here {new:?}"),
        }
    }
}

fn list(made: Transitions) -> Vec<Transition> {
    made.into_iter().collect()
}

fn kind(receipt: Receipt) -> &'static str {
    match receipt {
        Receipt::Counted(_) => "counted",
        Receipt::Released(_) => "released",
        _ => "stale",
    }
}

proptest! {
    #![proptest_config(cases(400))]

    /// Law: with nobody away and clocks that differ by whole slices, the successor is the breaker itself, in which all
    /// probes still in flight gave their place back. When the old one noticed what had fallen due does not matter.
    #[test]
    fn it_goes_on_as_the_one_that_was_there_all_along(
        (plan, calls) in script(0..60),
        (origin, to) in (0_u64..40, 0_u64..40),
        rest in prop_oneof![Just(0), 0_u64..30],
        seed in any::<u64>(),
    ) {
        let unit_ns = plan.slice_ns().unwrap_or(1).min(FAR_NS / 40);
        if clock_ns(&calls) >= FAR_NS || plan.slice_ns().is_some_and(|slice_ns| slice_ns != unit_ns) {
            return Ok(()); // the end of time is near
        }
        let calls = later(&calls, origin * unit_ns);
        let old = after(&plan, &calls);
        let taken_at_ns = clock_ns(&calls).max(origin * unit_ns) + rest;
        let now_ns = taken_at_ns - origin * unit_ns + to * unit_ns;
        let rebase = Rebase { taken_at_ns, now_ns, away: Duration::ZERO };
        let here = Breaker::restore_rebased(*old.breaker.policy(), old.breaker.state(), rebase).expect("its own state");
        let ahead_ns = i128::from(now_ns) - i128::from(taken_at_ns);
        let mut both = Both { there: old.breaker, here, ahead_ns, generations: 1, permits: Vec::new() };

        let mut words = Words::of(seed);
        for id in old.permits.into_iter().filter(PermitId::is_probe) {
            let _ = both.there.on_outcome(taken_at_ns, Permit::from_id(id), Outcome::Ignored, 0, &mut words);
        }
        let _ = (both.there.poll(taken_at_ns), both.here.poll(now_ns));
        both.compare(taken_at_ns);
        let mut at_ns = taken_at_ns;
        for _ in 0..60 {
            let deadline_ns = both.there.next_deadline_ns().filter(|&deadline_ns| deadline_ns < FAR_NS * 2);
            at_ns = match words.next() % 6 {
                0 | 1 => at_ns,
                2 => deadline_ns.unwrap_or(at_ns).max(at_ns),
                3 => at_ns + 1,
                4 => at_ns + 30,
                _ => at_ns + words.next() % 12,
            };
            both.step(at_ns, &mut words);
        }
    }

    /// Wherever the clocks stand: what comes out restores, holds nothing that is to come, waits no longer than the policy
    /// allows, knows no permit given before, and comes back to closed.
    #[test]
    fn wherever_the_new_clock_stands_it_keeps_its_promises(
        (plan, calls) in script(0..60),
        rebase in rebase(),
        seed in any::<u64>(),
    ) {
        let old = after(&plan, &calls);
        let policy = *old.breaker.policy();
        let mut here = Breaker::restore_rebased(policy, old.breaker.state(), rebase).expect("its own state");
        let stored = here.state();
        prop_assert_eq!(Breaker::restore(policy, stored.clone()).map(|again| again.state()), Ok(stored));
        prop_assert_eq!(here.generation(), old.breaker.generation() + 1);

        let now_ns = rebase.now_ns;
        let longest_ns = plan.cap_ns.unwrap_or(1 << 63).max(plan.advisory_cap_ns.unwrap_or(0));
        let deadline_ns = here.next_deadline_ns().unwrap_or(0);
        prop_assert!(deadline_ns.saturating_sub(now_ns) <= longest_ns.max(plan.probe_timeout_ns));

        let mut words = Words::of(seed);
        let mut polled = here.clone();
        let _ = polled.poll(now_ns);
        for id in old.permits {
            let mut told = here.clone();
            prop_assert!(told.on_outcome(now_ns, Permit::from_id(id), Outcome::Failure, 9, &mut words).is_stale());
            prop_assert_eq!(told.phase(now_ns), polled.phase(now_ns));
            prop_assert_eq!(told.window(now_ns), polled.window(now_ns));
        }
        comes_back(&mut here, now_ns, &mut words);
    }
}

fn rebase() -> impl Strategy<Value = Rebase> {
    let instant = || {
        prop_oneof![
            5 => 0_u64..150,
            2 => Just(0),
            1 => (0_u64..30).prop_map(|back| u64::MAX - back),
            1 => any::<u64>(),
        ]
    };
    let away = prop_oneof![
        3 => Just(Duration::ZERO),
        3 => (0_u64..100).prop_map(Duration::from_nanos),
        1 => any::<u64>().prop_map(Duration::from_nanos),
        1 => Just(Duration::MAX),
    ];
    (instant(), instant(), away).prop_map(|(taken_at_ns, now_ns, away)| Rebase {
        taken_at_ns,
        now_ns,
        away,
    })
}

/// By waiting as it says and succeeding, if the clock does not end first.
fn comes_back(breaker: &mut Breaker, now_ns: u64, words: &mut Words) {
    let mut at_ns = now_ns;
    let _ = breaker.set_mode(at_ns, Mode::Normal);
    let _ = breaker.on_health(at_ns, Health::Up);
    for _ in 0..64 {
        match breaker.try_acquire(at_ns, words) {
            Err(refused) => match refused.retry_at_ns() {
                Some(retry_at_ns) => at_ns = retry_at_ns,
                None => {
                    assert!(at_ns > 1 << 61, "held for good: {:?}", breaker.state());
                    return;
                }
            },
            Ok(grant) => {
                let _ = breaker.on_outcome(at_ns, grant.permit, Outcome::Success, 0, words);
                if breaker.phase(at_ns) == Phase::Closed {
                    return;
                }
            }
        }
    }
    panic!("wedged: {:?}", breaker.state());
}

// ---- facts by name

/// Two trials of which one must pass, two at a time; open for 10 ns, a probe's place lasts 6 ns.
fn half_open(at_ns: u64) -> (Plan, Breaker, [PermitId; 2]) {
    let mut plan = Plan::small(Trigger::Consecutive { failures: 1 });
    (plan.max_in_flight, plan.trials, plan.successes) = (2, 3, 2);
    let mut breaker = Breaker::new(plan.build().expect("a policy"));
    let mut words = Words::of(1);
    let mut ask = |breaker: &mut Breaker, at_ns| {
        let grant = breaker.try_acquire(at_ns, &mut words).expect("room");
        grant.permit
    };
    let call = ask(&mut breaker, at_ns);
    let _ = breaker.on_outcome(at_ns, call, Outcome::Failure, 0, &mut Words::of(1));
    let probes = [at_ns + 10, at_ns + 12].map(|at_ns| ask(&mut breaker, at_ns).id());
    (plan, breaker, probes)
}

fn moved(breaker: &Breaker, taken_at_ns: u64, now_ns: u64, away_ns: u64) -> Breaker {
    let away = Duration::from_nanos(away_ns);
    let rebase = Rebase {
        taken_at_ns,
        now_ns,
        away,
    };
    Breaker::restore_rebased(*breaker.policy(), breaker.state(), rebase).expect("its own state")
}

#[test]
fn places_of_probes_in_flight_are_free_and_count_for_nothing() {
    let (_, breaker, probes) = half_open(1_000);
    let mut words = Words::of(1);
    assert!(breaker.peek(1_013).is_err(), "both places are taken");
    let mut here = moved(&breaker, 1_013, 0, 0);
    for probe in probes {
        let receipt = here.on_outcome(0, Permit::from_id(probe), Outcome::Failure, 0, &mut words);
        assert!(receipt.is_stale());
    }
    // Two may go out again, and two that pass close it: nothing has failed.
    let two = [(); 2].map(|()| {
        here.try_acquire(0, &mut words)
            .expect("a free place")
            .permit
    });
    assert!(here.try_acquire(0, &mut words).is_err());
    for permit in two {
        let _ = here.on_outcome(3, permit, Outcome::Success, 0, &mut words);
    }
    assert_eq!(here.phase(3), Phase::Closed);
    assert_eq!(here.stats(3).lost, 0);
}

#[test]
fn a_probe_that_was_lost_before_the_snapshot_stays_lost() {
    // The first probe's place ended at 1 016; nobody asked the breaker since.
    let (_, breaker, _) = half_open(1_000);
    for (taken_at_ns, lost) in [(1_015, 0), (1_016, 1), (1_017, 1), (1_018, 2), (1_500, 2)] {
        let here = moved(&breaker, taken_at_ns, 700, 0);
        assert_eq!(here.stats(700).lost, lost, "taken at {taken_at_ns}");
        // Two lost ones are one too many: they re-opened it at 1 018.
        let phase = if taken_at_ns == 1_018 {
            Phase::Open
        } else {
            Phase::HalfOpen
        };
        assert_eq!(here.phase(700), phase, "taken at {taken_at_ns}");
    }
    let mut here = moved(&breaker, 1_018, 700, 0);
    let reopened = here
        .poll(700)
        .last()
        .expect("it was lost at 1 018, which is 700 here");
    assert_eq!((reopened.at_ns, reopened.to), (700, Phase::Open));
    assert_eq!(here.next_deadline_ns(), Some(710));
}

#[test]
fn a_call_from_before_never_counts_in_any_phase() {
    let plan = Plan::small(Trigger::Consecutive { failures: 1 });
    let mut closed = Breaker::new(plan.build().expect("a policy"));
    let mut words = Words::of(1);
    let permit = closed.try_acquire(50, &mut words).expect("closed").permit;
    let mut here = moved(&closed, 50, 50, 0);
    assert_eq!((here.generation(), here.phase(50)), (1, Phase::Closed));
    assert!(
        here.on_outcome(50, permit, Outcome::Failure, 0, &mut words)
            .is_stale()
    );
    assert_eq!(here.phase(50), Phase::Closed);
}

#[test]
fn an_open_wait_has_as_much_left_as_it_had() {
    let mut plan = Plan::small(Trigger::Consecutive { failures: 1 });
    (plan.base_ns, plan.cap_ns) = (1_000, Some(1_000));
    let mut breaker = Breaker::new(plan.build().expect("a policy"));
    let mut words = Words::of(1);
    let permit = breaker
        .try_acquire(5_000, &mut words)
        .expect("closed")
        .permit;
    let _ = breaker.on_outcome(5_000, permit, Outcome::Failure, 0, &mut words);
    for (now_ns, away_ns, end_ns) in [
        (0, 0, 900),
        (70, 0, 970),
        (70, 300, 670),
        (70, 5_000, 0),
        (1 << 40, 0, (1 << 40) + 900),
        (1 << 40, 1_000, (1 << 40) - 100),
        (u64::MAX, 2_000, u64::MAX - 1_100),
    ] {
        let here = moved(&breaker, 5_100, now_ns, away_ns);
        assert_eq!(here.next_deadline_ns(), Some(end_ns), "{now_ns} {away_ns}");
    }
    assert_eq!(moved(&breaker, 5_100, u64::MAX, 0).next_deadline_ns(), None);
    // A snapshot that claims to be from before what it saw is held no longer than the policy allows.
    assert_eq!(moved(&breaker, 10, 20, 0).next_deadline_ns(), Some(1_020));
}

#[test]
fn a_wait_that_could_not_end_on_the_old_clock_ends_on_the_new_one() {
    let mut plan = Plan::small(Trigger::Consecutive { failures: 1 });
    plan.base_ns = 1_000;
    let mut breaker = Breaker::new(plan.build().expect("a policy"));
    let mut words = Words::of(1);
    let permit = breaker
        .try_acquire(u64::MAX - 7, &mut words)
        .expect("closed")
        .permit;
    let _ = breaker.on_outcome(u64::MAX - 7, permit, Outcome::Failure, 0, &mut words);
    assert_eq!(breaker.next_deadline_ns(), None);
    assert_eq!(
        moved(&breaker, u64::MAX, 50, 0).next_deadline_ns(),
        Some(1_043)
    );
}
