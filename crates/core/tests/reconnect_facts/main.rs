//! What users of a reconnecting link rely on: the rows of ORIGINS O4, the bugs of peers, and the text of DESIGN.

mod advice;
mod kicks;
mod limits;
mod o4;
mod policy;
mod reports;
mod storms;
#[path = "../common/word.rs"]
mod word;

use core::time::Duration;

use evenkeel_core::advice::{Advice, AdvisoryRule};
use evenkeel_core::backoff::{BackoffBuilder, BackoffPolicy, Exhausted, Jitter};
use evenkeel_core::reconnect::{
    GaveUpBy, LinkAction, LinkEvent, LinkId, LinkPhase, LostBy, Reconnect, ReconnectBuilder,
    ReconnectPolicy, ReconnectState,
};
use evenkeel_core::{Ratio, Reported};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;
use word::Word;

const MS: u64 = 1_000_000;
const SECOND: u64 = 1000 * MS;
const HOUR: u64 = 3600 * SECOND;
const DAY: u64 = 24 * HOUR;

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn rng() -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(5)
}

/// O4: initial 500 ms, cap 30 s, multiplier 2.
fn o4(jitter: Jitter) -> BackoffBuilder {
    BackoffPolicy::builder(ms(500)).cap(secs(30)).jitter(jitter)
}

fn builder(jitter: Jitter) -> ReconnectBuilder {
    ReconnectPolicy::builder(o4(jitter), secs(10))
}

fn machine(builder: ReconnectBuilder) -> Reconnect {
    Reconnect::new(builder.build().expect("a policy"))
}

fn connect(reconnect: &mut Reconnect, now_ns: u64) -> LinkId {
    match reconnect.poll(now_ns, &mut rng()) {
        LinkAction::Connect { link, .. } => link,
        other => panic!("{other:?} at {now_ns}"),
    }
}

fn report(reconnect: &mut Reconnect, now_ns: u64, link: LinkId, event: LinkEvent) {
    let reported = reconnect.on_event(now_ns, link, event, &mut rng());
    assert_eq!(reported, Reported::Counted, "{event} at {now_ns}");
}

/// A link that stands and has brought a frame, both at `now_ns`.
fn live(reconnect: &mut Reconnect, now_ns: u64) -> LinkId {
    let link = connect(reconnect, now_ns);
    report(reconnect, now_ns, link, LinkEvent::Connected);
    assert_eq!(reconnect.on_frame(now_ns, link), Reported::Counted);
    link
}

/// How long until the next try.
fn wait_ns(reconnect: &Reconnect, now_ns: u64) -> u64 {
    match reconnect.status(now_ns).phase {
        LinkPhase::Waiting { until_ns } => until_ns - now_ns,
        other => panic!("{other:?}"),
    }
}

/// In the eighth wait, of 30 s, which began after a day.
fn waiting(builder: ReconnectBuilder) -> Reconnect {
    let mut reconnect = machine(builder);
    let mut now_ns = 0;
    for _ in 0..7 {
        let link = connect(&mut reconnect, now_ns);
        report(&mut reconnect, now_ns, link, LinkEvent::Failed);
        now_ns = reconnect.next_deadline_ns().expect("a wait");
    }
    let link = connect(&mut reconnect, DAY);
    report(&mut reconnect, DAY, link, LinkEvent::Failed);
    reconnect
}
