//! What an answer of the second run amounts to, beside the recorded one.

use evenkeel_core::random::Rng;

use super::result::{Bucket, First};
use super::run::{Run, Side};
use crate::any::{AnyAnswer, AnyOp};
use crate::journal::Entry;
use crate::machine::Verdict;
use crate::words::Prolonged;

impl Run<'_> {
    /// The second run: the call, with the recorded words and then others.
    pub(super) fn second(
        &mut self,
        id: u64,
        t_ns: u64,
        op: &AnyOp,
        words: &[u64],
    ) -> Option<AnyAnswer> {
        let member = self.members.get_mut(&id)?;
        let more: &mut dyn Rng = &mut member.words;
        let answer = self
            .after
            .apply(id, t_ns, op, &mut Prolonged::new(words, more))?;
        self.watch(Side::After, id, op, &answer);
        Some(answer)
    }

    /// Counts what an answer says.
    pub(super) fn watch(&mut self, side: Side, id: u64, op: &AnyOp, answer: &AnyAnswer) {
        let bucket = (self.clock_ns - self.result.from_ns) / self.result.bucket_ns;
        if let (Some(verdict), Some(member)) = (answer.verdict(op), self.members.get_mut(&id)) {
            let is_driver = member.drive.is_some();
            member.watches[side as usize].verdict(self.clock_ns, verdict, is_driver);
            if let Some(bucket) = member.compared.series.get_mut(bucket as usize) {
                bucket.count(side, verdict);
            }
        }
        if let Some(member) = self.members.get_mut(&op.changes_whose(id)) {
            let watch = &mut member.watches[side as usize];
            answer.changes(self.clock_ns, op, &mut |change| watch.change(change));
        }
    }

    /// Compares what both runs answered to a recorded call.
    pub(super) fn compare(&mut self, entry: &Entry, op: &AnyOp, after: Option<&AnyAnswer>) {
        let Some(member) = self.members.get_mut(&entry.id) else {
            return;
        };
        let before = (entry.answer.verdict(&entry.op)).map(without_advice);
        let verdict = after
            .and_then(|after| after.verdict(op))
            .map(without_advice);
        if after.is_some() && before != verdict {
            member.compared.differing += 1;
        }
        if member.compared.parted.is_none()
            && after.is_none_or(|after| parts(&entry.op, &entry.answer, op, after))
        {
            member.compared.parted = Some(First {
                line: entry.line,
                t_ns: entry.t_ns,
                op: entry.op.clone(),
                before: Some(entry.answer.clone()),
                after: after.cloned(),
            });
        }
    }
}

impl Bucket {
    pub(super) fn count(&mut self, side: Side, verdict: Verdict) {
        let (admitted, refused) = match side {
            Side::Before => (&mut self.admitted_before, &mut self.refused_before),
            Side::After => (&mut self.admitted_after, &mut self.refused_after),
        };
        match verdict {
            Verdict::Admitted => *admitted = admitted.saturating_add(1),
            Verdict::Refused { .. } => *refused = refused.saturating_add(1),
            _ => {}
        }
    }
}

/// A refusal without what it advises: what was decided, and nothing else.
const fn without_advice(verdict: Verdict) -> Verdict {
    match verdict {
        Verdict::Refused { reason, .. } => Verdict::Refused {
            reason,
            retry_at_ns: None,
        },
        other => other,
    }
}

/// Whether two answers to one call say different things. Ids may differ.
fn parts(op: &AnyOp, before: &AnyAnswer, other: &AnyOp, after: &AnyAnswer) -> bool {
    let verdicts = (before.verdict(op), after.verdict(other));
    if verdicts == (None, None) {
        return before != after;
    }
    let changes = |op: &AnyOp, answer: &AnyAnswer| {
        let mut all = Vec::new();
        answer.changes(0, op, &mut |change| all.push(change));
        all
    };
    verdicts.0 != verdicts.1 || changes(op, before) != changes(other, after)
}
