//! The events to come: earliest first, and at one instant in the order in which they were put in.

use std::collections::VecDeque;

/// Bits of an instant that one level tells apart.
const BITS: u32 = 6;
const SLOTS: usize = 1 << BITS;
const LEVELS: usize = u64::BITS.div_ceil(BITS) as usize;
/// What a bucket holds in one piece. A full piece is set aside and the next begun, so that memory follows what is in the
/// queue, and what a rush has left empty serves the next one.
const PIECE: usize = 256;
/// Buckets of at most so many events are announced when they are dealt out.
const SOON: usize = 64;

/// Events with their instants, in the order in which they were put in.
type Piece<E> = Vec<(u64, E)>;

/// A queue of events by instant, first in first out at the same one.
///
/// A radix heap. Events lie in buckets by the highest digit (of 6 bits) in which their instant differs from the present,
/// so that the next one is in the first bucket that is not empty, and a bucket that becomes the first is dealt out to
/// those below it, in order. No two events are ever compared, ties need no sequence number, and memory is walked from
/// front to back, which is what keeps the cost nearly flat from a thousand events to a million.
///
/// **Cost.** [`push`](Self::push) is O(1). An event is moved at most once for each of 11 levels, in practice two to four
/// times, before it is popped. 8 bytes an event and the event itself; 34 kB for the buckets.
///
/// ```
/// use evenkeel_sim::Queue;
///
/// let mut queue = Queue::new();
/// queue.push(30, "third");
/// queue.push(10, "first");
/// queue.push(10, "second");
/// assert_eq!(queue.pop(), Some((10, "first")));
/// queue.push(5, "late"); // the present is 10
/// assert_eq!(queue.pop(), Some((10, "second")));
/// assert_eq!(queue.pop_until(29), Some((10, "late")));
/// assert_eq!(queue.pop_until(29), None);
/// assert_eq!(queue.pop(), Some((30, "third")));
/// ```
#[derive(Clone, Debug)]
pub struct Queue<E> {
    /// Not after any event in the queue, nor after the limit of any pop.
    base_ns: u64,
    /// What is due at `base_ns`.
    due: VecDeque<E>,
    /// Level by level; an event's level is the highest digit in which it differs from `base_ns`, its slot that digit.
    buckets: Vec<Piece<E>>,
    /// What lies in a bucket before its last piece.
    full: Vec<Vec<Piece<E>>>,
    /// Empty pieces.
    spare: Vec<Piece<E>>,
    /// For each level, which of its slots hold something.
    slots: [u64; LEVELS],
    /// Which levels hold something.
    levels: u16,
    len: usize,
}

impl<E> Default for Queue<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E> Queue<E> {
    /// An empty queue at instant 0.
    ///
    /// ```
    /// # use evenkeel_sim::Queue;
    /// assert!(Queue::<()>::new().is_empty());
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self {
            base_ns: 0,
            due: VecDeque::new(),
            buckets: (0..LEVELS * SLOTS).map(|_| Vec::new()).collect(),
            full: (0..LEVELS * SLOTS).map(|_| Vec::new()).collect(),
            spare: Vec::new(),
            slots: [0; LEVELS],
            levels: 0,
            len: 0,
        }
    }

    /// How many events are to come.
    ///
    /// ```
    /// # use evenkeel_sim::Queue;
    /// let mut queue = Queue::new();
    /// queue.push(7, 'a');
    /// assert_eq!(queue.len(), 1);
    /// ```
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether none is to come.
    ///
    /// ```
    /// # use evenkeel_sim::Queue;
    /// let mut queue = Queue::new();
    /// queue.push(7, 'a');
    /// assert!(!queue.is_empty());
    /// ```
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Puts an event in. One for an instant that is past is for the present, behind all that is due then. The present is
    /// the instant of the last event popped; a pop that finds nothing may move it on, up to its limit.
    ///
    /// ```
    /// # use evenkeel_sim::Queue;
    /// let mut queue = Queue::new();
    /// queue.push(u64::MAX, 'b');
    /// queue.push(0, 'a');
    /// assert_eq!([queue.pop(), queue.pop()], [Some((0, 'a')), Some((u64::MAX, 'b'))]);
    /// ```
    #[inline]
    pub fn push(&mut self, at_ns: u64, event: E) {
        self.len += 1;
        self.place(at_ns.max(self.base_ns), event);
    }

    /// The next event and its instant.
    ///
    /// ```
    /// # use evenkeel_sim::Queue;
    /// assert_eq!(Queue::<()>::new().pop(), None);
    /// ```
    #[inline]
    pub fn pop(&mut self) -> Option<(u64, E)> {
        self.pop_until(u64::MAX)
    }

    /// The next event, if it is not after `limit_ns`.
    ///
    /// ```
    /// # use evenkeel_sim::Queue;
    /// let mut queue = Queue::new();
    /// queue.push(7, 'a');
    /// assert_eq!(queue.pop_until(6), None);
    /// assert_eq!(queue.pop_until(7), Some((7, 'a')));
    /// ```
    #[inline]
    pub fn pop_until(&mut self, limit_ns: u64) -> Option<(u64, E)> {
        self.pop_ahead(limit_ns, |_| ())
    }

    /// The same; `soon` sees events that are to come soon, a few at a time.
    #[inline]
    pub(crate) fn pop_ahead(
        &mut self,
        limit_ns: u64,
        mut soon: impl FnMut(&E),
    ) -> Option<(u64, E)> {
        loop {
            if self.base_ns > limit_ns {
                return None;
            }
            if let Some(event) = self.due.pop_front() {
                self.len -= 1;
                return Some((self.base_ns, event));
            }
            if self.levels == 0 {
                return None;
            }
            let level = self.levels.trailing_zeros();
            let slot = self.slots[level as usize].trailing_zeros();
            let start_ns = self.start_ns(level, slot);
            if start_ns > limit_ns {
                return None;
            }
            let index = level as usize * SLOTS + slot as usize;
            let bucket = &mut self.buckets[index];
            if bucket.len() == 1 && self.full[index].is_empty() {
                let (at_ns, event) = bucket.pop()?;
                if at_ns > limit_ns {
                    bucket.push((at_ns, event));
                    return None;
                }
                self.emptied(level, slot);
                self.base_ns = at_ns;
                self.len -= 1;
                return Some((at_ns, event));
            }
            if bucket.len() <= SOON && self.full[index].is_empty() {
                bucket.iter().for_each(|(_, event)| soon(event));
            }
            self.deal(level, slot, start_ns);
        }
    }

    /// The first instant of a bucket.
    #[inline]
    const fn start_ns(&self, level: u32, slot: u32) -> u64 {
        let above = match self.base_ns.checked_shr(BITS * (level + 1)) {
            Some(digits) => digits << BITS,
            None => 0,
        };
        (above | slot as u64) << (BITS * level)
    }

    #[inline]
    fn place(&mut self, at_ns: u64, event: E) {
        let differs = at_ns ^ self.base_ns;
        if differs == 0 {
            self.due.push_back(event);
            return;
        }
        let level = differs.ilog2() / BITS;
        let slot = (at_ns >> (BITS * level)) as usize % SLOTS;
        self.levels |= 1 << level;
        self.slots[level as usize] |= 1 << slot;
        let index = level as usize * SLOTS + slot;
        if self.buckets[index].len() == PIECE {
            self.begin_piece(index);
        }
        self.buckets[index].push((at_ns, event));
    }

    #[cold]
    fn begin_piece(&mut self, index: usize) {
        let empty = self
            .spare
            .pop()
            .unwrap_or_else(|| Vec::with_capacity(PIECE));
        let full = std::mem::replace(&mut self.buckets[index], empty);
        self.full[index].push(full);
    }

    /// Deals the events of the first bucket out to those below it. In order, and all events of an instant lie in one
    /// bucket at any time: so ties stay in order.
    fn deal(&mut self, level: u32, slot: u32, start_ns: u64) {
        let index = level as usize * SLOTS + slot as usize;
        self.emptied(level, slot);
        self.base_ns = start_ns;
        let mut last = std::mem::take(&mut self.buckets[index]);
        // Nothing is put back into this bucket: all of it belongs to levels below.
        for mut piece in std::mem::take(&mut self.full[index]) {
            for (at_ns, event) in piece.drain(..) {
                self.place(at_ns, event);
            }
            self.spare.push(piece);
        }
        for (at_ns, event) in last.drain(..) {
            self.place(at_ns, event);
        }
        self.buckets[index] = last;
    }

    #[inline]
    const fn emptied(&mut self, level: u32, slot: u32) {
        let slots = &mut self.slots[level as usize];
        *slots &= !(1 << slot);
        if *slots == 0 {
            self.levels &= !(1 << level);
        }
    }
}
