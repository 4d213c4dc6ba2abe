//! A breaker and a budget that answer from a list and write down what they are asked and told.

use core::time::Duration;
use std::sync::{Arc, Mutex};

use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::breaker::{
    Breaker, BreakerPolicy, Grant, Mode, Outcome, Permit, Receipt, Refused, RefusedBy, Trigger,
};
use evenkeel_core::budget::{BudgetSpent, RetryCause, Withdrawal, WithdrawalId};
use evenkeel_core::random::Rng;
use evenkeel_core::retry::{BreakerGate, RetryBudget};
use evenkeel_core::{Refusal, Reported};

/// One thing that a part heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    Asked {
        now_ns: u64,
        agreed: bool,
    },
    Told {
        now_ns: u64,
        outcome: Outcome,
        latency_ns: u64,
    },
    Request {
        now_ns: u64,
    },
    Withdraw {
        now_ns: u64,
        cause: RetryCause,
        paid: Option<u64>,
    },
    GaveBack {
        now_ns: u64,
        paid: u64,
    },
    Success {
        now_ns: u64,
        paid: Option<u64>,
    },
}

/// What the breaker says to the n-th question, over and over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    Yes,
    /// No, until so much later; `None`: no instant is known.
    No(Option<u64>),
}

pub type Log = Arc<Mutex<Vec<Heard>>>;

/// A breaker by script. Every permit is another, and a report with a wrong one is caught.
#[derive(Debug)]
pub struct Gate {
    script: Vec<Says>,
    asked: usize,
    real: Breaker,
    out: Vec<u64>,
    pub log: Log,
}

impl Gate {
    pub fn new(script: &[Says], log: &Log) -> Self {
        let open = BackoffPolicy::builder(Duration::from_secs(1));
        let policy = BreakerPolicy::builder(open, Duration::from_secs(1))
            .trigger(Trigger::Consecutive { failures: 1 })
            .build()
            .expect("a policy");
        let mut real = Breaker::new(policy);
        let _ = real.set_mode(0, Mode::ForcedClosed);
        Self {
            script: script.to_vec(),
            asked: 0,
            real,
            out: Vec::new(),
            log: Arc::clone(log),
        }
    }
}

impl BreakerGate for Gate {
    fn try_acquire(&mut self, now_ns: u64, rng: &mut dyn Rng) -> Result<Grant, Refused> {
        let says = self.script[self.asked % self.script.len()];
        self.asked += 1;
        let agreed = says == Says::Yes;
        self.log
            .lock()
            .expect("one thread")
            .push(Heard::Asked { now_ns, agreed });
        match says {
            Says::Yes => {
                let grant = self.real.try_acquire(now_ns, rng)?;
                self.out.push(grant.permit.id().generation());
                Ok(grant)
            }
            Says::No(later_ns) => {
                let retry_at_ns = later_ns.and_then(|later_ns| now_ns.checked_add(later_ns));
                Err(Refused {
                    refusal: Refusal::new(RefusedBy::Open, retry_at_ns),
                    transitions: self.real.poll(0),
                })
            }
        }
    }

    fn on_outcome(
        &mut self,
        now_ns: u64,
        permit: Permit,
        outcome: Outcome,
        latency_ns: u64,
        rng: &mut dyn Rng,
    ) -> Receipt {
        assert_eq!(
            self.out.pop(),
            Some(permit.id().generation()),
            "one permit, one report"
        );
        let heard = Heard::Told {
            now_ns,
            outcome,
            latency_ns,
        };
        self.log.lock().expect("one thread").push(heard);
        self.real
            .on_outcome(now_ns, permit, outcome, latency_ns, rng)
    }
}

/// A budget by script: the n-th withdrawal is granted or not, and its number is its price.
#[derive(Debug)]
pub struct Budget {
    script: Vec<bool>,
    asked: u64,
    pub log: Log,
}

impl Budget {
    pub fn new(script: &[bool], log: &Log) -> Self {
        Self {
            script: script.to_vec(),
            asked: 0,
            log: Arc::clone(log),
        }
    }
}

/// When a budget that refuses says that it would agree.
pub const fn refilled_at_ns(now_ns: u64) -> Option<u64> {
    now_ns.checked_add(1_000)
}

impl RetryBudget for Budget {
    fn on_request(&mut self, now_ns: u64) {
        self.log
            .lock()
            .expect("one thread")
            .push(Heard::Request { now_ns });
    }

    fn try_withdraw(
        &mut self,
        now_ns: u64,
        cause: RetryCause,
    ) -> Result<Withdrawal, Refusal<BudgetSpent>> {
        let grants = self.script[usize::try_from(self.asked).expect("small") % self.script.len()];
        self.asked += 1;
        let paid = grants.then_some(self.asked);
        let heard = Heard::Withdraw {
            now_ns,
            cause,
            paid,
        };
        self.log.lock().expect("one thread").push(heard);
        match paid {
            Some(paid) => Ok(Withdrawal::from_id(WithdrawalId::from_words([paid, 0]))),
            None => Err(Refusal::new(BudgetSpent::new(0, 1), refilled_at_ns(now_ns))),
        }
    }

    fn give_back(&mut self, now_ns: u64, withdrawal: Withdrawal) -> Reported {
        let paid = withdrawal.id().amount_milli();
        self.log
            .lock()
            .expect("one thread")
            .push(Heard::GaveBack { now_ns, paid });
        Reported::Counted
    }

    fn on_success(&mut self, now_ns: u64, withdrawal: Option<Withdrawal>) {
        let paid = withdrawal.map(|withdrawal| withdrawal.id().amount_milli());
        self.log
            .lock()
            .expect("one thread")
            .push(Heard::Success { now_ns, paid });
    }
}
