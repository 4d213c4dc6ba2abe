//! docs/recipes/message-consumer.md: an outage costs no message a redelivery, and a poisonous one stops nobody.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::time::Duration;

use evenkeel_core::ConfigError;
use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::breaker::{BreakerPolicy, Trigger};
use evenkeel_core::retry::{End, RetryPolicy, WhenRefused};
use evenkeel_tokio::{Classified, SharedBreaker, retry};

#[derive(Debug)]
enum HandleError {
    /// No attempt can do better: it cannot be read, or is not allowed.
    Malformed,
    /// What the handler needs is away.
    Unavailable,
}

/// What a broker's client has, and a dependency of the handler.
#[derive(Default)]
struct Queue {
    waiting: RefCell<VecDeque<u32>>,
    done: RefCell<Vec<u32>>,
    dead: RefCell<Vec<u32>>,
    requeued: RefCell<Vec<u32>>,
    is_away: Cell<bool>,
    calls: Cell<u32>,
}

impl Queue {
    async fn next(&self) -> Option<u32> {
        self.waiting.borrow_mut().pop_front()
    }

    async fn handle(&self, message: &u32) -> Result<(), HandleError> {
        self.calls.set(self.calls.get() + 1);
        match message {
            _ if self.is_away.get() => Err(HandleError::Unavailable),
            13 => Err(HandleError::Malformed),
            _ => Ok(()),
        }
    }

    fn ack(&self, message: u32) {
        self.done.borrow_mut().push(message);
    }

    fn dead_letter(&self, message: u32) {
        self.dead.borrow_mut().push(message);
    }

    fn requeue(&self, message: u32) {
        self.requeued.borrow_mut().push(message);
    }
}

/// The breaker of what the handler calls.
fn breaker() -> Result<SharedBreaker, ConfigError> {
    let open = BackoffPolicy::builder(Duration::from_secs(1)).cap(Duration::from_secs(15));
    let breaker = BreakerPolicy::builder(open, Duration::from_secs(5))
        .trigger(Trigger::Consecutive { failures: 3 });
    Ok(SharedBreaker::new(breaker.build()?))
}

/// Once: how long a message may be held here.
fn policy() -> Result<RetryPolicy, ConfigError> {
    let ms = Duration::from_millis;
    RetryPolicy::builder(BackoffPolicy::builder(ms(200)).cap(ms(5_000)))
        .max_attempts(1_000)
        .attempt_timeout(ms(5_000))
        .deadline(ms(240_000))
        .when_refused(WhenRefused::Wait)
        .build()
}

/// For each worker: one message after another, kept in hand while the dependency is away.
async fn consume(queue: &Queue, policy: &RetryPolicy, breaker: &SharedBreaker) {
    while let Some(message) = queue.next().await {
        let done = retry(policy, |_attempt| queue.handle(&message))
            .classify(|error| match error {
                HandleError::Malformed => Classified::permanent(),
                HandleError::Unavailable => Classified::transient(),
            })
            .breaker(breaker)
            .await;
        match done.map_err(|error| error.end()) {
            Ok(()) => queue.ack(message),
            Err(End::Permanent) => queue.dead_letter(message),
            Err(_) => queue.requeue(message), // no fault of the message
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_costs_no_message_a_redelivery() {
    let policy = policy().expect("a valid policy");
    let breaker = breaker().expect("a valid policy");
    let queue = Queue::default();
    queue.waiting.borrow_mut().extend(1..=20);
    queue.is_away.set(true);
    let outage = async {
        tokio::time::sleep(Duration::from_secs(120)).await;
        queue.is_away.set(false);
    };
    tokio::join!(consume(&queue, &policy, &breaker), outage);
    let expected: Vec<u32> = (1..=20).filter(|message| *message != 13).collect();
    assert_eq!(*queue.done.borrow(), expected);
    assert_eq!(*queue.dead.borrow(), [13]);
    assert!(queue.requeued.borrow().is_empty());
    // Two minutes of outage: three failures that open the breaker, and its probes.
    assert!(queue.calls.get() < 60, "{}", queue.calls.get());
}

#[tokio::test(start_paused = true)]
async fn what_takes_longer_goes_back_to_the_broker() {
    let policy = policy().expect("a valid policy");
    let breaker = breaker().expect("a valid policy");
    let queue = Queue::default();
    queue.waiting.borrow_mut().push_back(1);
    queue.is_away.set(true);
    let before = tokio::time::Instant::now();
    consume(&queue, &policy, &breaker).await;
    assert_eq!(*queue.requeued.borrow(), [1]);
    assert!(before.elapsed() <= Duration::from_secs(240));
}
