//! A call through a breaker that threads share: ours against peers that lock, one thread and a second one beside it.
//!
//! The second thread hammers the same breaker until the measurement is over; measured is the CPU time of the first. No
//! side reads a clock for a success; for a refusal all do.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use evenkeel_core::Ratio;
use evenkeel_core::backoff::{BackoffPolicy, Growth, Jitter};
use evenkeel_core::breaker::{BreakerBuilder, BreakerPolicy, Phase, Trigger, Window};
use evenkeel_std::SharedBreaker;
use failsafe::failure_policy::consecutive_failures;
use failsafe::{CircuitBreaker, Config};
use recloser::Recloser;

use crate::{Case, Entrant, Run};

const RECLOSER: &str = "recloser 1.4";
const FAILSAFE: &str = "failsafe 1.3";
const HOUR: Duration = Duration::from_secs(3600);

/// The cases of the shared breaker.
#[must_use]
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let kinds = [
        ("1 thread", false, 8.0, 1.0),
        ("2 threads", true, 40.0, 4.0),
    ];
    for (threads, beside, consecutive, of_100) in kinds {
        cases.extend([
            success(threads, beside, consecutive),
            counted(threads, beside, of_100),
            refusal(threads, beside),
        ]);
    }
    cases
}

fn success(threads: &str, beside: bool, goal: f64) -> Case {
    Case::new(
        format!("shared breaker: success, consecutive failures, {threads}"),
        passing("ours", beside, || ours(&consecutive())),
        || assert_eq!(consecutive().phase(), Phase::Closed),
    )
    .against(passing(FAILSAFE, beside, failsafe_closed), None)
    .against(passing(RECLOSER, beside, recloser_closed), goal)
}

fn counted(threads: &str, beside: bool, goal: f64) -> Case {
    Case::new(
        format!("shared breaker: success, failure rate of the last 100, {threads}"),
        passing("ours", beside, || ours(&rate_of_100())),
        || {
            let breaker = rate_of_100();
            (0..1_000).for_each(|_| assert!(ours(&breaker)()));
            let stats = breaker.stats();
            assert_eq!((stats.successes, breaker.window().calls), (1_000, 100));
        },
    )
    .against(passing(RECLOSER, beside, recloser_closed), goal)
}

fn refusal(threads: &str, beside: bool) -> Case {
    Case::new(
        format!("shared breaker: refusal, {threads}"),
        passing("ours", beside, || ours(&opened())),
        || assert!(!ours(&opened())()),
    )
    .against(passing(FAILSAFE, beside, failsafe_open), None)
    .against(passing(RECLOSER, beside, recloser_open), None)
}

/// One call through a breaker; whether it was let through. A clone goes to the second thread.
trait Call: FnMut() -> bool + Clone + Send + 'static {}
impl<F: FnMut() -> bool + Clone + Send + 'static> Call for F {}

fn passing<F: Call>(name: &'static str, beside: bool, make: impl Fn() -> F + 'static) -> Entrant {
    Entrant::new(name, move || {
        let mut call = make();
        let neighbour = beside.then(|| Neighbour::hammering(call.clone()));
        let run: Run = Box::new(move |n| {
            let _neighbour = neighbour.as_ref().map(Neighbour::awake);
            for _ in 0..n {
                black_box(call());
            }
        });
        run
    })
}

/// A thread that makes calls while it is awake, and ends with its owner.
struct Neighbour {
    works: Arc<AtomicBool>,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Neighbour {
    fn hammering(mut call: impl Call) -> Self {
        let (works, ends) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicBool::new(false)),
        );
        let (working, ending) = (Arc::clone(&works), Arc::clone(&ends));
        let thread = thread::spawn(move || {
            while !ending.load(Ordering::Acquire) {
                if working.load(Ordering::Acquire) {
                    (0..100).for_each(|_| _ = black_box(call()));
                } else {
                    thread::park_timeout(Duration::from_millis(1));
                }
            }
        });
        let thread = Some(thread);
        Self {
            works,
            ends,
            thread,
        }
    }

    fn awake(&self) -> Awake<'_> {
        self.works.store(true, Ordering::Release);
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
        Awake(&self.works)
    }
}

struct Awake<'a>(&'a AtomicBool);

impl Drop for Awake<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            thread.join().expect("it only makes calls");
        }
    }
}

fn policy() -> BreakerBuilder {
    let open = BackoffPolicy::builder(HOUR)
        .growth(Growth::Constant)
        .jitter(Jitter::None);
    BreakerPolicy::builder(open, HOUR)
}

fn consecutive() -> SharedBreaker {
    let policy = policy().trigger(Trigger::Consecutive { failures: 20 });
    SharedBreaker::new(policy.build().expect("a valid policy"))
}

fn rate_of_100() -> SharedBreaker {
    let at_least = Ratio::percent(50);
    let trigger = Trigger::FailureRate {
        at_least,
        min_calls: 100,
    };
    let policy = policy()
        .window(Window::Count { calls: 100 })
        .trigger(trigger);
    SharedBreaker::new(policy.build().expect("a valid policy"))
}

fn opened() -> SharedBreaker {
    let breaker = consecutive();
    (0..20).for_each(|_| breaker.try_acquire().expect("closed").failure());
    breaker
}

fn ours(breaker: &SharedBreaker) -> impl Call + use<> {
    let breaker = breaker.clone();
    move || breaker.call(|| black_box(Ok::<(), ()>(()))).is_ok()
}

fn failsafe_closed() -> impl Call {
    let policy = consecutive_failures(20, failsafe::backoff::constant(HOUR));
    let breaker = Config::new().failure_policy(policy).build();
    move || breaker.call(|| black_box(Ok::<(), ()>(()))).is_ok()
}

fn failsafe_open() -> impl Call {
    let policy = consecutive_failures(1, failsafe::backoff::constant(HOUR));
    let breaker = Config::new().failure_policy(policy).build();
    assert!(breaker.call(|| Err::<(), ()>(())).is_err());
    move || breaker.call(|| black_box(Ok::<(), ()>(()))).is_ok()
}

fn recloser_with(closed_len: usize) -> Arc<Recloser> {
    let builder = Recloser::custom().error_rate(0.5).closed_len(closed_len);
    Arc::new(builder.half_open_len(1).open_wait(HOUR).build())
}

fn recloser_closed() -> impl Call {
    let breaker = recloser_with(100);
    move || breaker.call(|| black_box(Ok::<(), ()>(()))).is_ok()
}

fn recloser_open() -> impl Call {
    let breaker = recloser_with(1);
    (0..3).for_each(|_| drop(breaker.call(|| Err::<(), ()>(()))));
    move || breaker.call(|| black_box(Ok::<(), ()>(()))).is_ok()
}
