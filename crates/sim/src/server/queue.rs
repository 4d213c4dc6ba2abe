//! A server with so many workers and so much room to wait.

use std::collections::VecDeque;

use super::{Arrival, Server, Started, stretched};
use crate::delay::Delay;
use crate::random::Stream;

/// So many workers, a queue before them that is served first come, first served, and no place beyond it.
///
/// A request whose client has given up is worked on like any other: it cannot know. That is what makes a long queue
/// dangerous.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_sim::{Arrival, BoundedQueue, Delay, Server, Started, Streams};
///
/// let mut rng = Streams::seeded(7).of("server", 0);
/// let work = Delay::constant(Duration::from_nanos(100));
/// let mut server = BoundedQueue::new(1, 1, work); // one worker, one place to wait
/// assert_eq!(server.arrive(0, 'a', &mut rng), Arrival::Started(Started { request: 'a', ends_at_ns: 100 }));
/// assert_eq!(server.arrive(5, 'b', &mut rng), Arrival::Waiting);
/// assert_eq!(server.arrive(6, 'c', &mut rng), Arrival::Refused('c'));
/// assert_eq!(server.finish(100, &mut rng), Some(Started { request: 'b', ends_at_ns: 200 }));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct BoundedQueue<R> {
    workers: u64,
    room: u64,
    work: Delay,
    factor: f64,
    busy: u64,
    waiting: VecDeque<R>,
}

impl<R> BoundedQueue<R> {
    /// `workers` requests at a time, each of which takes `work`; `room` more can wait.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use evenkeel_sim::{BoundedQueue, Delay, Server};
    /// let server = BoundedQueue::<u32>::new(8, 1_000, Delay::exponential(Duration::from_millis(10)));
    /// assert_eq!(server.in_progress(), 0);
    /// ```
    #[must_use]
    pub const fn new(workers: u64, room: u64, work: Delay) -> Self {
        Self {
            workers,
            room,
            work,
            factor: 1.0,
            busy: 0,
            waiting: VecDeque::new(),
        }
    }

    fn start(&self, now_ns: u64, request: R, rng: &mut Stream) -> Started<R> {
        let work_ns = stretched(self.work.draw_ns(rng), self.factor);
        let ends_at_ns = now_ns.saturating_add(work_ns);
        Started {
            request,
            ends_at_ns,
        }
    }
}

impl<R> Server<R> for BoundedQueue<R> {
    fn arrive(&mut self, now_ns: u64, request: R, rng: &mut Stream) -> Arrival<R> {
        if self.busy < self.workers {
            self.busy += 1;
            return Arrival::Started(self.start(now_ns, request, rng));
        }
        if self.waiting.len() as u64 >= self.room {
            return Arrival::Refused(request);
        }
        self.waiting.push_back(request);
        Arrival::Waiting
    }

    fn finish(&mut self, now_ns: u64, rng: &mut Stream) -> Option<Started<R>> {
        match self.waiting.pop_front() {
            Some(request) => Some(self.start(now_ns, request, rng)),
            None => {
                self.busy = self.busy.saturating_sub(1);
                None
            }
        }
    }

    fn slow_down(&mut self, factor: f64) {
        self.factor = factor;
    }

    fn clear(&mut self) {
        self.busy = 0;
        self.waiting.clear();
    }

    fn in_progress(&self) -> u64 {
        self.busy + self.waiting.len() as u64
    }
}
