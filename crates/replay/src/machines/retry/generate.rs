//! Random calls of a retry that borrows nothing.

use core::time::Duration;

use evenkeel_core::Ratio;
use evenkeel_core::advice::{Advice, AdvisoryRule};
use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::breaker::Outcome;
use evenkeel_core::budget::RetryCause;
use evenkeel_core::retry::{
    AttemptId, AttemptOutcome, Retry, RetryAction, RetryPolicy, WhenRefused,
};

use super::{Answer, Lent, Op};
use crate::generate::{Generate, Pick};

const fn ns(ns: u64) -> Duration {
    Duration::from_nanos(ns)
}

fn outcome(pick: &mut Pick, now_ns: u64) -> AttemptOutcome {
    let causes = [
        RetryCause::Failure,
        RetryCause::Timeout,
        RetryCause::Throttled,
    ];
    let advice = match pick.below(8) {
        0..=2 => Some(Advice::RetryAt {
            at_ns: pick.instant(now_ns),
        }),
        3 if pick.one_in(4) => Some(Advice::Stop),
        _ => None,
    };
    match pick.below(24) {
        0 => AttemptOutcome::Success,
        1 => AttemptOutcome::permanent(),
        2 => AttemptOutcome::Cancelled,
        _ => {
            let outcome = AttemptOutcome::transient(pick.of(&causes)).with_advice(advice);
            let retry_at_ns = Some(pick.instant(now_ns));
            match pick.below(8) {
                0 => outcome.with_breaker(Outcome::Ignored),
                1 => outcome.with_breaker(Outcome::Overloaded { retry_at_ns }),
                _ => outcome,
            }
        }
    }
}

impl Generate for Retry {
    const POLICIES: usize = 5;

    fn sample_policy(number: usize) -> Option<(&'static str, RetryPolicy)> {
        let plain = BackoffPolicy::builder(ns(100)).jitter(Jitter::None);
        let full = BackoffPolicy::builder(ns(100)).cap(ns(1_000));
        let times_out = RetryPolicy::builder(full)
            .unlimited_attempts()
            .attempt_timeout(ns(70))
            .advisory_rule(AdvisoryRule::Exact)
            .advisory_spread(Ratio::percent(20))
            .deadline(ns(1 << 40));
        let (name, builder) = match number {
            0 => ("alone", RetryPolicy::builder(plain).max_attempts(5)),
            1 => ("times out", times_out),
            2 => (
                "waits for the breaker",
                RetryPolicy::builder(full.jitter(Jitter::Decorrelated))
                    .unlimited_attempts()
                    .attempt_timeout(ns(50))
                    .deadline(ns(20_000))
                    .when_refused(WhenRefused::Wait),
            ),
            3 => ("ends at the breaker", times_out.max_attempts(9)),
            4 => (
                "the longest",
                RetryPolicy::builder(BackoffPolicy::builder(ns(1 << 60)))
                    .max_attempts(40)
                    .attempt_timeout(ns(1 << 62)),
            ),
            _ => return None,
        };
        Some((name, builder.build().ok()?))
    }

    fn spans_ns(policy: &RetryPolicy) -> [u64; 5] {
        let base = policy.backoff().base();
        let timeout = policy.attempt_timeout().unwrap_or(base);
        let deadline = policy.deadline().unwrap_or(timeout);
        [base, timeout, deadline, timeout, base].map(|span| span.as_nanos() as u64)
    }

    fn call(_: &RetryPolicy, pick: &mut Pick, now_ns: u64, ids: &[AttemptId]) -> Op {
        match (pick.below(80), pick.recent(ids)) {
            (0, _) => Op::Cancel { lent: Lent::NONE },
            (1..=40, Some(attempt)) => Op::OnOutcome {
                attempt,
                outcome: outcome(pick, now_ns),
                lent: Lent::NONE,
            },
            (78.., _) => Op::Begin,
            _ => Op::Poll { lent: Lent::NONE },
        }
    }

    fn query(_: &RetryPolicy, pick: &mut Pick) -> Option<Op> {
        Some(pick.of(&[Op::DeadlineAtNs, Op::Attempts, Op::InFlight, Op::End]))
    }

    fn report(attempt: AttemptId, pick: &mut Pick) -> Option<Op> {
        Some(Op::OnOutcome {
            attempt,
            outcome: outcome(pick, 0),
            lent: Lent::NONE,
        })
    }

    fn foreign(pick: &mut Pick, given: &[AttemptId]) -> Option<AttemptId> {
        let last = given.last().map_or(0, |attempt| attempt.to_word());
        let word = pick.of(&[0, last.wrapping_add(1), last.wrapping_add(2), u64::MAX]);
        Some(AttemptId::from_word(word))
    }

    fn instants(answer: &Answer, show: &mut dyn FnMut(u64)) {
        answer
            .transitions()
            .iter()
            .for_each(|made| show(made.at_ns));
        let at_ns = match answer {
            Answer::Step(step) => match step.action {
                RetryAction::Attempt { timeout_at_ns, .. }
                | RetryAction::InFlight { timeout_at_ns, .. } => timeout_at_ns,
                RetryAction::Abandon { at_ns, .. } | RetryAction::WaitUntil { at_ns } => {
                    Some(at_ns)
                }
                RetryAction::Done { end } => end.retry_at_ns(),
                _ => None,
            },
            Answer::DeadlineAtNs(at_ns) => *at_ns,
            Answer::End(end) => end.and_then(|end| end.retry_at_ns()),
            _ => None,
        };
        at_ns.map(show);
    }
}
