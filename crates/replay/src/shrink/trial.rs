//! One try: some of a journal's calls, made anew.

use core::ops::ControlFlow;
use core::ops::Range;
use std::collections::{BTreeMap, HashMap, HashSet};

use evenkeel_core::random::Rng;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;

use super::property::{Fact, Property, shown};
use crate::any::{AnyAnswer, AnyId, AnyMachine, AnyOp};
use crate::generate::mix;
use crate::group::Group;
use crate::journal::{Entry, Header, Loaded};
use crate::what_if::begins_anew;
use crate::words::{Prolonged, Recording, Replaying, Words};

/// What is left of a journal.
#[derive(Clone, Debug)]
pub(super) struct Candidate<'a> {
    /// The machines with which it begins, by id.
    pub(super) starts: BTreeMap<u64, Start<'a>>,
    pub(super) steps: Vec<Step>,
}

/// Where a machine begins.
#[derive(Clone, Debug)]
pub(super) struct Start<'a> {
    pub(super) header: &'a Header,
    pub(super) machine: AnyMachine,
    pub(super) is_fresh: bool,
    /// Whether there are calls of it before, so that it may know ids that were given in them.
    pub(super) has_past: bool,
}

/// One line that is left.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// A call, by its place among the journal's calls.
    Call {
        entry: usize,
        t_ns: u64,
        /// A simpler call in its place.
        simpler: Option<Box<AnyOp>>,
    },
    /// The snapshot of a machine after a gap, by its place among the journal's headers.
    Snapshot { header: usize },
}

/// A call as it was made in a try.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) id: u64,
    pub(super) t_ns: u64,
    pub(super) op: AnyOp,
    pub(super) words: Words,
    pub(super) answer: AnyAnswer,
}

impl From<Made> for Entry {
    fn from(made: Made) -> Self {
        Self {
            line: 0,
            id: made.id,
            t_ns: made.t_ns,
            op: made.op,
            words: made.words,
            answer: made.answer,
        }
    }
}

/// How a call differs from what was recorded.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Difference {
    pub(super) entry: usize,
    answer: Option<AnyAnswer>,
    words_left: usize,
    words_missing: u64,
}

/// Which ids of a try stand for which of the journal, for each machine.
#[derive(Debug)]
struct Ids {
    now: HashMap<u64, HashMap<AnyId, Vec<AnyId>>>,
    /// Machines that know ids that were given in calls that are left out.
    trusted: HashSet<u64>,
}

impl Ids {
    fn new(candidate: &Candidate<'_>) -> Self {
        let starts = candidate.starts.iter().filter(|(_, start)| start.has_past);
        Self {
            now: HashMap::new(),
            trusted: starts.map(|(id, _)| *id).collect(),
        }
    }

    /// From here on this machine knows what the recorded one knew.
    fn trust(&mut self, machine: u64) {
        self.now.remove(&machine);
        self.trusted.insert(machine);
    }

    fn answered(&mut self, entry: &Entry, given: Option<AnyId>) {
        let ids = self.now.entry(entry.id).or_default();
        if begins_anew(&entry.op) {
            ids.clear();
        }
        if let Some(id) = entry.answer.given(&entry.op) {
            let now = ids.entry(id).or_default();
            match given {
                Some(given) => now.push(given),
                None => now.clear(),
            }
        }
    }
}

/// Makes tries, and counts what they cost.
#[derive(Debug)]
pub(super) struct Trials<'a> {
    pub(super) loaded: &'a Loaded,
    pub(super) property: &'a Property,
    /// The machines that the property is about.
    pub(super) whose: Vec<u64>,
    /// The machines of the snapshots on the way, by their headers' places.
    pub(super) snapshots: BTreeMap<usize, AnyMachine>,
    /// How often an id was given in the journal, and by which machine.
    pub(super) given: HashMap<(u64, AnyId), u64>,
    /// When the first call of each machine was made.
    pub(super) first_ns: BTreeMap<u64, u64>,
    /// Whether each report of an id that was given more than once needs an ask of its own.
    pub(super) in_pairs: bool,
    /// How the whole journal differs.
    pub(super) difference: Option<Difference>,
    pub(super) tried: u64,
    pub(super) applied: u64,
    pub(super) effort: u64,
}

impl<'a> Trials<'a> {
    /// Whether there is nothing left to try with.
    pub(super) const fn is_over(&self) -> bool {
        self.applied >= self.effort
    }

    /// The first step that shows the fact when those in `without` are left out.
    pub(super) fn shows(
        &mut self,
        candidate: &Candidate<'a>,
        without: Range<usize>,
    ) -> Option<usize> {
        if self.is_over() {
            return None;
        }
        self.tried += 1;
        if self.property.fact == Fact::Differs {
            let (at, difference) = self.differs(candidate, without)?;
            return (self.difference.as_ref() == Some(&difference)).then_some(at);
        }
        let (property, whose) = (self.property, self.whose.clone());
        let mut first = None;
        self.make(candidate, without, |at, made| {
            let mut is_shown = false;
            shown(made.id, &made.op, &made.answer, &mut |id, word| {
                let is_of = property.machine.is_none() || whose.contains(&id);
                is_shown |= is_of && word.is(&property.fact);
            });
            if is_shown {
                first = Some(at);
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        })?;
        first
    }

    /// The id in the place of a recorded one; `None` if what it stands for was not begun, though the journal tells of
    /// it.
    fn now(&self, ids: &mut Ids, machine: u64, id: AnyId) -> Option<AnyId> {
        let known = (machine, id);
        let times = self.given.get(&known).copied().unwrap_or(0);
        let now = ids
            .now
            .get_mut(&machine)
            .and_then(|ids| ids.get_mut(&known.1));
        let now = now.and_then(|all| match all.len() {
            0 => None,
            _ if times > 1 && self.in_pairs => all.pop(),
            _ => all.last().cloned(),
        });
        let is_stranger = times == 0 || ids.trusted.contains(&machine);
        now.or_else(|| is_stranger.then_some(known.1))
    }

    /// Makes the calls anew and shows each. `None`: a call cannot be made, as what it borrows is gone.
    pub(super) fn make(
        &mut self,
        candidate: &Candidate<'a>,
        without: Range<usize>,
        mut see: impl FnMut(usize, Made) -> ControlFlow<()>,
    ) -> Option<()> {
        let mut group = candidate.group();
        let mut ids = Ids::new(candidate);
        for (at, step) in candidate.steps.iter().enumerate() {
            if without.contains(&at) {
                continue;
            }
            let (number, t_ns, simpler) = match step {
                Step::Snapshot { header } => {
                    if let Some(id) = self.take_up(&mut group, *header) {
                        ids.trust(id);
                    }
                    continue;
                }
                Step::Call {
                    entry,
                    t_ns,
                    simpler,
                } => (*entry, *t_ns, simpler.as_deref()),
            };
            let entry = self.loaded.entries.get(number)?;
            let op = simpler.unwrap_or(&entry.op);
            let op = match op.reported() {
                None => op.clone(),
                Some(id) => match self.now(&mut ids, entry.id, id) {
                    Some(id) => op.with_id(id),
                    // What was not begun has no report.
                    None => continue,
                },
            };
            self.applied += 1;
            let (answer, words) = call(&mut group, entry, mix(number as u64, entry.id), t_ns, &op)?;
            ids.answered(entry, answer.given(&op));
            let made = Made {
                id: entry.id,
                t_ns,
                op,
                words,
                answer,
            };
            if see(at, made).is_break() {
                break;
            }
        }
        Some(())
    }

    /// The first call that is answered otherwise than it was recorded.
    pub(super) fn differs(
        &mut self,
        candidate: &Candidate<'a>,
        without: Range<usize>,
    ) -> Option<(usize, Difference)> {
        let mut group = candidate.group();
        for (at, step) in candidate.steps.iter().enumerate() {
            let entry = match step {
                _ if without.contains(&at) => continue,
                Step::Snapshot { header } => {
                    self.take_up(&mut group, *header);
                    continue;
                }
                Step::Call { entry, .. } => *entry,
            };
            let recorded = self.loaded.entries.get(entry)?;
            let mut words = Replaying::new(&recorded.words);
            self.applied += 1;
            let answer = group.apply(recorded.id, recorded.t_ns, &recorded.op, &mut words);
            let difference = Difference {
                entry,
                answer,
                words_left: words.left(),
                words_missing: words.missing(),
            };
            if !difference.is_none(recorded) {
                return Some((at, difference));
            }
        }
        None
    }

    fn take_up(&self, group: &mut Group, header: usize) -> Option<u64> {
        let machine = self.snapshots.get(&header)?;
        let id = self.loaded.headers.get(header)?.id;
        group.insert(id, machine.clone());
        Some(id)
    }
}

impl Candidate<'_> {
    fn group(&self) -> Group {
        let mut group = Group::new();
        for (id, start) in &self.starts {
            group.insert(*id, start.machine.clone());
        }
        group
    }
}

impl Difference {
    fn is_none(&self, recorded: &Entry) -> bool {
        self.answer.as_ref() == Some(&recorded.answer)
            && (self.words_left, self.words_missing) == (0, 0)
    }
}

/// The words of a call are the recorded ones, then those of a generator of its own: what is left out elsewhere does not
/// change them.
fn call(
    group: &mut Group,
    entry: &Entry,
    seed: u64,
    t_ns: u64,
    op: &AnyOp,
) -> Option<(AnyAnswer, Words)> {
    let mut more = Xoshiro256PlusPlus::seed_from_u64(seed);
    let more: &mut dyn Rng = &mut more;
    let mut words = Prolonged::new(&entry.words, more);
    let mut words = Recording::new(&mut words);
    let answer = group.apply(entry.id, t_ns, op, &mut words)?;
    Some((answer, words.into_words()))
}
