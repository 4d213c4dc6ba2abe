//! The loop: instants, ties, stopping, and what a model is told beforehand.

use std::cell::RefCell;
use std::collections::HashSet;

use evenkeel_sim::{Model, Sim, Stream, Streams, World};

/// Events by number; each has one successor, at random later, and is noted when it is announced and when it happens.
struct Noted {
    rng: Stream,
    next: u64,
    most: u64,
    last_ns: u64,
    announced: RefCell<HashSet<u64>>,
    happened: HashSet<u64>,
}

impl Model for Noted {
    type Event = u64;

    fn on_event(&mut self, event: u64, world: &mut World<u64>) {
        assert!(self.happened.insert(event), "{event} happened before");
        assert!(world.now_ns() >= self.last_ns, "time ran backwards");
        self.last_ns = world.now_ns();
        if self.next < self.most {
            world.after(self.rng.below(1_000_000), self.next);
            self.next += 1;
        }
    }

    fn on_soon(&self, event: &u64) {
        assert!(!self.happened.contains(event), "{event} has happened");
        self.announced.borrow_mut().insert(*event);
    }
}

#[test]
fn what_is_announced_has_not_happened_and_every_event_happens_once() {
    let mut sim = Sim::new(Noted {
        rng: Streams::seeded(7).of("events", 0),
        next: 1_000,
        most: 20_000,
        last_ns: 0,
        announced: RefCell::default(),
        happened: HashSet::new(),
    });
    for event in 0..1_000 {
        sim.world.at(event * 1_000, event);
    }
    sim.run();
    let Noted {
        announced,
        happened,
        ..
    } = sim.model;
    assert_eq!((happened.len(), sim.world.events()), (20_000, 20_000));
    // In a crowd most are announced: that is what it is for.
    assert!(
        announced.borrow().len() > 10_000,
        "{}",
        announced.borrow().len()
    );
}

struct Log(Vec<(u64, u32)>);

impl Model for Log {
    type Event = u32;

    fn on_event(&mut self, event: u32, world: &mut World<u32>) {
        self.0.push((world.now_ns(), event));
        match event {
            1 => {
                world.at(3, 10); // past: now, behind what is due now
                world.after(u64::MAX, 11); // past the last instant: never
            }
            3 => world.stop(),
            _ => {}
        }
    }
}

#[test]
fn ties_go_by_the_order_of_the_calls_and_a_stopped_run_goes_on_where_it_stopped() {
    let mut sim = Sim::new(Log(Vec::new()));
    for (at_ns, event) in [(7, 1), (7, 2), (9, 3), (9, 4)] {
        sim.world.at(at_ns, event);
    }
    sim.run_until(100);
    assert_eq!(sim.model.0, [(7, 1), (7, 2), (7, 10), (9, 3)]);
    assert_eq!((sim.world.now_ns(), sim.world.pending()), (9, 1));
    sim.run_until(100);
    assert_eq!(sim.model.0.last(), Some(&(9, 4)));
    assert_eq!((sim.world.now_ns(), sim.world.pending()), (100, 0));
}
