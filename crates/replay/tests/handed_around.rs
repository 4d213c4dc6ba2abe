//! Recorders where a machine was: under an operator's hands, borrowed by a retry that is not recorded itself, fed by a
//! generator of any kind. What they did comes out again.
#![cfg(feature = "std")]

mod recorded;

use core::time::Duration;

use evenkeel_core::Ratio;
use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::breaker::{Breaker, BreakerPolicy, Health, Mode, Outcome, Phase, Trigger};
use evenkeel_core::budget::{RetryCause, RetryRatio, RetryRatioPolicy};
use evenkeel_core::budget::{RetryTokens, RetryTokensPolicy};
use evenkeel_core::retry::{
    AttemptOutcome, BreakerGate, End, Parts, Retry, RetryAction, RetryBudget, RetryPolicy,
};
use evenkeel_replay::any::AnyOp;
use evenkeel_replay::journal::{Journal, load};
use evenkeel_replay::words::{Recording, Replaying};
use rand_core::Rng;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;
use serde_json::Value;

use recorded::{dump, verify_bytes};

const fn ns(ns: u64) -> Duration {
    Duration::from_nanos(ns)
}

fn rng() -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(1)
}

fn breaker() -> Breaker {
    let open = BackoffPolicy::builder(ns(100)).jitter(Jitter::None);
    let policy = BreakerPolicy::builder(open, ns(50)).trigger(Trigger::Consecutive { failures: 2 });
    Breaker::new(policy.build().expect("a policy"))
}

fn tokens() -> RetryTokens {
    let policy = RetryTokensPolicy::aws_standard_2_0();
    RetryTokens::new(policy.build().expect("a policy"))
}

fn ratio() -> RetryRatio {
    let policy = RetryRatioPolicy::builder(Ratio::percent(50)).floor_per_second(5);
    RetryRatio::new(policy.build().expect("a policy"))
}

/// A call is written as its name, or with its arguments below it.
fn name(op: &AnyOp) -> String {
    match serde_json::to_value(op).expect("it is written as text") {
        Value::String(name) => name,
        Value::Object(fields) => fields.keys().cloned().collect(),
        other => panic!("{other}"),
    }
}

/// How often each call stands in the journal, by name.
fn calls(journal: &Journal) -> String {
    let loaded = load(&dump(journal)[..]);
    let mut names: Vec<_> = loaded.entries.iter().map(|entry| name(&entry.op)).collect();
    names.sort_unstable();
    names.join(" ")
}

#[test]
fn what_an_operator_does_to_a_breaker_is_recorded() {
    let journal = Journal::in_memory();
    let mut recorder = journal.record("db", breaker());
    let mut plain = breaker();
    let mut rng = rng();
    for at_ns in [1, 2] {
        let permit = recorder
            .try_acquire(at_ns, &mut rng)
            .expect("closed")
            .permit;
        let _ = recorder.on_outcome(at_ns, permit, Outcome::Failure, 1, &mut rng);
        let permit = plain.try_acquire(at_ns, &mut rng).expect("closed").permit;
        let _ = plain.on_outcome(at_ns, permit, Outcome::Failure, 1, &mut rng);
    }
    assert_eq!(recorder.phase(3), Phase::Open);
    assert_eq!(
        recorder.on_health(4, Health::Up),
        plain.on_health(4, Health::Up)
    );
    assert_eq!(recorder.reset(5), plain.reset(5));
    assert_eq!(recorder.phase(5), Phase::Closed);
    let forced = Mode::ForcedOpen;
    assert_eq!(recorder.set_mode(6, forced), plain.set_mode(6, forced));
    assert_eq!(
        recorder.try_acquire(7, &mut rng),
        plain.try_acquire(7, &mut rng)
    );
    assert_eq!(plain.stats(7).refused, 1);
    let normal = Mode::Normal;
    assert_eq!(recorder.set_mode(8, normal), plain.set_mode(8, normal));
    assert_eq!(recorder.poll(200), plain.poll(200));
    assert_eq!(recorder.phase(200), plain.phase(200));
    assert_eq!(
        calls(&journal),
        "on_health on_outcome on_outcome poll reset set_mode set_mode \
         try_acquire try_acquire try_acquire"
    );
    verify_bytes(&dump(&journal)).expect("it comes out again");
    assert_eq!(recorder.into_machine().state(), plain.state());
}

/// One operation that fails once, waits, and succeeds, or is given up for want of a budget.
fn run(gate: &mut (dyn BreakerGate + Send), budget: &mut (dyn RetryBudget + Send)) -> End {
    let backoff = BackoffPolicy::builder(ns(10)).jitter(Jitter::None);
    let policy = RetryPolicy::builder(backoff).max_attempts(3).build();
    let mut retry = Retry::new(policy.expect("a policy"), 0);
    let (mut now_ns, mut rng) = (0, rng());
    loop {
        let mut parts = Parts::none().with_breaker(gate).with_budget(budget);
        match retry.poll(now_ns, &mut parts, &mut rng).action {
            RetryAction::Attempt { attempt, .. } => {
                now_ns += 1;
                let outcome = if now_ns < 10 {
                    AttemptOutcome::transient(RetryCause::Failure)
                } else {
                    AttemptOutcome::Success
                };
                let _ = retry.on_outcome(now_ns, attempt, outcome, &mut parts, &mut rng);
            }
            RetryAction::WaitUntil { at_ns } => now_ns = at_ns,
            RetryAction::Done { end } => return end,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_retry_that_is_not_recorded_borrows_recorders() {
    let journal = Journal::in_memory();
    let mut gate = journal.record("db", breaker());
    let mut budget = journal.record("tokens", tokens());
    assert_eq!(run(&mut gate, &mut budget), End::Succeeded);
    assert_eq!(
        calls(&journal),
        "on_outcome on_outcome on_request on_success try_acquire try_acquire try_withdraw"
    );
    verify_bytes(&dump(&journal)).expect("it comes out again");
    let (mut plain_gate, mut plain_budget) = (breaker(), tokens());
    assert_eq!(run(&mut plain_gate, &mut plain_budget), End::Succeeded);
    assert_eq!(gate.into_machine().state(), plain_gate.state());
    assert_eq!(budget.into_machine().state(), plain_budget.state());

    let journal = Journal::in_memory();
    let (mut gate, mut budget) = (journal.record("", breaker()), journal.record("", ratio()));
    assert_eq!(run(&mut gate, &mut budget), End::Succeeded);
    let (mut plain_gate, mut plain_budget) = (breaker(), ratio());
    assert_eq!(run(&mut plain_gate, &mut plain_budget), End::Succeeded);
    assert_eq!(budget.into_machine().state(), plain_budget.state());
    verify_bytes(&dump(&journal)).expect("it comes out again");
}

/// What was paid for an attempt that the breaker then refuses is given back, also through recorders.
#[test]
fn a_refused_attempt_is_paid_back_through_a_recorder() {
    let journal = Journal::in_memory();
    let mut gate = journal.record("db", breaker());
    let mut budget = journal.record("tokens", tokens());
    let _ = gate.set_mode(0, Mode::ForcedOpen);
    assert!(matches!(
        run(&mut gate, &mut budget),
        End::BreakerOpen { .. }
    ));
    let withdrawn = budget.try_withdraw(20, RetryCause::Failure);
    let withdrawn = withdrawn.expect("all tokens are there");
    let lent: &mut dyn RetryBudget = &mut budget;
    let _ = lent.give_back(21, withdrawn);
    let mut plain = tokens();
    let withdrawn = plain.try_withdraw(20, RetryCause::Failure);
    let _ = plain.give_back(21, withdrawn.expect("all tokens are there"));
    assert_eq!(budget.balance_milli(21), plain.balance_milli(21));
    verify_bytes(&dump(&journal)).expect("it comes out again");
}

/// A distribution may draw 32 bits, or bytes: each takes whole words of the generator, and the same ones again.
#[test]
fn words_drawn_in_parts_come_out_again() {
    let draw = |rng: &mut dyn Rng| {
        let mut bytes = [0; 11];
        let half = rng.next_u32();
        rng.fill_bytes(&mut bytes);
        (half, bytes, rng.next_u64())
    };
    let mut source = rng();
    let mut recording = Recording::new(&mut source);
    let drawn = draw(&mut recording);
    let words = recording.into_words();
    assert_eq!(words.len(), 4);
    assert_eq!(u64::from(drawn.0), words[0] >> 32);
    assert_eq!(drawn.1[..8], words[1].to_le_bytes());
    assert_eq!(drawn.1[8..], words[2].to_le_bytes()[..3]);
    assert_eq!(drawn.2, words[3]);

    let mut replaying = Replaying::new(&words);
    assert_eq!(draw(&mut replaying), drawn);
    assert_eq!((replaying.left(), replaying.missing()), (0, 0));
}
