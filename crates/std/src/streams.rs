//! Where random words come from: one seed, and a stream of its own for whoever asks.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use rand_core::{Rng as _, SeedableRng, TryRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Streams of random words that differ from each other: what keeps two retries from waiting for the same time.
///
/// Clones share one counter, so no stream is handed out twice. Seeded with the same number, the n-th stream is the same
/// in every run, on every machine.
///
/// ```
/// use evenkeel_core::random::Rng;
/// use evenkeel_std::Streams;
///
/// let streams = Streams::seeded(7);
/// let (mut first, mut second) = (streams.next(), streams.next());
/// let words = [first.next_u64(), second.next_u64()];
/// assert_ne!(words[0], words[1]);
///
/// let again = Streams::seeded(7);
/// assert_eq!([again.next().next_u64(), again.next().next_u64()], words);
/// ```
#[derive(Clone, Debug)]
pub struct Streams {
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    /// Not a counted reference: every retry takes a stream.
    OfTheProcess,
    Own(Arc<Shared>),
}

#[derive(Debug)]
struct Shared {
    seed: u64,
    made: AtomicU64,
}

impl Shared {
    const fn seeded(seed: u64) -> Self {
        let made = AtomicU64::new(0);
        Self { seed, made }
    }

    fn from_entropy() -> Self {
        Self::seeded(getrandom::u64().expect("the operating system has random numbers"))
    }

    /// Each step is a bijection of 64 bits, so streams of one seed all start from different words; xoshiro spreads its
    /// seed word by SplitMix64.
    fn next_seed(&self) -> u64 {
        // Relaxed: only that no number is given twice matters, and that an addition in one step ensures.
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        mixed(mixed(self.seed) ^ number)
    }
}

static OF_THE_PROCESS: LazyLock<Shared> = LazyLock::new(Shared::from_entropy);

impl Streams {
    /// Seeded by the operating system: no two processes, and no two of these, give the same streams.
    ///
    /// # Panics
    /// When the operating system has no random numbers to give. No system that runs this library is known to.
    ///
    /// ```
    /// use evenkeel_core::random::Rng;
    /// use evenkeel_std::Streams;
    ///
    /// let word = || Streams::from_entropy().next().next_u64();
    /// assert_ne!(word(), word());
    /// ```
    #[must_use]
    pub fn from_entropy() -> Self {
        Self::own(Shared::from_entropy())
    }

    /// The streams of this process, seeded from entropy when they are first asked for: what everything draws from that
    /// is not told otherwise. (A child that `fork` made without `exec` draws the same words as its parent.)
    ///
    /// ```
    /// use evenkeel_core::random::Rng;
    /// use evenkeel_std::Streams;
    ///
    /// let word = || Streams::of_the_process().next().next_u64();
    /// assert_ne!(word(), word());
    /// ```
    #[must_use]
    pub const fn of_the_process() -> Self {
        let source = Source::OfTheProcess;
        Self { source }
    }

    /// Seeded with a number: for tests and simulations, where two runs must be the same.
    ///
    /// ```
    /// use evenkeel_core::random::Rng;
    /// use evenkeel_std::Streams;
    ///
    /// let word = |seed| Streams::seeded(seed).next().next_u64();
    /// assert_eq!(word(7), word(7));
    /// assert_ne!(word(7), word(8));
    /// ```
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self::own(Shared::seeded(seed))
    }

    fn own(shared: Shared) -> Self {
        let source = Source::Own(Arc::new(shared));
        Self { source }
    }

    /// The next stream. Those of the process are numbered when they are first drawn from, as nobody can tell; others at
    /// once, by one atomic addition.
    ///
    /// ```
    /// use evenkeel_core::random::Rng;
    /// use evenkeel_std::Streams;
    ///
    /// let streams = Streams::seeded(7);
    /// let mut stream = streams.next();
    /// assert_ne!(stream.next_u64(), streams.next().next_u64());
    /// ```
    #[must_use]
    pub fn next(&self) -> Stream {
        let seed = match &self.source {
            Source::OfTheProcess => None,
            Source::Own(shared) => Some(shared.next_seed()),
        };
        Stream {
            seed,
            generator: None,
        }
    }
}

/// A stream of random words (xoshiro256++). It cannot be cloned: a clone would give the same words again.
///
/// ```
/// use evenkeel_core::random::{Rng, scaled};
/// use evenkeel_std::Streams;
///
/// let mut stream = Streams::from_entropy().next();
/// let dice = scaled(stream.next_u64(), 6) + 1;
/// assert!((1..=6).contains(&dice));
/// ```
#[derive(Debug)]
pub struct Stream {
    /// `None` where it is one of the process.
    seed: Option<u64>,
    /// Seeded when it is first drawn from: most operations succeed at once, and draw nothing.
    generator: Option<Xoshiro256PlusPlus>,
}

impl Stream {
    #[inline]
    fn generator(&mut self) -> &mut Xoshiro256PlusPlus {
        let seed = self.seed;
        self.generator.get_or_insert_with(|| {
            let seed = seed.unwrap_or_else(|| OF_THE_PROCESS.next_seed());
            Xoshiro256PlusPlus::seed_from_u64(seed)
        })
    }
}

/// The finalizer of SplitMix64.
const fn mixed(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

impl TryRng for Stream {
    type Error = Infallible;

    #[inline]
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.generator().next_u64())
    }

    #[inline]
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.generator().next_u32())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.generator().fill_bytes(bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_streams_of_a_seed_begin_alike_whoever_asks() {
        let streams = Streams::seeded(0);
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let streams = streams.clone();
                std::thread::spawn(move || {
                    let words = (0..2_500).map(|_| streams.next().next_u64());
                    words.collect::<Vec<_>>()
                })
            })
            .collect();
        let words = threads
            .into_iter()
            .flat_map(|thread| thread.join().expect("no panic"));
        assert_eq!(words.collect::<HashSet<_>>().len(), 10_000);
    }

    #[test]
    fn neighbours_are_not_shifted_copies_of_each_other() {
        let streams = Streams::seeded(0);
        let words = |mut stream: Stream| (0..1_000).map(move |_| stream.next_u64());
        let mut seen = HashSet::new();
        for _ in 0..20 {
            seen.extend(words(streams.next()));
        }
        assert_eq!(seen.len(), 20_000);
    }

    #[test]
    fn the_words_of_a_seed_stay_the_same() {
        let streams = Streams::seeded(7);
        let words = [(); 2].map(|()| streams.next().next_u64());
        assert_eq!(
            words,
            [2_788_610_612_348_042_909, 16_182_476_292_314_289_940]
        );
    }
}
