//! Clients that probe the server's health.

use evenkeel_core::health::{ProbeAction, ProbeId, Probed};

use super::world::{Calls, Event, Reply, Request, What};
use crate::world::World;

impl Calls<'_> {
    /// The canonical loop of a client's probe, from one event to the next.
    pub(super) fn probe(&mut self, id: u32, world: &mut World<Event>) {
        let now_ns = world.now_ns();
        let client = &mut self.clients[id as usize];
        let Some(probe) = &mut client.probe else {
            return;
        };
        loop {
            match probe.poll(now_ns, &mut client.rng) {
                ProbeAction::Send { probe, .. } => {
                    let what = What::Probe(probe);
                    let delay_ns = self.plan.network.draw_ns(&mut self.rngs[1]);
                    world.after(delay_ns, Event::Reach(Request { what, client: id }));
                }
                ProbeAction::Abandon { .. } => {}
                _ => break,
            }
        }
        if let Some(at_ns) = probe.next_deadline_ns() {
            let timer = client.timer.set();
            world.at(at_ns, Event::ProbeDue { client: id, timer });
        }
        client.tell_health(now_ns, &mut self.phases);
    }

    /// What a probe has found reaches its client.
    pub(super) fn probed(
        &mut self,
        id: u32,
        probe: ProbeId,
        reply: Reply,
        world: &mut World<Event>,
    ) {
        let found = match reply {
            Reply::Done => Probed::Passed,
            Reply::Failed | Reply::Full | Reply::Down => Probed::Failed,
        };
        if let Some(machine) = &mut self.clients[id as usize].probe {
            let _ = machine.on_report(world.now_ns(), probe, found);
        }
        self.probe(id, world);
    }
}
