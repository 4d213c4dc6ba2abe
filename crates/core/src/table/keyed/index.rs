//! The index of a table: a tournament for each queue that is asked for its first slot.

use super::Queue;
use super::groups::{Group, Groups, parts};
use super::tournament::{Tournament, Turn};

/// The queues whose first slot is known; of the others it is searched for.
///
/// A slot that goes from the idle ones to another queue stays in their tournament, where it now stands too early, until
/// the first idle one is asked for, which is seldom: so a key that fails again waits for no memory more.
#[derive(Clone, Debug)]
pub(in crate::table) struct Index {
    due: Option<Tournament>,
    idle: Option<Tournament>,
}

impl Index {
    pub(in crate::table) const DUE: Self = Self {
        due: Some(Tournament::EMPTY),
        idle: None,
    };

    pub(in crate::table) const IDLE: Self = Self {
        due: None,
        idle: Some(Tournament::EMPTY),
    };

    pub(in crate::table) const DUE_AND_IDLE: Self = Self {
        due: Some(Tournament::EMPTY),
        idle: Some(Tournament::EMPTY),
    };

    /// The bytes in use on the heap.
    pub(super) fn bytes(&self) -> usize {
        let [due, idle] =
            [&self.due, &self.idle].map(|it| it.as_ref().map_or(0, Tournament::bytes));
        due.saturating_add(idle)
    }

    #[inline]
    pub(super) const fn of(&self, queue: Queue) -> Option<&Tournament> {
        match queue {
            Queue::Due => self.due.as_ref(),
            Queue::Idle => self.idle.as_ref(),
            Queue::Parked => None,
        }
    }

    #[inline]
    const fn of_mut(&mut self, queue: Queue) -> Option<&mut Tournament> {
        match queue {
            Queue::Due => self.due.as_mut(),
            Queue::Idle => self.idle.as_mut(),
            Queue::Parked => None,
        }
    }

    /// Made anew of all slots. O(n).
    pub(super) fn make<K, V>(&mut self, slots: &Groups<K, V>) {
        for queue in [Queue::Due, Queue::Idle] {
            if let Some(tournament) = self.of_mut(queue) {
                let groups = slots.groups().iter().enumerate();
                tournament.make(groups.map(|(number, group)| group.first(number, queue)));
            }
        }
    }

    /// A slot of `group`, which has this number, was set: `before` is what it had, `queue` and `turn` what it has.
    // Always: where a queue is known, what is done for the others is not even compiled, and no branch is guessed wrong.
    #[inline(always)]
    pub(super) fn update<K, V>(
        &mut self,
        group: &Group<K, V>,
        number: usize,
        before: (Queue, u64),
        queue: Queue,
        turn: Turn,
    ) {
        let (queue_before, at_ns_before) = before;
        if queue_before != queue {
            // First what is soon done, so that its wait for memory is over when the long way up has been gone.
            self.came(queue, number, turn);
            if queue_before != Queue::Idle {
                self.left(group, number, turn.slot(), queue_before);
            }
        } else if turn.at_ns() < at_ns_before {
            self.came(queue, number, turn);
        } else {
            self.left(group, number, turn.slot(), queue);
        }
    }

    /// The first of `queue`, if its instant is as it should be. Who stands too early is taken out on the way, one by
    /// one; where those are `most` or more, the whole is made anew.
    pub(super) fn settle<K, V>(
        &mut self,
        slots: &Groups<K, V>,
        queue: Queue,
        most: u32,
        should_be: impl Fn(u64) -> bool,
    ) -> Option<Turn> {
        for _ in 0..most {
            let tournament = self.of_mut(queue)?;
            let turn = tournament.first().filter(|turn| should_be(turn.at_ns()))?;
            let (number, _) = parts(turn.slot());
            let first = slots.group(number)?.first(number, queue);
            if first == turn {
                return Some(turn);
            }
            tournament.raise(number, first);
        }
        self.make(slots);
        let first = self.of(queue)?.first();
        first.filter(|turn| should_be(turn.at_ns()))
    }

    /// A slot of the group has this turn in `queue`, and none or a later one before.
    #[inline]
    pub(super) fn came(&mut self, queue: Queue, number: usize, turn: Turn) {
        if let Some(tournament) = self.of_mut(queue) {
            tournament.lower(number, turn);
        }
    }

    /// A slot with the number `at` is no longer in `queue`, or has a later turn there: `group` is as it is now.
    #[inline]
    pub(super) fn left<K, V>(&mut self, group: &Group<K, V>, number: usize, at: u32, queue: Queue) {
        if let Some(tournament) = self.of_mut(queue) {
            if tournament.of_group(number).slot() == at {
                tournament.raise(number, group.first(number, queue));
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use alloc::vec::Vec;

    use rand_xoshiro::SplitMix64;
    use rand_xoshiro::rand_core::{Rng, SeedableRng};

    use super::*;
    use crate::table::FixedState;
    use crate::table::keyed::Keyed;

    const KEYS: u32 = 90;

    fn search(keyed: &Keyed<u64, (), FixedState>, queue: Queue) -> Option<u32> {
        let found = keyed.first_where(queue, |_| true);
        found.map(|(at, _)| at)
    }

    /// Changes slot `at`, or puts the key in.
    fn change(keyed: &mut Keyed<u64, (), FixedState>, key: u64, word: u64) {
        let queue = match word >> 8 & 3 {
            0 => Queue::Parked,
            1 => Queue::Idle,
            _ => Queue::Due,
        };
        let at_ns = word >> 16 & 7;
        match (keyed.find(&key), word >> 32 & 7) {
            (None, _) => drop(keyed.insert(key, (), queue, at_ns, 0)),
            (Some(at), 0) => drop(keyed.remove(at)),
            (Some(at), 1 | 2) => keyed.requeue(at, queue),
            (Some(at), 3) => keyed.move_to(at, queue, at_ns),
            (Some(at), _) => keyed.set(at, queue, at_ns, 0),
        }
    }

    /// Both queues after each change; the idle ones are asked for seldom, so that many have left since.
    #[test]
    fn the_first_of_a_queue_is_that_of_a_search_after_any_change() {
        for seed in 0..8 {
            let mut rng = SplitMix64::seed_from_u64(seed);
            let index = Some(Index::DUE_AND_IDLE);
            let mut keyed = Keyed::new(FixedState, KEYS, index, 0);
            for step in 0..3_000 {
                let word = rng.next_u64();
                change(&mut keyed, word % u64::from(KEYS), word);
                assert_eq!(keyed.first(Queue::Due), search(&keyed, Queue::Due));
                if step % 50 == 0 {
                    let first = search(&keyed, Queue::Idle);
                    assert_eq!(keyed.first_that(Queue::Idle, |_| true), first);
                    let at_ns = first.map(|at| keyed.slot(at).unwrap().at_ns());
                    assert_eq!(keyed.first_that(Queue::Idle, |it| Some(it) < at_ns), None);
                }
            }
        }
    }

    /// A table whose idle keys have all gone elsewhere since they were last asked for.
    #[test]
    fn so_many_have_left_that_the_index_is_made_anew() {
        let keys = 3_000;
        let mut keyed = Keyed::new(FixedState, keys, Some(Index::DUE_AND_IDLE), 0);
        for key in 0..keys {
            let _ = keyed.insert(key, (), Queue::Idle, key.into(), 0);
        }
        let ats: Vec<_> = (0..keys - 1).map(|key| keyed.find(&key).unwrap()).collect();
        for at in ats {
            keyed.requeue(at, Queue::Due);
        }
        assert!(keyed.most_drops() < keys / 8);
        let last = keyed.find(&(keys - 1));
        assert_eq!(keyed.first_that(Queue::Idle, |_| true), last);
        // None is so early: whoever has left is not in the way.
        assert_eq!(keyed.first_that(Queue::Idle, |at_ns| at_ns < 2_999), None);
    }
}
