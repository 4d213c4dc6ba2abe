//! A server of one's own: an API with a quota.

use evenkeel_sim::{Arrival, Server, Started, Stream};

use crate::world::{Call, SECOND};

/// Answers so many requests in each second of the clock, each after 20 ms, and turns the rest away.
#[derive(Default)]
pub(crate) struct Api {
    quota: u64,
    second: u64,
    taken: u64,
    in_progress: u64,
}

impl Api {
    pub(crate) fn new(quota: u64) -> Self {
        Self {
            quota,
            ..Self::default()
        }
    }
}

impl Server<Call> for Api {
    fn arrive(&mut self, now_ns: u64, request: Call, _: &mut Stream) -> Arrival<Call> {
        if now_ns / SECOND != self.second {
            (self.second, self.taken) = (now_ns / SECOND, 0);
        }
        if self.taken == self.quota {
            return Arrival::Refused(request);
        }
        self.taken += 1;
        self.in_progress += 1;
        let ends_at_ns = now_ns + SECOND / 50;
        Arrival::Started(Started {
            request,
            ends_at_ns,
        })
    }

    fn finish(&mut self, _: u64, _: &mut Stream) -> Option<Started<Call>> {
        self.in_progress -= 1;
        None // nobody waits here
    }

    fn clear(&mut self) {
        self.in_progress = 0;
    }

    fn in_progress(&self) -> u64 {
        self.in_progress
    }
}
