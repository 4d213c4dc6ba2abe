//! The next key that is due: found, and held back again, for holds that are spread over a minute.
//!
//! Beside it what a `HashMap` can do: look at all of it, as origin O2 must, or keep a `BinaryHeap` whose entries are stale
//! where the key has failed again. The heap alone, without a map, knows no keys; it is the least that an order by time can cost.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::time::Duration;

use evenkeel_core::backoff::{BackoffPolicy, Growth, Jitter};
use evenkeel_core::random::Rng;
use evenkeel_core::table::{BackoffTable, BackoffTablePolicy};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::{PeerTable, spread};
use crate::inputs::rng;
use crate::repeat::repeated;
use crate::{Case, Entrant};

const HOLD: Duration = Duration::from_secs(60);
const HOLD_NS: u64 = 60_000_000_000;

/// How many times faster than a scan and than a heap, at a million keys.
const GOALS: [f64; 2] = [50_000.0, 3.0];

pub(super) fn cases() -> Vec<Case> {
    [(1_000, None), (1_000_000, Some(GOALS))]
        .map(|(keys, goals)| {
            let [scan, heap] = goals.map_or([None; 2], |goals| goals.map(Some));
            Case::new(
                format!("table: next due key of {keys}, and its failure"),
                popping("ours", keys, Ours::new),
                same_order,
            )
            .against(popping("scan of origin O2", keys, Scan::new), scan)
            .against(popping("HashMap and BinaryHeap", keys, Heap::new), heap)
            .against(popping("BinaryHeap alone", keys, HeapAlone::new), None)
        })
        .into()
}

/// Knows which key is due next.
trait Due {
    /// A key fails, and is held back.
    fn fail(&mut self, now_ns: u64, key: u64);
    /// The key whose hold ends first, and when. It is then no longer due.
    fn next(&mut self) -> (u64, u64);
}

fn popping<D: Due + 'static>(name: &'static str, keys: u32, make: fn(Jitter) -> D) -> Entrant {
    repeated(name, move || {
        let mut due = make(Jitter::Full);
        (0..keys).for_each(|key| due.fail(0, spread(key)));
        move || {
            let (at_ns, key) = due.next();
            due.fail(at_ns, key);
            key
        }
    })
}

struct Ours {
    table: BackoffTable<u64>,
    rng: Xoshiro256PlusPlus,
}

impl Ours {
    fn new(jitter: Jitter) -> Self {
        let backoff = BackoffPolicy::builder(HOLD)
            .growth(Growth::Constant)
            .jitter(jitter);
        let forget_after = Duration::from_secs(1_000_000);
        let policy = BackoffTablePolicy::builder(backoff, 10_000_000, forget_after);
        let policy = policy.due_index(true).build().expect("a valid policy");
        Self {
            table: BackoffTable::new(policy),
            rng: rng(4),
        }
    }
}

impl Due for Ours {
    #[inline]
    fn fail(&mut self, now_ns: u64, key: u64) {
        let hold = self.table.on_failure(now_ns, &key, &mut self.rng);
        let _ = hold.expect("there is room");
    }

    #[inline]
    fn next(&mut self) -> (u64, u64) {
        let at_ns = self.table.next_deadline_ns().expect("a key that is held");
        let key = self.table.pop_ready(at_ns).expect("a key that is due");
        (at_ns, *key)
    }
}

/// How long a key is held, as the peers have it: up to a minute, or a minute.
struct Holds {
    jitter: Jitter,
    rng: Xoshiro256PlusPlus,
}

impl Holds {
    fn new(jitter: Jitter) -> Self {
        let rng = rng(4);
        Self { jitter, rng }
    }

    #[inline]
    fn until_ns(&mut self, now_ns: u64) -> u64 {
        now_ns
            + match self.jitter {
                Jitter::Full => self.rng.next_u64() % HOLD_NS,
                _ => HOLD_NS,
            }
    }
}

/// The table of origin O2, which has no order.
struct Scan {
    table: PeerTable,
    holds: Holds,
}

impl Scan {
    fn new(jitter: Jitter) -> Self {
        Self {
            table: PeerTable::default(),
            holds: Holds::new(jitter),
        }
    }
}

impl Due for Scan {
    fn fail(&mut self, now_ns: u64, key: u64) {
        let state = self.table.peers.entry(key).or_default();
        state.next_retry_ns = self.holds.until_ns(now_ns);
    }

    fn next(&mut self) -> (u64, u64) {
        let peers = self.table.peers.iter();
        let holds = peers.map(|(key, state)| (state.next_retry_ns, *key));
        holds.min().expect("a key that is held")
    }
}

struct Heap {
    until_ns: HashMap<u64, u64>,
    order: BinaryHeap<Reverse<(u64, u64)>>,
    holds: Holds,
}

impl Heap {
    fn new(jitter: Jitter) -> Self {
        Self {
            until_ns: HashMap::new(),
            order: BinaryHeap::new(),
            holds: Holds::new(jitter),
        }
    }
}

impl Due for Heap {
    fn fail(&mut self, now_ns: u64, key: u64) {
        let until_ns = self.holds.until_ns(now_ns);
        self.until_ns.insert(key, until_ns);
        self.order.push(Reverse((until_ns, key)));
    }

    fn next(&mut self) -> (u64, u64) {
        loop {
            let Reverse((until_ns, key)) = self.order.pop().expect("a key that is held");
            if self.until_ns.get(&key) == Some(&until_ns) {
                return (until_ns, key);
            }
        }
    }
}

struct HeapAlone {
    order: BinaryHeap<Reverse<(u64, u64)>>,
    holds: Holds,
}

impl HeapAlone {
    fn new(jitter: Jitter) -> Self {
        Self {
            order: BinaryHeap::new(),
            holds: Holds::new(jitter),
        }
    }
}

impl Due for HeapAlone {
    fn fail(&mut self, now_ns: u64, key: u64) {
        let until_ns = self.holds.until_ns(now_ns);
        self.order.push(Reverse((until_ns, key)));
    }

    fn next(&mut self) -> (u64, u64) {
        let Reverse(first) = self.order.pop().expect("a key that is held");
        first
    }
}

/// Without jitter all find the same keys at the same instants, also where a key has failed again before it was due; the heap
/// alone, which cannot know that, where none has.
fn same_order() {
    for again in [true, false] {
        let (mut ours, mut scan) = (Ours::new(Jitter::None), Scan::new(Jitter::None));
        let (mut heap, mut alone) = (Heap::new(Jitter::None), HeapAlone::new(Jitter::None));
        let mut all: Vec<&mut dyn Due> = vec![&mut ours, &mut scan, &mut heap];
        if !again {
            all.push(&mut alone);
        }
        let mut fail = |now_ns, key| all.iter_mut().for_each(|due| due.fail(now_ns, spread(key)));
        (0..100).for_each(|key| fail(key.into(), key));
        if again {
            (0..50).for_each(|key| fail(1_000 + u64::from(key), 2 * key));
        }
        for _ in 0..500 {
            let found: Vec<_> = all.iter_mut().map(|due| due.next()).collect();
            let (at_ns, key) = found[0];
            assert!(found.iter().all(|other| *other == found[0]), "{found:?}");
            all.iter_mut().for_each(|due| due.fail(at_ns, key));
        }
    }
}
