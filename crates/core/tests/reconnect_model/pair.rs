//! The machine and the naive model side by side: every call goes to both, and everything that can be asked is compared.

use evenkeel_core::reconnect::{LinkAction, Reconnect, ReconnectPolicy};

use crate::naive::{Answer, Naive, Op};
use crate::word::Word;

pub(crate) fn apply(machine: &mut Reconnect, now_ns: u64, op: Op, word: u64) -> (Answer, u32) {
    let mut rng = Word::new(word);
    let answer = match op {
        Op::Poll => Answer::Action(machine.poll(now_ns, &mut rng)),
        Op::Event(link, event) => Answer::Reported(machine.on_event(now_ns, link, event, &mut rng)),
        Op::Frame(link) => Answer::Reported(machine.on_frame(now_ns, link)),
        Op::Kick => Answer::Sooner(machine.kick(now_ns, &mut rng)),
        Op::Stop => Answer::Close(machine.stop(now_ns)),
        Op::Start => Answer::Started(machine.start(now_ns)),
    };
    (answer, rng.drawn)
}

pub(crate) const fn acts(action: LinkAction) -> bool {
    matches!(
        action,
        LinkAction::Connect { .. } | LinkAction::Abandon { .. }
    )
}

#[derive(Clone)]
pub(crate) struct Pair {
    pub(crate) machine: Reconnect,
    pub(crate) naive: Naive,
}

impl Pair {
    pub(crate) fn new(policy: ReconnectPolicy) -> Self {
        Self {
            machine: Reconnect::new(policy),
            naive: Naive::new(policy),
        }
    }

    pub(crate) fn step(&mut self, now_ns: u64, op: Op, word: u64) -> Answer {
        let before = self.machine.clone();
        let answer = apply(&mut self.machine, now_ns, op, word);
        let mut twin = before.clone();
        assert_eq!(apply(&mut twin, now_ns, op, word), answer, "L1");
        assert_eq!(twin, self.machine, "L1: the same state");
        let expected = self.naive.apply(now_ns, op, word);
        assert_eq!(
            answer, expected,
            "answer and words (L11) of {op:?} at {now_ns}"
        );
        if answer.0 == Answer::Reported(evenkeel_core::Reported::Stale) {
            let at_ns = self.naive.latest_ns;
            assert_eq!(before.status(at_ns), self.machine.status(at_ns), "L8");
        }
        self.check();
        answer.0
    }

    /// What can be asked without changing anything.
    fn check(&mut self) {
        let now_ns = self.naive.latest_ns;
        let deadline_ns = self.machine.next_deadline_ns();
        assert_eq!(deadline_ns, self.naive.next_deadline_ns(), "deadline");
        let ahead_ns = [0, 1, 7, 60, 1 << 40, u64::MAX].map(|ahead| now_ns.saturating_add(ahead));
        for at_ns in ahead_ns.into_iter().chain([0]).chain(deadline_ns) {
            let status = self.machine.status(at_ns);
            assert_eq!(status, self.naive.status(at_ns), "status at {at_ns}");
            assert_eq!(self.machine.attempts(at_ns), status.attempt);
        }
        let state = self.machine.state();
        let restored = Reconnect::restore(*self.machine.policy(), state);
        assert_eq!(restored.as_ref(), Ok(&self.machine), "L6");
        self.check_deadline(now_ns, deadline_ns);
    }

    fn check_deadline(&self, now_ns: u64, deadline_ns: Option<u64>) {
        let before_ns = deadline_ns.map_or(u64::MAX, |at_ns| at_ns.saturating_sub(1));
        if before_ns >= now_ns && deadline_ns != Some(now_ns) {
            let mut early = self.machine.clone();
            let (answer, drawn) = apply(&mut early, before_ns, Op::Poll, 1);
            assert!(
                matches!(answer, Answer::Action(action) if !acts(action)),
                "L3: {answer:?} before {deadline_ns:?}"
            );
            assert_eq!(drawn, 0, "L3");
            assert_eq!(
                early.next_deadline_ns(),
                deadline_ns,
                "L3: the deadline stays"
            );
            assert_eq!(early.status(u64::MAX), self.machine.status(u64::MAX), "L3");
        }
        if let Some(at_ns) = deadline_ns {
            let mut there = self.machine.clone();
            let (answer, _) = apply(&mut there, at_ns, Op::Poll, 1);
            assert!(
                matches!(answer, Answer::Action(action) if acts(action)),
                "L4: {answer:?} at {at_ns}"
            );
        }
    }
}
