//! A call through a breaker that threads share: ours against peers that lock, one thread and a second one beside it.
//!
//! The second thread makes the same calls on the same breaker. Measured is the CPU time of the first, in parts that begin
//! when the second one is at work and that count only if it was until their end: on a busy machine, too, a row tells of
//! two threads. No side reads a clock for a success; for a refusal all do.

use std::hint::{self, black_box};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use evenkeel_core::Ratio;
use evenkeel_core::backoff::{BackoffPolicy, Growth, Jitter};
use evenkeel_core::breaker::{BreakerBuilder, BreakerPolicy, Phase, Trigger, Window};
use evenkeel_std::SharedBreaker;
use failsafe::failure_policy::consecutive_failures;
use failsafe::{CircuitBreaker, Config};
use recloser::Recloser;

use crate::clock::{leave_out, thread_time};
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
            let mut calls = |n| (0..n).for_each(|_| _ = black_box(call()));
            match &neighbour {
                Some(neighbour) => neighbour.beside(n, calls),
                None => calls(n),
            }
        });
        run
    })
}

/// Short beside what a scheduler gives a thread at a time, long beside a look at the clock.
const PART: u64 = 10_000;
/// Calls between two looks of the second thread at whether it is to go on; a part counts if it came so far.
const STRIDE: u64 = 100;
/// Parts in a row that do not count, before nobody waits for a second processor any more.
const PATIENCE: u32 = 100_000;

/// A thread that makes calls while it is awake, and ends with its owner.
struct Neighbour {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    works: AtomicBool,
    ends: AtomicBool,
    strides: Strides,
}

/// How far the second thread has come; on cache lines of its own.
#[derive(Default)]
#[repr(align(128))]
struct Strides(AtomicU64);

impl Neighbour {
    fn hammering(mut call: impl Call) -> Self {
        let shared = Arc::new(Shared::default());
        let its = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            while !its.ends.load(Ordering::Acquire) {
                if its.works.load(Ordering::Acquire) {
                    (0..STRIDE).for_each(|_| _ = black_box(call()));
                    its.strides.0.fetch_add(1, Ordering::Release);
                } else {
                    thread::park();
                }
            }
        });
        let thread = Some(thread);
        Self { shared, thread }
    }

    /// `n` calls, in parts, while the other one makes calls as well; all that is waited for is left out.
    fn beside(&self, n: u64, mut calls: impl FnMut(u64)) {
        let (begin, mut counted) = (thread_time(), Duration::ZERO);
        self.shared.works.store(true, Ordering::Release);
        self.wake();
        let (mut left, mut in_vain) = (n, 0);
        while left > 0 {
            let part = left.min(PART);
            let before = self.next_stride();
            let start = thread_time();
            calls(part);
            let took = thread_time().saturating_sub(start);
            if self.strides() > before || part < PART {
                (left, in_vain) = (left - part, 0);
                counted += took;
            } else {
                in_vain += 1;
                assert!(in_vain < PATIENCE, "the second thread gets no processor");
            }
        }
        self.shared.works.store(false, Ordering::Release);
        leave_out(thread_time().saturating_sub(begin + counted));
    }

    fn strides(&self) -> u64 {
        self.shared.strides.0.load(Ordering::Acquire)
    }

    /// Waits until the second thread has made some calls more, so that it is running.
    fn next_stride(&self) -> u64 {
        let before = self.strides();
        loop {
            match self.strides() {
                now if now > before => return now,
                _ => hint::spin_loop(),
            }
        }
    }

    fn wake(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        self.shared.ends.store(true, Ordering::Release);
        self.wake();
        if let Some(thread) = self.thread.take() {
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
