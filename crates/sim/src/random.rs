//! Random words: one seed, and a stream of its own for each entity, whoever else there is.

use std::convert::Infallible;

use rand_core::{Rng as _, SeedableRng, TryRng};
use rand_xoshiro::Xoroshiro128PlusPlus;

use crate::ziggurat;

/// The streams of a run: one for each entity, by its kind and number.
///
/// A stream depends on the seed, the kind and the number alone: to add an entity, or to let one draw more, changes no
/// word of another's. So two runs of one seed that differ in a policy differ in nothing else.
///
/// ```
/// use evenkeel_core::random::Rng;
/// use evenkeel_sim::Streams;
///
/// let streams = Streams::seeded(7);
/// let mut client = streams.of("client", 0);
/// let word = client.next_u64();
/// assert_ne!(word, streams.of("client", 1).next_u64());
/// assert_ne!(word, streams.of("server", 0).next_u64());
/// assert_eq!(word, Streams::seeded(7).of("client", 0).next_u64());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Streams {
    seed: u64,
}

impl Streams {
    /// The streams of this seed.
    ///
    /// ```
    /// # use evenkeel_sim::Streams;
    /// assert_ne!(Streams::seeded(7), Streams::seeded(8));
    /// ```
    #[must_use]
    pub const fn seeded(seed: u64) -> Self {
        Self { seed }
    }

    /// The streams of one of many runs, counted from 0: how a scenario's runs differ.
    ///
    /// ```
    /// # use evenkeel_sim::Streams;
    /// assert_ne!(Streams::of_run(7, 0), Streams::of_run(7, 1));
    /// ```
    #[must_use]
    pub const fn of_run(seed: u64, run: u64) -> Self {
        Self::seeded(mixed(mixed(seed.wrapping_add(GOLDEN)).wrapping_add(run)))
    }

    /// The stream of entity `id` of this kind.
    ///
    /// ```
    /// # use evenkeel_sim::Streams;
    /// let mut arrivals = Streams::seeded(7).of("arrivals", 0);
    /// assert!((0.0..1.0).contains(&arrivals.unit()));
    /// ```
    #[must_use]
    pub fn of(&self, kind: &str, id: u64) -> Stream {
        let key = kind.bytes().fold(FNV_BASIS, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME)
        });
        let mut word = mixed(mixed(self.seed.wrapping_add(GOLDEN)) ^ key);
        word = mixed(word.wrapping_add(GOLDEN)).wrapping_add(id);
        // Two words that are never both zero: the finaliser is one-to-one.
        let (first, second) = (mixed(word), mixed(word.wrapping_add(GOLDEN)));
        let mut seed = [0; 16];
        seed[..8].copy_from_slice(&first.to_le_bytes());
        seed[8..].copy_from_slice(&second.to_le_bytes());
        Stream {
            generator: Xoroshiro128PlusPlus::from_seed(seed),
        }
    }
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
const FNV_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;

/// The finaliser of SplitMix64.
const fn mixed(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// A stream of random words: xoroshiro128++, 16 bytes, so that a million clients have one each.
///
/// Machines of the core draw from it; the methods are for what is drawn in a world. Their logarithms are libm's,
/// not the platform's: the same seed gives the same bits on every machine.
///
/// ```
/// use evenkeel_sim::{Stream, Streams};
///
/// let mut stream = Streams::seeded(7).of("dice", 0);
/// let dice = stream.below(6) + 1;
/// assert!((1..=6).contains(&dice));
/// assert_eq!(size_of::<Stream>(), 16);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    generator: Xoroshiro128PlusPlus,
}

impl Stream {
    /// Uniform on `0.0..1.0`, in steps of 2^-53. One word.
    ///
    /// ```
    /// # let mut stream = evenkeel_sim::Streams::seeded(7).of("client", 0);
    /// assert!((0.0..1.0).contains(&stream.unit()));
    /// ```
    #[inline]
    pub fn unit(&mut self) -> f64 {
        const STEP: f64 = 1.0 / (1_u64 << 53) as f64;
        (self.next_u64() >> 11) as f64 * STEP
    }

    /// Uniform on `0..n`; 0 where `n` is 0. One word.
    ///
    /// ```
    /// # let mut stream = evenkeel_sim::Streams::seeded(7).of("client", 0);
    /// assert!(stream.below(10) < 10);
    /// ```
    #[inline]
    pub fn below(&mut self, n: u64) -> u64 {
        evenkeel_core::random::scaled(self.next_u64(), n)
    }

    /// True with this probability. One word.
    ///
    /// ```
    /// # let mut stream = evenkeel_sim::Streams::seeded(7).of("client", 0);
    /// assert!(stream.chance(1.0));
    /// assert!(!stream.chance(0.0));
    /// ```
    #[inline]
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Exponential with this mean: the gap between events that come independently of each other. One word, rarely more.
    ///
    /// ```
    /// # let mut stream = evenkeel_sim::Streams::seeded(7).of("client", 0);
    /// let mean = (0..10_000).map(|_| stream.exponential(3.0)).sum::<f64>() / 10_000.0;
    /// assert!((2.9..3.1).contains(&mean));
    /// ```
    #[inline]
    pub fn exponential(&mut self, mean: f64) -> f64 {
        ziggurat::exponential(self) * mean
    }

    /// Normal with this mean and standard deviation. One word, rarely more.
    ///
    /// ```
    /// # let mut stream = evenkeel_sim::Streams::seeded(7).of("client", 0);
    /// let mean = (0..10_000).map(|_| stream.normal(5.0, 1.0)).sum::<f64>() / 10_000.0;
    /// assert!((4.9..5.1).contains(&mean));
    /// ```
    #[inline]
    pub fn normal(&mut self, mean: f64, sd: f64) -> f64 {
        mean + sd * ziggurat::normal(self)
    }
}

impl TryRng for Stream {
    type Error = Infallible;

    #[inline]
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.generator.next_u64())
    }

    #[inline]
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.generator.next_u32())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.generator.fill_bytes(bytes);
        Ok(())
    }
}
