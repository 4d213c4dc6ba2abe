//! Taking a stored state over into another process, whose clock starts elsewhere.

use core::time::Duration;

use crate::slices::SliceGrid;
use crate::time::Monotone;

/// How the instants of a stored state move to another origin of time.
///
/// A state holds instants of the clock that it was made with. `restore` keeps them; a process whose clock starts
/// elsewhere takes a state over with `restore_rebased` and says here how the two clocks lie: what was
/// [`taken_at_ns`](Self::taken_at_ns) then is [`now_ns`](Self::now_ns) less [`away`](Self::away).
///
/// - Instants keep their distance: a hold of 10 s at the snapshot has 4 s left after 6 s away.
/// - What was in flight is gone: its places are free and its late reports are stale.
/// - There is nothing before 0. An instant that would lie there becomes 0, and a slice of a window is dropped. A clock that
///   goes on where the old one stood (starts at `taken_at_ns + away`) loses nothing. What must not last longer for it
///   keeps its distance even so: the deadline of a retry, the failures of a supervisor, the refill of a bucket.
/// - Where a policy cuts time into slices, counts move by whole slices, to the one that their slice's start falls into.
///
/// `away` comes from a clock that ran on, say the wall clock. If unsure say zero: holds then last longer, never shorter.
///
/// ```
/// use core::time::Duration;
/// use evenkeel_core::Rebase;
/// use evenkeel_core::backoff::BackoffPolicy;
/// use evenkeel_core::breaker::{Breaker, BreakerPolicy, Mode, Outcome, Trigger};
/// # use evenkeel_core::backoff::Jitter;
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// # let open = BackoffPolicy::builder(Duration::from_secs(10)).jitter(Jitter::None);
/// # let trigger = Trigger::Consecutive { failures: 1 };
/// # let policy = BreakerPolicy::builder(open, Duration::from_secs(5)).trigger(trigger).build()?;
/// const SECOND: u64 = 1_000_000_000;
///
/// // It opens for 10 s; 1 s later the process stores it and ends.
/// let mut breaker = Breaker::new(&policy);
/// let permit = breaker.try_acquire(500 * SECOND, &mut rng)?.permit;
/// let _ = breaker.on_outcome(500 * SECOND, permit, Outcome::Failure, 0, &mut rng);
/// let (stored, taken_at_ns) = (breaker.state(), 501 * SECOND);
///
/// // The next process starts 6 s later, and its clock at 20 s: 3 s are left.
/// let rebase = Rebase { taken_at_ns, now_ns: 20 * SECOND, away: Duration::from_secs(6) };
/// let breaker = Breaker::restore_rebased(&policy, stored, rebase)?;
/// assert_eq!(breaker.next_deadline_ns(), Some(23 * SECOND));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rebase {
    /// When the state was taken, on the clock that it was made with.
    pub taken_at_ns: u64,
    /// Now, on the clock that goes on with it.
    pub now_ns: u64,
    /// How long nobody ran it: from `taken_at_ns` to `now_ns`, as a clock shows it that ran on.
    pub away: Duration,
}

impl Rebase {
    /// Where an instant of the past lies now: at 0 or later, and never in the future.
    pub(crate) fn past_ns(&self, at_ns: u64) -> u64 {
        let at_ns = u64::try_from(self.shifted(at_ns).max(0)).unwrap_or(u64::MAX);
        at_ns.min(self.now_ns)
    }

    /// How long before 0 an instant lies now, which [`past_ns`](Self::past_ns) cannot say; 0 if it does not.
    pub(crate) fn before_ns(&self, at_ns: u64) -> u64 {
        let before_ns = self.shifted(at_ns).min(0).unsigned_abs();
        u64::try_from(before_ns).unwrap_or(u64::MAX)
    }

    /// Where a deadline lies now; `None` past the last instant.
    pub(crate) fn deadline_ns(&self, at_ns: u64) -> Option<u64> {
        u64::try_from(self.shifted(at_ns).max(0)).ok()
    }

    /// The same for a state whose clock may have gone past `taken_at_ns`: that says more about when it was taken.
    pub(crate) fn seen_by(self, clock: Monotone) -> Self {
        Self {
            taken_at_ns: clock.peek(self.taken_at_ns),
            ..self
        }
    }

    /// Now, on the clock that the state was made with.
    pub(crate) fn old_now_ns(&self, clock: Monotone) -> u64 {
        let taken_at_ns = clock.peek(self.taken_at_ns);
        taken_at_ns.saturating_add(self.away_ns())
    }

    /// `away` in nanoseconds; where it is longer than all time, all time.
    pub(crate) fn away_ns(&self) -> u64 {
        u64::try_from(self.away.as_nanos()).unwrap_or(u64::MAX)
    }

    /// What the machine has seen of the new clock.
    pub(crate) fn clock(&self, clock: Monotone) -> Monotone {
        Monotone::since(self.past_ns(clock.latest_ns()))
    }

    /// The index that slice `current` of `grid` has now; the slices before it keep their distance from it.
    pub(crate) fn slice(&self, grid: SliceGrid, current: u64) -> u64 {
        grid.index(self.past_ns(current.saturating_mul(grid.slice_ns())))
    }

    /// Where an instant lies now, be it before 0 or past the last.
    pub(crate) fn shifted(&self, at_ns: u64) -> i128 {
        let away_ns = i128::try_from(self.away.as_nanos()).unwrap_or(i128::MAX);
        i128::from(at_ns)
            .saturating_sub(self.taken_at_ns.into())
            .saturating_add(self.now_ns.into())
            .saturating_sub(away_ns)
    }
}
