//! The token bucket against a naive one, whose balance is an exact fraction worked out from the whole history: each
//! step adds the refill of the time since the step before, bounded by the capacity, then does what the call says. Laws
//! L1, L2, L6, L7, L8 and L12 at every step; and every word of six calls over small buckets.

use core::time::Duration;

use evenkeel_core::Reported;
use evenkeel_core::budget::{
    AllowedWhen, RetryCause, RetryTokens, RetryTokensPolicy, Withdrawal, WithdrawalId,
};
use proptest::prelude::*;

const CAUSES: [RetryCause; 3] = [
    RetryCause::Failure,
    RetryCause::Timeout,
    RetryCause::Throttled,
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Withdraw(usize),
    Request,
    /// With the last withdrawal that is still held, if there is one.
    RetriedSuccess,
    CleanSuccess,
    GiveBack,
    /// A withdrawal of another budget.
    GiveForeign(u64, u64),
    Ask,
}

#[derive(Clone, Copy, Debug)]
enum Time {
    Stay,
    On(u64),
    Back(u64),
    /// To the instant that the last refusal named, or a nanosecond before.
    Named(bool),
    Last,
}

/// A balance in thousandths times the span of the refill.
struct Naive {
    policy: RetryTokensPolicy,
    latest_ns: Option<u64>,
    balance: u128,
}

impl Naive {
    fn new(policy: RetryTokensPolicy) -> Self {
        let balance = u128::from(policy.initial_milli()) * policy.refill_per().as_nanos();
        Self {
            policy,
            latest_ns: None,
            balance,
        }
    }

    fn part(&self) -> u128 {
        self.policy.refill_per().as_nanos()
    }

    fn full(&self) -> u128 {
        u128::from(self.policy.capacity_milli()) * self.part()
    }

    fn at(&self, now_ns: u64) -> u128 {
        let elapsed = now_ns.saturating_sub(self.latest_ns.unwrap_or(now_ns));
        let refill = u128::from(elapsed) * u128::from(self.policy.refill_milli());
        self.balance.saturating_add(refill).min(self.full())
    }

    fn whole(&self, now_ns: u64) -> u64 {
        u64::try_from(self.at(now_ns) / self.part()).unwrap()
    }

    fn advance(&mut self, now_ns: u64) {
        self.balance = self.at(now_ns);
        self.latest_ns = Some(now_ns.max(self.latest_ns.unwrap_or(0)));
    }

    fn add(&mut self, milli: u64) {
        self.balance = (self.balance + u128::from(milli) * self.part()).min(self.full());
    }

    fn above_half(&self) -> bool {
        self.policy.allowed_when() == AllowedWhen::AboveHalf
    }

    /// Whether a retry of this cost is allowed, and how much it then takes.
    fn withdraw(&mut self, cost_milli: u64) -> bool {
        let cost = u128::from(cost_milli) * self.part();
        if self.above_half() {
            self.balance = self.balance.saturating_sub(cost);
            let whole = self.balance / self.part();
            let enough = 2 * whole > u128::from(self.policy.capacity_milli());
            // Below the cost the balance is nothing, and nothing is not above half.
            return enough;
        }
        let covered = self.balance >= cost && self.policy.capacity_milli() > 0;
        if covered {
            self.balance -= cost;
        }
        covered
    }
}

fn amount() -> impl Strategy<Value = u64> {
    prop_oneof![0..12_u64, Just(1_000), Just(1 << 62), (0..1_u64 << 62)]
}

fn policy() -> impl Strategy<Value = RetryTokensPolicy> {
    let capacity = prop_oneof![0..40_u64, Just(1_u64 << 62), 0..1_u64 << 62];
    let costs = [amount(), amount(), amount()];
    let gains = [amount(), amount(), amount()];
    let per = prop_oneof![1..20_u64, Just(1_000_000_000), Just(1_u64 << 62)];
    let parts = (
        capacity,
        any::<u64>(),
        costs,
        gains,
        per,
        any::<[bool; 2]>(),
    );
    parts.prop_filter_map(
        "refused by build()",
        |(capacity, initial, costs, gains, per, [refund, half])| {
            let rule = if half {
                AllowedWhen::AboveHalf
            } else {
                AllowedWhen::CoversCost
            };
            RetryTokensPolicy::builder(capacity)
                .initial_milli(initial % (capacity + 1))
                .failure_cost_milli(costs[0])
                .timeout_cost_milli(costs[1])
                .throttled_cost_milli(costs[2])
                .credit_milli(gains[0])
                .deposit_milli(gains[1])
                .refill_milli(gains[2])
                .refill_per(Duration::from_nanos(per))
                .refund(refund && !half)
                .allowed_when(rule)
                .build()
                .ok()
        },
    )
}

fn step() -> impl Strategy<Value = (Time, Call)> {
    let time = prop_oneof![
        4 => Just(Time::Stay),
        4 => (0..30_u64).prop_map(Time::On),
        1 => (0..=u64::MAX).prop_map(Time::On),
        2 => (0..60_u64).prop_map(Time::Back),
        3 => any::<bool>().prop_map(Time::Named),
        1 => Just(Time::Last),
    ];
    let call = prop_oneof![
        6 => (0..3_usize).prop_map(Call::Withdraw),
        2 => Just(Call::Request),
        2 => Just(Call::RetriedSuccess),
        1 => Just(Call::CleanSuccess),
        2 => Just(Call::GiveBack),
        1 => (amount(), 0..2_u64).prop_map(|(amount, slice)| Call::GiveForeign(amount, slice)),
        1 => Just(Call::Ask),
    ];
    (time, call)
}

/// Both, side by side.
struct Pair {
    naive: Naive,
    tokens: RetryTokens,
    held: Vec<Withdrawal>,
    named_ns: Option<u64>,
}

impl Pair {
    fn new(policy: RetryTokensPolicy) -> Self {
        Self {
            naive: Naive::new(policy),
            tokens: RetryTokens::new(policy),
            held: Vec::new(),
            named_ns: None,
        }
    }

    fn moved(&self, time: Time) -> u64 {
        let latest_ns = self.naive.latest_ns.unwrap_or(0);
        match time {
            Time::Stay => latest_ns,
            Time::On(ns) => latest_ns.saturating_add(ns),
            Time::Back(ns) => latest_ns.saturating_sub(ns),
            Time::Named(exact) => self.named_ns.map_or(latest_ns, |at_ns| {
                if exact {
                    at_ns
                } else {
                    at_ns.saturating_sub(1)
                }
            }),
            Time::Last => u64::MAX,
        }
    }

    fn step(&mut self, now_ns: u64, call: Call) {
        let (naive, tokens) = (&mut self.naive, &mut self.tokens);
        let policy = naive.policy;
        let seen_ns = now_ns.max(naive.latest_ns.unwrap_or(0));
        assert_eq!(tokens.balance_milli(now_ns), naive.whole(seen_ns));
        if call == Call::Ask || (call == Call::GiveBack && self.held.is_empty()) {
            return;
        }
        naive.advance(seen_ns);
        match call {
            Call::Withdraw(cause) => self.withdraw(now_ns, CAUSES[cause]),
            Call::Request => {
                tokens.on_request(now_ns);
                naive.add(policy.deposit_milli());
            }
            Call::RetriedSuccess => {
                let withdrawal = self.held.pop();
                let paid = withdrawal.as_ref().map(|w| w.id().amount_milli());
                tokens.on_success(now_ns, withdrawal);
                naive.add(match paid {
                    Some(paid) if policy.refund() => paid,
                    _ => policy.credit_milli(),
                });
            }
            Call::CleanSuccess => {
                tokens.on_success(now_ns, None);
                naive.add(policy.credit_milli());
            }
            Call::GiveBack => {
                if let Some(withdrawal) = self.held.pop() {
                    let paid = withdrawal.id().amount_milli();
                    let reported = tokens.give_back(now_ns, withdrawal);
                    assert_eq!(reported.is_stale(), naive.above_half());
                    naive.add(paid);
                }
            }
            Call::GiveForeign(amount, slice) => {
                let foreign = Withdrawal::from_id(WithdrawalId::from_words([amount, slice]));
                let before = tokens.balance_milli(now_ns);
                let reported = tokens.give_back(now_ns, foreign);
                let possible = CAUSES
                    .map(|cause| policy.cost_milli(cause))
                    .contains(&amount);
                if possible && slice == 0 && !naive.above_half() {
                    assert_eq!(reported, Reported::Counted);
                    naive.add(amount);
                } else {
                    assert_eq!(reported, Reported::Stale);
                    assert_eq!(tokens.balance_milli(now_ns), before);
                }
            }
            Call::Ask => {}
        }
        assert_eq!(self.tokens.balance_milli(0), self.naive.whole(seen_ns));
        assert!(self.tokens.balance_milli(0) <= policy.capacity_milli());
        let restored = RetryTokens::restore(policy, self.tokens.state());
        assert_eq!(restored.as_ref(), Ok(&self.tokens));
    }

    fn withdraw(&mut self, now_ns: u64, cause: RetryCause) {
        let policy = self.naive.policy;
        let cost = policy.cost_milli(cause);
        let before = self.naive.whole(now_ns);
        let allowed = self.naive.withdraw(cost);
        match self.tokens.try_withdraw(now_ns, cause) {
            Ok(withdrawal) => {
                assert!(allowed, "withdrawn from {before}");
                let paid = if self.naive.above_half() { 0 } else { cost };
                assert_eq!(withdrawal.id(), WithdrawalId::from_words([paid, 0]));
                self.held.push(withdrawal);
            }
            Err(refused) => {
                assert!(!allowed, "refused at {before}");
                assert_eq!(refused.reason.there_milli, before);
                assert!(before < refused.reason.needed_milli || policy.capacity_milli() == 0);
                self.named_ns = refused.retry_at_ns;
                let ask = |at_ns| self.tokens.clone().try_withdraw(at_ns, cause).is_ok();
                match refused.retry_at_ns {
                    // Exactly the first instant.
                    Some(at_ns) => assert!(ask(at_ns) && !ask(at_ns - 1), "{at_ns}"),
                    None => assert!(!ask(u64::MAX)),
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 800, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_bucket_holds_what_its_history_left(
        policy in policy(),
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut pair = Pair::new(policy);
        for (time, call) in steps {
            let now_ns = pair.moved(time);
            pair.step(now_ns, call);
        }
    }

    #[test]
    fn the_origin_of_time_does_not_matter(
        policy in policy(),
        steps in prop::collection::vec((0..40_u64, 0..3_usize, any::<bool>()), 1..40),
        origin_ns in 0..=u64::MAX / 2,
    ) {
        let (mut one, mut other) = (RetryTokens::new(policy), RetryTokens::new(policy));
        let mut now_ns = 0;
        for (ns, cause, succeeds) in steps {
            now_ns += ns;
            if succeeds {
                one.on_success(now_ns, None);
                other.on_success(origin_ns + now_ns, None);
            }
            let (a, b) = (
                one.try_withdraw(now_ns, CAUSES[cause]),
                other.try_withdraw(origin_ns + now_ns, CAUSES[cause]),
            );
            let moved = a.as_ref().err().and_then(|r| r.retry_at_ns?.checked_add(origin_ns));
            prop_assert_eq!(b.as_ref().err().and_then(|r| r.retry_at_ns), moved);
            prop_assert_eq!(a.is_ok(), b.is_ok());
            prop_assert_eq!(one.balance_milli(now_ns), other.balance_milli(origin_ns + now_ns));
        }
    }
}

#[test]
fn every_word_of_six_calls() {
    let small = RetryTokensPolicy::builder(5).failure_cost_milli(2);
    let small = small
        .timeout_cost_milli(3)
        .throttled_cost_milli(7)
        .credit_milli(1);
    let policies = [
        small,
        small.refund(true).deposit_milli(1).initial_milli(1),
        small.refill_milli(2).refill_per(Duration::from_nanos(3)),
        small
            .allowed_when(AllowedWhen::AboveHalf)
            .failure_cost_milli(1)
            .timeout_cost_milli(1),
    ];
    let calls = [
        (0, Call::Withdraw(0)),
        (1, Call::Withdraw(1)),
        (0, Call::Withdraw(2)),
        (0, Call::RetriedSuccess),
        (1, Call::GiveBack),
        (2, Call::Request),
    ];
    for builder in policies {
        let policy = builder.build().unwrap();
        for word in 0..6_usize.pow(6) {
            let mut pair = Pair::new(policy);
            let mut rest = word;
            for _ in 0..6 {
                let (ns, call) = calls[rest % 6];
                rest /= 6;
                let now_ns = pair.moved(Time::On(ns));
                pair.step(now_ns, call);
            }
        }
    }
}
