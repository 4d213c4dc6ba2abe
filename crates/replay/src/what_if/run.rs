//! The two runs, side by side, in the order of the journal.

use std::collections::BTreeMap;

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;

use super::WhatIfError;
use super::agenda::Agenda;
use super::driver::{Drive, is_poll};
use super::ids::Ids;
use super::recorded::Recorded;
use super::result::{Bucket, Changed, Compared, Start, Tally, WhatIf};
use super::start::{Policies, is_same};
use super::tally::Watch;
use crate::any::AnyMachine;
use crate::digest;
use crate::generate::mix;
use crate::group::Group;
use crate::journal::{Entry, Header, Loaded, LoadedLine};
use crate::machine::Assumed;
use crate::words::Replaying;

/// How many parts the journal's time is cut into, at most, for one machine and for all.
const BUCKETS: u64 = 500;
const ALL_BUCKETS: u64 = 50_000;

/// Which run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Before,
    After,
}

/// One machine in both runs.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) compared: Compared,
    pub(super) watches: [Watch; 2],
    pub(super) words: Xoshiro256PlusPlus,
    pub(super) ids: Ids,
    pub(super) drive: Option<Drive>,
}

/// Both runs.
#[derive(Debug)]
pub(super) struct Run<'a> {
    pub(super) loaded: &'a Loaded,
    pub(super) policies: &'a Policies,
    pub(super) recorded: Recorded,
    pub(super) result: WhatIf,
    pub(super) buckets: u64,
    pub(super) before: Group,
    pub(super) after: Group,
    pub(super) members: BTreeMap<u64, Member>,
    pub(super) agenda: Agenda,
    pub(super) clock_ns: u64,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        loaded: &'a Loaded,
        policies: &'a Policies,
        assumed: Assumed,
        seed: u64,
    ) -> Self {
        let recorded = Recorded::new(loaded);
        let from_ns = loaded.entries.first().map_or(0, |entry| entry.t_ns);
        let last_ns = loaded.entries.iter().map(|entry| entry.t_ns).max();
        let to_ns = last_ns.unwrap_or(0).max(from_ns);
        let machines = recorded.calls.len().max(1) as u64;
        let buckets = (ALL_BUCKETS / machines).clamp(1, BUCKETS);
        Self {
            loaded,
            policies,
            recorded,
            result: WhatIf {
                seed,
                assumed,
                ops: loaded.entries.len() as u64,
                from_ns,
                to_ns,
                bucket_ns: ((to_ns - from_ns) / buckets).saturating_add(1),
                damage: loaded.damage.as_ref().map(ToString::to_string),
                machines: Vec::new(),
            },
            buckets,
            before: Group::new(),
            after: Group::new(),
            members: BTreeMap::new(),
            agenda: Agenda::default(),
            clock_ns: from_ns,
        }
    }

    pub(super) fn finish(mut self) -> Result<WhatIf, WhatIfError> {
        let loaded = self.loaded;
        let mut number = 0;
        for line in loaded.lines() {
            match line {
                LoadedLine::Header(header) => self.header(header)?,
                LoadedLine::Entry(entry) => {
                    self.entry(number, entry)?;
                    number += 1;
                }
            }
        }
        self.catch_up(number, self.result.to_ns, None);
        let ids: Vec<u64> = self.members.keys().copied().collect();
        for id in ids {
            self.end_operation(id);
        }
        for report in self.agenda.into_reports() {
            if let Some(member) = self.members.get_mut(&report.id) {
                let last = member.drive.as_ref().map(|drive| drive.operation);
                // Each operation has been ended, the last one too.
                if last == Some(report.operation + 1) {
                    member.compared.pending += 1;
                } else {
                    member.compared.skipped += 1;
                }
            }
        }
        let members = self.members.into_values();
        self.result.machines = members.map(Member::into_compared).collect();
        Ok(self.result)
    }

    fn header(&mut self, header: &Header) -> Result<(), WhatIfError> {
        let wrong = |reason: String| WhatIfError::NotVerified {
            line: header.line,
            reason,
        };
        let machine = AnyMachine::restore(header.kind, &header.policy, &header.state)
            .map_err(|error| wrong(error.to_string()))?;
        let digest = digest::of_machine(&header.policy, &header.state);
        if header.digest.is_some_and(|told| told != digest) {
            return Err(wrong(
                "the digest is not that of the policy and the state".into(),
            ));
        }
        let Some(last) = self.before.get(header.id) else {
            return self.begin(header, machine);
        };
        let is_as_told =
            is_same(last.policy(), machine.policy()) && is_same(last.state(), machine.state());
        match header.dropped {
            None if is_as_told => {}
            None => {
                return Err(wrong(
                    "the snapshot is not what the machine is there".into(),
                ));
            }
            Some(dropped) => self.gap(header.id, machine, dropped),
        }
        Ok(())
    }

    fn begin(&mut self, header: &Header, machine: AnyMachine) -> Result<(), WhatIfError> {
        let id = header.id;
        let first_ns = self.recorded.first_ns.get(&id).copied();
        let first_ns = first_ns.unwrap_or(self.clock_ns);
        let (after, start) = self.policies.machine(header, &machine, first_ns)?;
        let calls = self.recorded.calls.get(&id).copied().unwrap_or(0);
        let buckets = if calls == 0 { 0 } else { self.buckets };
        let member = Member {
            compared: Compared {
                id,
                kind: header.kind,
                name: header.name.clone(),
                start,
                before: Tally::default(),
                after: Tally::default(),
                parted: None,
                differing: 0,
                skipped: 0,
                unknown: 0,
                pending: 0,
                added_polls: 0,
                known_until_ns: None,
                gaps: u64::from(header.dropped.is_some()),
                dropped: header.dropped.unwrap_or(0),
                changes_before: Changed::default(),
                changes_after: Changed::default(),
                series: vec![Bucket::default(); buckets as usize],
            },
            watches: Default::default(),
            words: Xoshiro256PlusPlus::seed_from_u64(mix(self.result.seed, id)),
            ids: Ids::new(matches!(start, Start::Recorded | Start::Restored)),
            drive: header.kind.poll_asks().then(|| Drive::new(calls)),
        };
        self.before.insert(id, machine);
        self.after.insert(id, after);
        self.members.insert(id, member);
        self.set_due(id);
        Ok(())
    }

    /// Calls were lost. A machine for which nothing has parted goes on with the snapshot in both runs, any other with
    /// what it has.
    fn gap(&mut self, id: u64, machine: AnyMachine, dropped: u64) {
        self.end_operation(id);
        let Some(member) = self.members.get_mut(&id) else {
            return;
        };
        member.compared.gaps += 1;
        member.compared.dropped = member.compared.dropped.saturating_add(dropped);
        let state = |group: &Group| group.get(id).map(AnyMachine::state);
        let has_parted = match (state(&self.before), state(&self.after)) {
            (Some(before), Some(after)) => !is_same(before, after),
            _ => true,
        };
        if member.compared.start == Start::Recorded && !has_parted {
            self.after.insert(id, machine.clone());
        } else {
            member.ids.know_no_strangers();
        }
        self.before.insert(id, machine);
        self.set_due(id);
    }

    fn entry(&mut self, number: usize, entry: &Entry) -> Result<(), WhatIfError> {
        let now_ns = self.clock_ns.max(entry.t_ns);
        let is_polled = self.before.get(entry.id).is_some_and(|machine| {
            let kind = machine.kind();
            kind.poll_asks() && is_poll(&entry.op, kind)
        });
        self.catch_up(number, now_ns, is_polled.then_some(entry.id));
        self.clock_ns = now_ns;
        self.replay(entry)?;
        self.watch(Side::Before, entry.id, &entry.op, &entry.answer);
        let Some(member) = self.members.get_mut(&entry.id) else {
            return Ok(());
        };
        if member.compared.known_until_ns.is_some() {
            return Ok(());
        }
        if member.drive.is_some() {
            self.drive(number, entry);
        } else {
            self.ask(entry);
        }
        Ok(())
    }

    /// The first run: it must answer as it was recorded.
    fn replay(&mut self, entry: &Entry) -> Result<(), WhatIfError> {
        let mut words = Replaying::new(&entry.words);
        let answer = self
            .before
            .apply(entry.id, entry.t_ns, &entry.op, &mut words);
        let reason = if answer.as_ref() != Some(&entry.answer) {
            "the call is answered otherwise"
        } else if (words.left(), words.missing()) != (0, 0) {
            "the call draws another number of words"
        } else {
            return Ok(());
        };
        Err(WhatIfError::NotVerified {
            line: entry.line,
            reason: reason.into(),
        })
    }
}

impl Member {
    fn into_compared(self) -> Compared {
        let [before, after] = self.watches;
        Compared {
            before: before.tally,
            after: after.tally,
            changes_before: before.changed,
            changes_after: after.changed,
            ..self.compared
        }
    }
}
