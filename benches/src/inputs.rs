//! The inputs of the cases: the same for us and for every peer, and the same in every run.

use std::sync::LazyLock;

use rand_distr::{Bernoulli, Distribution, LogNormal};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;

/// The generator for inputs, and for our machines where they draw.
#[must_use]
pub fn rng(seed: u64) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(seed)
}

/// One call of a dependency: how it ends and how long it takes.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// Whether it failed.
    pub failed: bool,
    /// How long it took.
    pub latency_ns: u64,
}

/// How many calls a row has; a power of two, so that going round it costs one instruction.
pub const ROW: usize = 1024;

/// A row of calls to go round and round.
pub type Calls = Box<[Call; ROW]>;

/// Calls of which each fails with probability `failing`, with latencies around 20 ms.
///
/// # Panics
/// When `failing` is not a probability.
#[must_use]
pub fn calls(seed: u64, failing: f64) -> Calls {
    let mut rng = rng(seed);
    let fails = Bernoulli::new(failing).expect("a probability");
    let latency = latency();
    Box::new(std::array::from_fn(|_| Call {
        failed: fails.sample(&mut rng),
        latency_ns: whole(latency.sample(&mut rng)) * 1_000,
    }))
}

/// How many latencies there are; longer than the longest window, so that no window sees one twice.
pub const LATENCIES: usize = 1 << 17;

/// Latencies in whole microseconds: log-normal, median 20 ms, p99 about 64 ms. Nearly all of them are distinct, which is
/// the hard case for whoever sorts.
#[must_use]
pub fn latencies_us() -> &'static [u64] {
    static DRAWN: LazyLock<Vec<u64>> = LazyLock::new(|| {
        let mut rng = rng(1);
        let latency = latency();
        let draws = (0..LATENCIES).map(|_| whole(latency.sample(&mut rng)));
        draws.collect()
    });
    &DRAWN
}

fn latency() -> LogNormal<f64> {
    LogNormal::new(20_000_f64.ln(), 0.5).expect("a finite shape")
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "microseconds: positive, and far below 2^53"
)]
fn whole(us: f64) -> u64 {
    us.round() as u64
}
