//! The next wait of an exponential backoff with jitter: base 100 ms, factor 2, cap 10 s.
//!
//! All answer with a `Duration`. Ours is given the generator; the peers bring their own, and seed it from a
//! thread-local one for each fresh schedule.

use std::hint::black_box;
use std::time::Duration;

use backoff::backoff::Backoff as _;
use backon::BackoffBuilder as _;
use evenkeel_core::backoff::{Backoff, BackoffPolicy, Jitter};
use tower::util::rng::HasherRng;

use crate::inputs::rng;
use crate::origins::{ReconnectDelay, RestartDelay, Restarted};
use crate::{Case, Entrant};

const BACKON: &str = "backon 1.6";
const EXPONENTIAL: &str = "exponential-backoff 2.1";
const TOKIO_RETRY: &str = "tokio-retry 0.3, jitter";
const BACKOFF: &str = "backoff 0.4";
const TOWER: &str = "tower 0.5, with its Sleep";
const O1: &str = "origin O1";
const O4: &str = "origin O4";

const BASE: Duration = Duration::from_millis(100);
const CAP: Duration = Duration::from_secs(10);
const MS: Duration = Duration::from_millis(1);

/// What a retry loop asks for before it gives up; the last of them is at the cap.
const WAITS: u32 = 8;

/// The cases of the backoff.
#[must_use]
pub fn cases() -> Vec<Case> {
    vec![fresh(), at_the_cap(), at_the_cap_ns()]
}

fn policy(jitter: Jitter) -> BackoffPolicy {
    let builder = BackoffPolicy::builder(BASE).cap(CAP).jitter(jitter);
    builder.build().expect("a valid schedule")
}

/// Our waits without an end.
fn ours(jitter: Jitter) -> impl FnMut() -> Duration {
    let (mut backoff, mut rng) = (Backoff::new(policy(jitter)), rng(3));
    move || {
        let wait = backoff.next_wait(0, &mut rng);
        wait.expect("a schedule without an end").delay()
    }
}

fn backon() -> impl FnMut() -> Duration {
    let builder = backon::ExponentialBuilder::new()
        .with_min_delay(BASE)
        .with_max_delay(CAP)
        .with_jitter()
        .without_max_times();
    let mut waits = black_box(builder).build();
    move || waits.next().expect("a schedule without an end")
}

fn exponential() -> impl FnMut() -> Duration {
    let mut waits = black_box(exponential_backoff::Backoff::new(u32::MAX, BASE, CAP)).into_iter();
    move || waits.next().flatten().expect("a schedule without an end")
}

/// It multiplies by its base, which so is its factor too: 100 ms, 200 ms, 400 ms, ..
fn tokio_retry() -> impl FnMut() -> Duration {
    let waits = tokio_retry::strategy::ExponentialBackoff::from_millis(2);
    let mut waits = black_box(waits.factor(50).max_delay(CAP)).map(tokio_retry::strategy::jitter);
    move || waits.next().expect("a schedule without an end")
}

fn backoff() -> impl FnMut() -> Duration {
    let mut waits = black_box(
        backoff::ExponentialBackoffBuilder::new()
            .with_initial_interval(BASE)
            .with_multiplier(2.0)
            .with_max_interval(CAP)
            .with_max_elapsed_time(None)
            .build(),
    );
    move || waits.next_backoff().expect("a schedule without an end")
}

/// Its answer is no wait but tokio's timer for it, which is in the measurement: made and dropped, never polled.
fn tower() -> Entrant {
    use tower::retry::backoff::{Backoff as _, ExponentialBackoffMaker, MakeBackoff as _};
    Entrant::new(TOWER, || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build();
        let runtime = runtime.expect("a runtime");
        let maker = ExponentialBackoffMaker::new(BASE, CAP, 0.99, HasherRng::default());
        let mut waits = maker.expect("a valid schedule").make_backoff();
        Box::new(move |n| {
            let _entered = runtime.enter();
            for _ in 0..n {
                drop(black_box(black_box(&mut waits).next_backoff()));
            }
        })
    })
}

/// With its limit of ten failures in ten minutes, which eight waits do not reach.
fn o1() -> impl FnMut() -> Duration {
    o1_with(Duration::from_secs(600), 10)
}

/// Without a limit, and with a window that remembers no other failure: kinder than any that it can be used with.
fn o1_for_ever() -> impl FnMut() -> Duration {
    o1_with(Duration::ZERO, 0)
}

fn o1_with(window: Duration, limit: u32) -> impl FnMut() -> Duration {
    let mut waits = black_box(RestartDelay::new(BASE, CAP, window, limit));
    move || match waits.next_backoff() {
        Restarted::After(wait) => wait,
        Restarted::CircuitOpen { .. } => panic!("more failures than it allows"),
    }
}

fn o4() -> impl FnMut() -> Duration {
    let mut waits = black_box(ReconnectDelay::new(BASE, CAP));
    move || waits.next_delay()
}

/// A new schedule and its first waits, for each operation.
fn of_schedules<W: FnMut() -> Duration>(
    name: &'static str,
    make: impl Fn() -> W + Copy + 'static,
) -> Entrant {
    Entrant::new(name, move || {
        Box::new(move |n| {
            for _ in 0..n {
                let mut next_wait = make();
                for _ in 0..WAITS {
                    black_box(black_box(&mut next_wait)());
                }
            }
        })
    })
}

/// One wait after another of a schedule that has long reached its cap.
fn of_waits<W: FnMut() -> Duration + 'static>(
    name: &'static str,
    make: impl Fn() -> W + 'static,
) -> Entrant {
    Entrant::new(name, move || {
        let mut next_wait = make();
        for _ in 0..100 {
            next_wait();
        }
        Box::new(move |n| {
            for _ in 0..n {
                black_box(black_box(&mut next_wait)());
            }
        })
    })
}

/// Eight schedules of ours share a generator, as they do in a program: a fresh one costs no seeding.
fn fresh_ours() -> Entrant {
    Entrant::new("ours", || {
        let (policy, mut rng) = (policy(Jitter::Full), rng(3));
        Box::new(move |n| {
            for _ in 0..n {
                let mut backoff = Backoff::new(black_box(&policy));
                for _ in 0..WAITS {
                    let wait = black_box(&mut backoff).next_wait(0, &mut rng);
                    black_box(wait.expect("a schedule without an end").delay());
                }
            }
        })
    })
}

fn fresh() -> Case {
    Case::new(
        "backoff: a fresh schedule and eight waits",
        fresh_ours(),
        waits_are_in_range,
    )
    .against(of_schedules(BACKON, backon), 5.0)
    .against(of_schedules(EXPONENTIAL, exponential), 5.0)
    .against(of_schedules(TOKIO_RETRY, tokio_retry), 5.0)
    .against(of_schedules(BACKOFF, backoff), 8.0)
    .against(of_schedules(O1, o1), 8.0)
    .against(of_schedules(O4, o4), 3.0)
}

fn at_the_cap() -> Case {
    Case::new(
        "backoff: one wait at the cap",
        of_waits("ours", || ours(Jitter::Full)),
        waits_are_in_range,
    )
    .against(of_waits(BACKON, backon), 5.0)
    .against(of_waits(EXPONENTIAL, exponential), 5.0)
    .against(of_waits(TOKIO_RETRY, tokio_retry), 5.0)
    .against(of_waits(BACKOFF, backoff), 8.0)
    .against(of_waits(O1, o1_for_ever), 8.0)
    .against(of_waits(O4, o4), 3.0)
    .against(tower(), None)
}

/// For those who count in nanoseconds: without the division that a `Duration` costs.
fn at_the_cap_ns() -> Case {
    let entrant = Entrant::new("ours", || {
        let (mut backoff, mut rng) = (Backoff::new(policy(Jitter::Full)), rng(3));
        let mut now_ns = 0;
        Box::new(move |n| {
            for _ in 0..n {
                let wait = black_box(&mut backoff).next_wait(now_ns, &mut rng);
                now_ns = black_box(wait.expect("a schedule without an end").at_ns);
            }
        })
    });
    Case::new(
        "backoff: one wait at the cap, as nanoseconds",
        entrant,
        waits_are_in_range,
    )
}

/// Every wait lies where its author says; the ceilings are the same for all.
fn waits_are_in_range() {
    let ours_policy = policy(Jitter::Full);
    for seed in 0..200 {
        let mut rng = rng(seed);
        let mut ours = Backoff::new(&ours_policy);
        let (mut backon, mut exponential) = (backon(), exponential());
        let (mut tokio_retry, mut backoff) = (tokio_retry(), backoff());
        let mut o1 = RestartDelay::new(BASE, CAP, Duration::ZERO, 0);
        let mut o4 = ReconnectDelay::new(BASE, CAP);
        for attempt in 1..=2 * WAITS {
            let ceiling = ours_policy.ceiling(attempt);
            assert_eq!(o4.ceiling(), ceiling, "attempt {attempt}");
            assert!(o4.next_delay() <= ceiling, "attempt {attempt}");
            assert_eq!(o1.ceiling(), ceiling, "attempt {attempt}");
            // It counts first: twice the ceiling, up to the cap.
            let wait = o1.next_backoff();
            let in_range = matches!(wait, Restarted::After(wait) if wait <= (ceiling * 2).min(CAP));
            assert!(in_range, "attempt {attempt}: {wait:?}");
            assert!(tokio_retry() <= ceiling, "attempt {attempt}");
            // Half of it to either side, also at the cap.
            let wait = backoff();
            let in_range = wait >= ceiling / 2 && wait <= ceiling * 3 / 2 + MS;
            assert!(in_range, "attempt {attempt}: {wait:?}");
            let wait = ours.next_wait(0, &mut rng).expect("no end");
            assert!(wait.delay() <= ceiling, "attempt {attempt}");
            // On top of the ceiling, so up to twice the cap; computed in f32.
            let slack = Duration::from_micros(10);
            let most = ceiling * 2 + slack;
            let wait = backon();
            assert!(wait + slack >= ceiling && wait <= most, "attempt {attempt}");
            // 30 % to either side of a ceiling that is not capped before.
            let uncapped = BASE * 2_u32.pow(attempt - 1);
            let (least, most) = (uncapped * 7 / 10, (uncapped * 13 / 10).min(CAP));
            let wait = exponential();
            let in_range = wait >= least.min(CAP) && wait <= most;
            assert!(in_range, "attempt {attempt}: {wait:?}");
        }
    }
}
