//! Leave to make a call: one permit, one result, told apart by generation and number.

use core::cmp::Ordering;
use core::fmt;

/// Leave to make one call; give it back with the result.
///
/// Neither `Clone` nor `Copy`: one permit, one result. A permit that is never given back costs nothing while closed;
/// in half-open it holds a probe's place until `probe_timeout` and then counts as a failure.
///
/// ```
#[doc = include_str!("examples/opened.txt")]
/// // A failure at 0 opened it, for 100 ns. A lost probe holds its place for 50 ns.
/// let probe = breaker.try_acquire(100, &mut rng)?;
/// drop(probe.permit);
/// assert_eq!((breaker.phase(149), breaker.phase(150)), (Phase::HalfOpen, Phase::Open));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[must_use = "report the call's outcome with this permit"]
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Permit {
    id: PermitId,
}

impl Permit {
    /// The permit as plain data, to send it through a journal or another language.
    ///
    /// ```
    #[doc = include_str!("examples/closed.txt")]
    /// let permit = breaker.try_acquire(0, &mut rng)?.permit;
    /// let id = permit.id();
    /// assert_eq!(id.generation(), breaker.generation());
    /// assert_eq!(Permit::from_id(id), permit);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn id(&self) -> PermitId {
        self.id
    }

    /// The permit again from its id. Reporting it twice is noticed in half-open; in closed, where calls are not told
    /// apart, it counts twice.
    ///
    /// ```
    /// use evenkeel_core::breaker::{Permit, PermitId};
    ///
    /// let id = PermitId::from_words([3, 1 << 32 | 7]);
    /// assert_eq!(Permit::from_id(id).id().to_words(), [3, 1 << 32 | 7]);
    /// assert!(id.is_probe());
    /// ```
    pub const fn from_id(id: PermitId) -> Self {
        Self { id }
    }
}

/// What identifies a permit: the breaker's tag, its generation, and which probe it is.
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, breaker::*};
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// # let [wait, lease] = [100, 50].map(Duration::from_nanos);
/// # let open = BackoffPolicy::builder(wait).jitter(Jitter::None);
/// # let builder = BreakerPolicy::builder(open, lease).trigger(Trigger::Consecutive { failures: 1 });
/// let mut breaker = Breaker::new(builder.max_in_flight(2).trials(2).build()?);
/// # let call = breaker.try_acquire(0, &mut rng)?;
/// # let _ = breaker.on_outcome(0, call.permit, Outcome::Failure, 5, &mut rng);
/// // A failure at 0 opened it, for 100 ns. Probes are told apart.
/// let first = breaker.try_acquire(100, &mut rng)?.permit.id();
/// let second = breaker.try_acquire(100, &mut rng)?.permit.id();
/// assert!(first < second);
/// assert_eq!(first.generation(), second.generation());
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PermitId {
    // Two words go into two registers, and the second of a call in closed is the tag alone.
    generation: u64,
    /// The number in the high half, the tag in the low one.
    number_and_tag: u64,
}

impl PermitId {
    /// The number of every call in closed: they need not be told apart.
    pub(super) const CLOSED: u32 = 0;
    /// A call that passed although the breaker would not have counted it; probes have numbers in between.
    pub(super) const UNCOUNTED: u32 = u32::MAX;

    #[inline]
    pub(super) const fn new(generation: u64, tag: u32, number: u32) -> Self {
        Self {
            generation,
            number_and_tag: ((number as u64) << 32) | tag as u64,
        }
    }

    #[inline]
    pub(crate) const fn tag(self) -> u32 {
        (self.number_and_tag & 0xffff_ffff) as u32
    }

    #[inline]
    pub(super) const fn number(self) -> u32 {
        (self.number_and_tag >> 32) as u32
    }

    /// The id as two plain words, for another language or a format of your own; [`from_words`](Self::from_words) reads
    /// them back.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, breaker::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let [wait, lease] = [100, 50].map(Duration::from_nanos);
    /// # let open = BackoffPolicy::builder(wait).jitter(Jitter::None);
    /// # let builder = BreakerPolicy::builder(open, lease).trigger(Trigger::Consecutive { failures: 1 });
    /// # let policy = builder.build()?;
    /// let mut breaker = Breaker::tagged(&policy, 7);
    /// let [generation, tag_and_number] = breaker.try_acquire(0, &mut rng)?.permit.id().to_words();
    /// assert_eq!((generation, tag_and_number), (0, 7 << 32));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn to_words(self) -> [u64; 2] {
        [self.generation, self.number_and_tag.rotate_left(32)]
    }

    /// The id that [`to_words`](Self::to_words) gave.
    ///
    /// ```
    #[doc = include_str!("examples/closed.txt")]
    /// let words = breaker.try_acquire(0, &mut rng)?.permit.id().to_words(); // to another process and back
    /// let permit = Permit::from_id(PermitId::from_words(words));
    /// let receipt = breaker.on_outcome(5, permit, Outcome::Failure, 5, &mut rng);
    /// assert!(matches!(receipt, Receipt::Counted(_)));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn from_words([generation, tag_and_number]: [u64; 2]) -> Self {
        Self {
            generation,
            number_and_tag: tag_and_number.rotate_left(32),
        }
    }

    /// The generation that the permit was given in.
    ///
    /// ```
    #[doc = include_str!("examples/closed.txt")]
    /// let before = breaker.try_acquire(0, &mut rng)?.permit.id();
    /// let _ = breaker.reset(5);
    /// let after = breaker.try_acquire(5, &mut rng)?.permit.id();
    /// assert_eq!((before.generation(), after.generation()), (0, 1));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether it is for a probe in half-open.
    ///
    /// ```
    #[doc = include_str!("examples/closed.txt")]
    /// assert!(!breaker.try_acquire(0, &mut rng)?.permit.id().is_probe());
    /// # let call = breaker.try_acquire(0, &mut rng)?;
    /// # let _ = breaker.on_outcome(0, call.permit, Outcome::Failure, 5, &mut rng);
    /// // A failure at 0 opened it, for 100 ns.
    /// assert!(breaker.try_acquire(100, &mut rng)?.permit.id().is_probe());
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn is_probe(&self) -> bool {
        self.number() != Self::CLOSED && self.number() != Self::UNCOUNTED
    }
}

/// By generation, tag and number.
impl Ord for PermitId {
    fn cmp(&self, other: &Self) -> Ordering {
        self.to_words().cmp(&other.to_words())
    }
}

impl PartialOrd for PermitId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Debug for PermitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PermitId")
            .field("generation", &self.generation)
            .field("tag", &self.tag())
            .field("number", &self.number())
            .finish()
    }
}

/// As generation, tag and number.
#[cfg(feature = "serde")]
mod stored {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::PermitId;

    #[derive(Serialize, Deserialize)]
    #[serde(rename = "PermitId")]
    struct Fields {
        generation: u64,
        tag: u32,
        number: u32,
    }

    impl Serialize for PermitId {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let fields = Fields {
                generation: self.generation,
                tag: self.tag(),
                number: self.number(),
            };
            fields.serialize(serializer)
        }
    }

    impl<'de> Deserialize<'de> for PermitId {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let Fields {
                generation,
                tag,
                number,
            } = Fields::deserialize(deserializer)?;
            Ok(Self::new(generation, tag, number))
        }
    }
}
