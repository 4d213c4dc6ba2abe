//! Normal and exponential draws by the ziggurat method of Marsaglia and Tsang: nearly always one word, one multiplication.
//!
//! The area under a falling density is cut into 256 layers of equal area, a stack of rectangles. A layer is chosen, and a
//! point in it: where it lies under the layer above, it is certainly under the curve. Only the rest needs a logarithm or
//! an exponential, and those are libm's.

use std::sync::LazyLock;

use rand_core::Rng as _;

use crate::random::Stream;

const LAYERS: usize = 256;

/// The layers of a density `f` on 0 and above.
struct Ziggurat {
    /// The right edge of each layer, from the base, which also holds the tail, to 0.
    edges: [f64; LAYERS + 1],
    /// The density at each edge.
    heights: [f64; LAYERS + 1],
}

impl Ziggurat {
    /// Of the density `f` and its inverse, with the tail from `tail` on, and layers of this `area`.
    fn new(tail: f64, area: f64, f: fn(f64) -> f64, inverse: fn(f64) -> f64) -> Self {
        let mut edges = [0.0; LAYERS + 1];
        edges[0] = area / f(tail);
        edges[1] = tail;
        for layer in 2..LAYERS {
            let below = edges[layer - 1];
            edges[layer] = inverse(area / below + f(below));
        }
        let heights = edges.map(f);
        Self { edges, heights }
    }
}

/// Where the tail of the normal begins, and the area of each of its layers.
const NORMAL_TAIL: f64 = 3.654_152_885_361_009;
const NORMAL_AREA: f64 = 0.004_928_673_233_992_336;
/// The same of the exponential.
const EXPONENTIAL_TAIL: f64 = 7.697_117_470_131_05;
const EXPONENTIAL_AREA: f64 = 0.003_949_659_822_581_557;

fn bell(x: f64) -> f64 {
    libm::exp(-0.5 * x * x)
}

fn decay(x: f64) -> f64 {
    libm::exp(-x)
}

static NORMAL: LazyLock<Ziggurat> = LazyLock::new(|| {
    let inverse = |y| (-2.0 * libm::log(y)).sqrt();
    Ziggurat::new(NORMAL_TAIL, NORMAL_AREA, bell, inverse)
});

static EXPONENTIAL: LazyLock<Ziggurat> = LazyLock::new(|| {
    let inverse = |y| -libm::log(y);
    Ziggurat::new(EXPONENTIAL_TAIL, EXPONENTIAL_AREA, decay, inverse)
});

/// A word as a layer, and a number on `0.0..1.0`: from different bits of it.
#[inline]
fn split(word: u64) -> (usize, f64) {
    const STEP: f64 = 1.0 / (1_u64 << 53) as f64;
    (word as usize % LAYERS, (word >> 11) as f64 * STEP)
}

/// Normal with mean 0 and standard deviation 1.
#[inline]
pub(crate) fn normal(rng: &mut Stream) -> f64 {
    let ziggurat = &*NORMAL;
    loop {
        let (layer, unit) = split(rng.next_u64());
        let x = (2.0 * unit - 1.0) * ziggurat.edges[layer];
        if x.abs() < ziggurat.edges[layer + 1] {
            return x;
        }
        if layer == 0 {
            return normal_tail(rng).copysign(x);
        }
        if is_under(ziggurat, layer, bell(x), rng) {
            return x;
        }
    }
}

/// Exponential with mean 1.
#[inline]
pub(crate) fn exponential(rng: &mut Stream) -> f64 {
    let ziggurat = &*EXPONENTIAL;
    loop {
        let (layer, unit) = split(rng.next_u64());
        let x = unit * ziggurat.edges[layer];
        if x < ziggurat.edges[layer + 1] {
            return x;
        }
        if layer == 0 {
            // What is beyond is distributed like the whole.
            return EXPONENTIAL_TAIL - libm::log(1.0 - rng.unit());
        }
        if is_under(ziggurat, layer, decay(x), rng) {
            return x;
        }
    }
}

/// Whether a point at random in the height of this layer is under the curve, which is `height` high there.
#[cold]
fn is_under(ziggurat: &Ziggurat, layer: usize, height: f64, rng: &mut Stream) -> bool {
    let (low, high) = (ziggurat.heights[layer], ziggurat.heights[layer + 1]);
    low + (high - low) * rng.unit() < height
}

/// Beyond the base layer, by Marsaglia's method for the tail.
#[cold]
fn normal_tail(rng: &mut Stream) -> f64 {
    loop {
        let x = -libm::log(1.0 - rng.unit()) / NORMAL_TAIL;
        let y = -libm::log(1.0 - rng.unit());
        if 2.0 * y > x * x {
            return NORMAL_TAIL + x;
        }
    }
}
