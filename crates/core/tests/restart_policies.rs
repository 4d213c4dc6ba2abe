//! Which restart policies there are: what is refused, by which name, and what the bounds allow.

use core::time::Duration;

use evenkeel_core::backoff::{BackoffBuilder, BackoffPolicy, Jitter};
use evenkeel_core::restart::{Exit, Restart, RestartAction, RestartBuilder, RestartPolicy};
use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::SeedableRng;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

const fn ns(ns: u64) -> Duration {
    Duration::from_nanos(ns)
}

/// Waits of 100, 200, 400 .. ns.
fn plain() -> BackoffBuilder {
    BackoffPolicy::builder(ns(100)).jitter(Jitter::None)
}

fn with(builder: RestartBuilder) -> Restart {
    Restart::new(builder.build().expect("a policy"))
}

/// Starts at `at_ns` and fails at once; what is to be done then.
fn fails(restart: &mut Restart, at_ns: u64) -> RestartAction {
    match restart.poll(at_ns) {
        RestartAction::Start { run } => {
            let _ = restart.on_exit(at_ns, run, Exit::Failure, &mut SplitMix64::seed_from_u64(5));
        }
        other => panic!("{other:?} at {at_ns}"),
    }
    restart.poll(at_ns)
}

fn error(builder: RestartBuilder) -> String {
    builder.build().expect_err("refused").to_string()
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    let builder = RestartPolicy::builder(plain());
    let max = ns(1 << 62);
    let over = ns((1 << 62) + 1);
    assert!(builder.intensity(0, max).cooldown(max).build().is_ok());
    for (builder, text) in [
        (
            builder.cooldown(Duration::ZERO),
            "restart.cooldown is 0: it must be above 0",
        ),
        (
            builder.intensity(3, Duration::ZERO),
            "restart.intensity.window is 0: it must be above 0",
        ),
        (
            builder.intensity(4097, max),
            "restart.intensity.max_restarts is 4097: it must be at most 4096",
        ),
        (
            builder.cooldown(over),
            "restart.cooldown is 4611686018427387905ns: it must be at most ",
        ),
        (
            builder.intensity(1, over),
            "restart.intensity.window is 4611686018427387905ns",
        ),
        (
            RestartPolicy::builder(plain().max_total_wait(ms(1))),
            "restart.backoff.max_total_wait cannot be set here: ",
        ),
        (
            RestartPolicy::builder(plain().cap(over)),
            "restart.backoff.cap is ",
        ),
    ] {
        let said = error(builder);
        assert!(said.starts_with(text), "{said}");
    }
}

#[test]
fn an_intensity_that_the_waits_make_unreachable_is_refused() {
    // Least waits in a row: none 100 + 200 + 400, equal half of that, full 0, decorrelated 100 each.
    for (jitter, least_ns) in [
        (Jitter::None, 700),
        (Jitter::Equal, 350),
        (Jitter::Full, 1),
        (Jitter::Decorrelated, 300),
    ] {
        let builder = RestartPolicy::builder(plain().jitter(jitter));
        assert!(builder.intensity(3, ns(least_ns)).build().is_ok());
        if least_ns > 1 {
            let said = error(builder.intensity(3, ns(least_ns - 1)));
            assert!(
                said.starts_with("restart.intensity conflicts with backoff: "),
                "{said}"
            );
        }
    }
    // What is at the bound is indeed reached: runs that fail at once, restarted as soon as may be.
    let mut restart = with(RestartPolicy::builder(plain()).intensity(3, ns(700)));
    for at_ns in [0, 100, 300] {
        let _ = fails(&mut restart, at_ns);
    }
    let then = fails(&mut restart, 700);
    assert!(matches!(then, RestartAction::Escalated { .. }));
    let endless = BackoffPolicy::builder(ns(1 << 62)).jitter(Jitter::None);
    let _ = error(RestartPolicy::builder(endless).intensity(32, ns(1 << 62)));
}

#[test]
fn without_alloc_32_restarts_are_remembered() {
    let builder = RestartPolicy::builder(plain().jitter(Jitter::Full));
    assert!(builder.intensity(32, ms(1)).build().is_ok());
    let more = builder.intensity(33, ms(1)).build();
    assert_eq!(more.is_ok(), cfg!(feature = "alloc"));
    if let Err(error) = more {
        let text = "restart.intensity.max_restarts needs 34 words of memory: ";
        assert!(error.to_string().starts_with(text), "{error}");
    }
}

#[cfg(feature = "alloc")]
#[test]
fn the_largest_history_escalates_at_failure_4097() {
    let backoff = plain().cap(ns(100));
    let mut restart = with(RestartPolicy::builder(backoff).intensity(4096, ms(1)));
    for n in 0..4096 {
        let at_ns = (n + 1) * 100;
        let then = fails(&mut restart, n * 100);
        assert_eq!(then, RestartAction::WaitUntil { at_ns });
    }
    let (failures, max_restarts) = (4097, 4096);
    let escalated = RestartAction::Escalated {
        failures,
        max_restarts,
    };
    assert_eq!(fails(&mut restart, 409_600), escalated);
}
