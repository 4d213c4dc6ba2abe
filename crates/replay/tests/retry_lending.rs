//! A retry that is recorded, and what is lent to it: what happens, what its journal says, and that it can be replayed.
#![cfg(feature = "std")]

use core::time::Duration;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex};

use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::breaker::{Breaker, BreakerPolicy, Trigger};
use evenkeel_core::budget::{RetryCause, RetryRatio, RetryTokens};
use evenkeel_core::retry::{AttemptId, AttemptOutcome, Parts, Retry, RetryAction};
use evenkeel_core::table::{BreakerTable, BreakerTablePolicy};
use evenkeel_replay::any::{AnyMachine, AnyOp};
use evenkeel_replay::generate::{Generate, Pick, Words};
use evenkeel_replay::journal::{Header, Journal, Loaded, LoadedLine, load};
use evenkeel_replay::retry::{Answer, Lent, LentBreaker, Op, RecordedParts, apply_with};
use evenkeel_replay::words::Replaying;
use evenkeel_replay::{Group, Machine, Recorder};

const POLL: Op = Op::Poll { lent: Lent::NONE };

/// The machines without a journal.
struct Plain {
    breaker: Breaker,
    hosts: BreakerTable<u64>,
    tokens: RetryTokens,
    ratio: RetryRatio,
    retries: Vec<Retry>,
}

/// The same with one.
struct Recorded {
    breaker: Recorder<Breaker>,
    hosts: Recorder<BreakerTable<u64>>,
    tokens: Recorder<RetryTokens>,
    ratio: Recorder<RetryRatio>,
    retries: Vec<Recorder<Retry>>,
}

fn breaker_policy() -> BreakerPolicy {
    let open = BackoffPolicy::builder(Duration::from_nanos(100)).jitter(Jitter::Full);
    BreakerPolicy::builder(open, Duration::from_nanos(60))
        .trigger(Trigger::Consecutive { failures: 2 })
        .build()
        .expect("a breaker")
}

fn sample<M: Generate>(number: usize) -> M {
    let (_, policy) = M::sample_policy(number).expect("a policy");
    M::sample(policy, 0)
}

impl Plain {
    fn new() -> Self {
        let policy = BreakerTablePolicy::builder(breaker_policy(), 2, Duration::from_nanos(900));
        Self {
            breaker: Breaker::new(breaker_policy()),
            hosts: BreakerTable::new(policy.build().expect("a table")),
            tokens: sample(2),
            ratio: sample(0),
            retries: [2, 3, 1, 0].map(sample).into(),
        }
    }

    fn recorded_in(self, journal: &Journal) -> Recorded {
        let record = |retry| journal.record("query", retry);
        Recorded {
            breaker: journal.record("db", self.breaker),
            hosts: journal.record("hosts", self.hosts),
            tokens: journal.record("tokens", self.tokens),
            ratio: journal.record("ratio", self.ratio),
            retries: self.retries.into_iter().map(record).collect(),
        }
    }

    fn call(&mut self, of: usize, key: u64, now_ns: u64, op: &Op, words: &mut Words) -> Answer {
        let mut gate = self.hosts.gate(&key);
        let mut parts = match of {
            0 => Parts::none()
                .with_breaker(&mut self.breaker)
                .with_budget(&mut self.tokens),
            1 => Parts::none()
                .with_breaker(&mut gate)
                .with_budget(&mut self.ratio),
            2 => Parts::none().with_budget(&mut self.tokens),
            _ => Parts::none(),
        };
        apply_with(&mut self.retries[of], now_ns, op, &mut parts, words)
    }
}

impl Recorded {
    /// By the methods of the retry's recorder.
    fn call(&mut self, of: usize, key: u64, now_ns: u64, op: &Op, words: &mut Words) -> Answer {
        let mut gate = self.hosts.gate(&key);
        let mut parts = match of {
            0 => RecordedParts::none()
                .with_breaker(&mut self.breaker)
                .with_tokens(&mut self.tokens),
            1 => RecordedParts::none()
                .with_gate(&mut gate)
                .with_ratio(&mut self.ratio),
            2 => RecordedParts::none().with_tokens(&mut self.tokens),
            _ => RecordedParts::none(),
        };
        let retry = &mut self.retries[of];
        match *op {
            Op::Begin => {
                retry.begin(now_ns);
                Answer::Begun
            }
            Op::Poll { .. } => Answer::Step(retry.poll(now_ns, &mut parts, words)),
            Op::OnOutcome {
                attempt, outcome, ..
            } => Answer::Report(retry.on_outcome(now_ns, attempt, outcome, &mut parts, words)),
            Op::Cancel { .. } => Answer::Step(retry.cancel(now_ns, &mut parts, words)),
            ref query => retry.apply(now_ns, query.clone(), words),
        }
    }

    /// Snapshots of all, in the order in which they were recorded.
    fn states(&self) -> Vec<String> {
        fn text(state: &impl serde::Serialize) -> String {
            serde_json::to_string(state).expect("it can be written")
        }
        let mut all = vec![
            text(&self.breaker.state()),
            text(&self.hosts.state()),
            text(&self.tokens.state()),
            text(&self.ratio.state()),
        ];
        all.extend(self.retries.iter().map(|retry| text(&retry.state())));
        all
    }
}

fn loaded(journal: &Journal) -> Loaded {
    let mut lines = Vec::new();
    journal.dump(&mut lines).expect("it is in memory");
    let loaded = load(&lines[..]);
    assert!(loaded.damage.is_none(), "{:?}", loaded.damage);
    loaded
}

fn machine(header: &Header) -> AnyMachine {
    AnyMachine::restore(header.kind, &header.policy, &header.state).expect("a machine")
}

/// Replays all lines; every answer must be the recorded one. A header puts a machine in.
fn replayed(loaded: &Loaded) -> Group {
    let mut group = Group::new();
    for line in loaded.lines() {
        match line {
            LoadedLine::Header(header) => {
                group.insert(header.id, machine(header));
            }
            LoadedLine::Entry(entry) => {
                let mut words = Replaying::new(&entry.words);
                let answer = group.apply(entry.id, entry.t_ns, &entry.op, &mut words);
                assert_eq!(answer.as_ref(), Some(&entry.answer), "{entry:?}");
                assert_eq!((words.left(), words.missing()), (0, 0), "{entry:?}");
            }
        }
    }
    group
}

fn states(group: &Group) -> Vec<String> {
    let state = |(_, machine): (u64, &AnyMachine)| machine.state().expect("it can be written");
    group.iter().map(state).collect()
}

/// Random calls, made of machines without a journal and of recorded ones.
struct Twins {
    plain: Plain,
    recorded: Recorded,
    pick: Pick,
    now_ns: u64,
    words: [Words; 2],
    ids: [Vec<AttemptId>; 4],
    transitions: usize,
}

impl Twins {
    fn new(journal: &Journal, seed: u64) -> Self {
        Self {
            plain: Plain::new(),
            recorded: Plain::new().recorded_in(journal),
            pick: Pick::new(seed),
            now_ns: 0,
            words: [Words::new(seed), Words::new(seed)],
            ids: Default::default(),
            transitions: 0,
        }
    }

    fn go(&mut self, steps: u64) {
        for _ in 0..steps {
            self.step();
            self.step_of_others();
        }
    }

    fn step(&mut self) {
        let Self { plain, pick, .. } = self;
        self.now_ns += pick.below(40);
        let (of, key) = (pick.below(4) as usize, pick.below(4));
        let retry = &plain.retries[of];
        if pick.one_in(6) {
            self.now_ns = self.now_ns.max(retry.next_deadline_ns().unwrap_or(0));
        }
        let (now_ns, policy) = (self.now_ns, *retry.policy());
        let op = match pick.below(6) {
            _ if retry.end().is_some() && pick.one_in(4) => Op::Begin,
            0 => Retry::query(&policy, pick).expect("a query"),
            _ => Retry::call(&policy, pick, now_ns, &self.ids[of]),
        };
        let [words, recorded_words] = &mut self.words;
        let answer = plain.call(of, key, now_ns, &op, words);
        let by_recorder = self.recorded.call(of, key, now_ns, &op, recorded_words);
        assert_eq!(by_recorder, answer, "{op:?}");
        assert_eq!(recorded_words, words);
        if op == Op::Begin {
            self.ids[of].clear();
        }
        self.ids[of].extend(Retry::given(&op, &answer));
        self.transitions += answer.transitions().iter().count();
    }

    /// What is lent has other callers, too.
    fn step_of_others(&mut self) {
        let (plain, recorded, now_ns) = (&mut self.plain, &mut self.recorded, self.now_ns);
        match self.pick.below(12) {
            0 => {
                let cause = RetryCause::Failure;
                let one = plain.tokens.try_withdraw(now_ns, cause).is_ok();
                let other = recorded.tokens.try_withdraw(now_ns, cause).is_ok();
                assert_eq!(one, other);
            }
            1..=4 => {
                plain.tokens.on_success(now_ns, None);
                recorded.tokens.on_success(now_ns, None);
            }
            5 => {
                let due = plain.breaker.poll(now_ns);
                assert_eq!(recorded.breaker.poll(now_ns), due);
            }
            _ => {}
        }
    }
}

#[test]
fn what_is_recorded_is_what_happens_and_can_be_replayed() {
    let journal = Journal::in_memory();
    let mut twins = Twins::new(&journal, 7);
    twins.go(6_000);
    assert!(twins.transitions > 100, "{}", twins.transitions);
    let loaded = loaded(&journal);
    assert_eq!(loaded.entries.len() as u64, journal.ops());
    assert_eq!(states(&replayed(&loaded)), twins.recorded.states());
}

/// Whatever is forgotten of a journal: before the first line for which a machine is lent, there is a snapshot of it.
#[test]
fn the_end_of_a_journal_has_all_that_is_lent_in_it() {
    for seed in 0..8 {
        let journal = Journal::last(5 + seed);
        let mut twins = Twins::new(&journal, seed);
        for _ in 0..30 {
            twins.go(7);
            let loaded = loaded(&journal);
            assert!(loaded.entries.len() < 50, "{}", loaded.entries.len());
            let group = replayed(&loaded);
            let now = twins.recorded.states();
            for (id, state) in group.ids().zip(states(&group)) {
                assert_eq!(state, now[id as usize], "machine {id}");
            }
        }
    }
}

/// Where lines are to go: nowhere, while the gate is shut.
#[derive(Clone, Default)]
struct Gated(Arc<Lines>);

#[derive(Default)]
struct Lines {
    is_open: Mutex<bool>,
    opened: Condvar,
    text: Mutex<Vec<u8>>,
}

impl Gated {
    fn open(&self, is_open: bool) {
        *self.0.is_open.lock().expect("nobody panics") = is_open;
        self.0.opened.notify_all();
    }
}

impl Write for Gated {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let is_open = self.0.is_open.lock().expect("nobody panics");
        let opened = self.0.opened.wait_while(is_open, |is_open| !*is_open);
        drop(opened.expect("nobody panics"));
        let mut text = self.0.text.lock().expect("nobody panics");
        text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A lost line leaves what was lent behind, too: it goes on with a snapshot.
#[test]
fn lost_lines_are_gaps_for_all_that_was_lent() {
    let lines = Gated::default();
    let journal = Journal::options().buffer(16).spawn(lines.clone());
    let journal = journal.expect("a thread");
    let mut twins = Twins::new(&journal, 3);
    let mut dropped = 0;
    for _ in 0..6 {
        lines.open(false);
        while journal.dropped() == dropped {
            twins.go(10); // until nothing more can wait
        }
        twins.go(50);
        dropped = journal.dropped();
        lines.open(true);
        let ops = journal.ops();
        while journal.ops() < ops + 20 {
            twins.go(1); // until something can wait again
        }
        dropped = journal.dropped().max(dropped);
    }
    let summary = journal.finish().expect("the gate is open");
    assert!(summary.dropped >= 250, "{summary:?}");
    let text = lines.0.text.lock().expect("nobody panics").clone();
    let loaded = load(&text[..]);
    assert!(loaded.damage.is_none(), "{:?}", loaded.damage);
    assert_eq!(loaded.entries.len() as u64, summary.ops);
    let of_lent = |header: &&Header| header.id < 4 && header.dropped == Some(0);
    assert!(loaded.headers.iter().filter(of_lent).count() > 5);
    replayed(&loaded);
}

fn a_retry() -> Retry {
    sample(0)
}

/// Where a call borrows from another journal no line can tell of it: all that took part go on with a snapshot.
#[test]
fn what_another_journal_lends_is_a_gap() {
    let (ours, theirs) = (Journal::in_memory(), Journal::in_memory());
    let mut breaker = theirs.record("db", Breaker::new(breaker_policy()));
    let mut tokens = ours.record("tokens", sample::<RetryTokens>(0));
    let mut retry = ours.record("query", a_retry());
    let mut words = Words::new(1);

    let mut parts = RecordedParts::none()
        .with_breaker(&mut breaker)
        .with_tokens(&mut tokens);
    let step = retry.poll(0, &mut parts, &mut words);
    let RetryAction::Attempt { attempt, .. } = step.action else {
        panic!("{step:?}");
    };
    let counts = [&ours, &theirs].map(|journal| (journal.ops(), journal.dropped()));
    assert_eq!(counts, [(0, 1), (0, 0)]);

    let failed = AttemptOutcome::transient(RetryCause::Failure);
    let mut parts = RecordedParts::none().with_tokens(&mut tokens);
    let _ = retry.on_outcome(5, attempt, failed, &mut parts, &mut words);
    let _ = breaker.try_acquire(5, &mut words);
    let (ours, theirs) = (loaded(&ours), loaded(&theirs));
    let dropped = |loaded: &Loaded| -> Vec<(u64, Option<u64>)> {
        let of = |header: &Header| (header.id, header.dropped);
        loaded.headers.iter().map(of).collect()
    };
    let of_ours = [(0, None), (1, None), (1, Some(1)), (0, Some(0))];
    assert_eq!(dropped(&ours), of_ours);
    assert_eq!(dropped(&theirs), [(0, None), (0, Some(0))]);
    let tokens_now = tokens.balance_milli(5);
    let group = replayed(&ours);
    let Some(AnyMachine::RetryTokens(tokens)) = group.get(0) else {
        panic!("no tokens");
    };
    assert_eq!(tokens.balance_milli(5), tokens_now);
    replayed(&theirs);
}

/// A retry that is not recorded lends no name to anything: what it borrows writes lines of its own.
#[test]
fn a_retry_without_a_recorder_leaves_the_lines_of_what_it_borrows() {
    let journal = Journal::in_memory();
    let mut breaker = journal.record("db", Breaker::new(breaker_policy()));
    let mut tokens = journal.record("tokens", sample::<RetryTokens>(0));
    let mut words = Words::new(1);
    let mut parts = Parts::none()
        .with_breaker(&mut breaker)
        .with_budget(&mut tokens);
    let _ = a_retry().poll(0, &mut parts, &mut words);
    let kinds: Vec<u64> = loaded(&journal)
        .entries
        .iter()
        .map(|entry| entry.id)
        .collect();
    assert_eq!(kinds, [0, 1]);
    replayed(&loaded(&journal));
}

/// A call that names what was lent, but is made with nothing, is taken down as it is made.
#[test]
fn apply_lends_nothing_and_says_so() {
    let journal = Journal::in_memory();
    let mut retry = journal.record("query", a_retry());
    let lent = Lent {
        breaker: Some(LentBreaker::Breaker(7)),
        budget: Some(8),
    };
    let answer = retry.apply(0, POLL.with_lent(lent), &mut Words::new(1));
    assert!(matches!(answer, Answer::Step(_)));
    let loaded = loaded(&journal);
    assert_eq!(loaded.entries[0].op, AnyOp::Retry(POLL));
    replayed(&loaded);
}
