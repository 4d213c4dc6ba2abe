//! The retry ratio against a naive one that keeps every request and retry of the whole history and counts those in the
//! window anew for each answer. Laws L1, L2, L6, L7, L8, L10 and L12 at every step; and every word of six calls.

#[path = "common/slices.rs"]
mod slices;

use core::time::Duration;

use evenkeel_core::budget::{RetryCause, RetryRatio, RetryRatioPolicy, Withdrawal, WithdrawalId};
use evenkeel_core::{Ratio, Reported};
use proptest::prelude::*;

use slices::{MOST_SLICES, Time, time};

const CAUSE: RetryCause = RetryCause::Failure;

#[derive(Clone, Copy, Debug)]
enum Call {
    Request,
    Withdraw,
    /// Of the withdrawals that are held the one at this place.
    GiveBack(usize),
    /// What is given back again, or was never withdrawn: so many thousandths, from so many slices ahead.
    GiveForeign(u64, i64),
    Success,
    Restore,
}

fn step() -> impl Strategy<Value = (Time, Call)> {
    let call = prop_oneof![
        5 => Just(Call::Request),
        6 => Just(Call::Withdraw),
        2 => (0..4_usize).prop_map(Call::GiveBack),
        1 => (999..=1_001_u64, -6..3_i64).prop_map(|(milli, slices)| Call::GiveForeign(milli, slices)),
        1 => Just(Call::Success),
        1 => Just(Call::Restore),
    ];
    (time(), call)
}

fn built(parts: (Ratio, u32, u64, u32)) -> Option<RetryRatioPolicy> {
    let (ratio, floor, slice_ns, slices) = parts;
    let builder = RetryRatioPolicy::builder(ratio).floor_per_second(floor);
    let ttl = Duration::from_nanos(slice_ns * u64::from(slices));
    builder.ttl(ttl).slices(slices).build().ok()
}

fn policy() -> impl Strategy<Value = RetryRatioPolicy> {
    let ratio = (0..30_u32, 1..30_u32).prop_map(|(a, b)| Ratio::new(a, b).unwrap());
    let ratio = prop_oneof![ratio, Just(Ratio::new(u32::MAX, u32::MAX - 1).unwrap())];
    // A floor of some hundred millions a second is a few in a window of some nanoseconds.
    let floor = prop_oneof![Just(0), 0..400_000_000_u32, Just(u32::MAX)];
    let slices = prop_oneof![1..6_u32, Just(16), Just(MOST_SLICES)];
    let parts = (ratio, floor, 1..30_u64, slices);
    parts.prop_filter_map("refused by build()", built)
}

fn slice_ns(policy: &RetryRatioPolicy) -> u64 {
    u64::try_from(policy.ttl().as_nanos()).unwrap() / u64::from(policy.slices())
}

struct Naive {
    policy: RetryRatioPolicy,
    latest_ns: u64,
    /// The slices of all requests, and of all retries that were not given back.
    requests: Vec<u64>,
    retries: Vec<u64>,
}

impl Naive {
    fn is_in(&self, slice: u64, now_ns: u64) -> bool {
        let current = u128::from(now_ns / slice_ns(&self.policy));
        let slice = u128::from(slice);
        slice <= current && slice + u128::from(self.policy.slices()) > current
    }

    fn count(&self, slices: &[u64], now_ns: u64) -> u128 {
        slices
            .iter()
            .filter(|&&slice| self.is_in(slice, now_ns))
            .count() as u128
    }

    /// `requests * ratio + floor * ttl - retries`, times the ratio's denominator and a second: 0 below 0.
    fn left(&self, now_ns: u64) -> (u128, u128) {
        let ratio = self.policy.ratio();
        let (num, den) = (
            u128::from(ratio.numerator()),
            u128::from(ratio.denominator()),
        );
        let second = 1_000_000_000;
        let floor = u128::from(self.policy.floor_per_second()) * self.policy.ttl().as_nanos();
        let allowed = num * self.count(&self.requests, now_ns) * second + den * floor;
        let unit = den * second;
        (
            allowed.saturating_sub(unit * self.count(&self.retries, now_ns)),
            unit,
        )
    }

    fn allows(&self, now_ns: u64) -> bool {
        let (left, unit) = self.left(now_ns);
        left >= unit
    }

    fn next_yes_ns(&self) -> Option<u64> {
        let slice_ns = slice_ns(&self.policy);
        (1..=u64::from(self.policy.slices()))
            .map_while(|step| {
                (self.latest_ns / slice_ns)
                    .checked_add(step)?
                    .checked_mul(slice_ns)
            })
            .find(|&at_ns| self.allows(at_ns))
    }
}

struct Pair {
    naive: Naive,
    budget: RetryRatio,
    held: Vec<Withdrawal>,
    shift_ns: u64,
    shifted: RetryRatio,
}

impl Pair {
    fn new(policy: RetryRatioPolicy, shift: u64) -> Self {
        Self {
            naive: Naive {
                policy,
                latest_ns: 0,
                requests: Vec::new(),
                retries: Vec::new(),
            },
            budget: RetryRatio::new(policy),
            held: Vec::new(),
            shift_ns: shift * slice_ns(&policy),
            shifted: RetryRatio::new(policy),
        }
    }

    fn moved(&self, time: Time) -> u64 {
        let (latest_ns, slice_ns) = (self.naive.latest_ns, slice_ns(&self.naive.policy));
        time.at(latest_ns, slice_ns)
    }

    fn step(&mut self, now_ns: u64, call: Call) {
        let policy = self.naive.policy;
        let seen_ns = now_ns.max(self.naive.latest_ns);
        let (left, unit) = self.naive.left(seen_ns);
        let before = self.budget.clone();
        let room = u128::from(u32::MAX) - self.naive.count(&self.naive.retries, seen_ns);
        assert_eq!(
            u128::from(self.budget.retries_left(now_ns)),
            (left / unit).min(room)
        );
        assert_eq!(self.budget, before, "a query changes nothing");
        let tells = match call {
            Call::Restore => false,
            Call::GiveBack(place) => place < self.held.len(),
            _ => true,
        };
        if tells {
            self.naive.latest_ns = seen_ns;
        }
        match call {
            Call::Request => {
                self.budget.on_request(now_ns);
                self.shifted
                    .on_request(now_ns.saturating_add(self.shift_ns));
                self.naive.requests.push(seen_ns / slice_ns(&policy));
            }
            Call::Withdraw => self.withdraw(now_ns),
            Call::GiveBack(place) => {
                if place < self.held.len() {
                    let withdrawal = self.held.remove(place);
                    self.give_back(now_ns, withdrawal.id());
                }
            }
            Call::GiveForeign(milli, ahead) => {
                let slice = (seen_ns / slice_ns(&policy)).saturating_add_signed(ahead);
                self.give_back(now_ns, WithdrawalId::from_words([milli, slice]));
            }
            Call::Success => {
                self.budget.on_success(now_ns, None);
                let shifted_ns = now_ns.saturating_add(self.shift_ns);
                self.shifted.on_success(shifted_ns, None);
            }
            Call::Restore => {
                let restored = RetryRatio::restore(policy, self.budget.state());
                assert_eq!(restored.as_ref(), Ok(&self.budget));
                self.budget = restored.unwrap();
            }
        }
        let counts = (self.budget.requests(now_ns), self.budget.retries(now_ns));
        let counts = (u128::from(counts.0), u128::from(counts.1));
        let naive = &self.naive;
        assert_eq!(
            counts,
            (
                naive.count(&naive.requests, seen_ns),
                naive.count(&naive.retries, seen_ns)
            )
        );
    }

    fn withdraw(&mut self, now_ns: u64) {
        let seen_ns = self.naive.latest_ns;
        let slice = seen_ns / slice_ns(&self.naive.policy);
        let answer = self.budget.try_withdraw(now_ns, CAUSE);
        let again = self
            .shifted
            .try_withdraw(now_ns.saturating_add(self.shift_ns), CAUSE);
        assert_eq!(answer.is_ok(), self.naive.allows(seen_ns));
        if seen_ns < u64::MAX / 2 {
            assert_eq!(answer.is_ok(), again.is_ok(), "shifted");
        }
        match answer {
            Ok(withdrawal) => {
                assert_eq!(withdrawal.id(), WithdrawalId::from_words([1_000, slice]));
                self.naive.retries.push(slice);
                self.held.push(withdrawal);
            }
            Err(refused) => {
                let (left, unit) = self.naive.left(seen_ns);
                assert_eq!(u128::from(refused.reason.there_milli), left * 1_000 / unit);
                assert_eq!(refused.retry_at_ns, self.naive.next_yes_ns());
                let ask = |at_ns| self.budget.clone().try_withdraw(at_ns, CAUSE).is_ok();
                // One that has just been restored remembers no earlier answer.
                let restored = RetryRatio::restore(self.naive.policy, self.budget.state());
                let anew = restored.unwrap().try_withdraw(now_ns, CAUSE);
                assert_eq!(anew.unwrap_err(), refused);
                if let Some(at_ns) = refused.retry_at_ns {
                    assert!(ask(at_ns) && !ask(at_ns - 1), "{at_ns}");
                    let moved = again.err().and_then(|r| r.retry_at_ns);
                    if at_ns < u64::MAX / 2 {
                        assert_eq!(moved, Some(at_ns + self.shift_ns));
                    }
                }
            }
        }
    }

    fn give_back(&mut self, now_ns: u64, id: WithdrawalId) {
        let [milli, slice] = id.to_words();
        let naive = &mut self.naive;
        let at = naive.retries.iter().position(|&retry| retry == slice);
        let counts = milli == 1_000 && at.is_some() && naive.is_in(slice, naive.latest_ns);
        let reported = self.budget.give_back(now_ns, Withdrawal::from_id(id));
        let shift = self.shift_ns / slice_ns(&naive.policy);
        let moved = WithdrawalId::from_words([milli, slice.saturating_add(shift)]);
        let moved_ns = now_ns.saturating_add(self.shift_ns);
        let _ = self.shifted.give_back(moved_ns, Withdrawal::from_id(moved));
        if counts {
            assert_eq!(reported, Reported::Counted);
            naive.retries.remove(at.unwrap());
        } else {
            assert_eq!(reported, Reported::Stale);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn retries_stay_within_the_ratio(
        policy in policy(),
        steps in prop::collection::vec(step(), 1..80),
        to_the_end in any::<bool>(),
        shift in 0..1_000_u64,
    ) {
        let mut pair = Pair::new(policy, shift);
        let last = to_the_end.then_some([(Time::Last, Call::Request), (Time::Stay, Call::Withdraw)]);
        for (time, call) in steps.into_iter().chain(last.into_iter().flatten()) {
            let now_ns = pair.moved(time);
            pair.step(now_ns, call);
        }
    }
}

/// Ratios at which some requests and some retries weigh the same, and slices that see many of both: refusals that lack
/// a little or a lot, whose answers lie in one slice or another.
fn busy_policy() -> impl Strategy<Value = RetryRatioPolicy> {
    let ratio = (0..4_u32, 1..6_u32).prop_map(|(a, b)| Ratio::new(a, b).unwrap());
    let floor = prop_oneof![Just(0), 0..200_000_000_u32];
    let parts = (
        ratio,
        floor,
        20..60_u64,
        prop_oneof![2..6_u32, Just(MOST_SLICES)],
    );
    parts.prop_filter_map("refused by build()", built)
}

/// Some of a call at one instant, or a few.
fn burst() -> impl Strategy<Value = (Time, Call, u64)> {
    let time = prop_oneof![
        6 => Just(Time::Stay),
        2 => (0..40_u64).prop_map(Time::On),
        2 => Just(Time::Edge(0)),
    ];
    let call = prop_oneof![
        5 => Just(Call::Request),
        6 => Just(Call::Withdraw),
        2 => (0..4_usize).prop_map(Call::GiveBack),
    ];
    (time, call, 1..9_u64)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_refusal_that_was_worked_out_before_is_the_one_worked_out_anew(
        policy in busy_policy(),
        bursts in prop::collection::vec(burst(), 1..80),
    ) {
        let mut pair = Pair::new(policy, 3);
        for (time, call, times) in bursts {
            let now_ns = pair.moved(time);
            for _ in 0..times {
                pair.step(now_ns, call);
            }
        }
    }
}

#[test]
fn every_word_of_six_calls() {
    let calls = [
        (Time::Stay, Call::Request),
        (Time::Stay, Call::Withdraw),
        (Time::On(2), Call::Withdraw),
        (Time::Edge(0), Call::Request),
        (Time::On(1), Call::GiveBack(0)),
        (Time::Edge(-1), Call::Withdraw),
    ];
    let nanoseconds = |ratio, floor, ns, slices| {
        RetryRatioPolicy::builder(ratio)
            .floor_per_second(floor)
            .ttl(Duration::from_nanos(ns))
            .slices(slices)
            .build()
            .unwrap()
    };
    for policy in [
        nanoseconds(Ratio::percent(50), 0, 6, 3),
        // Two and a half in four nanoseconds.
        nanoseconds(Ratio::new(1, 3).unwrap(), 625_000_000, 4, 2),
    ] {
        for word in 0..6_usize.pow(6) {
            let mut pair = Pair::new(policy, 5);
            let mut rest = word;
            for _ in 0..6 {
                let (time, call) = calls[rest % 6];
                rest /= 6;
                let now_ns = pair.moved(time);
                pair.step(now_ns, call);
            }
        }
    }
}
