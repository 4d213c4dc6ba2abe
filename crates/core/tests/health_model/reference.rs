//! The naive reading: everything that happened is kept, and every answer is worked out from all of it.

use core::time::Duration;

use evenkeel_core::Reported;
use evenkeel_core::backoff::{Backoff, BackoffPolicy, Jitter};
use evenkeel_core::breaker::Health;
use evenkeel_core::health::{
    HealthChange, HealthProbe, HealthProbePolicy, ProbeAction, ProbeId, ProbeReceipt, Probed,
};

use crate::calls::*;
use crate::word::Word;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Evidence {
    pub(crate) at_ns: u64,
    pub(crate) found: Probed,
}

#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) at_ns: u64,
    pub(crate) word: u64,
    /// Its place among the results.
    pub(crate) end: Option<usize>,
    /// Its time was over, and `Abandon` was not yet said.
    pub(crate) untold: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Naive {
    pub(crate) policy: HealthProbePolicy,
    pub(crate) latest_ns: u64,
    pub(crate) results: Vec<Evidence>,
    pub(crate) sent: Vec<Sent>,
}

impl Naive {
    pub(crate) const fn new(policy: HealthProbePolicy) -> Self {
        Self {
            policy,
            latest_ns: 0,
            results: Vec::new(),
            sent: Vec::new(),
        }
    }

    /// All changes that the first `count` results made.
    pub(crate) fn changes(&self, count: usize) -> Vec<HealthChange> {
        let mut changes: Vec<HealthChange> = Vec::new();
        for at in 0..count {
            let Evidence { at_ns, found } = self.results[at];
            let (to, enough) = match found {
                Probed::Passed => (Health::Up, self.policy.rise()),
                _ => (Health::Down, self.policy.fall()),
            };
            let so_far = self.results[..=at].iter().rev();
            let in_a_row = so_far.take_while(|result| result.found == found).count();
            let from = changes.last().map(|change| change.to);
            if in_a_row >= enough as usize && from != Some(to) {
                changes.push(change(at_ns, from, to));
            }
        }
        changes
    }

    pub(crate) fn health(&self, count: usize) -> Option<Health> {
        self.changes(count).last().map(|change| change.to)
    }

    /// The probe in flight has failed if its time is over.
    pub(crate) fn settle(&mut self) -> Option<HealthChange> {
        let timeout = self.policy.timeout();
        let before = self.changes(self.results.len()).len();
        let place = self.results.len();
        let sent = self.sent.last_mut().filter(|sent| sent.end.is_none())?;
        let over_ns = u128::from(sent.at_ns) + timeout.as_nanos();
        if u128::from(self.latest_ns) < over_ns {
            return None;
        }
        sent.end = Some(place);
        sent.untold = true;
        self.results.push(Evidence {
            at_ns: u64::try_from(over_ns).unwrap(),
            found: Probed::Failed,
        });
        self.changes(self.results.len()).get(before).copied()
    }

    pub(crate) fn count(&mut self, found: Probed) -> Option<HealthChange> {
        let before = self.changes(self.results.len()).len();
        let at_ns = self.latest_ns;
        self.results.push(Evidence { at_ns, found });
        self.changes(self.results.len()).get(before).copied()
    }

    /// The wait after probe `index`, from its place among all.
    pub(crate) fn wait_ns(&self, index: usize) -> u64 {
        let scaled = |n: u128| (u128::from(self.sent[index].word) * n) >> 64;
        let end = self.sent[index].end.unwrap();
        if let (Some(down), Some(Health::Down)) = (self.policy.down(), self.health(end + 1)) {
            return self.down_wait_ns(*down, index);
        }
        let c = self.policy.interval().as_nanos();
        let wait = match self.policy.jitter() {
            Jitter::None => c,
            _ if index == 0 => scaled(c + 1),
            Jitter::Full => scaled(c + 1),
            Jitter::Equal => c / 2 + scaled(c - c / 2 + 1),
            Jitter::Spread(r) => {
                let d = c * u128::from(r.numerator()) / u128::from(r.denominator());
                (c - d) + scaled(2 * d + 1)
            }
            other => panic!("a jitter without a model: {other:?}"),
        };
        u64::try_from(wait).unwrap()
    }

    /// Replays the failed probes since it went down, or since one passed.
    pub(crate) fn down_wait_ns(&self, down: BackoffPolicy, index: usize) -> u64 {
        let end = self.sent[index].end.unwrap();
        let changes = |count: usize| self.changes(count).len();
        let same_outage = |sent: &&Sent| changes(sent.end.unwrap() + 1) == changes(end + 1);
        let failed = |sent: &&Sent| self.results[sent.end.unwrap()].found == Probed::Failed;
        let mut words: Vec<u64> = self.sent[..=index]
            .iter()
            .rev()
            .take_while(same_outage)
            .take_while(failed)
            .map(|sent| sent.word)
            .collect();
        words.reverse();
        if words.is_empty() {
            words.push(self.sent[index].word); // it passed: the first wait
        }
        let mut backoff = Backoff::new(down);
        let waits = words.into_iter();
        let waits = waits.map(|word| backoff.next_wait(0, &mut Word::new(word)).unwrap().delay_ns);
        waits.last().unwrap()
    }

    pub(crate) fn next_send_ns(&self) -> Option<u64> {
        match self.sent.last() {
            None => Some(0),
            Some(sent) => {
                let end = self.results[sent.end?];
                end.at_ns.checked_add(self.wait_ns(self.sent.len() - 1))
            }
        }
    }

    pub(crate) fn draws(&self) -> bool {
        let down = self.policy.down().map(|down| down.jitter());
        self.policy.jitter() != Jitter::None || down.is_some_and(|jitter| jitter != Jitter::None)
    }

    pub(crate) fn latest_probe(&self) -> ProbeId {
        ProbeId::from_word(self.sent.len() as u64)
    }

    pub(crate) fn poll(&mut self, word: u64) -> (ProbeAction, u32) {
        let change = self.settle();
        let probe = self.latest_probe();
        if let Some(sent) = self.sent.last_mut() {
            if sent.untold {
                sent.untold = false;
                let timeout = u64::try_from(self.policy.timeout().as_nanos()).unwrap();
                let at_ns = sent.at_ns + timeout;
                let action = ProbeAction::Abandon {
                    probe,
                    at_ns,
                    change,
                };
                return (action, 0);
            }
            if sent.end.is_none() {
                let timeout = u64::try_from(self.policy.timeout().as_nanos()).unwrap();
                let timeout_at_ns = sent.at_ns.checked_add(timeout);
                let action = ProbeAction::Probing {
                    probe,
                    timeout_at_ns,
                };
                return (action, 0);
            }
        }
        match self.next_send_ns() {
            None => (ProbeAction::Idle, 0),
            Some(at_ns) if at_ns > self.latest_ns => (ProbeAction::WaitUntil { at_ns }, 0),
            Some(_) => {
                self.sent.push(Sent {
                    at_ns: self.latest_ns,
                    word,
                    end: None,
                    untold: false,
                });
                let timeout = u64::try_from(self.policy.timeout().as_nanos()).unwrap();
                let action = ProbeAction::Send {
                    probe: self.latest_probe(),
                    timeout_at_ns: self.latest_ns.checked_add(timeout),
                };
                (action, self.draws().into())
            }
        }
    }

    pub(crate) fn report(&mut self, probe: ProbeId, found: Probed) -> ProbeReceipt {
        let change = self.settle();
        let place = self.results.len();
        let known = probe == self.latest_probe();
        match self.sent.last_mut() {
            Some(sent) if known && sent.end.is_none() => {
                sent.end = Some(place);
                let change = self.count(found);
                self.receipt(Reported::Counted, change)
            }
            _ => self.receipt(Reported::Stale, change),
        }
    }

    fn receipt(&self, reported: Reported, change: Option<HealthChange>) -> ProbeReceipt {
        let mut receipt = any().on_report(0, ProbeId::from_word(0), Probed::Passed);
        receipt.reported = reported;
        receipt.change = change;
        receipt.health = self.health(self.results.len());
        receipt
    }

    pub(crate) fn call(&mut self, now_ns: u64, call: &Call) -> Answer {
        if !matches!(call, Call::Restore) {
            self.latest_ns = self.latest_ns.max(now_ns);
        }
        match *call {
            Call::Poll(word) => {
                let (action, drawn) = self.poll(word);
                Answer::Action(action, drawn)
            }
            Call::Report(which, found) => {
                let probe = match which {
                    Which::Latest => self.latest_probe(),
                    Which::Id(id) => ProbeId::from_word(id),
                };
                Answer::Reported(self.report(probe, found))
            }
            Call::Traffic(found) => {
                let timed_out = self.settle();
                let change = self.count(found);
                let mut receipt = any().on_traffic(0, Probed::Passed);
                receipt.timed_out = timed_out;
                receipt.change = change;
                receipt.health = self.health(self.results.len());
                Answer::Traffic(receipt)
            }
            Call::Restore => Answer::Nothing,
        }
    }

    pub(crate) fn deadline_ns(&self) -> Option<u64> {
        let timeout = u64::try_from(self.policy.timeout().as_nanos()).unwrap();
        let at_ns = match self.sent.last() {
            Some(sent) if sent.untold => Some(0),
            Some(sent) if sent.end.is_none() => sent.at_ns.checked_add(timeout),
            _ => self.next_send_ns(),
        };
        at_ns.map(|at_ns| at_ns.max(self.latest_ns))
    }
}

/// Some machine, for an answer whose fields are then set: nobody else makes one.
fn any() -> HealthProbe {
    let second = Duration::from_secs(1);
    HealthProbe::new(
        HealthProbePolicy::builder(second, second)
            .rise(1)
            .build()
            .unwrap(),
    )
}

pub(crate) fn change(at_ns: u64, from: Option<Health>, to: Health) -> HealthChange {
    let mut change = any().on_traffic(0, Probed::Passed).change.expect("up");
    (change.at_ns, change.from, change.to) = (at_ns, from, to);
    change
}
