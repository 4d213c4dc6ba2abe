//! docs/recipes/simulator.md: clients with retries and breakers in an event loop of one's own, the same for each seed.

use core::time::Duration;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

use evenkeel_core::ConfigError;
use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::breaker::{Breaker, BreakerPolicy, Trigger};
use evenkeel_core::budget::RetryCause;
use evenkeel_core::retry::{
    AttemptId, AttemptOutcome, End, Parts, Retry, RetryAction, RetryPolicy,
};
use rand_xoshiro::{Xoshiro256PlusPlus, rand_core::SeedableRng};

use crate::SECOND;

/// A client of the simulated world, in the middle of an operation.
struct Client<'a> {
    retry: Retry<&'a RetryPolicy>,
    breaker: Breaker<&'a BreakerPolicy>,
    rng: Xoshiro256PlusPlus, // a stream of its own: one client more changes no other
}

/// The answer to an attempt, or nothing where it is time.
type Event = Option<(AttemptId, bool)>;

impl Client<'_> {
    /// What it does now, and when it wants to be asked again.
    fn on_event(&mut self, now_ns: u64, event: Event) -> (RetryAction, Option<u64>) {
        let mut parts = Parts::none().with_breaker(&mut self.breaker);
        if let Some((attempt, ok)) = event {
            let failed = AttemptOutcome::transient(RetryCause::Failure);
            let outcome = if ok { AttemptOutcome::Success } else { failed };
            let _ = self
                .retry
                .on_outcome(now_ns, attempt, outcome, &mut parts, &mut self.rng);
        }
        let told = self.retry.poll(now_ns, &mut parts, &mut self.rng);
        (told.action, self.retry.next_deadline_ns())
    }
}

/// How each client's operation ended, and when; the server fails for its first second and a half.
fn run(seed: u64) -> Result<Vec<Option<(u64, End)>>, ConfigError> {
    let (retry, breaker) = policies()?;
    let mut clients: Vec<Client<'_>> = Vec::new();
    // What is to come: when, in which order it was made (nothing else may break a tie), to whom, what.
    let mut heap = BinaryHeap::new();
    let (mut made, mut ends) = (0, vec![None; 20]);
    for id in 0..20 {
        clients.push(Client {
            retry: Retry::new(&retry, 0),
            breaker: Breaker::new(&breaker),
            rng: Xoshiro256PlusPlus::seed_from_u64(seed * 1_000 + made),
        });
        heap.push(Reverse((0, made, id, None)));
        made += 1;
    }
    while let Some(Reverse((now_ns, _, id, event))) = heap.pop() {
        let (action, next_ns) = clients[id].on_event(now_ns, event);
        let mut push = |at_ns, event| {
            heap.push(Reverse((at_ns, made, id, event)));
            made += 1;
        };
        match action {
            RetryAction::Attempt { attempt, .. } => {
                let ok = now_ns > 3 * SECOND / 2;
                push(now_ns + SECOND / 20, Some((attempt, ok)));
            }
            RetryAction::Done { end } => {
                ends[id].get_or_insert((now_ns, end));
            }
            _ => {}
        }
        if let Some(at_ns) = next_ns {
            push(at_ns, None); // one that is overtaken is a poll that changes nothing
        }
    }
    Ok(ends)
}

fn policies() -> Result<(RetryPolicy, BreakerPolicy), ConfigError> {
    let backoff = BackoffPolicy::builder(Duration::from_millis(200)).cap(Duration::from_secs(4));
    let retry = RetryPolicy::builder(backoff)
        .max_attempts(8)
        .attempt_timeout(Duration::from_secs(1))
        .build()?;
    let open = BackoffPolicy::builder(Duration::from_secs(1));
    let breaker = BreakerPolicy::builder(open, Duration::from_secs(1))
        .trigger(Trigger::Consecutive { failures: 5 })
        .build()?;
    Ok((retry, breaker))
}

#[test]
fn the_same_seed_is_the_same_world() {
    let ends = run(7).expect("valid policies");
    let succeeded = |end: &Option<(u64, End)>| end.expect("each ends").1 == End::Succeeded;
    assert!(
        ends.iter().filter(|end| succeeded(end)).count() > 0,
        "{ends:?}"
    );
    assert_eq!(run(7), Ok(ends.clone()));
    assert_ne!(run(8), Ok(ends));
}
