//! `evenkeel replay`: what would this breaker policy have done to the recorded calls?
//!
//! Each row asks a breaker at `t_ns` and, if admitted, reports its recorded result at `t_ns + latency_ns`. At one
//! instant deadlines come first, then reports, then asks, each in file order. The end is the last event of all:
//! a deadline that falls due by then shows, also of a key that is never asked again.
//!
//! **Random words.** Each breaker has a stream of its own, xoshiro256++ seeded by
//! `seed_from_u64(seed ^ fnv1a64(key))` (SplitMix64 fills the state), where `fnv1a64` is the 64-bit FNV-1a hash of
//! the key's UTF-8 bytes. So a new key in the trace never shifts the words of another, and their order does not
//! matter. Without `--per-key` there is one stream, `seed_from_u64(seed)`.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use anyhow::Result;
use evenkeel_core::breaker::{BreakerPolicy, Grant, Outcome, Permit, Refused, Transition};
use evenkeel_replay::journal::Journal;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;

use crate::decisions::DecisionLog;
use crate::recorded::Gate;
use crate::summary::{KeyedTransition, Summary, Tallies};
use crate::timeline::Timeline;
use crate::trace::{Keyed, Row, RowOutcome, Trace};

/// Runs the whole trace. `decisions` and `timeline` see every row in file order, `journal` every call of a breaker.
pub(crate) fn replay(
    mut trace: Trace,
    policy: &BreakerPolicy,
    seed: u64,
    mut decisions: Option<&mut DecisionLog>,
    journal: Option<&Journal>,
    timeline: &mut Timeline,
) -> Result<Summary> {
    let keyed = trace.keyed();
    let mut engine = Engine::new(policy, seed, keyed, journal);
    let mut tallies = Tallies::new(slow_limit_ns(policy));
    while let Some(row) = trace.next_row()? {
        let refused = engine.ask(&row).err();
        let admitted = refused.is_none();
        tallies.row(&row, admitted);
        timeline.row(&row, admitted);
        if let Some(decisions) = &mut decisions {
            decisions.row(&row, refused.map(|refused| refused.refusal))?;
        }
    }
    let done = engine.finish();
    Ok(tallies.summary(done, trace))
}

/// Above how many nanoseconds a call counts as slow, if the policy says.
pub(crate) fn slow_limit_ns(policy: &BreakerPolicy) -> Option<u64> {
    policy
        .slow_limit()
        .map(|limit| u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX))
}

/// The breakers, and the calls that they admitted and that have not reported yet. Memory: what is in flight, a
/// breaker for each key, the transitions.
struct Engine<'p> {
    policy: &'p BreakerPolicy,
    seed: u64,
    keyed: Keyed,
    journal: Option<&'p Journal>,
    lanes: Vec<Lane<'p>>,
    in_flight: BinaryHeap<Report>,
    asked: u64,
    transitions: Vec<KeyedTransition>,
    /// The latest event so far.
    now_ns: u64,
}

/// What the breakers did.
pub(crate) struct Done {
    /// By instant, then by first appearance of the key.
    pub(crate) transitions: Vec<KeyedTransition>,
    /// The last event.
    pub(crate) end_ns: u64,
    /// The most results that came to one breaker.
    pub(crate) most_results: u64,
}

/// A breaker with the words that only it draws.
struct Lane<'p> {
    breaker: Gate<'p>,
    rng: Xoshiro256PlusPlus,
    /// Calls that have reported.
    results: u64,
}

impl<'p> Engine<'p> {
    fn new(
        policy: &'p BreakerPolicy,
        seed: u64,
        keyed: Keyed,
        journal: Option<&'p Journal>,
    ) -> Self {
        Self {
            policy,
            seed,
            keyed,
            journal,
            lanes: Vec::new(),
            in_flight: BinaryHeap::new(),
            asked: 0,
            transitions: Vec::new(),
            now_ns: 0,
        }
    }

    /// Asks for one call, after all reports that come first.
    fn ask(&mut self, row: &Row<'_>) -> Result<(), Refused> {
        while self
            .in_flight
            .peek()
            .is_some_and(|next| next.at_ns <= row.t_ns)
        {
            self.report_next();
        }
        self.now_ns = row.t_ns;
        if self.lanes.len() <= row.key_id as usize {
            // Numbers come by first appearance: a new key is always the next one.
            let name = match self.keyed {
                Keyed::Yes => row.key,
                Keyed::No => "",
            };
            self.lanes.push(Lane {
                breaker: Gate::new(self.policy, self.journal, name),
                rng: Xoshiro256PlusPlus::seed_from_u64(self.seed_of(row.key)),
                results: 0,
            });
        }
        let lane = &mut self.lanes[row.key_id as usize];
        let answer = lane.breaker.try_acquire(row.t_ns, &mut lane.rng);
        let sequence = self.asked;
        self.asked += 1;
        match answer {
            Ok(Grant {
                permit,
                transitions,
                ..
            }) => {
                // A call that would end after the last instant never reports.
                if let Some(at_ns) = row.t_ns.checked_add(row.latency_ns) {
                    self.in_flight.push(Report {
                        at_ns,
                        sequence,
                        key_id: row.key_id,
                        outcome: row.outcome,
                        latency_ns: row.latency_ns,
                        permit,
                    });
                }
                self.note(row.key_id, transitions);
                Ok(())
            }
            Err(refused) => {
                self.note(row.key_id, refused.transitions);
                Err(refused)
            }
        }
    }

    /// Lets every call report, then every deadline up to the last event pass.
    fn finish(mut self) -> Done {
        while !self.in_flight.is_empty() {
            self.report_next();
        }
        for key_id in 0..self.lanes.len() {
            let due = self.lanes[key_id].breaker.poll(self.now_ns);
            self.note(key_id as u32, due);
        }
        // Noticed late, a transition still carries the instant at which it fell due. The sort is stable: those
        // of one breaker at one instant stay in the order in which they happened.
        self.transitions
            .sort_by_key(|noted| (noted.transition.at_ns, noted.key));
        let results = self.lanes.iter().map(|lane| lane.results);
        Done {
            end_ns: self.now_ns,
            most_results: results.max().unwrap_or(0),
            transitions: self.transitions,
        }
    }

    fn report_next(&mut self) {
        let Some(report) = self.in_flight.pop() else {
            return;
        };
        self.now_ns = report.at_ns;
        let lane = &mut self.lanes[report.key_id as usize];
        lane.results += 1;
        let outcome = match report.outcome {
            RowOutcome::Ok => Outcome::Success,
            RowOutcome::Error | RowOutcome::Timeout => Outcome::Failure,
        };
        let receipt = lane.breaker.on_outcome(
            report.at_ns,
            report.permit,
            outcome,
            report.latency_ns,
            &mut lane.rng,
        );
        self.note(report.key_id, receipt.transitions());
    }

    #[inline]
    fn note(&mut self, key_id: u32, made: impl IntoIterator<Item = Transition>) {
        let key = (self.keyed == Keyed::Yes).then_some(key_id);
        let noted = made
            .into_iter()
            .map(|transition| KeyedTransition { key, transition });
        self.transitions.extend(noted);
    }

    fn seed_of(&self, key: &str) -> u64 {
        match self.keyed {
            Keyed::Yes => self.seed ^ fnv1a64(key.as_bytes()),
            Keyed::No => self.seed,
        }
    }
}

/// The result of an admitted call, on its way.
struct Report {
    at_ns: u64,
    /// File order, for those of one instant.
    sequence: u64,
    latency_ns: u64,
    key_id: u32,
    outcome: RowOutcome,
    permit: Permit,
}

impl Ord for Report {
    /// The earliest is the greatest: `BinaryHeap` pops that first.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at_ns, other.sequence).cmp(&(self.at_ns, self.sequence))
    }
}

impl PartialOrd for Report {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Report {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Report {}

/// The 64-bit FNV-1a hash: the same in every version and on every machine.
fn fnv1a64(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_a_key_is_fnv_1a() {
        // From the reference test suite of FNV.
        assert_eq!(fnv1a64(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a64(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a64(b"foobar"), 0x8594_4171_f739_67e8);
    }
}
