//! Reconnect as DESIGN section 4 and the module's page say it, worked out anew from the whole history at every
//! question, in 128 bits: every link with all that was reported about it is kept.

use evenkeel_core::advice::{Advice, AdvisoryRule};
use evenkeel_core::backoff::{Exhausted, Growth, Jitter};
use evenkeel_core::reconnect::{
    GaveUpBy, LinkAction, LinkEvent, LinkId, LinkPhase, LinkStatus, LostBy, Reconnect,
    ReconnectPolicy,
};
use evenkeel_core::{Ratio, Reported};

const LONGEST: u128 = 1 << 62;

#[derive(Clone, Copy, Debug)]
enum Ending {
    Gone,
    Advised { at_ns: u64, word: u64 },
    Forbidden,
    Commanded,
}

#[derive(Clone, Debug)]
struct Link {
    since_ns: u64,
    word: u64,
    connected_ns: Option<u64>,
    frames: Vec<u64>,
    ending: Option<(u64, Ending)>,
    kick: Option<(u64, u64)>,
    told: bool,
}

/// What became of the newest link, or that there is none.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Standing {
    Due,
    Waiting { until_ns: u64, floor_ns: u64 },
    Connecting,
    Connected,
    GaveUp(GaveUpBy),
    Stopped,
}

#[derive(Clone, Debug)]
pub(crate) struct Naive {
    pub(crate) policy: ReconnectPolicy,
    pub(crate) latest_ns: u64,
    links: Vec<Link>,
    /// Links before this were before the last start.
    epoch: usize,
    stopped: bool,
}

/// A call and what it was given.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    Poll,
    Event(LinkId, LinkEvent),
    Frame(LinkId),
    Kick,
    Stop,
    Start,
}

/// All that a call returned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Answer {
    Action(LinkAction),
    Reported(Reported),
    Sooner(Option<u64>),
    Close(Option<LinkId>),
    Started(bool),
}

fn ns(span: core::time::Duration) -> u128 {
    span.as_nanos()
}

fn part(ratio: Ratio, of: u128) -> u128 {
    of * u128::from(ratio.numerator()) / u128::from(ratio.denominator())
}

fn scaled(word: u64, n: u128) -> u128 {
    (u128::from(word) * n) >> 64
}

fn instant(at: u128) -> Option<u64> {
    u64::try_from(at).ok()
}

impl Naive {
    pub(crate) fn new(policy: ReconnectPolicy) -> Self {
        Self {
            policy,
            latest_ns: 0,
            links: Vec::new(),
            epoch: 0,
            stopped: false,
        }
    }

    pub(crate) fn newest(&self) -> LinkId {
        LinkId::from_word(self.links.len() as u64)
    }

    fn cap(&self) -> u128 {
        self.policy.backoff().cap().map_or(LONGEST, ns)
    }

    fn ceiling(&self, attempt: usize) -> u128 {
        let mut ceiling = ns(self.policy.backoff().base()).min(self.cap());
        for _ in 1..attempt {
            let next = match self.policy.backoff().growth() {
                Growth::Constant => ceiling,
                Growth::Linear { step } => ceiling + ns(step),
                Growth::Exponential { factor } => part(factor, ceiling),
                other => panic!("a growth without a model: {other:?}"),
            };
            ceiling = next.min(self.cap());
        }
        ceiling
    }

    fn own(&self, word: u64, waits: &[(u128, u128)]) -> u128 {
        let c = self.ceiling(waits.len() + 1);
        match self.policy.backoff().jitter() {
            Jitter::None => c,
            Jitter::Full => scaled(word, c + 1),
            Jitter::Equal => c / 2 + scaled(word, c - c / 2 + 1),
            Jitter::Spread(r) => {
                let d = part(r, c);
                let high = match self.policy.backoff().cap() {
                    Some(cap) => (c + d).min(ns(cap)),
                    None => c + d,
                };
                (c - d) + scaled(word, high - (c - d) + 1)
            }
            Jitter::Decorrelated => {
                let base = ns(self.policy.backoff().base());
                let s = waits.last().map_or(0, |wait| wait.0);
                let s = s.max(base.min(self.cap()));
                (base + scaled(word, (3 * s).saturating_sub(base) + 1)).min(self.cap())
            }
            other => panic!("a jitter without a model: {other:?}"),
        }
    }

    /// The wait after a link that ended at `end` with the advice `at`.
    fn advised(&self, end: u64, at: u64, word: u64, own: u128) -> u128 {
        let a = u128::from(at.saturating_sub(end)).min(ns(self.policy.advisory_cap()));
        let wait = match self.policy.advisory_rule() {
            AdvisoryRule::AtLeast => own.max(a),
            AdvisoryRule::Exact => a,
            AdvisoryRule::Within(extra) => a.clamp(own, own + ns(extra)),
            other => panic!("a rule without a model: {other:?}"),
        };
        let spread = self.policy.advisory_spread();
        let room = part(spread, wait);
        (wait + scaled(word, room + 1)).min(u128::from(u64::MAX))
    }

    /// When the clock ends a link of which nothing more is heard.
    fn deadline(&self, link: &Link) -> Option<(u64, LostBy)> {
        let (from, span, reason) = match link.connected_ns {
            None => (
                link.since_ns,
                self.policy.connect_timeout(),
                LostBy::ConnectTimeout,
            ),
            Some(at) => {
                let heard = link.frames.last().copied().unwrap_or(at);
                (heard, self.policy.silence_limit()?, LostBy::Silent)
            }
        };
        Some((instant(u128::from(from) + ns(span))?, reason))
    }

    /// How and when a link ended, as of `now`.
    fn end(&self, link: &Link, now: u64) -> Option<(u64, Ending, Option<LostBy>)> {
        if let Some((at, ending)) = link.ending {
            return Some((at, ending, None));
        }
        let (at, reason) = self.deadline(link)?;
        (now >= at).then_some((at, Ending::Gone, Some(reason)))
    }

    fn is_stable(&self, link: &Link, now: u64) -> bool {
        link.connected_ns.is_some_and(|at| {
            !link.frames.is_empty() && u128::from(now - at) >= ns(self.policy.stable_after())
        })
    }

    /// Goes through all links since the last start: what the newest is doing, and the waits that count.
    fn replay(&self, now: u64) -> (Standing, usize) {
        let mut waits: Vec<(u128, u128)> = Vec::new();
        let mut standing = Standing::Due;
        for link in &self.links[self.epoch..] {
            let Some((end, ending, _)) = self.end(link, now) else {
                standing = match link.connected_ns {
                    None => Standing::Connecting,
                    Some(_) => Standing::Connected,
                };
                continue;
            };
            if self.is_stable(link, end) {
                waits.clear();
            }
            standing = match self.wait(link, end, ending, &waits) {
                Err(by) => Standing::GaveUp(by),
                Ok((until_ns, floor_ns, wait)) => {
                    waits.push(wait);
                    Standing::Waiting { until_ns, floor_ns }
                }
            };
        }
        if self.stopped {
            return (Standing::Stopped, 0);
        }
        (standing, waits.len())
    }

    fn wait(
        &self,
        link: &Link,
        end: u64,
        ending: Ending,
        waits: &[(u128, u128)],
    ) -> Result<(u64, u64, (u128, u128)), GaveUpBy> {
        let backoff = self.policy.backoff();
        if matches!(ending, Ending::Forbidden) {
            return Err(GaveUpBy::Advised);
        }
        if backoff
            .max_retries()
            .is_some_and(|max| waits.len() >= max as usize)
        {
            return Err(GaveUpBy::Exhausted(Exhausted::Retries));
        }
        let own = self.own(link.word, waits);
        let (delay, floor) = match ending {
            Ending::Advised { at_ns, word } => {
                let a = u128::from(at_ns.saturating_sub(end)).min(ns(self.policy.advisory_cap()));
                (self.advised(end, at_ns, word, own), u128::from(end) + a)
            }
            _ => (own, u128::from(end)),
        };
        let total: u128 = waits.iter().map(|wait| wait.1).sum();
        if backoff
            .max_total_wait()
            .is_some_and(|max| total + delay > ns(max))
        {
            return Err(GaveUpBy::Exhausted(Exhausted::TotalWait));
        }
        let until =
            instant(u128::from(end) + delay).ok_or(GaveUpBy::Exhausted(Exhausted::EndOfTime))?;
        let floor = floor.min(until.into());
        let until = match link.kick {
            None => until,
            Some((at, word)) => {
                let soon = floor.max(at.into()) + scaled(word, ns(self.policy.kick_within()) + 1);
                u64::try_from(soon.min(until.into())).expect("not later")
            }
        };
        let floor = u64::try_from(floor).expect("not later than the end");
        Ok((until, floor, (own, delay)))
    }

    /// The newest link was ended by the clock and nobody has been told.
    fn untold(&self, now: u64) -> Option<(LinkId, LostBy, u64)> {
        let link = self.links.last().filter(|link| !link.told)?;
        match self.end(link, now)? {
            (at, _, Some(reason)) => Some((self.newest(), reason, at)),
            _ => None,
        }
    }

    /// The answer, and the words that it takes: `word` is what each of them is.
    pub(crate) fn apply(&mut self, now: u64, op: Op, word: u64) -> (Answer, u32) {
        let now = now.max(self.latest_ns);
        self.latest_ns = now;
        let (standing, _) = self.replay(now);
        match op {
            Op::Poll => self.poll(now, standing, word),
            Op::Event(link, event) => self.event(now, standing, link, event, word),
            Op::Frame(link) => {
                if link != self.newest() || standing != Standing::Connected {
                    return (Answer::Reported(Reported::Stale), 0);
                }
                self.links.last_mut().expect("a link").frames.push(now);
                (Answer::Reported(Reported::Counted), 0)
            }
            Op::Kick => self.kick(now, standing, word),
            Op::Stop => {
                let stands = matches!(standing, Standing::Connecting | Standing::Connected);
                let close = (stands || self.untold(now).is_some()).then(|| self.newest());
                self.stopped = true;
                if let Some(link) = self.links.last_mut() {
                    link.told = true;
                    if stands {
                        link.ending = Some((now, Ending::Commanded));
                    }
                }
                (Answer::Close(close), 0)
            }
            Op::Start => {
                let rests = matches!(standing, Standing::Stopped | Standing::GaveUp(_));
                if rests {
                    self.stopped = false;
                    self.epoch = self.links.len();
                }
                (Answer::Started(rests), 0)
            }
        }
    }

    fn poll(&mut self, now: u64, standing: Standing, word: u64) -> (Answer, u32) {
        if let Some((link, reason, at_ns)) = self.untold(now) {
            self.links.last_mut().expect("a link").told = true;
            let abandon = LinkAction::Abandon {
                link,
                reason,
                at_ns,
            };
            return (Answer::Action(abandon), 0);
        }
        let over = match standing {
            Standing::Due => true,
            Standing::Waiting { until_ns, .. } => now >= until_ns,
            _ => false,
        };
        if over {
            let draws = self.policy.backoff().jitter() != Jitter::None;
            self.links.push(Link {
                since_ns: now,
                word,
                connected_ns: None,
                frames: Vec::new(),
                ending: None,
                kick: None,
                told: false,
            });
            let connect = LinkAction::Connect {
                link: self.newest(),
                timeout_at_ns: self.links.last().and_then(|l| Some(self.deadline(l)?.0)),
            };
            return (Answer::Action(connect), u32::from(draws));
        }
        let link = self.newest();
        let ends_at_ns = || self.deadline(self.links.last()?).map(|end| end.0);
        let action = match standing {
            Standing::Due => unreachable!("over"),
            Standing::Waiting { until_ns, .. } => LinkAction::WaitUntil { at_ns: until_ns },
            Standing::Connecting => LinkAction::Connecting {
                link,
                timeout_at_ns: ends_at_ns(),
            },
            Standing::Connected => LinkAction::Connected {
                link,
                silent_at_ns: ends_at_ns(),
            },
            Standing::GaveUp(by) => LinkAction::GaveUp { by },
            Standing::Stopped => LinkAction::Stopped,
        };
        (Answer::Action(action), 0)
    }

    fn event(
        &mut self,
        now: u64,
        standing: Standing,
        link: LinkId,
        event: LinkEvent,
        word: u64,
    ) -> (Answer, u32) {
        let stands = matches!(standing, Standing::Connecting | Standing::Connected);
        let doubled = standing == Standing::Connected && event == LinkEvent::Connected;
        if !stands || doubled || link != self.newest() {
            return (Answer::Reported(Reported::Stale), 0);
        }
        let mut words = 0;
        let link = self.links.last_mut().expect("a link");
        match event {
            LinkEvent::Connected => link.connected_ns = Some(now),
            LinkEvent::Refused(Advice::Stop) => link.ending = Some((now, Ending::Forbidden)),
            LinkEvent::Refused(Advice::RetryAt { at_ns }) => {
                link.ending = Some((now, Ending::Advised { at_ns, word }));
                let by_retries =
                    Standing::GaveUp(GaveUpBy::Exhausted(Exhausted::Retries)) == self.replay(now).0;
                let spreads = self.policy.advisory_spread() != Ratio::ZERO;
                words = u32::from(spreads && !by_retries);
            }
            _ => link.ending = Some((now, Ending::Gone)),
        }
        (Answer::Reported(Reported::Counted), words)
    }

    fn kick(&mut self, now: u64, standing: Standing, word: u64) -> (Answer, u32) {
        let Standing::Waiting { until_ns, floor_ns } = standing else {
            return (Answer::Sooner(None), 0);
        };
        let link = self.links.last_mut().expect("a wait follows a link");
        if link.kick.is_some() || now.max(floor_ns) >= until_ns {
            return (Answer::Sooner(None), 0);
        }
        link.kick = Some((now, word));
        let Standing::Waiting {
            until_ns: sooner, ..
        } = self.replay(now).0
        else {
            unreachable!("a kick ends no wait");
        };
        (Answer::Sooner((sooner < until_ns).then_some(sooner)), 1)
    }

    pub(crate) fn next_deadline_ns(&self) -> Option<u64> {
        if self.untold(self.latest_ns).is_some() {
            return Some(self.latest_ns);
        }
        match self.replay(self.latest_ns).0 {
            Standing::Due => Some(self.latest_ns),
            Standing::Waiting { until_ns, .. } => Some(until_ns),
            Standing::Connecting | Standing::Connected => {
                self.deadline(self.links.last()?).map(|end| end.0)
            }
            _ => None,
        }
    }

    pub(crate) fn status(&self, now: u64) -> LinkStatus {
        let now = now.max(self.latest_ns);
        let link = self.newest();
        let (standing, waits) = self.replay(now);
        let stable = standing == Standing::Connected
            && self
                .links
                .last()
                .is_some_and(|link| self.is_stable(link, now));
        let phase = match standing {
            Standing::Waiting { until_ns, .. } if now < until_ns => LinkPhase::Waiting { until_ns },
            Standing::Due | Standing::Waiting { .. } => LinkPhase::Due,
            Standing::Connecting => LinkPhase::Connecting {
                link,
                timeout_at_ns: self.links.last().and_then(|l| Some(self.deadline(l)?.0)),
            },
            Standing::Connected => LinkPhase::Connected {
                link,
                confirmed: self.links.last().is_some_and(|l| !l.frames.is_empty()),
                stable,
            },
            Standing::GaveUp(by) => LinkPhase::GaveUp { by },
            Standing::Stopped => LinkPhase::Stopped,
        };
        // Only a machine makes a status: any one's, with these fields.
        let mut status = Reconnect::new(self.policy).status(0);
        status.phase = phase;
        status.attempt = if stable { 0 } else { waits as u32 };
        let frames = self.links.iter().rev().map(|l| l.frames.last());
        status.last_heard_ns = frames.flatten().next().copied();
        status
    }
}
