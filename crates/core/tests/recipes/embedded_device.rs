//! docs/recipes/embedded-device.md: a node with a bus that hangs and a gateway that goes away, in 600 bytes.

use core::time::Duration;

use evenkeel_core::ConfigError;
use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::breaker::{Breaker, BreakerPolicy, Outcome, Trigger};
use evenkeel_core::reconnect::{LinkAction, LinkId, Reconnect, ReconnectPolicy};
use rand_xoshiro::{Xoroshiro128PlusPlus, rand_core::SeedableRng};

use crate::SECOND;

/// What the hardware can do. A radio tells of links by calling `on_event` and `on_frame` with their id.
trait Board {
    fn join(&mut self, link: LinkId);
    fn leave(&mut self, link: LinkId);
    /// A measurement, and what it took; nothing where the bus hangs.
    fn measure(&mut self) -> (Option<u16>, u64);
}

/// All state: values on the stack or in a `static`, nothing on a heap.
struct Node<'a> {
    uplink: Reconnect<&'a ReconnectPolicy>,
    bus: Breaker<&'a BreakerPolicy>,
    rng: Xoroshiro128PlusPlus, // seeded by the chip's noise
}

impl Node<'_> {
    /// Does what is due, and says when to wake.
    fn step(&mut self, now_ns: u64, board: &mut impl Board) -> u64 {
        loop {
            match self.uplink.poll(now_ns, &mut self.rng) {
                LinkAction::Connect { link, .. } => board.join(link),
                LinkAction::Abandon { link, .. } => board.leave(link),
                _ => break, // it waits
            }
        }
        if let Ok(grant) = self.bus.try_acquire(now_ns, &mut self.rng) {
            let (value, took_ns) = board.measure();
            let outcome = value.map_or(Outcome::Failure, |_| Outcome::Success);
            let now_ns = now_ns + took_ns;
            let _ = self
                .bus
                .on_outcome(now_ns, grant.permit, outcome, took_ns, &mut self.rng);
        }
        let measure_at_ns = now_ns + 10 * SECOND;
        let link_at_ns = self.uplink.next_deadline_ns().unwrap_or(u64::MAX);
        measure_at_ns.min(link_at_ns)
    }
}

/// Once, at compile time or at the start: joining backs off to two minutes, three failures close the bus for a while.
fn policies() -> Result<(ReconnectPolicy, BreakerPolicy), ConfigError> {
    let secs = Duration::from_secs;
    let uplink = ReconnectPolicy::builder(BackoffPolicy::builder(secs(1)).cap(secs(120)), secs(8))
        .silence_limit(secs(90))
        .build()?;
    let bus = BreakerPolicy::builder(BackoffPolicy::builder(secs(30)).cap(secs(600)), secs(1))
        .trigger(Trigger::Consecutive { failures: 3 })
        .build()?;
    Ok((uplink, bus))
}

/// The gateway never answers; the bus hangs in the second hour.
#[derive(Default)]
struct Outside {
    hangs: bool,
    joined: u32,
    left: u32,
    measured: u32,
    hung: u32,
}

impl Board for Outside {
    fn join(&mut self, _: LinkId) {
        self.joined += 1;
    }

    fn leave(&mut self, _: LinkId) {
        self.left += 1;
    }

    fn measure(&mut self) -> (Option<u16>, u64) {
        if self.hangs {
            self.hung += 1;
            return (None, 25_000_000);
        }
        self.measured += 1;
        (Some(7), 1_000_000)
    }
}

#[test]
fn a_dead_bus_and_an_absent_gateway_cost_little() {
    let (uplink, bus) = policies().expect("valid policies");
    let mut node = Node {
        uplink: Reconnect::new(&uplink),
        bus: Breaker::new(&bus),
        rng: Xoroshiro128PlusPlus::seed_from_u64(7),
    };
    assert!(size_of_val(&node) <= 600, "{}", size_of_val(&node));
    let mut outside = Outside::default();
    let mut now_ns = 0;
    while now_ns < 7_200 * SECOND {
        outside.hangs = now_ns >= 3_600 * SECOND;
        now_ns = node.step(now_ns, &mut outside);
    }
    assert!(outside.measured >= 360, "{}", outside.measured);
    // Three to notice, then one in some minutes: not 360.
    assert!((6..=20).contains(&outside.hung), "{}", outside.hung);
    // One or two minutes apart, not a hot loop; each try that got no answer was left.
    assert!((60..=160).contains(&outside.joined), "{}", outside.joined);
    assert!(outside.joined - outside.left <= 1);
}
