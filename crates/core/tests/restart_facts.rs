//! What users of a supervisor rely on, fact by fact: the rows of O1 (see docs/origins.md), the edges of intensity and
//! cooldown, and what peers got wrong.

use core::time::Duration;

use evenkeel_core::Reported;
use evenkeel_core::backoff::{BackoffBuilder, BackoffPolicy, Growth, Jitter};
use evenkeel_core::restart::{
    Exit, Restart, RestartAction, RestartBuilder, RestartOn, RestartPolicy, RestartState, RunId,
};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

const MS: u64 = 1_000_000;
const SECOND: u64 = 1000 * MS;

fn rng() -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(5)
}

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

fn start(restart: &mut Restart, now_ns: u64) -> RunId {
    match restart.poll(now_ns) {
        RestartAction::Start { run } => run,
        other => panic!("{other:?} at {now_ns}"),
    }
}

/// Starts at `at_ns` and ends after `uptime_ns`; what is to be done then.
fn run(restart: &mut Restart, at_ns: u64, uptime_ns: u64, exit: Exit) -> RestartAction {
    let run = start(restart, at_ns);
    let end_ns = at_ns + uptime_ns;
    assert_eq!(
        restart.on_exit(end_ns, run, exit, &mut rng()),
        Reported::Counted
    );
    restart.poll(end_ns)
}

/// The wait after a run that starts as soon as it may, and fails after `uptime_ns`; and the instant of its end.
fn next_wait(restart: &mut Restart, now_ns: &mut u64, uptime_ns: u64) -> u64 {
    *now_ns = (*now_ns).max(restart.next_deadline_ns().expect("due"));
    let action = run(restart, *now_ns, uptime_ns, Exit::Failure);
    *now_ns += uptime_ns;
    match action {
        RestartAction::WaitUntil { at_ns } => at_ns - *now_ns,
        RestartAction::Start { .. } => 0,
        other => panic!("{other:?}"),
    }
}

// ---- O1

/// Its settings, with the attempt counted first: the first ceiling is 2 x 100 ms. Its limit of 10 failures, the last
/// of which opens, is 9 restarts.
fn o1() -> RestartBuilder {
    let backoff = BackoffPolicy::builder(ms(200)).cap(ms(60_000));
    RestartPolicy::builder(backoff)
        .intensity(9, ms(600_000))
        .cooldown(ms(300_000))
}

#[test]
fn o1_waits_are_full_jitter_draws_below_200_400_800_ms() {
    for seed in 0..200 {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut restart = with(o1());
        let mut now_ns = 0;
        for ceiling_ms in [200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200] {
            let run = start(&mut restart, now_ns);
            let _ = restart.on_exit(now_ns, run, Exit::Failure, &mut rng);
            let at_ns = restart.next_deadline_ns().expect("below the limit");
            assert!(at_ns - now_ns <= ceiling_ms * MS);
            now_ns = at_ns;
        }
    }
}

#[test]
fn o1_three_failures_with_limit_3_retry_retry_open() {
    let backoff = BackoffPolicy::builder(ms(200)).jitter(Jitter::None);
    let mut restart = with(RestartPolicy::builder(backoff).intensity(2, ms(600_000)));
    let mut now_ns = 0;
    assert_eq!(next_wait(&mut restart, &mut now_ns, 0), 200 * MS);
    assert_eq!(next_wait(&mut restart, &mut now_ns, 0), 400 * MS);
    let opened = run(&mut restart, now_ns + 400 * MS, 0, Exit::Failure);
    let (failures, max_restarts) = (3, 2);
    assert_eq!(
        opened,
        RestartAction::Escalated {
            failures,
            max_restarts
        }
    );
}

#[test]
fn o1_failures_older_than_the_window_are_forgotten_edge_inclusive() {
    for (gap_ns, escalates) in [(999, true), (1000, true), (1001, false)] {
        let mut restart = with(RestartPolicy::builder(plain()).intensity(1, ns(1000)));
        let _ = run(&mut restart, 50, 0, Exit::Failure);
        let then = run(&mut restart, 50 + gap_ns, 0, Exit::Failure);
        assert_eq!(
            matches!(then, RestartAction::Escalated { .. }),
            escalates,
            "{gap_ns}"
        );
    }
}

#[test]
fn o1_an_uptime_of_the_cooldown_clears_attempts_and_history_first() {
    for (uptime_ns, attempts, failures) in [(299_999, 4, 4), (300_000, 1, 1), (400_000, 1, 1)] {
        let builder = RestartPolicy::builder(plain());
        let mut restart = with(builder.intensity(9, ms(600)).cooldown(ns(300_000)));
        let mut now_ns = 0;
        for _ in 0..3 {
            next_wait(&mut restart, &mut now_ns, 10);
        }
        next_wait(&mut restart, &mut now_ns, uptime_ns);
        assert_eq!(
            (restart.attempts(), restart.recent_failures(now_ns)),
            (attempts, failures)
        );
    }
}

#[test]
fn o1_a_healthy_run_makes_good_even_the_failure_that_would_have_escalated() {
    let builder = RestartPolicy::builder(plain()).intensity(1, ms(1));
    let mut restart = with(builder.cooldown(ns(500)));
    let _ = run(&mut restart, 0, 10, Exit::Failure);
    let then = run(&mut restart, 200, 500, Exit::Failure);
    assert_eq!(then, RestartAction::WaitUntil { at_ns: 800 });
    assert_eq!(restart.recent_failures(700), 1);
}

#[test]
fn o1_zero_base_gives_zero_and_no_limit_never_opens() {
    let mut restart = with(RestartPolicy::builder(BackoffPolicy::builder(
        Duration::ZERO,
    )));
    for now_ns in 3..1003 {
        assert_eq!(next_wait_zero(&mut restart, now_ns), now_ns);
    }
    assert_eq!(restart.attempts(), 1000);
}

fn next_wait_zero(restart: &mut Restart, now_ns: u64) -> u64 {
    let run = start(restart, now_ns);
    let _ = restart.on_exit(now_ns, run, Exit::Failure, &mut rng());
    restart.next_deadline_ns().expect("due at once")
}

#[test]
fn o1_its_history_has_a_bound_and_soon_after_boot_nothing_underflows() {
    let mut restart = with(RestartPolicy::builder(plain()).intensity(3, ms(600_000)));
    let _ = run(&mut restart, 0, 0, Exit::Failure);
    assert_eq!(restart.recent_failures(0), 1);
    // Without an intensity there is no history at all, however many failures.
    let mut restart = with(RestartPolicy::builder(plain().cap(ns(100))));
    for n in 0..10_000_u64 {
        let _ = run(&mut restart, n * 100, 0, Exit::Failure);
    }
    assert_eq!(restart.recent_failures(0), 0);
    assert!(size_of::<RestartState>() <= 344, "what its page says");
}

#[test]
fn o1_reset_is_rearm() {
    let mut restart = with(o1());
    let mut now_ns = 0;
    for _ in 0..5 {
        let run = start(&mut restart, now_ns);
        let _ = restart.on_exit(now_ns, run, Exit::Failure, &mut rng());
        now_ns = restart.next_deadline_ns().expect("below the limit");
    }
    let running = start(&mut restart, now_ns);
    assert_eq!(
        (restart.attempts(), restart.recent_failures(now_ns)),
        (5, 5)
    );
    restart.rearm(now_ns);
    assert_eq!(
        (restart.attempts(), restart.recent_failures(now_ns)),
        (0, 0)
    );
    assert_eq!(
        restart.poll(now_ns),
        RestartAction::Running { run: running }
    );
}

#[test]
fn o1_the_settings_and_the_file_are_the_same_policy() {
    let policy = o1().build().expect("a policy");
    let again = RestartBuilder::from(policy).build();
    assert_eq!(again, Ok(policy));
    #[cfg(feature = "serde")]
    {
        let file = r#"
            backoff = { base = "200ms", cap = "60s" }
            intensity = { max_restarts = 9, window = "10m" }
            cooldown = "5m"
        "#;
        assert_eq!(toml::from_str::<RestartPolicy>(file), Ok(policy));
    }
}

// ---- what peers got wrong

#[test]
fn d24_a_task_that_is_broken_for_good_stays_at_the_cap() {
    let backoff = BackoffPolicy::builder(ms(1000)).jitter(Jitter::None);
    let builder = RestartPolicy::builder(backoff.cap(ms(30_000)));
    for builder in [builder, builder.cooldown(ms(60_000))] {
        let mut restart = with(builder);
        let mut now_ns = 0;
        let waits: Vec<u64> = (0..500)
            .map(|_| next_wait(&mut restart, &mut now_ns, MS) / SECOND)
            .collect();
        assert_eq!(waits[..6], [1, 2, 4, 8, 16, 30]);
        assert!(waits[5..].iter().all(|&wait| wait == 30));
    }
}

#[test]
fn d25_a_wait_as_long_as_the_cooldown_is_no_time_of_health() {
    let mut restart = with(RestartPolicy::builder(plain()).cooldown(ns(400)));
    let mut now_ns = 0;
    let waits: Vec<u64> = (0..6)
        .map(|_| next_wait(&mut restart, &mut now_ns, 1))
        .collect();
    assert_eq!(waits, [100, 200, 400, 800, 1600, 3200]);
}

#[test]
fn the_uptime_counts_from_the_start_that_was_said_and_not_from_when_it_was_due() {
    let mut restart = with(RestartPolicy::builder(plain()).cooldown(ns(400)));
    let _ = run(&mut restart, 0, 1, Exit::Failure); // due again at 101
    let _ = run(&mut restart, 10_000, 399, Exit::Failure); // polled late
    assert_eq!(restart.attempts(), 2);
}

#[test]
fn the_wait_counts_from_the_exit() {
    let mut restart = with(RestartPolicy::builder(plain()));
    let waits = run(&mut restart, 0, 12_345, Exit::Failure);
    assert_eq!(waits, RestartAction::WaitUntil { at_ns: 12_445 });
    assert_eq!(
        restart.poll(12_444),
        RestartAction::WaitUntil { at_ns: 12_445 }
    );
    assert_eq!(
        restart.poll(12_445),
        RestartAction::Start {
            run: RunId::from_word(2)
        }
    );
}

#[test]
fn a_task_that_ends_cleanly_at_once_is_no_hot_loop_and_no_failure() {
    let mut restart = with(RestartPolicy::builder(plain()).intensity(0, ns(1000)));
    let mut at_ns = 0;
    for wait_ns in [100, 200, 400, 800] {
        let waits = run(&mut restart, at_ns, 0, Exit::Clean);
        at_ns += wait_ns;
        assert_eq!(waits, RestartAction::WaitUntil { at_ns });
    }
    assert_eq!(restart.recent_failures(at_ns), 0);
}

#[test]
fn no_more_than_max_restarts_failures_in_any_window_are_restarted() {
    let mut rng = rng();
    for max_restarts in 0..6 {
        let backoff = BackoffPolicy::builder(ns(30)).growth(Growth::Constant);
        let builder = RestartPolicy::builder(backoff).intensity(max_restarts, ns(400));
        let mut restart = with(builder);
        let (mut now_ns, mut restarted) = (0, Vec::new());
        loop {
            let run = start(&mut restart, now_ns);
            now_ns += rng.next_u64() % 50;
            let _ = restart.on_exit(now_ns, run, Exit::Failure, &mut rng);
            let recent = |at: &&u64| now_ns - **at <= 400;
            let within = restarted.iter().filter(recent).count();
            let Some(at_ns) = restart.next_deadline_ns() else {
                assert_eq!(
                    within, max_restarts as usize,
                    "it escalates no sooner and no later"
                );
                break;
            };
            assert!(within < max_restarts as usize);
            restarted.push(now_ns);
            now_ns = at_ns;
        }
    }
}

// ---- which exits

#[test]
fn a_clean_exit_under_on_failure_is_the_end_and_a_failure_is_not() {
    let mut restart = with(RestartPolicy::builder(plain()).restart_on(RestartOn::Failure));
    let waits = run(&mut restart, 0, 5, Exit::Failure);
    assert_eq!(waits, RestartAction::WaitUntil { at_ns: 105 });
    assert_eq!(
        run(&mut restart, 105, 5, Exit::Clean),
        RestartAction::Stopped
    );
    assert_eq!(restart.next_deadline_ns(), None);
}

#[test]
fn never_runs_once() {
    for exit in [Exit::Clean, Exit::Failure] {
        let builder = RestartPolicy::builder(plain()).restart_on(RestartOn::Never);
        let mut restart = with(builder.intensity(0, ns(1000)));
        assert_eq!(run(&mut restart, 0, 5, exit), RestartAction::Stopped);
        restart.rearm(6);
        assert_eq!(run(&mut restart, 6, 5, exit), RestartAction::Stopped);
    }
}

// ---- stop and rearm

#[test]
fn stop_ends_a_wait_and_nothing_but_rearm_leads_on() {
    let mut restart = with(RestartPolicy::builder(plain()));
    let _ = run(&mut restart, 0, 0, Exit::Failure);
    assert_eq!(restart.stop(50), None);
    for now_ns in [50, 100, 101, u64::MAX] {
        assert_eq!(restart.poll(now_ns), RestartAction::Stopped);
        assert_eq!(restart.next_deadline_ns(), None);
    }
    restart.rearm(0);
    assert_eq!(restart.next_deadline_ns(), Some(u64::MAX));
    assert!(matches!(restart.poll(0), RestartAction::Start { .. }));
}

#[test]
fn a_stopped_run_is_let_go_and_its_exit_counts_for_nothing() {
    let mut restart = with(RestartPolicy::builder(plain()).intensity(0, ns(1000)));
    let run = start(&mut restart, 0);
    assert_eq!(restart.stop(5), Some(run));
    assert_eq!(restart.stop(6), Some(run), "asked again, said again");
    assert_eq!(restart.poll(6), RestartAction::Stopped);
    assert_eq!(restart.in_flight(), Some(run));
    let mut rng = rng();
    assert_eq!(
        restart.on_exit(7, run, Exit::Failure, &mut rng),
        Reported::Counted
    );
    assert_eq!(
        restart.on_exit(7, run, Exit::Failure, &mut rng),
        Reported::Stale
    );
    assert_eq!(
        (restart.poll(7), restart.in_flight()),
        (RestartAction::Stopped, None)
    );
    assert_eq!((restart.attempts(), restart.recent_failures(7)), (0, 0));
}

#[test]
fn there_are_never_two_runs_at_once_not_even_after_stop_and_rearm() {
    let mut restart = with(RestartPolicy::builder(plain()));
    let old = start(&mut restart, 0);
    assert_eq!(restart.stop(5), Some(old));
    restart.rearm(6);
    assert_eq!(restart.poll(6), RestartAction::Running { run: old });
    assert_eq!(
        restart.on_exit(9, old, Exit::Failure, &mut rng()),
        Reported::Counted
    );
    assert_eq!(restart.attempts(), 0, "it was stopped, it did not fail");
    assert!(start(&mut restart, 9) > old);
}

#[test]
fn rearm_while_it_waits_starts_at_once_with_the_first_wait_again() {
    let mut restart = with(RestartPolicy::builder(plain()));
    let mut now_ns = 0;
    for _ in 0..5 {
        next_wait(&mut restart, &mut now_ns, 0);
    }
    restart.rearm(now_ns + 1);
    let waits = run(&mut restart, now_ns + 1, 0, Exit::Failure);
    let at_ns = now_ns + 101;
    assert_eq!(waits, RestartAction::WaitUntil { at_ns });
}

#[test]
fn escalated_is_said_as_often_as_it_is_asked_until_rearm() {
    let mut restart = with(RestartPolicy::builder(plain()).intensity(0, ns(1000)));
    let said = run(&mut restart, 0, 3, Exit::Failure);
    assert!(matches!(said, RestartAction::Escalated { failures: 1, .. }));
    assert_eq!(restart.poll(u64::MAX), said);
    restart.rearm(0);
    let _ = start(&mut restart, 0);
}

// ---- ids and the ends of time

#[test]
fn late_doubled_and_foreign_exits_change_nothing() {
    let mut restart = with(RestartPolicy::builder(plain()));
    let first = start(&mut restart, 0);
    let mut rng = rng();
    assert_eq!(
        restart.on_exit(10, first, Exit::Failure, &mut rng),
        Reported::Counted
    );
    let second = start(&mut restart, 110);
    let before = restart.clone();
    for id in [first.to_word(), 0, second.to_word() + 1, u64::MAX] {
        let told = restart.on_exit(110, RunId::from_word(id), Exit::Failure, &mut rng);
        assert_eq!(told, Reported::Stale);
        assert_eq!(restart, before);
    }
}

#[test]
fn a_wait_that_would_end_after_the_last_instant_stops() {
    let mut restart = with(RestartPolicy::builder(plain()));
    let at_the_end = run(&mut restart, u64::MAX - 100, 0, Exit::Failure);
    assert_eq!(
        at_the_end,
        RestartAction::WaitUntil { at_ns: u64::MAX },
        "the last instant is one"
    );
    let after = run(&mut restart, u64::MAX, 0, Exit::Failure);
    assert_eq!(after, RestartAction::Stopped);
    assert_eq!(restart.next_deadline_ns(), None);
    restart.rearm(0);
    let _ = start(&mut restart, 0);
}

#[test]
fn a_clock_that_runs_backwards_stands_still() {
    let mut restart = with(RestartPolicy::builder(plain()).cooldown(ns(50)));
    let run = start(&mut restart, 1000);
    let _ = restart.on_exit(0, run, Exit::Failure, &mut rng());
    assert_eq!(restart.next_deadline_ns(), Some(1100));
    assert_eq!(restart.attempts(), 1);
}

#[test]
fn one_word_for_each_wait_with_jitter_and_none_otherwise() {
    let words = |jitter, on, exit| {
        let builder = RestartPolicy::builder(plain().jitter(jitter)).restart_on(on);
        let mut restart = with(builder.intensity(0, ns(1000)));
        let run = start(&mut restart, 0);
        let (mut drawn, mut fresh) = (rng(), rng());
        let _ = restart.on_exit(5, run, exit, &mut drawn);
        (0..9).find(|_| drawn == fresh || fresh.next_u64() == u64::MAX)
    };
    let (full, none) = (Jitter::Full, Jitter::None);
    assert_eq!(words(full, RestartOn::Always, Exit::Clean), Some(1));
    assert_eq!(words(none, RestartOn::Always, Exit::Clean), Some(0));
    assert_eq!(words(full, RestartOn::Always, Exit::Failure), Some(0)); // it escalates
    assert_eq!(words(full, RestartOn::Failure, Exit::Clean), Some(0));
    assert_eq!(words(full, RestartOn::Never, Exit::Failure), Some(0));
}
