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

/// A client of the simulated world: what its operations share.
struct Client<'a> {
    breaker: Breaker<&'a BreakerPolicy>,
    rng: Xoshiro256PlusPlus, // a stream of its own: one client more changes no other
}

struct Operation<'a> {
    client: usize,
    retry: Retry<&'a RetryPolicy>,
    armed_at_ns: u64, // its timer in the heap; `u64::MAX`: none
    ended: Option<(u64, End)>,
}

/// The answer to an attempt, or nothing where it is time.
type Event = Option<(AttemptId, bool)>;

/// What is to come: when, in which order it was made (nothing else may break a tie), to which operation, what.
#[derive(Default)]
struct Queue {
    heap: BinaryHeap<Reverse<(u64, u64, usize, Event)>>,
    made: u64,
}

impl Queue {
    fn push(&mut self, at_ns: u64, operation: usize, event: Event) {
        self.heap
            .push(Reverse((at_ns, self.made, operation, event)));
        self.made += 1;
    }
}

/// When what is sent now is answered, and whether well; `None`: never.
type Server = fn(u64) -> Option<(u64, bool)>;

struct World<'a> {
    clients: Vec<Client<'a>>,
    operations: Vec<Operation<'a>>,
    queue: Queue,
    server: Server,
}

impl World<'_> {
    fn run(&mut self) {
        while let Some(Reverse((now_ns, _, id, event))) = self.queue.heap.pop() {
            let operation = &mut self.operations[id];
            let client = &mut self.clients[operation.client];
            match event {
                None if now_ns != operation.armed_at_ns => continue, // overtaken
                None => operation.armed_at_ns = u64::MAX,
                Some((attempt, ok)) => {
                    let failed = AttemptOutcome::transient(RetryCause::Failure);
                    let outcome = if ok { AttemptOutcome::Success } else { failed };
                    let mut parts = Parts::none().with_breaker(&mut client.breaker);
                    let (retry, rng) = (&mut operation.retry, &mut client.rng);
                    let _ = retry.on_outcome(now_ns, attempt, outcome, &mut parts, rng);
                }
            }
            self.drive(now_ns, id);
        }
    }

    /// Does what the operation says until it waits, then sees to its timer.
    fn drive(&mut self, now_ns: u64, id: usize) {
        let operation = &mut self.operations[id];
        let client = &mut self.clients[operation.client];
        loop {
            let mut parts = Parts::none().with_breaker(&mut client.breaker);
            let step = operation.retry.poll(now_ns, &mut parts, &mut client.rng);
            match step.action {
                RetryAction::Attempt { attempt, .. } => {
                    if let Some((at_ns, ok)) = (self.server)(now_ns) {
                        self.queue.push(at_ns, id, Some((attempt, ok)));
                    }
                }
                RetryAction::Abandon { .. } => {} // said once; `Done` may be next, and has no deadline
                RetryAction::Done { end } => {
                    operation.ended.get_or_insert((now_ns, end));
                    return;
                }
                _ => break, // in flight, or waiting
            }
        }
        let next_ns = operation.retry.next_deadline_ns().unwrap_or(u64::MAX);
        if next_ns < operation.armed_at_ns {
            operation.armed_at_ns = next_ns;
            self.queue.push(next_ns, id, None);
        }
    }
}

/// Twenty clients, each of which begins an operation every three seconds, whatever became of the last.
fn world<'a>(
    seed: u64,
    (retry, breaker): &'a (RetryPolicy, BreakerPolicy),
    server: Server,
) -> World<'a> {
    let mut world = World {
        clients: Vec::new(),
        operations: Vec::new(),
        queue: Queue::default(),
        server,
    };
    for client in 0..20 {
        world.clients.push(Client {
            breaker: Breaker::new(breaker),
            rng: Xoshiro256PlusPlus::seed_from_u64(seed * 1_000 + client as u64),
        });
        for begins_at_ns in [0, 3, 6, 9].map(|second| second * SECOND) {
            world.queue.push(begins_at_ns, world.operations.len(), None);
            world.operations.push(Operation {
                client,
                retry: Retry::new(retry, begins_at_ns),
                armed_at_ns: begins_at_ns,
                ended: None,
            });
        }
    }
    world
}

/// How each operation ended, and when.
fn run(seed: u64, server: Server) -> Result<Vec<Option<(u64, End)>>, ConfigError> {
    let policies = policies(3)?;
    let mut world = world(seed, &policies, server);
    world.run();
    Ok(world.operations.iter().map(|one| one.ended).collect())
}

fn policies(max_attempts: u32) -> Result<(RetryPolicy, BreakerPolicy), ConfigError> {
    let backoff = BackoffPolicy::builder(Duration::from_millis(200)).cap(Duration::from_secs(4));
    let retry = RetryPolicy::builder(backoff)
        .max_attempts(max_attempts)
        .attempt_timeout(Duration::from_secs(1))
        .build()?;
    let open = BackoffPolicy::builder(Duration::from_secs(1));
    let breaker = BreakerPolicy::builder(open, Duration::from_secs(1))
        .trigger(Trigger::Consecutive { failures: 5 })
        .build()?;
    Ok((retry, breaker))
}

/// How many ended so, of all; every one has ended.
fn count(ends: &[Option<(u64, End)>], name: &str) -> usize {
    let ended = ends.iter().map(|end| end.expect("each ends").1);
    ended.filter(|end| end.name() == name).count()
}

const LATENCY_NS: u64 = SECOND / 20;

#[test]
fn the_same_seed_is_the_same_world() {
    // It fails, then hangs, then answers.
    let server: Server = |now_ns| match now_ns / SECOND {
        0 => Some((now_ns + LATENCY_NS, false)),
        1..=4 => None,
        _ => Some((now_ns + LATENCY_NS, true)),
    };
    let ends = run(7, server).expect("valid policies");
    assert!((30..80).contains(&count(&ends, "succeeded")), "{ends:?}");
    assert_eq!(run(7, server), Ok(ends.clone()));
    assert_ne!(run(8, server), Ok(ends));
}

#[test]
fn every_operation_ends_where_the_server_hangs() {
    let ends = run(7, |_| None).expect("valid policies");
    let spent = count(&ends, "attempts"); // the third timeout says `Abandon`, then `Done`
    assert!(spent >= 20, "{ends:?}");
    assert_eq!(spent + count(&ends, "breaker-open"), 80);
}

#[test]
fn a_late_answer_is_not_taken_for_one_to_the_next_operation() {
    // Each answer comes while the client's next operation waits for one to an attempt of the same number.
    let policies = policies(1).expect("valid policies");
    let late = |now_ns| Some((now_ns + 7 * SECOND / 2, true));
    let mut world = world(7, &policies, late);
    world.run();
    for operation in &world.operations {
        assert_eq!(operation.ended.map(|ended| ended.1), Some(End::Attempts));
    }
}

#[test]
fn a_timer_that_was_overtaken_sets_no_other() {
    // Each attempt fails at once, so it overtakes its own timeout.
    let (retry, _) = policies(200).expect("valid policies");
    let open = BackoffPolicy::builder(Duration::from_secs(1));
    let never = BreakerPolicy::builder(open, Duration::from_secs(1))
        .trigger(Trigger::Consecutive { failures: 10_000 })
        .build();
    let policies = (retry, never.expect("a valid policy"));
    let mut world = world(7, &policies, |now_ns| Some((now_ns + LATENCY_NS, false)));
    world.run();
    let attempts = world
        .operations
        .iter()
        .map(|one| u64::from(one.retry.attempts()));
    let attempts: u64 = attempts.sum();
    assert_eq!(attempts, 80 * 200);
    // An operation's beginning; for each attempt an answer, a timeout, a wait.
    let most = 80 + 3 * attempts;
    assert!(world.queue.made <= most, "{} of {most}", world.queue.made);
}
