//! The server of the simulation: eight workers, a queue, and a stall. It does not know who still waits for an answer.

use std::collections::VecDeque;
use std::ops::Range;

use evenkeel_core::random::{Rng, scaled};
use evenkeel_core::retry::AttemptId;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::world::{MILLISECOND, SECOND};

const WORKERS: usize = 8;
const QUEUE: usize = 4_000;
/// 8 to 16 ms for a request: 667 a second, where 500 are asked for.
const SERVICE_NS: Range<u64> = 8 * MILLISECOND..16 * MILLISECOND;
/// For so long no work is done; what was begun ends late.
pub(crate) const STALL_NS: Range<u64> = 20 * SECOND..25 * SECOND;

/// An attempt of an operation.
pub(crate) type Request = (usize, AttemptId);

pub(crate) struct Server {
    queue: VecDeque<Request>,
    busy: usize,
    rng: Xoshiro256PlusPlus,
}

impl Server {
    pub(crate) fn new(rng: Xoshiro256PlusPlus) -> Self {
        let queue = VecDeque::new();
        Self {
            queue,
            busy: 0,
            rng,
        }
    }

    /// Takes a request in. Answers whether there was room.
    pub(crate) fn take(&mut self, request: Request) -> bool {
        let has_room = self.queue.len() < QUEUE;
        if has_room {
            self.queue.push_back(request);
        }
        has_room
    }

    /// Begins the next request, if a worker is free: which, and when it will be done.
    pub(crate) fn begin(&mut self, now_ns: u64) -> Option<(Request, u64)> {
        if self.busy == WORKERS {
            return None;
        }
        let request = self.queue.pop_front()?;
        self.busy += 1;
        let range_ns = SERVICE_NS.end - SERVICE_NS.start;
        let work_ns = SERVICE_NS.start + scaled(self.rng.next_u64(), range_ns);
        let stalled_ns = if now_ns < STALL_NS.end && now_ns + work_ns > STALL_NS.start {
            STALL_NS.end - now_ns.max(STALL_NS.start)
        } else {
            0
        };
        Some((request, now_ns + work_ns + stalled_ns))
    }

    /// A worker is done.
    pub(crate) fn end(&mut self) {
        self.busy -= 1;
    }
}
