//! Makes journals for tests: machines that are called while the tape runs.
#![allow(dead_code, reason = "each test crate uses a part of it")]

use evenkeel_core::random::Rng;
use evenkeel_replay::Group;
use evenkeel_replay::any::{AnyAnswer, AnyMachine, AnyOp, Journaled};
use evenkeel_replay::generate::{Generate, Pilot, Times, Words};
use evenkeel_replay::journal::{Entry, Header, Loaded};
use evenkeel_replay::words::Recording;

pub(crate) struct Tape {
    pub(crate) group: Group,
    pub(crate) loaded: Loaded,
    words: Words,
    line: u64,
}

impl Tape {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            group: Group::new(),
            loaded: Loaded::default(),
            words: Words::new(seed),
            line: 0,
        }
    }

    /// Begins or replaces a machine; `dropped` calls were lost before.
    pub(crate) fn header<M: Journaled>(&mut self, id: u64, machine: &M, dropped: Option<u64>) {
        let policy = serde_json::to_string(machine.policy()).expect("a policy");
        let state = serde_json::to_string(&machine.state()).expect("a state");
        self.group.insert(
            id,
            AnyMachine::restore(M::KIND, &policy, &state).expect("its own state"),
        );
        self.line += 1;
        let mut header = Header::new(M::KIND, id, policy, state);
        header.line = self.line;
        header.dropped = dropped;
        header.name = Some(format!("machine {id}"));
        self.loaded.headers.push(header);
    }

    pub(crate) fn add<M: Journaled>(&mut self, id: u64, machine: &M) {
        self.header(id, machine, None);
    }

    pub(crate) fn call(&mut self, id: u64, t_ns: u64, op: AnyOp) -> AnyAnswer {
        let mut words = self.words.clone();
        let answer = self.call_with(id, t_ns, op, &mut words);
        self.words = words;
        answer
    }

    pub(crate) fn call_with(
        &mut self,
        id: u64,
        t_ns: u64,
        op: AnyOp,
        words: &mut impl Rng,
    ) -> AnyAnswer {
        let mut words = Recording::new(words);
        let answer = self.group.apply(id, t_ns, &op, &mut words);
        let answer = answer.expect("the machines are there");
        self.line += 1;
        self.loaded.entries.push(Entry {
            line: self.line,
            id,
            t_ns,
            op,
            words: words.into_words(),
            answer: answer.clone(),
        });
        answer
    }
}

/// Something that makes calls of one machine of a tape.
pub(crate) trait Player {
    fn play(&mut self, tape: &mut Tape);
}

/// Random calls.
pub(crate) struct Random<M: Generate> {
    id: u64,
    policy: M::Policy,
    pilot: Pilot<M>,
    words: Words,
}

impl<M: Generate + Journaled> Random<M> {
    pub(crate) fn new(tape: &mut Tape, id: u64, policy: usize, times: Times, seed: u64) -> Self {
        let (_, policy) = M::sample_policy(policy % M::POLICIES).expect("a policy");
        let pilot = Pilot::new(policy.clone(), times, seed);
        tape.add(id, pilot.machine());
        Self {
            id,
            policy,
            pilot,
            words: Words::new(seed),
        }
    }

    pub(crate) const fn policy(&self) -> &M::Policy {
        &self.policy
    }

    /// Writes the state down, though nothing was lost.
    pub(crate) fn checkpoint(&self, tape: &mut Tape) {
        tape.header(self.id, self.pilot.machine(), None);
    }

    /// Loses some calls.
    pub(crate) fn lose(&mut self, tape: &mut Tape, calls: u64) {
        for _ in 0..calls {
            let (now_ns, op) = self.pilot.next_call();
            let machine = self.pilot.machine();
            let mut copy =
                M::restore(machine.policy().clone(), machine.state()).expect("its own state");
            let answer = copy.apply(now_ns, &op, &mut self.words);
            assert_eq!(self.pilot.go(now_ns, &op), answer);
        }
        tape.header(self.id, self.pilot.machine(), Some(calls));
    }
}

impl<M: Generate + Journaled> Player for Random<M> {
    fn play(&mut self, tape: &mut Tape) {
        let (now_ns, op) = self.pilot.next_call();
        let query = self.pilot.query();
        for op in [Some(op), query].into_iter().flatten() {
            let answer = self.pilot.go(now_ns, &op);
            let taped = tape.call_with(self.id, now_ns, M::any_op(op), &mut self.words);
            assert_eq!(taped, M::any_answer(answer));
        }
    }
}

/// Does `$call` for each kind of machine.
#[macro_export]
macro_rules! each_kind {
    ($call:ident $args:tt) => {{
        use evenkeel_core::{backoff, breaker, budget, estimator, health, reconnect, restart, retry, table, throttle};
        use evenkeel_replay::Key;
        vec![
            $call::<throttle::AdaptiveThrottle> $args,
            $call::<backoff::Backoff> $args,
            $call::<table::BackoffTable<Key>> $args,
            $call::<breaker::Breaker> $args,
            $call::<table::BreakerTable<Key>> $args,
            $call::<health::HealthProbe> $args,
            $call::<estimator::LogHistogram> $args,
            $call::<estimator::QuantileWindow> $args,
            $call::<reconnect::Reconnect> $args,
            $call::<table::RecoveryBudget<Key>> $args,
            $call::<restart::Restart> $args,
            $call::<retry::Retry> $args,
            $call::<budget::RetryRatio> $args,
            $call::<budget::RetryTokens> $args,
            $call::<estimator::RollingHistogram> $args,
            $call::<estimator::SampleWindow> $args,
            $call::<estimator::ThresholdWindow> $args,
        ]
    }};
}
