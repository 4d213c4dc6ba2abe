//! The machines that say what to do next, in the loop of their callers: restart, reconnect, health probe. Without peers:
//! those who do the same work do it inside a task, with a timer and a sleep.

use std::time::Duration;

use evenkeel_core::Reported;
use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::breaker::Health;
use evenkeel_core::health::{HealthProbe, HealthProbePolicy, ProbeAction, Probed};
use evenkeel_core::reconnect::{
    LinkAction, LinkEvent, LinkId, LinkPhase, Reconnect, ReconnectPolicy,
};
use evenkeel_core::restart::{Exit, Restart, RestartAction, RestartPolicy};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::Case;
use crate::inputs::rng;
use crate::repeat::repeated;

const SECOND_NS: u64 = 1_000_000_000;
const MS_NS: u64 = 1_000_000;

/// The cases of the drivers.
#[must_use]
pub fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "restart: start, crash and wait",
            repeated("ours", || crashing(None)),
            || waits_between(crashing(None), 0, 60),
        ),
        Case::new(
            "restart: start, crash and wait, at most 30 in five minutes",
            repeated("ours", || crashing(Some(30))),
            || waits_between(crashing(Some(30)), 0, 60),
        ),
        Case::new("reconnect: frame", repeated("ours", frames), stays_up),
        Case::new(
            "reconnect: connect, fail and wait",
            repeated("ours", failing_links),
            || waits_between(failing_links(), 0, 30),
        ),
        Case::new(
            "health: poll before the next probe",
            repeated("ours", || {
                let mut prober = Prober::new();
                prober.probe();
                let before_ns = prober.now_ns - 1;
                move || match prober.probe.poll(before_ns, &mut prober.rng) {
                    ProbeAction::WaitUntil { at_ns } => at_ns,
                    action => panic!("not yet: {action:?}"),
                }
            }),
            finds_it_up,
        ),
        Case::new(
            "health: send, pass and wait",
            repeated("ours", || {
                let mut prober = Prober::new();
                move || prober.probe()
            }),
            finds_it_up,
        ),
    ]
}

/// Each operation tells the instant that it ended at: waits lie in the range, and grow no further.
fn waits_between(mut operation: impl FnMut() -> u64, least_s: u64, most_s: u64) {
    let mut last_ns = 0;
    let mut total_ns = 0;
    for _ in 0..10_000 {
        let now_ns = operation();
        let took_ns = now_ns - last_ns;
        // A millisecond of work comes before the wait.
        let range = least_s * SECOND_NS..=most_s * SECOND_NS + MS_NS;
        assert!(range.contains(&took_ns), "{took_ns} ns");
        total_ns += took_ns;
        last_ns = now_ns;
    }
    let mean_ns = total_ns / 10_000;
    let middle_ns = (least_s + most_s) * SECOND_NS / 2;
    let range = middle_ns * 9 / 10..=middle_ns * 11 / 10;
    assert!(range.contains(&mean_ns), "{mean_ns} ns on average");
}

/// A task that crashes after a millisecond, for ever.
fn crashing(max_restarts: Option<u32>) -> impl FnMut() -> u64 {
    let backoff = BackoffPolicy::builder(Duration::from_millis(100)).cap(Duration::from_secs(60));
    let builder = RestartPolicy::builder(backoff).cooldown(Duration::from_secs(300));
    let builder = match max_restarts {
        Some(most) => builder.intensity(most, Duration::from_secs(300)),
        None => builder,
    };
    let mut restart = Restart::new(builder.build().expect("a valid policy"));
    let (mut now_ns, mut rng) = (0, rng(3));
    move || {
        let RestartAction::Start { run } = restart.poll(now_ns) else {
            panic!("no start at {now_ns}");
        };
        now_ns += MS_NS;
        let reported = restart.on_exit(now_ns, run, Exit::Failure, &mut rng);
        assert_eq!(reported, Reported::Counted);
        if let RestartAction::WaitUntil { at_ns } = restart.poll(now_ns) {
            now_ns = at_ns;
        }
        now_ns
    }
}

fn reconnect() -> Reconnect {
    let backoff = BackoffPolicy::builder(Duration::from_millis(500)).cap(Duration::from_secs(30));
    let policy = ReconnectPolicy::builder(backoff, Duration::from_secs(10))
        .stable_after(Duration::from_secs(60))
        .silence_limit(Duration::from_secs(45))
        .build();
    Reconnect::new(policy.expect("a valid policy"))
}

/// Starts a link.
fn connected(reconnect: &mut Reconnect, rng: &mut Xoshiro256PlusPlus) -> LinkId {
    let LinkAction::Connect { link, .. } = reconnect.poll(0, rng) else {
        panic!("the first try comes at once");
    };
    let _ = reconnect.on_event(0, link, LinkEvent::Connected, rng);
    link
}

/// A link that brings a frame each millisecond.
fn frames() -> impl FnMut() -> Reported {
    let (mut reconnect, mut rng) = (reconnect(), rng(3));
    let link = connected(&mut reconnect, &mut rng);
    let mut now_ns = 0;
    move || {
        now_ns += MS_NS;
        reconnect.on_frame(now_ns, link)
    }
}

/// Frames keep a link up for two silence limits; without them it is given up after one.
fn stays_up() {
    let (mut reconnect, mut rng) = (reconnect(), rng(3));
    let link = connected(&mut reconnect, &mut rng);
    for ms in 1..=90_000 {
        assert_eq!(reconnect.on_frame(ms * MS_NS, link), Reported::Counted);
    }
    let phase = reconnect.status(134 * SECOND_NS).phase;
    assert!(matches!(phase, LinkPhase::Connected { .. }), "{phase:?}");
    let late = reconnect.on_frame(135 * SECOND_NS, link);
    assert_eq!(late, Reported::Stale);
}

/// A server that refuses after a millisecond, for ever.
fn failing_links() -> impl FnMut() -> u64 {
    let (mut reconnect, mut rng) = (reconnect(), rng(3));
    let mut now_ns = 0;
    move || {
        let LinkAction::Connect { link, .. } = reconnect.poll(now_ns, &mut rng) else {
            panic!("no try at {now_ns}");
        };
        now_ns += MS_NS;
        let reported = reconnect.on_event(now_ns, link, LinkEvent::Failed, &mut rng);
        assert_eq!(reported, Reported::Counted);
        if let LinkAction::WaitUntil { at_ns } = reconnect.poll(now_ns, &mut rng) {
            now_ns = at_ns;
        }
        now_ns
    }
}

/// A probe of a dependency that is up.
struct Prober {
    probe: HealthProbe,
    rng: Xoshiro256PlusPlus,
    now_ns: u64,
}

impl Prober {
    fn new() -> Self {
        let policy =
            HealthProbePolicy::builder(Duration::from_secs(10), Duration::from_secs(1)).build();
        Self {
            probe: HealthProbe::new(policy.expect("a valid policy")),
            rng: rng(3),
            now_ns: 0,
        }
    }

    /// Sends one, which passes after a millisecond, and goes to when the next is due.
    #[inline]
    fn probe(&mut self) -> u64 {
        let ProbeAction::Send { probe: id, .. } = self.probe.poll(self.now_ns, &mut self.rng)
        else {
            panic!("no probe at {}", self.now_ns);
        };
        self.now_ns += MS_NS;
        let receipt = self.probe.on_report(self.now_ns, id, Probed::Passed);
        assert_eq!(receipt.reported, Reported::Counted);
        if let ProbeAction::WaitUntil { at_ns } = self.probe.poll(self.now_ns, &mut self.rng) {
            self.now_ns = at_ns;
        }
        self.now_ns
    }
}

/// Ten seconds apart, give or take one; up after two.
fn finds_it_up() {
    let mut prober = Prober::new();
    let mut last_ns = prober.probe();
    for probes in 2..1_000 {
        let before_ns = last_ns - 1;
        let early = prober.probe.poll(before_ns, &mut prober.rng);
        assert_eq!(early, ProbeAction::WaitUntil { at_ns: last_ns });
        let now_ns = prober.probe();
        let range = 9 * SECOND_NS..=11 * SECOND_NS + MS_NS;
        assert!(range.contains(&(now_ns - last_ns)), "probe {probes}");
        assert_eq!(prober.probe.health(now_ns), Some(Health::Up));
        last_ns = now_ns;
    }
}
