//! Random calls of a reconnect.

use core::time::Duration;

use evenkeel_core::Ratio;
use evenkeel_core::advice::{Advice, AdvisoryRule};
use evenkeel_core::backoff::{BackoffPolicy, Jitter};
use evenkeel_core::reconnect::{
    LinkAction, LinkEvent, LinkId, LinkPhase, Reconnect, ReconnectPolicy,
};

use super::{Answer, Op};
use crate::generate::{Generate, Pick};

const fn ns(ns: u64) -> Duration {
    Duration::from_nanos(ns)
}

fn event(pick: &mut Pick, now_ns: u64) -> LinkEvent {
    match pick.below(12) {
        0..=5 => LinkEvent::Connected,
        6 | 7 => LinkEvent::Failed,
        8 | 9 => LinkEvent::Lost,
        10 if pick.one_in(3) => LinkEvent::Refused(Advice::Stop),
        _ => LinkEvent::Refused(Advice::RetryAt {
            at_ns: pick.instant(now_ns),
        }),
    }
}

impl Generate for Reconnect {
    const POLICIES: usize = 5;

    fn sample_policy(number: usize) -> Option<(&'static str, ReconnectPolicy)> {
        let plain = BackoffPolicy::builder(ns(100)).jitter(Jitter::None);
        let full = BackoffPolicy::builder(ns(100)).cap(ns(2_000));
        let longest = BackoffPolicy::builder(ns(1 << 62)).jitter(Jitter::Equal);
        let of = |backoff, timeout| ReconnectPolicy::builder(backoff, ns(timeout));
        let (name, builder) = match number {
            0 => ("plain", of(plain, 50).stable_after(ns(120))),
            1 => (
                "silence, jitter, spread advice",
                of(full, 70)
                    .stable_after(ns(200))
                    .silence_limit(ns(90))
                    .kick_within(ns(30))
                    .advisory_spread(Ratio::percent(30)),
            ),
            2 => (
                "gives up, exact advice",
                of(full.max_retries(3), 70)
                    .silence_limit(ns(40))
                    .stable_after(ns(60))
                    .advisory_rule(AdvisoryRule::Exact),
            ),
            3 => (
                "decorrelated, 3000 ns in all",
                of(
                    full.jitter(Jitter::Decorrelated).max_total_wait(ns(3_000)),
                    1,
                )
                .advisory_rule(AdvisoryRule::Within(ns(400)))
                .advisory_cap(ns(1_000)),
            ),
            4 => (
                "the longest",
                of(longest, 1 << 62)
                    .silence_limit(ns(1 << 62))
                    .stable_after(ns(1 << 62)),
            ),
            _ => return None,
        };
        Some((name, builder.build().ok()?))
    }

    fn spans_ns(policy: &ReconnectPolicy) -> [u64; 5] {
        let base = policy.backoff().base();
        let spans = [
            policy.connect_timeout(),
            policy.stable_after(),
            policy.kick_within(),
            base,
            policy.silence_limit().unwrap_or(base),
        ];
        spans.map(|span| span.as_nanos() as u64)
    }

    fn call(_: &ReconnectPolicy, pick: &mut Pick, now_ns: u64, ids: &[LinkId]) -> Op {
        match (pick.below(40), pick.recent(ids)) {
            (0..=14, _) => Op::Poll,
            (15..=17, _) => Op::Kick,
            (18, _) => Op::Stop,
            (19 | 20, _) => Op::Start,
            (21..=27, Some(link)) => Op::OnFrame { link },
            (_, Some(link)) => Op::OnEvent {
                link,
                event: event(pick, now_ns),
            },
            (_, None) => Op::Poll,
        }
    }

    fn query(_: &ReconnectPolicy, pick: &mut Pick) -> Option<Op> {
        Some(pick.of(&[Op::Status, Op::Attempts]))
    }

    fn report(link: LinkId, pick: &mut Pick) -> Option<Op> {
        Some(match pick.below(3) {
            0 => Op::OnFrame { link },
            _ => Op::OnEvent {
                link,
                event: event(pick, 0),
            },
        })
    }

    fn foreign(pick: &mut Pick, given: &[LinkId]) -> Option<LinkId> {
        let last = given.last().map_or(0, |link| link.to_word());
        let next = last.wrapping_add(1);
        let all = [0, next, next.wrapping_add(1), u64::MAX];
        Some(LinkId::from_word(pick.of(&all)))
    }

    fn instants(answer: &Answer, show: &mut dyn FnMut(u64)) {
        let [one, other] = match *answer {
            Answer::Action(action) => [instant_of(action), None],
            Answer::Kicked(at_ns) => [at_ns, None],
            Answer::Status(status) => {
                let phase_ns = match status.phase {
                    LinkPhase::Waiting { until_ns } => Some(until_ns),
                    LinkPhase::Connecting { timeout_at_ns, .. } => timeout_at_ns,
                    _ => None,
                };
                [phase_ns, status.last_heard_ns]
            }
            _ => [None; 2],
        };
        one.into_iter().chain(other).for_each(show);
    }
}

const fn instant_of(action: LinkAction) -> Option<u64> {
    match action {
        LinkAction::Connect { timeout_at_ns, .. }
        | LinkAction::Connecting { timeout_at_ns, .. } => timeout_at_ns,
        LinkAction::Connected { silent_at_ns, .. } => silent_at_ns,
        LinkAction::Abandon { at_ns, .. } | LinkAction::WaitUntil { at_ns } => Some(at_ns),
        _ => None,
    }
}
