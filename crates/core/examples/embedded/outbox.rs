//! The readings that the gateway has not acknowledged: a ring in an array, which drops the oldest when it is full.

use crate::board::Reading;

const ROOM: usize = 64;

#[derive(Clone, Debug)]
pub(crate) struct Outbox {
    readings: [Reading; ROOM],
    first: usize,
    len: usize,
}

impl Outbox {
    pub(crate) const fn new() -> Self {
        Self {
            readings: [Reading {
                number: 0,
                value: 0,
            }; ROOM],
            first: 0,
            len: 0,
        }
    }

    /// Takes a reading in. Answers the one that had to go for it.
    pub(crate) fn push(&mut self, reading: Reading) -> Option<Reading> {
        let lost = if self.len == ROOM { self.pop() } else { None };
        self.readings[(self.first + self.len) % ROOM] = reading;
        self.len += 1;
        lost
    }

    /// The oldest.
    pub(crate) fn first(&self) -> Option<Reading> {
        (self.len > 0).then(|| self.readings[self.first])
    }

    /// Takes the oldest out.
    pub(crate) fn pop(&mut self) -> Option<Reading> {
        let reading = self.first()?;
        self.first = (self.first + 1) % ROOM;
        self.len -= 1;
        Some(reading)
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }
}
