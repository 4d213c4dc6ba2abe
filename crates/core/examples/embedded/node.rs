//! The firmware of a sensor node: four machines in one loop that sleeps until the earliest of their deadlines.
//!
//! Nothing here needs an allocator, a float, or the standard library.

use core::time::Duration;

use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::breaker::{Breaker, BreakerPolicy, BreakerState, Outcome, Transitions, Trigger};
use evenkeel_core::budget::{
    RetryCause, RetryTokens, RetryTokensPolicy, RetryTokensState, Withdrawal,
};
use evenkeel_core::health::{
    HealthProbe, HealthProbePolicy, HealthProbeState, ProbeAction, Probed,
};
use evenkeel_core::reconnect::{
    LinkAction, LinkEvent, LinkId, Reconnect, ReconnectPolicy, ReconnectState,
};
use evenkeel_core::{ConfigError, Rebase, RestoreError};
use rand_xoshiro::SplitMix64;

use crate::board::{Board, Reading, Received, Woken};
use crate::outbox::Outbox;
use crate::ticks;

const PERIOD_NS: u64 = 10_000_000_000;
const ACKNOWLEDGED_WITHIN_NS: u64 = 2_000_000_000;

/// What the node is meant to do; made once at start, and borrowed by the machines.
pub(crate) struct Policies {
    pub(crate) uplink: ReconnectPolicy,
    pub(crate) sensor: BreakerPolicy,
    pub(crate) presence: HealthProbePolicy,
    pub(crate) resends: RetryTokensPolicy,
}

impl Policies {
    pub(crate) fn new() -> Result<Self, ConfigError> {
        let seconds = Duration::from_secs;
        // A gateway that is away is sought for at most once in about two minutes, and one that goes silent is noticed.
        let uplink = BackoffPolicy::builder(seconds(5)).cap(seconds(120));
        let uplink = ReconnectPolicy::builder(uplink, seconds(8)).silence_limit(seconds(65));
        // A held bus costs 25 ms of full power for each try: three in a row are enough.
        let sensor = BackoffPolicy::builder(seconds(30)).cap(seconds(300));
        let sensor = BreakerPolicy::builder(sensor, seconds(1))
            .trigger(Trigger::Consecutive { failures: 3 })
            .until_healthy(true);
        // Whether it is there is asked more often than it is measured, but only while it is away.
        let away = BackoffPolicy::builder(seconds(20)).cap(seconds(60));
        let presence =
            HealthProbePolicy::builder(seconds(300), Duration::from_millis(50)).down(away);
        // The band's duty cycle: in the long run one resend in ten seconds, and at most five at once.
        let resends = RetryTokensPolicy::builder(5_000)
            .credit_milli(0)
            .refill_milli(100);
        Ok(Self {
            uplink: uplink.build()?,
            sensor: sensor.build()?,
            presence: presence.build()?,
            resends: resends.build()?,
        })
    }
}

/// The bytes of each part, for a table.
pub(crate) type Sizes = [(&'static str, usize); 6];

/// What happened, for the last lines.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) measured: u32,
    pub(crate) faults: u32,
    pub(crate) skipped: u32,
    pub(crate) acknowledged: u32,
    pub(crate) resent: u32,
    pub(crate) held_back: u32,
    pub(crate) lost: u32,
}

/// The node: the states of its machines, and what it has not delivered yet.
pub(crate) struct Node<'a> {
    policies: &'a Policies,
    /// Seeded by the number that is burnt into the chip: a fleet that starts together must not act together.
    rng: SplitMix64,
    uplink: Reconnect<&'a ReconnectPolicy>,
    sensor: Breaker<&'a BreakerPolicy>,
    presence: HealthProbe<&'a HealthProbePolicy>,
    resends: RetryTokens<&'a RetryTokensPolicy>,
    outbox: Outbox,
    /// Whether the first reading of the outbox is on its way, and what was paid for its last resend.
    sent: bool,
    paid: Option<Withdrawal>,
    send_at_ns: u64,
    measure_at_ns: u64,
    pub(crate) counts: Counts,
}

/// What lies in memory that a reset leaves alone. Plain data: it could as well be in flash.
pub(crate) struct Retained {
    taken_at_ns: u64,
    uplink: ReconnectState,
    sensor: BreakerState,
    presence: HealthProbeState,
    resends: RetryTokensState,
    outbox: Outbox,
    counts: Counts,
}

impl<'a> Node<'a> {
    pub(crate) fn new(policies: &'a Policies, rng: SplitMix64) -> Self {
        Self {
            policies,
            rng,
            uplink: Reconnect::new(&policies.uplink),
            sensor: Breaker::new(&policies.sensor),
            presence: HealthProbe::new(&policies.presence),
            resends: RetryTokens::new(&policies.resends),
            outbox: Outbox::new(),
            sent: false,
            paid: None,
            send_at_ns: 0,
            measure_at_ns: 0,
            counts: Counts::default(),
        }
    }

    /// What has to survive a reset at this tick.
    pub(crate) fn retain(self, tick: u64) -> Retained {
        Retained {
            taken_at_ns: ticks::to_ns(tick),
            uplink: self.uplink.state(),
            sensor: self.sensor.state(),
            presence: self.presence.state(),
            resends: self.resends.state(),
            outbox: self.outbox,
            counts: self.counts,
        }
    }

    /// Goes on after a reset: the counter starts again at 0, and the node was `away` meanwhile.
    ///
    /// # Errors
    /// When the retained memory is damaged: it is checked as untrusted input. Start anew then.
    pub(crate) fn resume(
        policies: &'a Policies,
        rng: SplitMix64,
        kept: Retained,
        away: Duration,
    ) -> Result<Self, RestoreError> {
        let rebase = Rebase {
            taken_at_ns: kept.taken_at_ns,
            now_ns: 0,
            away,
        };
        Ok(Self {
            uplink: Reconnect::restore_rebased(&policies.uplink, kept.uplink, rebase)?,
            sensor: Breaker::restore_rebased(&policies.sensor, kept.sensor, rebase)?,
            presence: HealthProbe::restore_rebased(&policies.presence, kept.presence, rebase)?,
            resends: RetryTokens::restore_rebased(&policies.resends, kept.resends, rebase)?,
            outbox: kept.outbox,
            counts: kept.counts,
            ..Self::new(policies, rng)
        })
    }

    /// The whole program: do what is due, sleep until something is. Ends with the next reset.
    pub(crate) fn run(&mut self, board: &mut impl Board) {
        loop {
            self.hear(board);
            self.keep_link(board);
            self.look_after_sensor(board);
            self.measure(board);
            self.transmit(board);
            let alarm = ticks::at_or_after(self.next_deadline_ns());
            if board.sleep_until(alarm) == Woken::ByReset {
                return;
            }
        }
    }

    /// The earliest of what is due. A gate has no place here: whoever wants through asks it, and it answers by the clock.
    fn next_deadline_ns(&self) -> u64 {
        let send_at_ns = (self.outbox.len() > 0).then_some(self.send_at_ns);
        let others = [
            self.uplink.next_deadline_ns(),
            self.presence.next_deadline_ns(),
            // Without a link the radio's next interrupt comes first.
            send_at_ns.filter(|_| self.uplink.status(0).is_live()),
        ];
        others
            .into_iter()
            .flatten()
            .fold(self.measure_at_ns, u64::min)
    }

    /// What the radio has received. A report of an earlier link is stale, and the machine knows it by its number.
    fn hear(&mut self, board: &mut impl Board) {
        while let Some(received) = board.received() {
            let now_ns = ticks::to_ns(board.ticks());
            match received {
                Received::Joined { link } => {
                    let (link, joined) = (LinkId::from_word(link), LinkEvent::Connected);
                    let _ = self.uplink.on_event(now_ns, link, joined, &mut self.rng);
                }
                Received::Beacon { link } => {
                    let was_live = self.uplink.status(now_ns).is_live();
                    let _ = self.uplink.on_frame(now_ns, LinkId::from_word(link));
                    if !was_live && self.uplink.status(now_ns).is_live() {
                        let kept = self.outbox.len();
                        board.log(format_args!("uplink: joined, {kept} to send"));
                        self.send_at_ns = now_ns;
                    }
                }
                Received::Acknowledged { link, number } => {
                    let _ = self.uplink.on_frame(now_ns, LinkId::from_word(link));
                    if self
                        .outbox
                        .first()
                        .is_some_and(|first| first.number == number)
                    {
                        self.outbox.pop();
                        self.counts.acknowledged += 1;
                        self.resends.on_success(now_ns, self.paid.take());
                        (self.sent, self.send_at_ns) = (false, now_ns);
                    }
                }
            }
        }
    }

    fn keep_link(&mut self, board: &mut impl Board) {
        loop {
            match self.uplink.poll(ticks::to_ns(board.ticks()), &mut self.rng) {
                LinkAction::Connect { link, .. } => board.join(link.to_word()),
                LinkAction::Abandon { reason, .. } => {
                    board.leave();
                    let attempts = self.uplink.attempts(ticks::to_ns(board.ticks()));
                    board.log(format_args!("uplink: lost, {reason}; attempt {attempts}"));
                }
                _ => return,
            }
        }
    }

    fn look_after_sensor(&mut self, board: &mut impl Board) {
        loop {
            let now_ns = ticks::to_ns(board.ticks());
            let ProbeAction::Send { probe, .. } = self.presence.poll(now_ns, &mut self.rng) else {
                break;
            };
            let found = if board.is_there() {
                Probed::Passed
            } else {
                Probed::Failed
            };
            let now_ns = ticks::to_ns(board.ticks());
            let receipt = self.presence.on_report(now_ns, probe, found);
            if let Some(change) = receipt.change {
                board.log(format_args!("sensor: is {}", change.to));
            }
            if let Some(health) = receipt.health {
                tell(board, self.sensor.on_health(now_ns, health));
            }
        }
    }

    fn measure(&mut self, board: &mut impl Board) {
        let began_ns = ticks::to_ns(board.ticks());
        if began_ns < self.measure_at_ns {
            return;
        }
        self.measure_at_ns = (began_ns / PERIOD_NS + 1) * PERIOD_NS;
        let grant = match self.sensor.try_acquire(began_ns, &mut self.rng) {
            Ok(grant) => grant,
            Err(refused) => {
                self.counts.skipped += 1;
                return tell(board, refused.transitions);
            }
        };
        tell(board, grant.transitions);
        let measured = board.measure();
        let now_ns = ticks::to_ns(board.ticks());
        let (outcome, found) = match measured {
            Ok(_) => (Outcome::Success, Probed::Passed),
            Err(_) => (Outcome::Failure, Probed::Failed),
        };
        let took_ns = now_ns - began_ns;
        let receipt = self
            .sensor
            .on_outcome(now_ns, grant.permit, outcome, took_ns, &mut self.rng);
        tell(board, receipt.transitions());
        // Traffic is evidence, too: the breaker is told what became of it.
        let traffic = self.presence.on_traffic(now_ns, found);
        for change in traffic.changes() {
            board.log(format_args!("sensor: is {}", change.to));
        }
        if let Some(health) = traffic.health {
            tell(board, self.sensor.on_health(now_ns, health));
        }
        match measured {
            Ok(value) => {
                self.counts.measured += 1;
                let number = self.counts.measured;
                self.counts.lost +=
                    u32::from(self.outbox.push(Reading { number, value }).is_some());
            }
            Err(_) => self.counts.faults += 1,
        }
    }

    /// The oldest reading, until it is acknowledged. The first time is free, each further one is paid for.
    fn transmit(&mut self, board: &mut impl Board) {
        let now_ns = ticks::to_ns(board.ticks());
        let Some(reading) = self.outbox.first() else {
            return;
        };
        if now_ns < self.send_at_ns || !self.uplink.status(now_ns).is_live() {
            return;
        }
        if self.sent {
            match self.resends.try_withdraw(now_ns, RetryCause::Timeout) {
                Ok(paid) => self.paid = Some(paid),
                Err(refusal) => {
                    self.counts.held_back += 1;
                    self.send_at_ns = refusal.retry_at_ns.unwrap_or(u64::MAX);
                    return;
                }
            }
            self.counts.resent += 1;
        } else {
            self.resends.on_request(now_ns);
        }
        board.send(reading);
        (self.sent, self.send_at_ns) = (true, now_ns + ACKNOWLEDGED_WITHIN_NS);
    }

    pub(crate) fn sizes(&self) -> Sizes {
        [
            ("uplink", size_of_val(&self.uplink)),
            ("sensor", size_of_val(&self.sensor)),
            ("presence", size_of_val(&self.presence)),
            ("resends", size_of_val(&self.resends)),
            ("the node, with room for 64 readings", size_of_val(self)),
            ("the policies", size_of_val(self.policies)),
        ]
    }
}

fn tell(board: &mut impl Board, transitions: Transitions) {
    for made in transitions.iter() {
        board.log(format_args!(
            "sensor: {} -> {} ({})",
            made.from, made.to, made.cause
        ));
    }
}
