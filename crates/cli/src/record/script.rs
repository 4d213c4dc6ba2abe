//! What happens in a recording and when: the endpoints, the phases of the trouble, and the dice.

use std::f64::consts::TAU;
use std::time::Duration;

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::Rng;

/// One operation of the server; its key is the path that clients ask for.
pub(crate) struct Endpoint {
    pub(crate) key: &'static str,
    /// The part of all calls that goes here; the shares add up to 1.
    pub(crate) share: f64,
    /// Half of the healthy calls need less work than this.
    median_ms: f64,
}

/// The endpoint whose backend gets into trouble, by its place in [`ENDPOINTS`].
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

/// How checkout behaves for a while.
pub(crate) struct Phase {
    pub(crate) name: &'static str,
    /// Where the phase ends, in seconds of a run of [`SCRIPT_SECONDS`]; other lengths stretch the script.
    until: f64,
    /// The part of the calls that is answered with 503 and Retry-After.
    errors: f64,
    /// Work added to a good answer, at the start and at the end of the phase; it grows evenly in between.
    added_ms: [f64; 2],
    fault: Option<Fault>,
}

/// What is done to calls besides answering them slowly or with 503.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A third of what its clients ask for is served, the rest is answered with 429 and Retry-After.
    Limit,
    /// The connection is reset (RST) once the request is read.
    Reset,
    /// The request is read and never answered.
    Hang,
    /// The whole server is down: its connections are dropped, new ones are refused. Once it is back it tells each
    /// client once to come back later.
    Down,
}

/// The length of the script as it is written down.
const SCRIPT_SECONDS: f64 = 60.0;

const HEALTHY: Phase = Phase {
    name: "healthy",
    until: SCRIPT_SECONDS,
    errors: 0.003,
    added_ms: [0.0, 0.0],
    fault: None,
};

/// What befalls checkout; the other endpoints stay healthy, but for the restart of all.
///
/// Some of it is there to be certain, in a run of ten seconds on a slow machine, too: the limit comes first, when the
/// budget is full and the breaker closed, so that a retry waits for Retry-After; between the first reset and the end of
/// the restart no call succeeds, so that a breaker trips; and the last quarter is without any error, and goes on for a
/// while if need be, so that it closes again.
pub(crate) const SCRIPT: [Phase; 9] = [
    Phase {
        until: 8.0,
        ..HEALTHY
    },
    Phase {
        name: "rate limited",
        until: 16.0,
        fault: Some(Fault::Limit),
        ..HEALTHY
    },
    // It gets slow before it fails, because that is the order in which overload shows.
    Phase {
        name: "slowing",
        until: 23.0,
        added_ms: [0.0, 450.0],
        ..HEALTHY
    },
    Phase {
        name: "failing",
        until: 28.0,
        errors: 0.85,
        added_ms: [120.0, 120.0],
        ..HEALTHY
    },
    Phase {
        name: "resetting",
        until: 31.0,
        fault: Some(Fault::Reset),
        ..HEALTHY
    },
    // In a run of ten seconds it is still longer than its callers wait: they time out before the restart hangs up.
    Phase {
        name: "black hole",
        until: 38.0,
        fault: Some(Fault::Hang),
        ..HEALTHY
    },
    Phase {
        name: "restarting",
        until: 41.0,
        fault: Some(Fault::Down),
        ..HEALTHY
    },
    Phase {
        name: "half-recovered",
        until: 45.0,
        errors: 0.15,
        added_ms: [60.0, 15.0],
        ..HEALTHY
    },
    Phase {
        name: "recovered",
        errors: 0.0,
        ..HEALTHY
    },
];

/// The script, stretched to the length of a run.
#[derive(Clone, Copy)]
pub(crate) struct Script {
    pub(crate) run: Duration,
}

impl Script {
    /// The phase of checkout at `at`, by its place in [`SCRIPT`].
    pub(crate) fn phase(self, at: Duration) -> usize {
        let second = self.second(at);
        let found = SCRIPT.iter().position(|phase| second < phase.until);
        // A call that comes late, after the end of the run, still belongs to the last phase.
        found.unwrap_or(SCRIPT.len() - 1)
    }

    /// When a phase begins and ends.
    pub(crate) fn span(self, phase: usize) -> [Duration; 2] {
        let stretch = self.run.as_secs_f64() / SCRIPT_SECONDS;
        [begin(phase), SCRIPT[phase].until].map(|second| Duration::from_secs_f64(second * stretch))
    }

    /// When the server goes down and when it comes back, each time.
    pub(crate) fn downtimes(self) -> impl Iterator<Item = [Duration; 2]> {
        let down = |&phase: &usize| SCRIPT[phase].fault == Some(Fault::Down);
        (0..SCRIPT.len())
            .filter(down)
            .map(move |phase| self.span(phase))
    }

    /// Whether no trouble is left at `at`.
    pub(crate) fn is_over(self, at: Duration) -> bool {
        self.phase(at) == SCRIPT.len() - 1
    }

    /// Rolls the fate of one call to `endpoint` at `at`.
    pub(crate) fn fate(self, endpoint: usize, at: Duration, rng: &mut Xoshiro256PlusPlus) -> Fate {
        let own_ms = ENDPOINTS[endpoint].median_ms * tail(0.5, rng);
        let (phase, added_ms) = match endpoint {
            CHECKOUT => {
                let phase = self.phase(at);
                (&SCRIPT[phase], self.added_ms(phase, at))
            }
            _ => (&HEALTHY, 0.0),
        };
        match phase.fault {
            Some(Fault::Reset) => Fate::Reset,
            Some(Fault::Hang) => Fate::Hang,
            Some(Fault::Limit) => Fate::Limited(millis(own_ms)),
            // A backend that refuses does so promptly; only good answers take the added work.
            _ if uniform(rng) < phase.errors => Fate::Fail(millis(own_ms)),
            _ => Fate::Answer(millis(own_ms + added_ms * tail(0.15, rng))),
        }
    }

    /// The work that the phase adds at this instant, before jitter.
    fn added_ms(self, phase: usize, at: Duration) -> f64 {
        let begins = begin(phase);
        let length = SCRIPT[phase].until - begins;
        let progress = ((self.second(at) - begins) / length).clamp(0.0, 1.0);
        let [first, last] = SCRIPT[phase].added_ms;
        first + (last - first) * progress
    }

    /// `at` as seconds of the script as it is written down.
    fn second(self, at: Duration) -> f64 {
        at.as_secs_f64() / self.run.as_secs_f64() * SCRIPT_SECONDS
    }
}

fn begin(phase: usize) -> f64 {
    let before = phase.checked_sub(1);
    before.map_or(0.0, |before| SCRIPT[before].until)
}

/// What the server does with one call.
pub(crate) enum Fate {
    /// Do this much work, then answer 200.
    Answer(Duration),
    /// Do this much work, then answer 503 and Retry-After.
    Fail(Duration),
    /// Do this much work if the limit allows it, else answer 429 and Retry-After.
    Limited(Duration),
    /// Reset the connection.
    Reset,
    /// Never answer.
    Hang,
}

/// When calls come: gaps are exponential, as when many clients know nothing of each other (Poisson).
pub(crate) struct Arrivals {
    rng: Xoshiro256PlusPlus,
    per_second: f64,
    at: Duration,
}

impl Arrivals {
    /// So many a second on average, without end.
    pub(crate) const fn new(per_second: f64, rng: Xoshiro256PlusPlus) -> Self {
        Self {
            rng,
            per_second,
            at: Duration::ZERO,
        }
    }

    /// The same, each with an endpoint by their shares.
    pub(crate) fn with_endpoints(mut self) -> impl Iterator<Item = (Duration, usize)> {
        std::iter::from_fn(move || Some((self.next()?, self.endpoint())))
    }

    /// All endpoints laid end to end on `0..1`: the one at a random point.
    fn endpoint(&mut self) -> usize {
        let point = uniform(&mut self.rng);
        let mut end = 0.0;
        let found = ENDPOINTS.iter().position(|endpoint| {
            end += endpoint.share;
            point < end
        });
        // The sum of the shares may round to just below 1.
        found.unwrap_or(ENDPOINTS.len() - 1)
    }
}

impl Iterator for Arrivals {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        // 1 - u is never 0, so the logarithm is finite.
        let gap = -(1.0 - uniform(&mut self.rng)).ln() / self.per_second;
        self.at += Duration::from_secs_f64(gap);
        Some(self.at)
    }
}

/// A number uniform on `0..1`.
fn uniform(rng: &mut Xoshiro256PlusPlus) -> f64 {
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
