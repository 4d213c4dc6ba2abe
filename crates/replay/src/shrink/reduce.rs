//! From a whole journal to a small one: which cuts are tried, in which order.

use core::ops::ControlFlow;
use std::collections::{BTreeMap, BTreeSet, HashMap, btree_map};

use super::property::{Fact, Property};
use super::trial::{Candidate, Start, Step, Trials};
use super::{ShrinkError, Shrunk, written};
use crate::any::{AnyId, AnyMachine};
use crate::journal::{Entry, Header, Loaded, LoadedLine};

pub(super) fn reduce(
    loaded: &Loaded,
    property: &Property,
    effort: u64,
) -> Result<Shrunk, ShrinkError> {
    let mut snapshots = BTreeMap::new();
    let mut candidate = whole(loaded, &mut snapshots)?;
    let machines_before = candidate.starts.len();
    let mut trials = Trials {
        loaded,
        property,
        whose: whose(loaded, property),
        snapshots,
        given: given(loaded),
        first_ns: first_ns(loaded),
        in_pairs: true,
        difference: None,
        tried: 0,
        applied: 0,
        effort: effort.max(1),
    };
    if property.fact == Fact::Differs {
        trials.difference = trials
            .differs(&candidate, 0..0)
            .map(|(_, difference)| difference)
            .filter(|difference| trials.is_about(difference.entry));
    }
    let mut at = trials.shows(&candidate, 0..0);
    if at.is_none() {
        // Somebody may have reported twice, and just that may be it.
        trials.in_pairs = false;
        at = trials.shows(&candidate, 0..0);
    }
    let Some(at) = at else {
        return Err(ShrinkError::NotShown(property.clone()));
    };
    candidate.steps.truncate(at + 1);
    trials.begin_at_snapshots(&mut candidate);
    trials.drop_machines(&mut candidate);
    trials.begin_fresh(&mut candidate);
    trials.drop_chunks(&mut candidate);
    let mut is_first = true;
    // Each round makes something simpler, so there is a last one.
    while trials.drop_single(&mut candidate) | trials.simplify(&mut candidate) || is_first {
        is_first = false;
        trials.begin_fresh(&mut candidate);
        trials.drop_machines(&mut candidate);
        trials.shift(&mut candidate);
    }
    let is_minimal = !trials.is_over();
    let journal = finished(&mut trials, &candidate);
    Ok(Shrunk {
        ops: journal.entries.len(),
        ops_before: loaded.entries.len(),
        machines: candidate.starts.len(),
        machines_before,
        tried: trials.tried,
        applied: trials.applied,
        is_minimal,
        journal,
    })
}

/// All machines and all calls. Snapshots that follow no gap say nothing that the calls do not.
fn whole<'a>(
    loaded: &'a Loaded,
    snapshots: &mut BTreeMap<usize, AnyMachine>,
) -> Result<Candidate<'a>, ShrinkError> {
    let mut candidate = Candidate {
        starts: BTreeMap::new(),
        steps: Vec::with_capacity(loaded.entries.len()),
    };
    let mut headers = 0;
    let mut entries = 0;
    for line in loaded.lines() {
        match line {
            LoadedLine::Header(header) => {
                let machine = AnyMachine::restore(header.kind, &header.policy, &header.state)
                    .map_err(|source| ShrinkError::Header {
                        line: header.line,
                        source,
                    })?;
                match candidate.starts.entry(header.id) {
                    btree_map::Entry::Vacant(start) => {
                        start.insert(Start {
                            header,
                            machine,
                            is_fresh: false,
                            has_past: false,
                        });
                    }
                    btree_map::Entry::Occupied(_) if header.dropped.is_some() => {
                        snapshots.insert(headers, machine);
                        candidate.steps.push(Step::Snapshot { header: headers });
                    }
                    btree_map::Entry::Occupied(_) => {}
                }
                headers += 1;
            }
            LoadedLine::Entry(entry) => {
                candidate.steps.push(Step::Call {
                    entry: entries,
                    t_ns: entry.t_ns,
                    simpler: None,
                });
                entries += 1;
            }
        }
    }
    Ok(candidate)
}

fn given(loaded: &Loaded) -> HashMap<(u64, AnyId), u64> {
    let mut all = HashMap::new();
    for entry in &loaded.entries {
        if let Some(id) = entry.answer.given(&entry.op) {
            *all.entry((entry.id, id)).or_default() += 1;
        }
    }
    all
}

fn first_ns(loaded: &Loaded) -> BTreeMap<u64, u64> {
    let mut all = BTreeMap::new();
    for entry in &loaded.entries {
        all.entry(entry.id).or_insert(entry.t_ns);
    }
    all
}

/// The machines of the name or the id that the property says.
fn whose(loaded: &Loaded, property: &Property) -> Vec<u64> {
    let Some(wanted) = &property.machine else {
        return Vec::new();
    };
    let is_wanted =
        |header: &&Header| header.name.as_ref() == Some(wanted) || header.id.to_string() == *wanted;
    let all = loaded.headers.iter().filter(is_wanted);
    all.map(|header| header.id)
        .collect::<BTreeSet<u64>>()
        .into_iter()
        .collect()
}

impl Trials<'_> {
    fn is_about(&self, entry: usize) -> bool {
        let id = self.loaded.entries.get(entry).map(|entry| entry.id);
        self.property.machine.is_none() || id.is_some_and(|id| self.whose.contains(&id))
    }
}

/// The journal of what is left.
fn finished<'a>(trials: &mut Trials<'a>, candidate: &Candidate<'a>) -> Loaded {
    let mut loaded = Loaded::default();
    let mut line = 0;
    let mut next_line = || {
        line += 1;
        line
    };
    for start in candidate.starts.values() {
        let header = match (start.is_fresh, start.machine.state()) {
            (true, Ok(state)) => Header {
                name: start.header.name.clone(),
                ..Header::new(
                    start.header.kind,
                    start.header.id,
                    start.header.policy.clone(),
                    state,
                )
            },
            _ => start.header.clone(),
        };
        loaded.headers.push(Header {
            line: next_line(),
            dropped: None,
            ..header
        });
    }
    let mut made = BTreeMap::new();
    let differs = trials.property.fact == Fact::Differs;
    if !differs {
        let _ = trials.make(candidate, 0..0, |at, call| {
            made.insert(at, call);
            ControlFlow::Continue(())
        });
    }
    for (at, step) in candidate.steps.iter().enumerate() {
        match step {
            Step::Snapshot { header } => {
                let header = trials.loaded.headers.get(*header).cloned();
                loaded.headers.extend(header.map(|header| Header {
                    line: next_line(),
                    ..header
                }));
            }
            Step::Call { entry, .. } => {
                let recorded = trials.loaded.entries.get(*entry).filter(|_| differs);
                let call = made.remove(&at).map(Entry::from);
                let call = call.or_else(|| recorded.cloned());
                loaded.entries.extend(call.map(|call| Entry {
                    line: next_line(),
                    ..call
                }));
            }
        }
    }
    loaded.end = written(&loaded).map(|(_, end)| end);
    loaded
}
