//! What happens in the recording and when: the endpoints, the phases of the outage, and the dice.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::Rng;
use std::f64::consts::TAU;
use std::time::Duration;

/// One operation of the server; its key is the path that clients ask for.
pub(crate) struct Endpoint {
    pub(crate) key: &'static str,
    /// The part of all calls that goes here; the shares add up to 1.
    pub(crate) share: f64,
    /// Half of the healthy calls need less work than this.
    pub(crate) median_ms: f64,
}

/// The endpoint whose backend breaks, by its place in [`ENDPOINTS`].
pub(crate) const CHECKOUT: usize = 0;

pub(crate) const ENDPOINTS: [Endpoint; 3] = [
    Endpoint {
        key: "checkout",
        share: 0.40,
        median_ms: 7.0,
    },
    Endpoint {
        key: "search",
        share: 0.35,
        median_ms: 5.0,
    },
    Endpoint {
        key: "inventory",
        share: 0.25,
        median_ms: 3.0,
    },
];

/// How a backend behaves for a while.
pub(crate) struct Phase {
    pub(crate) name: &'static str,
    /// Where the phase ends, in seconds of a run of [`SCRIPT_SECONDS`]; other lengths stretch the script.
    pub(crate) until: f64,
    /// The part of the calls that is answered with 503.
    pub(crate) errors: f64,
    /// Work added to a good answer, at the start and at the end of the phase; it grows evenly in between.
    pub(crate) added_ms: [f64; 2],
    /// Whether calls are answered at all.
    pub(crate) answers: bool,
}

/// The length of the script as it is written down.
pub(crate) const SCRIPT_SECONDS: f64 = 60.0;

/// A healthy backend; every endpoint but checkout stays like this throughout.
const HEALTHY: Phase = Phase {
    name: "healthy",
    until: SCRIPT_SECONDS,
    errors: 0.003,
    added_ms: [0.0, 0.0],
    answers: true,
};

/// What befalls checkout. It gets slow before it fails, because that is the order in which overload shows.
pub(crate) const OUTAGE: [Phase; 6] = [
    Phase {
        until: 12.0,
        ..HEALTHY
    },
    Phase {
        name: "slowing",
        until: 22.0,
        added_ms: [0.0, 450.0],
        ..HEALTHY
    },
    Phase {
        name: "failing",
        until: 32.0,
        errors: 0.85,
        added_ms: [120.0, 120.0],
        ..HEALTHY
    },
    Phase {
        name: "black hole",
        until: 42.0,
        answers: false,
        ..HEALTHY
    },
    Phase {
        name: "half-recovered",
        until: 48.0,
        errors: 0.15,
        added_ms: [60.0, 15.0],
        ..HEALTHY
    },
    Phase {
        name: "recovered",
        ..HEALTHY
    },
];

/// The phase of checkout, by its place in [`OUTAGE`], at `at` in a run of the length `run`.
pub(crate) fn phase_index(at: Duration, run: Duration) -> usize {
    let second = at.as_secs_f64() / run.as_secs_f64() * SCRIPT_SECONDS;
    // A call that comes late, after the end of the run, still belongs to the last phase.
    OUTAGE
        .iter()
        .position(|phase| second < phase.until)
        .unwrap_or(OUTAGE.len() - 1)
}

/// What the server does with one call.
pub(crate) enum Fate {
    /// Do this much work, then answer 200.
    Answer(Duration),
    /// Do this much work, then answer 503.
    Fail(Duration),
    /// Never answer.
    Hang,
}

/// Rolls the fate of one call to `endpoint` at `at` in a run of the length `run`.
pub(crate) fn fate(
    endpoint: usize,
    at: Duration,
    run: Duration,
    rng: &mut Xoshiro256PlusPlus,
) -> Fate {
    let (phase, added_ms) = if endpoint == CHECKOUT {
        let index = phase_index(at, run);
        (&OUTAGE[index], added_ms(index, at, run))
    } else {
        (&HEALTHY, 0.0)
    };
    let own_ms = ENDPOINTS[endpoint].median_ms * tail(0.5, rng);
    if !phase.answers {
        Fate::Hang
    } else if uniform(rng) < phase.errors {
        // A backend that refuses does so promptly; only good answers take the added work.
        Fate::Fail(millis(own_ms))
    } else {
        Fate::Answer(millis(own_ms + added_ms * tail(0.15, rng)))
    }
}

/// The work that the phase adds at this instant, before jitter.
fn added_ms(index: usize, at: Duration, run: Duration) -> f64 {
    let begins = index
        .checked_sub(1)
        .map_or(0.0, |before| OUTAGE[before].until);
    let phase = &OUTAGE[index];
    let second = at.as_secs_f64() / run.as_secs_f64() * SCRIPT_SECONDS;
    let progress = ((second - begins) / (phase.until - begins)).clamp(0.0, 1.0);
    let [first, last] = phase.added_ms;
    first + (last - first) * progress
}

/// A number uniform on `0..1`.
pub(crate) fn uniform(rng: &mut Xoshiro256PlusPlus) -> f64 {
    // 53 bits are what an f64 holds without rounding up to 1.
    (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

/// A factor with median 1 and a long right tail (log-normal, by Box and Muller): service times look like this.
fn tail(spread: f64, rng: &mut Xoshiro256PlusPlus) -> f64 {
    // 1 - u is never 0, so the logarithm is finite.
    let radius = (-2.0 * (1.0 - uniform(rng)).ln()).sqrt();
    (spread * radius * (TAU * uniform(rng)).cos()).exp()
}

fn millis(ms: f64) -> Duration {
    Duration::from_secs_f64(ms / 1e3)
}
