//! A backoff table as its text reads: a plain map, keys dropped at the instant at which they are forgotten, every hold
//! worked out from the number of attempts.

use std::collections::BTreeMap;

use evenkeel_core::advice::{Advice, AdvisoryRule};
use evenkeel_core::backoff::Jitter;
use evenkeel_core::table::{BackoffTablePolicy, HeldBy, Hold};

use crate::words::Words;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Known {
    /// The end of the hold, or the instant of the stop.
    at: u128,
    stopped: bool,
    advised: bool,
    attempts: u32,
    previous: u128,
    reported: bool,
    arrival: u64,
}

/// How many keys there are, and until when the others are held back.
pub(crate) type Full = (u32, Option<u64>);

#[derive(Clone, Debug)]
pub(crate) struct Reference {
    policy: BackoffTablePolicy,
    known: BTreeMap<u64, Known>,
    overflow: Option<Known>,
    now: u64,
    arrivals: u64,
}

const END: u128 = u64::MAX as u128;

fn scaled(word: u64, n: u128) -> u128 {
    (u128::from(word) * n) >> 64
}

impl Reference {
    pub(crate) fn new(policy: BackoffTablePolicy) -> Self {
        Self {
            policy,
            known: BTreeMap::new(),
            overflow: None,
            now: 0,
            arrivals: 0,
        }
    }

    fn forget_ns(&self) -> u128 {
        self.policy.forget_after().as_nanos()
    }

    fn is_forgotten(&self, known: &Known) -> bool {
        let at = known.at + self.forget_ns();
        at <= u128::from(self.now) && known.at <= END
    }

    pub(crate) fn goes_to(&mut self, now: u64) {
        self.now = self.now.max(now);
        let mut known = std::mem::take(&mut self.known);
        known.retain(|_, known| !self.is_forgotten(known));
        self.known = known;
        self.overflow = self.overflow.filter(|known| !self.is_forgotten(known));
    }

    fn end(&self, known: &Known) -> u128 {
        if known.stopped {
            known.at + self.forget_ns()
        } else {
            known.at
        }
    }

    fn hold(&self, known: &Known) -> Hold {
        Hold {
            until_ns: u64::try_from(self.end(known)).ok(),
            attempt: known.attempts,
            reason: match (known.stopped, known.advised) {
                (true, _) => HeldBy::Stopped,
                (false, true) => HeldBy::Advice,
                (false, false) => HeldBy::Backoff,
            },
        }
    }

    pub(crate) fn ask(&self, key: u64) -> Result<(), (HeldBy, Option<u64>)> {
        let (known, overflow) = match (self.known.get(&key), &self.overflow) {
            (Some(known), _) => (known, false),
            (None, Some(known)) => (known, true),
            (None, None) => return Ok(()),
        };
        if self.end(known) <= u128::from(self.now) {
            return Ok(());
        }
        let hold = self.hold(known);
        if overflow {
            return Err((HeldBy::Overflow, hold.until_ns));
        }
        // At the end of a stop the key is forgotten, and held back with all that are not tracked.
        let until = self.end(known);
        let shared = self.overflow.as_ref().map(|shared| self.end(shared));
        if known.stopped && until <= END && shared.is_some_and(|shared| shared > until) {
            return Err((hold.reason, shared.and_then(|end| u64::try_from(end).ok())));
        }
        Err((hold.reason, hold.until_ns))
    }

    pub(crate) fn get(&self, key: u64) -> Option<Hold> {
        self.known.get(&key).map(|known| self.hold(known))
    }

    pub(crate) fn overflow(&self) -> Option<Hold> {
        self.overflow.as_ref().map(|known| Hold {
            reason: HeldBy::Overflow,
            ..self.hold(known)
        })
    }

    /// The wait of attempt `n`, from its definition: base doubled each time, capped, jittered.
    fn own_wait(&self, attempt: u32, previous: u128, words: &mut Words) -> u128 {
        let backoff = self.policy.backoff();
        let cap = backoff.cap().map_or(1 << 62, |cap| cap.as_nanos());
        let base = backoff.base().as_nanos();
        let mut ceiling = base.min(cap);
        for _ in 1..attempt {
            ceiling = (ceiling * 2).min(cap);
        }
        match backoff.jitter() {
            Jitter::None => ceiling,
            Jitter::Full => scaled(words.next(), ceiling + 1),
            Jitter::Decorrelated => {
                let s = previous.max(base.min(cap));
                (base + scaled(words.next(), 3 * s - base + 1)).min(cap)
            }
            other => panic!("not in this test: {other:?}"),
        }
    }

    fn advised_wait(&self, at_ns: u64, own: u128, words: &mut Words) -> u128 {
        let cap = self.policy.advisory_cap().as_nanos();
        let advised = u128::from(at_ns.saturating_sub(self.now)).min(cap);
        let wait = match self.policy.advisory_rule() {
            AdvisoryRule::AtLeast => own.max(advised),
            AdvisoryRule::Exact => advised,
            AdvisoryRule::Within(extra) => advised.max(own).min(own + extra.as_nanos()),
            other => panic!("not in this test: {other:?}"),
        };
        let spread = self.policy.advisory_spread();
        if spread.numerator() == 0 {
            return wait;
        }
        let room = wait * u128::from(spread.numerator()) / u128::from(spread.denominator());
        wait + scaled(words.next(), room + 1)
    }

    fn after(&mut self, before: Option<Known>, advice: Option<Advice>, words: &mut Words) -> Known {
        let now = u128::from(self.now);
        let attempts = before.map_or(0, |known| known.attempts) + 1;
        let before_wait = before.map_or(0, |known| known.previous);
        let exact = self.policy.advisory_rule() == AdvisoryRule::Exact;
        let mut previous = before_wait;
        let mut own = 0;
        let asks_own = match advice {
            None => true,
            Some(Advice::RetryAt { .. }) => !exact,
            _ => false,
        };
        if asks_own {
            own = self.own_wait(attempts, before_wait, words);
            if self.policy.backoff().jitter() == Jitter::Decorrelated {
                previous = own;
            }
        }
        let (at, stopped) = match advice {
            None => (now + own, false),
            Some(Advice::RetryAt { at_ns }) => (now + self.advised_wait(at_ns, own, words), false),
            _ => (now, true),
        };
        self.arrivals += 1;
        let mut after = Known {
            at,
            stopped,
            advised: advice.is_some(),
            attempts,
            previous,
            reported: false,
            arrival: self.arrivals,
        };
        if let Some(before) = before {
            let stands = self.end(&before) > now;
            // A stop that outlasts all time still outlasts a wait that does.
            let end = if stopped { at + self.forget_ns() } else { at };
            let shortens = end < self.end(&before);
            let failure = advice.is_none();
            if stands && shortens && (!exact || (failure && before.stopped)) {
                after.at = before.at;
                after.stopped = before.stopped;
                after.advised = before.advised;
            }
        }
        after
    }

    pub(crate) fn report(
        &mut self,
        key: u64,
        advice: Option<Advice>,
        words: &mut Words,
    ) -> Result<Hold, Full> {
        let max_keys = self.policy.max_keys();
        if !self.known.contains_key(&key) && self.known.len() >= max_keys as usize {
            let after = self.after(self.overflow, advice, words);
            self.overflow = Some(after);
            let held_until_ns = self.hold(&after).until_ns;
            return Err((max_keys, held_until_ns));
        }
        let known = self.known.get(&key).copied();
        let mut after = self.after(known, advice, words);
        let exact = self.policy.advisory_rule() == AdvisoryRule::Exact;
        // So far it was held back with all that are not tracked; its own first hold is no shorter.
        if let Some(shared) = self.overflow.filter(|_| known.is_none() && !exact) {
            let held = self.end(&shared) > u128::from(self.now);
            if held && self.end(&after) < self.end(&shared) {
                after.at = shared.at;
                after.stopped = shared.stopped;
                after.advised = shared.advised;
            }
        }
        self.known.insert(key, after);
        Ok(self.hold(&after))
    }

    pub(crate) fn success(&mut self, key: u64) -> bool {
        self.known.remove(&key).is_some()
    }

    fn first_due(&self) -> Option<(u64, u64)> {
        let due = |known: &Known| !known.reported && !known.stopped && known.at <= END;
        let waiting = self.known.iter().filter(|(_, known)| due(known));
        let (key, known) = waiting.min_by_key(|(_, known)| (known.at, known.arrival))?;
        Some((*key, known.at as u64))
    }

    pub(crate) fn pop_ready(&mut self) -> Option<u64> {
        let (key, at) = self.first_due()?;
        if at > self.now {
            return None;
        }
        self.known.get_mut(&key)?.reported = true;
        Some(key)
    }

    pub(crate) fn next_deadline(&self) -> Option<u64> {
        self.first_due().map(|(_, at)| at)
    }

    pub(crate) fn in_order(&self) -> Vec<(u64, Hold)> {
        let mut all: Vec<_> = self.known.iter().collect();
        all.sort_by_key(|(_, known)| (known.at, known.arrival));
        let entry = |(key, known): (&u64, &Known)| (*key, self.hold(known));
        all.into_iter().map(entry).collect()
    }
}
