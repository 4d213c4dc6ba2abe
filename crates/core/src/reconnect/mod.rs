//! Reconnect: a link that is made again when it is lost, without a storm and without a hot loop.
//!
//! A connection to one server (a websocket, a broker's session, a database's socket) is tried, stands, and ends. This
//! machine says when to try, when a try or a silent link has to be given up, and how long to wait. What resets the
//! backoff is a link that has proven itself: it brought a frame *and* stood for `stable_after`. A server that accepts
//! and drops is therefore treated like one that refuses.
//!
#![doc = include_str!("../../diagrams/reconnect.svg")]
//!
//! | phase | poll | its link | time | [`stop`](Reconnect::stop) | [`start`](Reconnect::start) |
//! |---|---|---|---|---|---|
//! | due | [`Connect`](LinkAction::Connect) → **connecting** | stale | | → **stopped** | nothing |
//! | connecting | [`Connecting`](LinkAction::Connecting) | `Connected` → **connected**; `Failed`, `Lost`, `Refused` → **waiting**; no wait is left, or advice to stop → **gave up** | `connect_timeout`, [`Abandon`](LinkAction::Abandon) is due → **waiting**; no wait is left → **gave up** | → **stopped** | nothing |
//! | connected | [`Connected`](LinkAction::Connected) | a frame confirms it and feeds the heartbeat; `Lost`, `Failed`, `Refused` → **waiting**; no wait is left, or advice to stop → **gave up** | `silence_limit` without a frame, `Abandon` is due → **waiting**; no wait is left → **gave up** | → **stopped** | nothing |
//! | waiting | [`WaitUntil`](LinkAction::WaitUntil) | stale; [`kick`](Reconnect::kick) shortens the wait, once | its end → **due** | → **stopped** | nothing |
//! | gave up | [`GaveUp`](LinkAction::GaveUp) | stale | | → **stopped** | as new → **due** |
//! | stopped | [`Stopped`](LinkAction::Stopped) | stale | | nothing | as new → **due** |
//!
//! No wait is left when the backoff is exhausted, and none is wanted after [`Advice::Stop`](crate::advice::Advice::Stop).
//! The first try comes at once; every later one after a wait, also after a link
//! that was stable, whose loss many others may have seen at the same instant.
//!
//! **Deadlines.** [`next_deadline_ns`](Reconnect::next_deadline_ns) may change after any call that takes `&mut self`; a
//! frame moves it. A timeout happens at its deadline, whoever notices it and when: the wait counts from there, and a
//! report at that very instant comes too late. So polling late costs nothing but the lateness, and queries are right
//! without a poll.
//!
//! **Cost.** 96 bytes of state. Every call is O(1) and allocates nothing; the end of a link finds its ceiling, at
//! most 4 096 steps for a factor that is no power of two. A frame is two comparisons and a store.
//!
//! **Random words.** `Connect` draws one, for the wait after that link (so that time alone never needs one); none
//! where the backoff has no jitter. A kick that counts draws one. Advice to come back later draws one where there is an
//! `advisory_spread`. Nothing else draws.
//!
//! **Defaults.** A link has proven itself after the backoff's cap, at most 60 s; a kick comes within the first
//! ceiling; advice lengthens a wait; it never gives up. Reasons at the [setters](ReconnectBuilder). `connect_timeout`
//! has none, and without a `silence_limit` silence is never noticed: only you know how often the other side speaks.
//!
//! **Not for** one call that is tried again ([`retry`](crate::retry)), a pool's health ([`health`](crate::health)), or
//! a choice between several servers: give each its own machine.
//!
//! Prior art: gRPC's connection backoff, which resets when the server has spoken; MQTT's keep-alive; AWS Architecture
//! Blog (2015) for the jitter. tonic's reconnect has no backoff, most websocket clients reset theirs when the socket
//! opens.
//!
//! ```
//! use core::time::Duration;
//! use evenkeel_core::backoff::BackoffPolicy;
//! use evenkeel_core::reconnect::{LinkAction, LinkEvent, Reconnect, ReconnectPolicy};
//! use rand_xoshiro::{Xoshiro256PlusPlus, rand_core::SeedableRng};
//!
//! const SECOND: u64 = 1_000_000_000;
//! let backoff = BackoffPolicy::builder(Duration::from_millis(500)).cap(Duration::from_secs(30));
//! let policy = ReconnectPolicy::builder(backoff, Duration::from_secs(10))
//!     .stable_after(Duration::from_secs(30))
//!     .silence_limit(Duration::from_secs(45))
//!     .build()?;
//! let mut reconnect = Reconnect::new(policy);
//! let mut rng = Xoshiro256PlusPlus::seed_from_u64(7);
//!
//! // For an hour the server takes each connection, sends a greeting and drops it; then it stays, and goes silent.
//! let (mut now_ns, mut links, mut last_life) = (0, 0, None);
//! let abandoned = loop {
//!     match reconnect.poll(now_ns, &mut rng) {
//!         LinkAction::Connect { link, .. } => {
//!             links += 1;
//!             let _ = reconnect.on_event(now_ns, link, LinkEvent::Connected, &mut rng);
//!             let _ = reconnect.on_frame(now_ns, link);
//!             if now_ns < 3_600 * SECOND {
//!                 let _ = reconnect.on_event(now_ns, link, LinkEvent::Lost, &mut rng);
//!             } else {
//!                 last_life = Some((link, now_ns));
//!             }
//!         }
//!         LinkAction::Abandon { link, reason, at_ns } => break (link, reason.name(), at_ns),
//!         LinkAction::GaveUp { .. } | LinkAction::Stopped => return Ok(()),
//!         // Sleep: here time simply goes there.
//!         _ => now_ns = reconnect.next_deadline_ns().expect("retries for ever"),
//!     }
//! };
//! assert!((120..400).contains(&links), "{links} in an hour: half of the cap apart, not a hot loop");
//! let (link, began_ns) = last_life.expect("it came back");
//! assert_eq!(abandoned, (link, "silent", began_ns + 45 * SECOND));
//! // That link had proven itself: the next wait is a first one.
//! assert_eq!(reconnect.attempts(now_ns), 1);
//! # Ok::<(), evenkeel_core::ConfigError>(())
//! ```

mod answer;
mod builder;
#[cfg(feature = "serde")]
mod fields;
mod life;
mod policy;
mod schedule;
mod state;
mod status;

use core::borrow::Borrow;

use crate::error::RestoreError;
use crate::random::Rng;
use crate::rebase::Rebase;
use crate::reported::Reported;

pub use crate::backoff::Exhausted;
pub use answer::{GaveUpBy, LinkAction, LinkEvent, LinkId, LostBy};
pub use builder::ReconnectBuilder;
pub use policy::ReconnectPolicy;
pub use state::ReconnectState;
pub use status::{LinkPhase, LinkStatus};

/// A link that is made again when it is lost; see the [module](self) for its transition table.
///
/// `P` is the policy or any borrow of one: `Reconnect::new(&policy)` lets many links share one policy.
///
/// ```
/// # use core::time::Duration;
/// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, reconnect::*};
/// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
/// # let mut rng = SplitMix64::seed_from_u64(1);
/// # let [base, timeout] = [100, 50].map(Duration::from_nanos);
/// # let backoff = BackoffPolicy::builder(base).jitter(Jitter::None);
/// # let policy = ReconnectPolicy::builder(backoff, timeout).build()?;
/// let mut links = [(); 3].map(|()| Reconnect::new(&policy));
/// let _ = links[1].poll(0, &mut rng);
/// assert_eq!(links.map(|link| link.status(0).phase.name()), ["due", "connecting", "due"]);
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reconnect<P = ReconnectPolicy> {
    policy: P,
    state: ReconnectState,
}

impl<P: Borrow<ReconnectPolicy>> Reconnect<P> {
    /// Without a link; the first [`poll`](Self::poll) begins the first try.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, reconnect::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let [base, timeout] = [100, 50].map(Duration::from_nanos);
    /// # let backoff = BackoffPolicy::builder(base).jitter(Jitter::None);
    /// # let policy = ReconnectPolicy::builder(backoff, timeout).build()?;
    /// let mut reconnect = Reconnect::new(policy);
    /// let (link, timeout_at_ns) = (LinkId::from_word(1), Some(7_050));
    /// assert_eq!(reconnect.poll(7_000, &mut rng), LinkAction::Connect { link, timeout_at_ns });
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub const fn new(policy: P) -> Self {
        Self {
            policy,
            state: ReconnectState::fresh(),
        }
    }

    /// Takes over a stored state; its link stays what it is. Its instants keep their origin: a process whose clock
    /// starts elsewhere takes it over with [`restore_rebased`](Self::restore_rebased). The policy may be another than
    /// the one it was stored under.
    ///
    /// # Errors
    /// When the state contradicts itself or the policy. It is checked as untrusted input.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, reconnect::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let [base, timeout] = [100, 50].map(Duration::from_nanos);
    /// # let backoff = BackoffPolicy::builder(base).jitter(Jitter::None);
    /// # let policy = ReconnectPolicy::builder(backoff, timeout).build()?;
    /// # let mut reconnect = Reconnect::new(policy);
    /// # let LinkAction::Connect { link, .. } = reconnect.poll(0, &mut rng) else { panic!() };
    /// # let _ = reconnect.on_event(0, link, LinkEvent::Failed, &mut rng);
    /// let mut restored = Reconnect::restore(policy, reconnect.state())?;
    /// assert_eq!(restored.poll(40, &mut rng), LinkAction::WaitUntil { at_ns: 100 });
    ///
    /// let eager = ReconnectPolicy::builder(BackoffPolicy::builder(base / 2).cap(base / 2), timeout).build()?;
    /// let error = Reconnect::restore(eager, reconnect.state()).unwrap_err();
    /// assert_eq!(error.to_string(), "the state does not fit the policy: a wait is longer than the policy allows");
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn restore(policy: P, state: ReconnectState) -> Result<Self, RestoreError> {
        state.check(policy.borrow())?;
        Ok(Self { policy, state })
    }

    /// Takes over a state of another process, or of a clock with another origin.
    ///
    /// A link that stood, or was being made, ended with its process: it counts as lost when the state was taken, and
    /// the wait goes on from there, so that many processes that restart together do not connect together. Reports with
    /// its id are stale.
    ///
    /// # Errors
    /// As [`restore`](Self::restore).
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{Rebase, backoff::{BackoffPolicy, Jitter}, reconnect::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let [base, timeout] = [100, 50].map(Duration::from_nanos);
    /// # let backoff = BackoffPolicy::builder(base).jitter(Jitter::None);
    /// # let policy = ReconnectPolicy::builder(backoff, timeout).build()?;
    /// # let mut reconnect = Reconnect::new(policy);
    /// # let LinkAction::Connect { link, .. } = reconnect.poll(7_000, &mut rng) else { panic!() };
    /// let _ = reconnect.on_event(7_010, link, LinkEvent::Connected, &mut rng);
    /// // The process ends at 7 020; the next one begins 30 ns later, with its clock at 500.
    /// let rebase = Rebase { taken_at_ns: 7_020, now_ns: 500, away: Duration::from_nanos(30) };
    /// let mut next = Reconnect::restore_rebased(policy, reconnect.state(), rebase)?;
    /// assert_eq!(next.poll(500, &mut rng), LinkAction::WaitUntil { at_ns: 570 }); // 30 of 100 ns are over
    /// assert!(next.on_frame(500, link).is_stale());
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn restore_rebased(
        policy: P,
        state: ReconnectState,
        rebase: Rebase,
    ) -> Result<Self, RestoreError> {
        state.check(policy.borrow())?;
        let state = state.rebased(policy.borrow(), &rebase);
        Ok(Self { policy, state })
    }

    /// What to do next. Call it at the deadline, after each report, and at once after [`LinkAction::Connect`] and
    /// [`LinkAction::Abandon`], until the answer is one that says what is. Draws a word with `Connect`, if the backoff
    /// has jitter.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, reconnect::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let [base, timeout] = [100, 50].map(Duration::from_nanos);
    /// # let backoff = BackoffPolicy::builder(base).jitter(Jitter::None);
    /// # let mut reconnect = Reconnect::new(ReconnectPolicy::builder(backoff, timeout).build()?);
    /// let LinkAction::Connect { link, .. } = reconnect.poll(0, &mut rng) else { panic!() };
    /// let _ = reconnect.on_event(10, link, LinkEvent::Failed, &mut rng);
    /// assert_eq!(reconnect.poll(10, &mut rng), LinkAction::WaitUntil { at_ns: 110 });
    /// assert_eq!(reconnect.poll(109, &mut rng), LinkAction::WaitUntil { at_ns: 110 });
    /// assert!(matches!(reconnect.poll(110, &mut rng), LinkAction::Connect { .. }));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub fn poll<R: Rng + ?Sized>(&mut self, now_ns: u64, rng: &mut R) -> LinkAction {
        self.state.poll(self.policy.borrow(), now_ns, rng)
    }

    /// Something happened to `link`. Draws a word for [`LinkEvent::Refused`] with an instant where the policy has an
    /// `advisory_spread` and the backoff is not exhausted.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{Reported, backoff::{BackoffPolicy, Jitter}, reconnect::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let [base, timeout] = [100, 50].map(Duration::from_nanos);
    /// # let backoff = BackoffPolicy::builder(base).jitter(Jitter::None);
    /// # let mut reconnect = Reconnect::new(ReconnectPolicy::builder(backoff, timeout).build()?);
    /// # let LinkAction::Connect { link, .. } = reconnect.poll(0, &mut rng) else { panic!() };
    /// // Connecting may take 50 ns, and at 50 it is too late.
    /// assert_eq!(reconnect.on_event(50, link, LinkEvent::Connected, &mut rng), Reported::Stale);
    /// assert!(matches!(reconnect.poll(50, &mut rng), LinkAction::Abandon { .. }));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub fn on_event<R: Rng + ?Sized>(
        &mut self,
        now_ns: u64,
        link: LinkId,
        event: LinkEvent,
        rng: &mut R,
    ) -> Reported {
        self.state
            .on_event(self.policy.borrow(), now_ns, link, event, rng)
    }

    /// Something came in on `link`: data, a ping, a pong, whatever shows that the other side lives. It confirms the
    /// link and feeds the heartbeat. Report every frame: a link that is never confirmed never resets the backoff.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{Reported, backoff::{BackoffPolicy, Jitter}, reconnect::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let [base, timeout] = [100, 50].map(Duration::from_nanos);
    /// # let backoff = BackoffPolicy::builder(base).jitter(Jitter::None);
    /// # let mut reconnect = Reconnect::new(ReconnectPolicy::builder(backoff, timeout).build()?);
    /// # let LinkAction::Connect { link, .. } = reconnect.poll(0, &mut rng) else { panic!() };
    /// let _ = reconnect.on_event(10, link, LinkEvent::Connected, &mut rng);
    /// assert!(!reconnect.status(20).is_live());
    /// assert_eq!(reconnect.on_frame(20, link), Reported::Counted);
    /// assert!(reconnect.status(20).is_live());
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[inline]
    pub fn on_frame(&mut self, now_ns: u64, link: LinkId) -> Reported {
        self.state.on_frame(self.policy.borrow(), now_ns, link)
    }

    /// The network is back: a wait that goes on now ends within `kick_within`, at an instant drawn from it, if that is
    /// sooner. Answers the new instant, or `None` if nothing became sooner.
    ///
    /// Once in a wait: a second kick does nothing, else a network that flaps would turn the backoff off. It never goes
    /// below what a server asked for: there the draw begins at that instant. What it saves still counts for the
    /// backoff's `max_total_wait`. Draws one word when it counts.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, reconnect::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let [base, timeout, soon] = [100, 50, 10].map(Duration::from_nanos);
    /// # let backoff = BackoffPolicy::builder(base).jitter(Jitter::None);
    /// # let mut reconnect = Reconnect::new(ReconnectPolicy::builder(backoff, timeout).kick_within(soon).build()?);
    /// # let LinkAction::Connect { link, .. } = reconnect.poll(0, &mut rng) else { panic!() };
    /// let _ = reconnect.on_event(0, link, LinkEvent::Failed, &mut rng);
    /// assert_eq!(reconnect.next_deadline_ns(), Some(100));
    /// let at_ns = reconnect.kick(20, &mut rng).expect("sooner"); // within 10 ns
    /// assert!((20..=30).contains(&at_ns));
    /// assert_eq!(reconnect.next_deadline_ns(), Some(at_ns));
    /// assert_eq!(reconnect.kick(20, &mut rng), None);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    pub fn kick<R: Rng + ?Sized>(&mut self, now_ns: u64, rng: &mut R) -> Option<u64> {
        self.state.kick(self.policy.borrow(), now_ns, rng)
    }

    /// No link any more, and no try until [`start`](Self::start). Answers the link to close: the one that stands or is
    /// being made, or one that time ran out on and no [`Abandon`](LinkAction::Abandon) was said for.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, reconnect::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let [base, timeout] = [100, 50].map(Duration::from_nanos);
    /// # let backoff = BackoffPolicy::builder(base).jitter(Jitter::None);
    /// # let mut reconnect = Reconnect::new(ReconnectPolicy::builder(backoff, timeout).build()?);
    /// # let LinkAction::Connect { link, .. } = reconnect.poll(0, &mut rng) else { panic!() };
    /// assert_eq!(reconnect.stop(10), Some(link));
    /// assert_eq!(reconnect.poll(10, &mut rng), LinkAction::Stopped);
    /// assert!(reconnect.on_event(10, link, LinkEvent::Connected, &mut rng).is_stale());
    /// assert_eq!(reconnect.stop(10), None);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use = "the link that it returns is still open: close it"]
    pub fn stop(&mut self, now_ns: u64) -> Option<LinkId> {
        self.state.stop(self.policy.borrow(), now_ns)
    }

    /// After [`stop`](Self::stop), or when it gave up: tries again, at once and with a fresh backoff, whatever a server
    /// advised. Otherwise nothing. Answers whether it did something.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, reconnect::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let [base, timeout] = [100, 50].map(Duration::from_nanos);
    /// # let backoff = BackoffPolicy::builder(base).jitter(Jitter::None);
    /// # let mut reconnect = Reconnect::new(ReconnectPolicy::builder(backoff, timeout).build()?);
    /// let _ = reconnect.stop(0);
    /// assert_eq!(reconnect.next_deadline_ns(), None);
    /// assert!(reconnect.start(50));
    /// assert!(matches!(reconnect.poll(50, &mut rng), LinkAction::Connect { .. }));
    /// assert!(!reconnect.start(50));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use = "false where it did not rest: nothing was started"]
    pub fn start(&mut self, now_ns: u64) -> bool {
        self.state.start(self.policy.borrow(), now_ns)
    }

    /// How things stand at `now_ns`, also where nobody has polled: for a status bar.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, reconnect::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let [base, timeout, stable] = [100, 50, 30].map(Duration::from_nanos);
    /// # let backoff = BackoffPolicy::builder(base).jitter(Jitter::None);
    /// # let builder = ReconnectPolicy::builder(backoff, timeout);
    /// # let mut reconnect = Reconnect::new(builder.stable_after(stable).build()?);
    /// # let LinkAction::Connect { link, .. } = reconnect.poll(0, &mut rng) else { panic!() };
    /// let _ = reconnect.on_event(10, link, LinkEvent::Connected, &mut rng);
    /// let _ = reconnect.on_frame(20, link);
    /// // Stable is 30 ns old.
    /// let connected = |stable| LinkPhase::Connected { link, confirmed: true, stable };
    /// assert_eq!(reconnect.status(39).phase, connected(false));
    /// assert_eq!(reconnect.status(40).phase, connected(true));
    /// assert_eq!(reconnect.status(40).last_heard_ns, Some(20));
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn status(&self, now_ns: u64) -> LinkStatus {
        self.state.status(self.policy.borrow(), now_ns)
    }

    /// How many waits there were at `now_ns`, since the start or the last stable link; 0 while the link is stable.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, reconnect::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let [base, timeout] = [100, 50].map(Duration::from_nanos);
    /// # let backoff = BackoffPolicy::builder(base).jitter(Jitter::None);
    /// # let mut reconnect = Reconnect::new(ReconnectPolicy::builder(backoff, timeout).build()?);
    /// let _ = reconnect.poll(0, &mut rng);
    /// // The try times out at 50, and a wait begins.
    /// assert_eq!([49, 50].map(|now_ns| reconnect.attempts(now_ns)), [0, 1]);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn attempts(&self, now_ns: u64) -> u32 {
        self.status(now_ns).attempt
    }

    /// When [`poll`](Self::poll) has something to do or to report, if nothing is reported before: the end of the wait,
    /// the connect timeout, the silence limit. An instant that is past says "now". `None`: only a report or a command
    /// can change anything; so it is once it gave up, even if [`GaveUp`](LinkAction::GaveUp) was not said yet.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, reconnect::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let [base, timeout] = [100, 50].map(Duration::from_nanos);
    /// # let backoff = BackoffPolicy::builder(base).jitter(Jitter::None);
    /// # let mut reconnect = Reconnect::new(ReconnectPolicy::builder(backoff, timeout).build()?);
    /// # let LinkAction::Connect { link, .. } = reconnect.poll(0, &mut rng) else { panic!() };
    /// assert_eq!(reconnect.next_deadline_ns(), Some(50)); // to connect
    /// let _ = reconnect.on_event(10, link, LinkEvent::Connected, &mut rng);
    /// assert_eq!(reconnect.next_deadline_ns(), None); // no silence limit
    /// let _ = reconnect.on_event(20, link, LinkEvent::Lost, &mut rng);
    /// assert_eq!(reconnect.next_deadline_ns(), Some(120)); // the wait
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn next_deadline_ns(&self) -> Option<u64> {
        self.state.next_deadline_ns(self.policy.borrow())
    }

    /// The policy.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, reconnect::*};
    /// # let [base, timeout] = [100, 50].map(Duration::from_nanos);
    /// # let backoff = BackoffPolicy::builder(base).jitter(Jitter::None);
    /// # let policy = ReconnectPolicy::builder(backoff, timeout).build()?;
    /// assert_eq!(Reconnect::new(policy).policy().connect_timeout(), timeout);
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn policy(&self) -> &ReconnectPolicy {
        self.policy.borrow()
    }

    /// A snapshot: plain data to store, compare and [restore](Self::restore).
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use evenkeel_core::{backoff::{BackoffPolicy, Jitter}, reconnect::*};
    /// # use rand_xoshiro::{SplitMix64, rand_core::SeedableRng};
    /// # let mut rng = SplitMix64::seed_from_u64(1);
    /// # let [base, timeout] = [100, 50].map(Duration::from_nanos);
    /// # let backoff = BackoffPolicy::builder(base).jitter(Jitter::None);
    /// # let mut reconnect = Reconnect::new(ReconnectPolicy::builder(backoff, timeout).build()?);
    /// let snapshot = reconnect.state();
    /// let _ = reconnect.poll(0, &mut rng);
    /// assert_ne!(snapshot, reconnect.state());
    /// # Ok::<(), evenkeel_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn state(&self) -> ReconnectState {
        self.state
    }
}
