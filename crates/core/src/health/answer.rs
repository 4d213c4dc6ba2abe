//! What goes into a health probe and what comes out of it: probe ids, results, actions, changes of health.

use crate::breaker::Health;
use crate::named::word_id;
use crate::reported::Reported;

word_id! {
    /// Which probe: the first is 1, and no number is used twice by the same machine (two machines count alike).
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::Jitter, health::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let [interval, timeout] = [1_000, 100].map(Duration::from_nanos);
    /// # let builder = HealthProbePolicy::builder(interval, timeout).jitter(Jitter::None);
    /// let mut probe = HealthProbe::new(builder.build()?);
    /// let ProbeAction::Send { probe: first, .. } = probe.poll(0, &mut rng) else { panic!("due at once") };
    /// assert_eq!(first, ProbeId::from_word(1));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    health::ProbeId
}

/// What a probe, or a call of the traffic, found.
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{backoff::Jitter, breaker::Health, health::*};
/// # let [interval, timeout] = [1_000, 100].map(Duration::from_nanos);
/// # let builder = HealthProbePolicy::builder(interval, timeout).jitter(Jitter::None);
/// let mut probe = HealthProbe::new(builder.rise(1).fall(1).build()?);
/// for (found, health) in [(Probed::Passed, Health::Up), (Probed::Failed, Health::Down)] {
///     let _ = probe.on_traffic(5, found);
///     assert_eq!(probe.health(5), Some(health));
/// }
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum Probed {
    /// It answered, and well.
    Passed,
    /// It answered badly, or not at all.
    Failed,
}

impl Probed {
    /// `"passed"` or `"failed"`.
    ///
    /// ```
    /// # use evenkeel_core::health::Probed;
    /// assert_eq!([Probed::Passed, Probed::Failed].map(Probed::name), ["passed", "failed"]);
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
        }
    }
}

crate::named::display_by_name!(Probed);

/// A change of health, for logs and alerts; a breaker is better fed the level, [`HealthProbe::health`].
///
/// [`HealthProbe::health`]: super::HealthProbe::health
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{backoff::Jitter, breaker::Health, health::*};
/// # let [interval, timeout] = [1_000, 100].map(Duration::from_nanos);
/// # let builder = HealthProbePolicy::builder(interval, timeout).jitter(Jitter::None);
/// let mut probe = HealthProbe::new(builder.rise(1).build()?);
/// let change = probe.on_traffic(5, Probed::Passed).change.ok_or("one result is enough")?;
/// assert_eq!((change.at_ns, change.from, change.to), (5, None, Health::Up));
/// assert_eq!(probe.on_traffic(6, Probed::Passed).change, None); // it is up
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct HealthChange {
    /// When it fell due: that of the report, or the end of the probe's time, which may be earlier than the call that
    /// noticed it.
    pub at_ns: u64,
    /// The health before; `None` at the first verdict.
    pub from: Option<Health>,
    /// The health from here on.
    pub to: Health,
}

/// What to do now.
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{backoff::Jitter, health::*};
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// # let [interval, timeout] = [1_000, 100].map(Duration::from_nanos);
/// # let builder = HealthProbePolicy::builder(interval, timeout).jitter(Jitter::None);
/// let mut machine = HealthProbe::new(builder.build()?);
/// let probe = ProbeId::from_word(1);
/// for (now_ns, action) in [
///     (0, ProbeAction::Send { probe, timeout_at_ns: Some(100) }),
///     (99, ProbeAction::Probing { probe, timeout_at_ns: Some(100) }),
///     (100, ProbeAction::Abandon { probe, at_ns: 100, change: None }),
///     (100, ProbeAction::WaitUntil { at_ns: 1_100 }),
/// ] {
///     assert_eq!(machine.poll(now_ns, &mut rng), action);
/// }
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[must_use = "nothing is sent by itself"]
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum ProbeAction {
    /// Send a probe now, and report what it found with this id. Said once.
    Send {
        /// The probe.
        probe: ProbeId,
        /// When its time ends: bound the call by it. `None` past the last instant.
        timeout_at_ns: Option<u64>,
    },
    /// A probe is out: wait for its result, and poll at the end of its time.
    Probing {
        /// The probe in flight.
        probe: ProbeId,
        /// When its time ends; `None` past the last instant.
        timeout_at_ns: Option<u64>,
    },
    /// The time of this probe is over: drop it. It counted as failed; what it still reports is stale. Said once.
    Abandon {
        /// The probe to drop.
        probe: ProbeId,
        /// When its time was over: not the call that noticed it.
        at_ns: u64,
        /// What that failure changed, unless an earlier call has noticed it and said so.
        change: Option<HealthChange>,
    },
    /// The next probe is sent at this instant: poll then.
    WaitUntil {
        /// The end of the wait.
        at_ns: u64,
    },
    /// There is no further probe: the wait would end after the last instant. Traffic still counts.
    Idle,
}

/// What became of a probe's report.
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{Reported, backoff::Jitter, breaker::Health, health::*};
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// # let [interval, timeout] = [1_000, 100].map(Duration::from_nanos);
/// # let builder = HealthProbePolicy::builder(interval, timeout).jitter(Jitter::None);
/// let mut machine = HealthProbe::new(builder.fall(1).build()?);
/// let ProbeAction::Send { probe, .. } = machine.poll(0, &mut rng) else { panic!("due at once") };
/// // Its time was over at 100, and nobody had noticed.
/// let receipt = machine.on_report(140, probe, Probed::Passed);
/// assert_eq!(receipt.reported, Reported::Stale);
/// assert_eq!(receipt.change.map(|change| (change.at_ns, change.to)), Some((100, Health::Down)));
/// assert_eq!(receipt.health, Some(Health::Down)); // for the breaker
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[non_exhaustive]
#[must_use = "a change of health is reported once"]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ProbeReceipt {
    /// Whether it counted.
    pub reported: Reported,
    /// What changed: by this report if it counted, else by the end of the probe's time that this call noticed.
    pub change: Option<HealthChange>,
    /// The verdict after this call: what a breaker is fed.
    pub health: Option<Health>,
}

/// What a result of the traffic changed.
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{backoff::Jitter, breaker::Health, health::*};
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// # let [interval, timeout] = [1_000, 100].map(Duration::from_nanos);
/// # let builder = HealthProbePolicy::builder(interval, timeout).jitter(Jitter::None);
/// let mut machine = HealthProbe::new(builder.rise(1).fall(1).build()?);
/// let _ = machine.poll(0, &mut rng); // a probe with 100 ns, which nobody reports
/// let receipt = machine.on_traffic(140, Probed::Passed);
/// let told: Vec<_> = receipt.changes().map(|change| (change.at_ns, change.to)).collect();
/// assert_eq!(told, [(100, Health::Down), (140, Health::Up)]);
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[non_exhaustive]
#[must_use = "a change of health is reported once"]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TrafficReceipt {
    /// What the end of a probe's time changed that this call noticed, before the result was counted.
    pub timed_out: Option<HealthChange>,
    /// What the result changed.
    pub change: Option<HealthChange>,
    /// The verdict after this call: what a breaker is fed.
    pub health: Option<Health>,
}

impl TrafficReceipt {
    /// The changes, earliest first: nearly always none, at most two.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::Jitter, health::*};
    /// # let [interval, timeout] = [1_000, 100].map(Duration::from_nanos);
    /// # let builder = HealthProbePolicy::builder(interval, timeout).jitter(Jitter::None);
    /// let mut probe = HealthProbe::new(builder.rise(2).build()?);
    /// let told = [5, 6, 7].map(|now_ns| probe.on_traffic(now_ns, Probed::Passed).changes().count());
    /// assert_eq!(told, [0, 1, 0]);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub fn changes(&self) -> impl Iterator<Item = HealthChange> + use<> {
        self.timed_out.into_iter().chain(self.change)
    }
}
