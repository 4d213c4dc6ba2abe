//! A fake board and the hour that it goes through, on the computer at hand: the only part that needs the standard library.

pub(crate) extern crate std;

use core::fmt::Arguments;
use core::time::Duration;
use std::boxed::Box;
use std::collections::VecDeque;
use std::error::Error;
use std::string::String;

use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::SeedableRng;

use crate::board::{Board, BusFault, Reading, Received, Woken};
use crate::node::{Node, Policies, Sizes};
use crate::ticks;

const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MILLISECOND;
const MINUTE: u64 = 60 * SECOND;

/// The script: from when to when, in minutes.
const FADING: [u64; 2] = [4, 8]; // three of four frames are lost
const GATEWAY_AWAY: [u64; 2] = [12, 20];
const BUS_HELD: [u64; 2] = [26, 34];
const BROWN_OUT: u64 = 45;
const END: u64 = 60;
const AWAY: Duration = Duration::from_secs(3);

/// The hour: the board's true time, the radio and what it will receive, and what was written down.
struct Hour {
    now_ns: u64,
    /// When the counter was last reset.
    reset_at_ns: u64,
    was_reset: bool,
    /// In order of time.
    on_air: VecDeque<(u64, Received)>,
    frames: u64,
    wakes: u64,
    asleep_ns: u64,
    log: String,
}

/// One hour of the node, as it tells it, and the sizes of its parts.
pub(crate) fn run() -> Result<(String, Sizes), Box<dyn Error>> {
    let policies = Policies::new()?;
    let mut hour = Hour {
        now_ns: 0,
        reset_at_ns: 0,
        was_reset: false,
        on_air: VecDeque::new(),
        frames: 0,
        wakes: 0,
        asleep_ns: 0,
        log: String::new(),
    };
    let chip_id = 0x0042_5afe;
    let mut node = Node::new(&policies, SplitMix64::seed_from_u64(chip_id));
    node.run(&mut hour);

    let retained = node.retain(hour.ticks());
    hour.now_ns += ns(AWAY);
    hour.log(format_args!("reset: away for 3 s, states taken over"));
    (hour.reset_at_ns, hour.was_reset) = (hour.now_ns, true);
    hour.on_air.clear();
    let rng = SplitMix64::seed_from_u64(chip_id + 1);
    let mut node = Node::resume(&policies, rng, retained, AWAY)?;
    node.run(&mut hour);
    hour.sum_up(&node);
    Ok((hour.log, node.sizes()))
}

impl Hour {
    fn is_within(&self, [from, to]: [u64; 2]) -> bool {
        (from * MINUTE..to * MINUTE).contains(&self.now_ns)
    }

    /// Time that the processor is awake for.
    fn work(&mut self, span_ns: u64) {
        self.now_ns += span_ns;
    }

    fn receive(&mut self, after_ns: u64, received: Received) {
        let at_ns = self.now_ns + after_ns;
        let place = self
            .on_air
            .partition_point(|(other_ns, _)| *other_ns <= at_ns);
        self.on_air.insert(place, (at_ns, received));
    }

    fn sum_up(&mut self, node: &Node<'_>) {
        let counts = node.counts;
        self.log(format_args!(
            "{} measured, {} faults, {} skipped",
            counts.measured, counts.faults, counts.skipped
        ));
        self.log(format_args!(
            "{} acknowledged, {} resent, {} times held back, {} lost",
            counts.acknowledged, counts.resent, counts.held_back, counts.lost
        ));
        let per_mille = self.asleep_ns * 1_000 / (END * MINUTE);
        let (wakes, percent, tenth) = (self.wakes, per_mille / 10, per_mille % 10);
        self.log(format_args!(
            "woke {wakes} times, asleep for {percent}.{tenth} % of the hour"
        ));
    }
}

impl Board for Hour {
    fn ticks(&mut self) -> u64 {
        (self.now_ns - self.reset_at_ns) * 32_768 / SECOND
    }

    fn sleep_until(&mut self, tick: u64) -> Woken {
        let alarm_ns = self.reset_at_ns + ticks::to_ns(tick) + 1;
        let radio_ns = self.on_air.front().map_or(u64::MAX, |(at_ns, _)| *at_ns);
        let reset_ns = if self.was_reset { END } else { BROWN_OUT } * MINUTE;
        let woken_ns = alarm_ns.min(radio_ns).min(reset_ns).max(self.now_ns);
        self.asleep_ns += woken_ns - self.now_ns;
        self.now_ns = woken_ns;
        self.wakes += 1;
        if woken_ns == reset_ns {
            Woken::ByReset
        } else {
            Woken::ToWork
        }
    }

    fn received(&mut self) -> Option<Received> {
        loop {
            let (at_ns, received) = *self.on_air.front()?;
            if at_ns > self.now_ns {
                return None;
            }
            self.on_air.pop_front();
            // A gateway that went away has forgotten who had joined.
            if self.is_within(GATEWAY_AWAY) {
                continue;
            }
            if let Received::Beacon { .. } = received {
                self.receive(20 * SECOND, received);
            }
            return Some(received);
        }
    }

    fn join(&mut self, link: u64) {
        self.work(30 * MILLISECOND);
        if !self.is_within(GATEWAY_AWAY) {
            self.receive(1_500 * MILLISECOND, Received::Joined { link });
            self.receive(1_600 * MILLISECOND, Received::Beacon { link });
        }
    }

    fn leave(&mut self) {
        self.on_air.clear();
    }

    fn send(&mut self, reading: Reading) {
        self.work(30 * MILLISECOND);
        self.frames += 1;
        let is_lost = self.is_within(FADING) && self.frames % 4 != 0;
        let link = self.on_air.iter().find_map(|(_, received)| match received {
            Received::Beacon { link } => Some(*link),
            _ => None,
        });
        if let (false, Some(link)) = (is_lost, link) {
            let number = reading.number;
            self.receive(700 * MILLISECOND, Received::Acknowledged { link, number });
        }
    }

    fn measure(&mut self) -> Result<i32, BusFault> {
        if self.is_within(BUS_HELD) {
            self.work(25 * MILLISECOND);
            return Err(BusFault);
        }
        self.work(2 * MILLISECOND);
        Ok(21_000 + i32::try_from(self.now_ns / SECOND % 60).unwrap_or(0) * 10)
    }

    fn is_there(&mut self) -> bool {
        let held = self.is_within(BUS_HELD);
        self.work(if held { 25 } else { 1 } * MILLISECOND);
        !held
    }

    fn log(&mut self, line: Arguments<'_>) {
        let at = self.now_ns / MILLISECOND;
        let (minutes, seconds, millis) = (at / 60_000, at / 1_000 % 60, at % 1_000);
        self.log += &std::format!("{minutes:02}:{seconds:02}.{millis:03}  {line}\n");
    }
}

fn ns(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}
