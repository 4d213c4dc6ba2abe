//! How many words a Retry must have drawn.

use evenkeel_core::Ratio;
use evenkeel_core::Reported;
use evenkeel_core::advice::{Advice, AdvisoryRule};
use evenkeel_core::backoff::{Exhausted, Jitter};
use evenkeel_core::breaker::{Phase, Transition};
use evenkeel_core::retry::{AttemptOutcome, End, Retry, RetryPolicy};
use evenkeel_replay::{Machine, retry};

use super::retry_borrowing::{Answer, Borrowing, Op};

/// What the count of words has to remember: the breaker's generation whose first probe has gone out.
#[derive(Default)]
pub(crate) struct Account {
    probed: Option<u64>,
}

/// When the attempt's time was over, if this call found that; else the instant of a counted transient failure. With the
/// advice that came with it.
fn decided(
    [before, after]: [&Borrowing; 2],
    now_ns: u64,
    op: &Op,
    answer: &Answer,
) -> Option<(u64, Option<Advice>)> {
    let attempt = before.retry.in_flight()?;
    if after.retry.in_flight() == Some(attempt) {
        return None;
    }
    if let Some(at_ns) = before.retry.next_deadline_ns().filter(|ns| *ns <= now_ns) {
        return Some((at_ns, None));
    }
    match (op, answer) {
        (
            Op::Retry(retry::Op::OnOutcome {
                outcome: AttemptOutcome::Transient { advice, .. },
                ..
            }),
            Answer::Retry(retry::Answer::Report(report)),
        ) if report.reported == Reported::Counted => Some((now_ns, *advice)),
        _ => None,
    }
}

/// The words of the wait that was decided on.
fn wait_words(policy: &RetryPolicy, after: &Retry, at_ns: u64, advice: Option<Advice>) -> u64 {
    let drawn = match after.end() {
        Some(End::Attempts | End::Advised) => false,
        Some(End::Exhausted { limit }) => limit != Exhausted::Retries,
        Some(End::Deadline) => after.deadline_at_ns().is_none_or(|ends_ns| at_ns < ends_ns),
        _ => true,
    };
    if !drawn {
        return 0;
    }
    let advised = matches!(advice, Some(Advice::RetryAt { .. }));
    let own = !advised || policy.advisory_rule() != AdvisoryRule::Exact;
    let spread = advised && policy.advisory_spread() != Ratio::ZERO;
    u64::from(own && policy.backoff().jitter() != Jitter::None) + u64::from(spread)
}

/// The words of this call: those of the wait that it decided on, and those of the breaker.
pub(super) fn expected(
    account: &mut Account,
    policy: &RetryPolicy,
    around: [&Borrowing; 2],
    now_ns: u64,
    op: &Op,
    answer: &Answer,
) -> u64 {
    let after = around[1];
    let decided = decided(around, now_ns, op, answer);
    let mut due = decided.map_or(0, |(at_ns, advice)| {
        wait_words(policy, &after.retry, at_ns, advice)
    });
    if let Answer::Retry(answer) = answer {
        let is_trip = |made: &Transition| made.from == Phase::Closed;
        due += answer.transitions().iter().filter(is_trip).count() as u64;
    }
    let began = Borrowing::given(op, answer).is_some();
    if let Some(breaker) = after.breaker.as_ref().filter(|_| began) {
        let generation = Some(breaker.generation());
        if breaker.phase(now_ns) == Phase::HalfOpen && account.probed != generation {
            account.probed = generation;
            due += 1;
        }
    }
    due
}
