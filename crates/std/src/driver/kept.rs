//! A machine of core as handles and drivers keep it: as it is, or taken down call by call.

use std::ops::Deref;

use evenkeel_core::breaker::{
    Breaker, Grant, Health, Mode, Outcome, Permit, Receipt, Refused, Transitions,
};
use evenkeel_core::budget::{BudgetSpent, RetryCause, RetryRatio, RetryTokens, Withdrawal};
use evenkeel_core::health::{
    HealthProbe, ProbeAction, ProbeId, ProbeReceipt, Probed, TrafficReceipt,
};
use evenkeel_core::random::Rng;
use evenkeel_core::reconnect::{LinkAction, LinkEvent, LinkId, Reconnect};
use evenkeel_core::restart::{Exit, Restart, RestartAction, RunId};
use evenkeel_core::throttle::{AdaptiveThrottle, Throttled};
use evenkeel_core::{Refusal, Reported};

#[cfg(feature = "journal")]
use evenkeel_replay::{Recorder, any::Journaled, journal::Journal};

/// A machine that can be recorded: any machine of core.
#[cfg(feature = "journal")]
pub use evenkeel_replay::any::Journaled as Machine;

/// A machine that can be recorded: any machine of core.
#[cfg(not(feature = "journal"))]
pub trait Machine {}

#[cfg(not(feature = "journal"))]
impl<M> Machine for M {}

/// A machine of core with the same methods, whose calls are taken down while it is recorded: what every handle and
/// driver of this crate keeps, and a driver of your own may.
///
/// Whoever keeps it calls it under a lock of its own, so that the order of the journal is the order of effects. Without
/// the feature `journal` it is the machine and nothing else.
///
/// ```
/// use evenkeel_core::budget::{RetryCause, RetryTokens, RetryTokensPolicy};
/// use evenkeel_std::driver::Kept;
///
/// let mut tokens = Kept::new(RetryTokens::new(RetryTokensPolicy::builder(1_000).build()?));
/// assert!(tokens.try_withdraw(0, RetryCause::Failure).is_ok());
/// assert_eq!(tokens.balance_milli(0), 0); // queries are those of the machine
/// # Ok::<(), evenkeel_core::ConfigError>(())
/// ```
#[derive(Debug)]
pub struct Kept<M: Machine>(As<M>);

#[derive(Debug)]
enum As<M: Machine> {
    Plain(M),
    #[cfg(feature = "journal")]
    Recorded(Recorder<M>),
}

impl<M: Machine> Kept<M> {
    /// The machine as it is.
    pub const fn new(machine: M) -> Self {
        Self(As::Plain(machine))
    }
}

#[cfg(feature = "journal")]
impl<M: Journaled + Clone> Kept<M> {
    /// Takes down every call from now on; the journal begins with the machine's state as it is now. Already recorded,
    /// it goes on as another machine of this journal.
    ///
    /// What it returns is to be dropped without the lock: the last handle of a journal waits for the disk when it goes.
    #[must_use = "to be dropped without the lock"]
    pub fn record(&mut self, journal: &Journal, name: &str) -> Self {
        let machine = (**self).clone();
        std::mem::replace(self, Self(As::Recorded(journal.record(name, machine))))
    }

    /// Takes nothing down any more.
    #[must_use = "to be dropped without the lock"]
    pub fn stop_recording(&mut self) -> Self {
        let machine = (**self).clone();
        std::mem::replace(self, Self::new(machine))
    }

    /// What takes down, if it is recorded.
    pub const fn recorder(&mut self) -> Option<&mut Recorder<M>> {
        match &mut self.0 {
            As::Plain(_) => None,
            As::Recorded(recorder) => Some(recorder),
        }
    }
}

impl<M: Machine> Kept<M> {
    /// Whether its calls are taken down.
    #[must_use]
    pub const fn is_recorded(&self) -> bool {
        !matches!(self.0, As::Plain(_))
    }
}

impl<M: Machine> Deref for Kept<M> {
    type Target = M;

    #[inline]
    fn deref(&self) -> &M {
        match &self.0 {
            As::Plain(machine) => machine,
            #[cfg(feature = "journal")]
            As::Recorded(recorder) => recorder,
        }
    }
}

/// The calls of a machine, on either.
macro_rules! calls {
    ($Machine:ident {
        $(fn $call:ident $(<$R:ident>)? ($($arg:ident: $Arg:ty),*) $(-> $Answer:ty)?;)*
    }) => {
        impl Kept<$Machine> {
            $(
                #[doc = concat!("[`", stringify!($Machine), "::", stringify!($call), "`]")]
                #[inline]
                pub fn $call $(<$R: Rng + ?Sized>)? (&mut self, $($arg: $Arg),*) $(-> $Answer)? {
                    match &mut self.0 {
                        As::Plain(machine) => machine.$call($($arg),*),
                        #[cfg(feature = "journal")]
                        As::Recorded(recorder) => recorder.$call($($arg),*),
                    }
                }
            )*
        }
    };
}

calls!(Breaker {
    fn try_acquire<R>(now_ns: u64, rng: &mut R) -> Result<Grant, Refused>;
    fn on_outcome<R>(now_ns: u64, permit: Permit, outcome: Outcome, latency_ns: u64, rng: &mut R) -> Receipt;
    fn on_health(now_ns: u64, health: Health) -> Transitions;
    fn poll(now_ns: u64) -> Transitions;
    fn set_mode(now_ns: u64, mode: Mode) -> Transitions;
    fn reset(now_ns: u64) -> Transitions;
});

calls!(RetryTokens {
    fn on_request(now_ns: u64);
    fn try_withdraw(now_ns: u64, cause: RetryCause) -> Result<Withdrawal, Refusal<BudgetSpent>>;
    fn give_back(now_ns: u64, withdrawal: Withdrawal) -> Reported;
    fn on_success(now_ns: u64, withdrawal: Option<Withdrawal>);
});

calls!(RetryRatio {
    fn on_request(now_ns: u64);
    fn try_withdraw(now_ns: u64, cause: RetryCause) -> Result<Withdrawal, Refusal<BudgetSpent>>;
    fn give_back(now_ns: u64, withdrawal: Withdrawal) -> Reported;
    fn on_success(now_ns: u64, withdrawal: Option<Withdrawal>);
});

calls!(AdaptiveThrottle {
    fn try_request<R>(now_ns: u64, rng: &mut R) -> Result<(), Refusal<Throttled>>;
    fn on_accepted(now_ns: u64);
});

calls!(Reconnect {
    fn poll<R>(now_ns: u64, rng: &mut R) -> LinkAction;
    fn on_event<R>(now_ns: u64, link: LinkId, event: LinkEvent, rng: &mut R) -> Reported;
    fn on_frame(now_ns: u64, link: LinkId) -> Reported;
    fn kick<R>(now_ns: u64, rng: &mut R) -> Option<u64>;
    fn stop(now_ns: u64) -> Option<LinkId>;
    fn start(now_ns: u64) -> bool;
});

calls!(HealthProbe {
    fn poll<R>(now_ns: u64, rng: &mut R) -> ProbeAction;
    fn on_report(now_ns: u64, probe: ProbeId, found: Probed) -> ProbeReceipt;
    fn on_traffic(now_ns: u64, found: Probed) -> TrafficReceipt;
});

calls!(Restart {
    fn poll(now_ns: u64) -> RestartAction;
    fn on_exit<R>(now_ns: u64, run: RunId, exit: Exit, rng: &mut R) -> Reported;
    fn stop(now_ns: u64) -> Option<RunId>;
    fn rearm(now_ns: u64);
});
