//! The queue gives what a sorted list would, ties in the order in which they came.

use std::collections::BTreeMap;

use evenkeel_sim::Queue;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Op {
    Push { at_ns: u64 },
    PushSoon { delay_ns: u64 },
    Pop,
    PopUntil { limit_ns: u64 },
    PopSoon { span_ns: u64 },
}

/// Spans of all sizes: as many below 10 as around a second or near the end of time.
fn any_ns() -> impl Strategy<Value = u64> {
    (0..=64_u32, any::<u64>()).prop_map(|(bits, word)| word.checked_shr(64 - bits).unwrap_or(0))
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        any_ns().prop_map(|at_ns| Op::Push { at_ns }),
        any_ns().prop_map(|delay_ns| Op::PushSoon { delay_ns }),
        // Many at the same few instants.
        (0..3_u64).prop_map(|delay_ns| Op::PushSoon { delay_ns }),
        Just(Op::Pop),
        Just(Op::Pop),
        any_ns().prop_map(|limit_ns| Op::PopUntil { limit_ns }),
        any_ns().prop_map(|span_ns| Op::PopSoon { span_ns }),
    ]
}

/// The same, by a sorted map.
#[derive(Default)]
struct Sorted {
    now_ns: u64,
    number: u64,
    events: BTreeMap<(u64, u64), u64>,
}

impl Sorted {
    fn push(&mut self, at_ns: u64) -> u64 {
        self.number += 1;
        let at_ns = at_ns.max(self.now_ns);
        self.events.insert((at_ns, self.number), self.number);
        self.number
    }

    fn pop_until(&mut self, limit_ns: u64) -> Option<(u64, u64)> {
        let entry = self.events.first_entry()?;
        let at_ns = entry.key().0;
        if at_ns > limit_ns {
            return None;
        }
        self.now_ns = at_ns;
        Some((at_ns, entry.remove()))
    }
}

proptest! {
    #[test]
    fn what_comes_out_is_sorted_and_ties_are_first_in_first_out(ops in prop::collection::vec(op(), 0..400)) {
        let (mut queue, mut sorted) = (Queue::new(), Sorted::default());
        // Not before the limit of an earlier pop: what a simulation does, whose time has then come there.
        let mut present_ns = 0;
        for op in ops {
            let (limit_ns, pushed_ns) = match op {
                Op::Push { at_ns } => (None, Some(at_ns.max(present_ns))),
                Op::PushSoon { delay_ns } => (None, Some(u64::saturating_add(present_ns, delay_ns))),
                Op::Pop => (Some(u64::MAX), None),
                Op::PopUntil { limit_ns } => (Some(limit_ns), None),
                Op::PopSoon { span_ns } => (Some(u64::saturating_add(present_ns, span_ns)), None),
            };
            if let Some(at_ns) = pushed_ns {
                let number = sorted.push(at_ns);
                queue.push(at_ns, number);
            }
            if let Some(limit_ns) = limit_ns {
                let popped = queue.pop_until(limit_ns);
                prop_assert_eq!(popped, sorted.pop_until(limit_ns));
                match popped {
                    Some((at_ns, _)) => present_ns = at_ns,
                    None if limit_ns < u64::MAX => present_ns = present_ns.max(limit_ns),
                    None => {}
                }
            }
            prop_assert_eq!(queue.len(), sorted.events.len());
        }
        while let Some(popped) = queue.pop() {
            prop_assert_eq!(Some(popped), sorted.pop_until(u64::MAX));
        }
        prop_assert!(sorted.events.is_empty());
    }
}

#[test]
fn a_hundred_thousand_events_of_one_instant_stay_in_order() {
    let mut queue = Queue::new();
    for number in 0..100_000 {
        queue.push(1_000_000_007, number);
        queue.push(5, number);
    }
    for number in 0..100_000 {
        assert_eq!(queue.pop(), Some((5, number)));
    }
    queue.push(1_000_000_007, 100_000);
    for number in 0..=100_000 {
        assert_eq!(queue.pop(), Some((1_000_000_007, number)));
    }
}

#[test]
fn crowds_of_every_size_come_out_in_order() {
    for size in 0..1_100 {
        let mut queue = Queue::new();
        // All in one bucket, at instants that fall.
        for number in (0..size).rev() {
            queue.push(1_000_000_000 + number, number);
        }
        let popped = std::iter::from_fn(|| queue.pop()).map(|(_, number)| number);
        assert!(popped.eq(0..size), "{size}");
    }
}
