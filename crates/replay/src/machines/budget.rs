//! What the retry budgets share: each is asked for a retry, hears of requests and successes, and takes back what was not
//! needed.

use evenkeel_core::budget::RetryCause;

/// Writes the calls and answers of a budget, the machine that they make, and its recorder.
macro_rules! budget {
    (
        $Machine:ident, $Policy:ident, $State:ident, $name:literal;
        $($Query:ident: $method:ident() -> $Value:ty,)*
    ) => {
        #[doc = concat!("A call of [`", stringify!($Machine), "`].")]
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "snake_case", deny_unknown_fields)]
        pub enum Op {
            #[doc = concat!("[`", stringify!($Machine), "::try_withdraw`]")]
            TryWithdraw {
                /// Why the attempt before failed.
                cause: RetryCause,
            },
            #[doc = concat!("[`", stringify!($Machine), "::on_request`]")]
            OnRequest,
            #[doc = concat!("[`", stringify!($Machine), "::on_success`]")]
            OnSuccess {
                /// What the retry that succeeded was paid with; `None` for a first attempt.
                withdrawal: Option<WithdrawalId>,
            },
            #[doc = concat!("[`", stringify!($Machine), "::give_back`]")]
            GiveBack {
                /// What the retry that is not made was paid with.
                withdrawal: WithdrawalId,
            },
            $(
                #[doc = concat!("[`", stringify!($Machine), "::", stringify!($method), "`]")]
                $Query,
            )*
        }

        impl Op {
            /// A random call but a query.
            fn call(pick: &mut crate::generate::Pick, withdrawals: &[WithdrawalId]) -> Self {
                match (pick.below(16), pick.recent(withdrawals)) {
                    (0..=3, _) => Self::OnRequest,
                    (4, withdrawal) => Self::OnSuccess { withdrawal },
                    (5, _) => Self::OnSuccess { withdrawal: None },
                    (6..=8, Some(withdrawal)) => Self::GiveBack { withdrawal },
                    _ => Self::TryWithdraw {
                        cause: pick.of(&crate::machines::budget::CAUSES),
                    },
                }
            }
        }

        #[doc = concat!("What [`", stringify!($Machine), "`] returned.")]
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "kebab-case", deny_unknown_fields)]
        pub enum Answer {
            /// The retry may be made.
            Withdrawn(WithdrawalId),
            /// The retry may not be made.
            Refused(Refusal<BudgetSpent>),
            /// Nothing is returned.
            Done,
            /// What became of what was given back.
            GivenBack(Reported),
            $(
                #[doc = concat!("Of [`", stringify!($Machine), "::", stringify!($method), "`].")]
                $Query($Value),
            )*
        }

        impl Answer {
            const fn asked(asked: &Result<Withdrawal, Refusal<BudgetSpent>>) -> Self {
                match asked {
                    Ok(withdrawal) => Self::Withdrawn(withdrawal.id()),
                    Err(refusal) => Self::Refused(*refusal),
                }
            }
        }

        /// What was withdrawn has an id. A retry whose end nobody knows was made, and so its price stays paid: there is no
        /// [`unknown`](Machine::unknown) report.
        impl Machine for $Machine {
            const NAME: &'static str = $name;

            type Policy = $Policy;
            type State = $State;
            type Op = Op;
            type Answer = Answer;
            type Id = WithdrawalId;

            crate::machines::own::own!(begin, restore, policy, state);

            fn apply<R: Rng + ?Sized>(&mut self, now_ns: u64, op: &Op, _: &mut R) -> Answer {
                match *op {
                    Op::TryWithdraw { cause } => Answer::asked(&self.try_withdraw(now_ns, cause)),
                    Op::OnRequest => {
                        self.on_request(now_ns);
                        Answer::Done
                    }
                    Op::OnSuccess { withdrawal } => {
                        self.on_success(now_ns, withdrawal.map(Withdrawal::from_id));
                        Answer::Done
                    }
                    Op::GiveBack { withdrawal } => {
                        Answer::GivenBack(self.give_back(now_ns, Withdrawal::from_id(withdrawal)))
                    }
                    $(Op::$Query => Answer::$Query(self.$method(now_ns)),)*
                }
            }

            fn given(_: &Op, answer: &Answer) -> Option<WithdrawalId> {
                match answer {
                    Answer::Withdrawn(withdrawal) => Some(*withdrawal),
                    _ => None,
                }
            }

            fn reported(op: &Op) -> Option<WithdrawalId> {
                match op {
                    Op::GiveBack { withdrawal } => Some(*withdrawal),
                    Op::OnSuccess { withdrawal } => *withdrawal,
                    _ => None,
                }
            }

            fn with_id(op: &Op, id: WithdrawalId) -> Op {
                match op {
                    Op::GiveBack { .. } => Op::GiveBack { withdrawal: id },
                    Op::OnSuccess {
                        withdrawal: Some(_),
                    } => Op::OnSuccess {
                        withdrawal: Some(id),
                    },
                    other => other.clone(),
                }
            }

            fn verdict(_: &Op, answer: &Answer) -> Option<Verdict> {
                match answer {
                    Answer::Withdrawn(_) => Some(Verdict::Admitted),
                    Answer::Refused(refusal) => Some(Verdict::Refused {
                        reason: refusal.reason.name(),
                        retry_at_ns: refusal.retry_at_ns,
                    }),
                    _ => None,
                }
            }
        }

        #[cfg(feature = "std")]
        impl crate::recorder::Recorder<$Machine> {
            #[doc = concat!("[`", stringify!($Machine), "::try_withdraw`]")]
            ///
            /// # Errors
            ///
            /// The budget does not cover the retry.
            pub fn try_withdraw(
                &mut self,
                now_ns: u64,
                cause: RetryCause,
            ) -> Result<Withdrawal, Refusal<BudgetSpent>> {
                self.record_plain(
                    now_ns,
                    Op::TryWithdraw { cause },
                    |budget| budget.try_withdraw(now_ns, cause),
                    Answer::asked,
                )
            }

            #[doc = concat!("[`", stringify!($Machine), "::on_request`]")]
            pub fn on_request(&mut self, now_ns: u64) {
                self.record_plain(
                    now_ns,
                    Op::OnRequest,
                    |budget| budget.on_request(now_ns),
                    |()| Answer::Done,
                );
            }

            #[doc = concat!("[`", stringify!($Machine), "::on_success`]")]
            pub fn on_success(&mut self, now_ns: u64, withdrawal: Option<Withdrawal>) {
                let id = withdrawal.as_ref().map(Withdrawal::id);
                self.record_plain(
                    now_ns,
                    Op::OnSuccess { withdrawal: id },
                    |budget| budget.on_success(now_ns, withdrawal),
                    |()| Answer::Done,
                );
            }

            #[doc = concat!("[`", stringify!($Machine), "::give_back`]")]
            pub fn give_back(&mut self, now_ns: u64, withdrawal: Withdrawal) -> Reported {
                let id = withdrawal.id();
                self.record_plain(
                    now_ns,
                    Op::GiveBack { withdrawal: id },
                    |budget| budget.give_back(now_ns, withdrawal),
                    |reported| Answer::GivenBack(*reported),
                )
            }
        }
    };
}

pub(crate) use budget;

/// Why an attempt can have failed.
pub(crate) const CAUSES: [RetryCause; 3] = [
    RetryCause::Failure,
    RetryCause::Timeout,
    RetryCause::Throttled,
];
