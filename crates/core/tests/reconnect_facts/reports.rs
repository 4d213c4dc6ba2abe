//! Late, doubled and foreign reports, clocks that go back, the last instant.

use super::*;

#[test]
fn a_report_at_the_timeout_is_too_late() {
    let mut reconnect = machine(builder(Jitter::None));
    let link = connect(&mut reconnect, 0);
    let mut early = reconnect.clone();
    report(&mut early, 10 * SECOND - 1, link, LinkEvent::Connected);
    let late = reconnect.on_event(10 * SECOND, link, LinkEvent::Connected, &mut rng());
    assert_eq!(late, Reported::Stale);
    assert!(matches!(
        reconnect.poll(10 * SECOND, &mut rng()),
        LinkAction::Abandon { .. }
    ));
}

#[test]
fn a_frame_at_the_silence_limit_is_too_late() {
    let mut reconnect = machine(builder(Jitter::None).silence_limit(secs(45)));
    let link = live(&mut reconnect, 0);
    assert_eq!(reconnect.on_frame(45 * SECOND, link), Reported::Stale);
    assert_eq!(reconnect.status(45 * SECOND).last_heard_ns, Some(0));
}

#[test]
fn frames_of_another_link_are_no_life() {
    let mut reconnect = machine(builder(Jitter::None).silence_limit(secs(45)));
    let old = live(&mut reconnect, 0);
    report(&mut reconnect, 0, old, LinkEvent::Lost);
    let new = connect(&mut reconnect, SECOND);
    assert_eq!(
        reconnect.on_frame(SECOND, new),
        Reported::Stale,
        "not connected yet"
    );
    report(&mut reconnect, SECOND, new, LinkEvent::Connected);
    for id in [old, LinkId::from_word(0), LinkId::from_word(99)] {
        assert_eq!(reconnect.on_frame(2 * SECOND, id), Reported::Stale);
        for event in [LinkEvent::Connected, LinkEvent::Lost, LinkEvent::Failed] {
            let reported = reconnect.on_event(2 * SECOND, id, event, &mut rng());
            assert_eq!(reported, Reported::Stale);
        }
    }
    assert_eq!(reconnect.next_deadline_ns(), Some(46 * SECOND));
    assert!(!reconnect.status(2 * SECOND).is_live());
}

#[test]
fn a_doubled_loss_is_one() {
    let mut reconnect = machine(builder(Jitter::None));
    let link = live(&mut reconnect, 0);
    report(&mut reconnect, 0, link, LinkEvent::Lost);
    let again = reconnect.on_event(0, link, LinkEvent::Lost, &mut rng());
    assert_eq!(again, Reported::Stale);
    assert_eq!(reconnect.attempts(0), 1);
}

#[test]
fn time_that_runs_backwards_stands_still() {
    let mut reconnect = machine(builder(Jitter::None).silence_limit(secs(45)));
    let link = live(&mut reconnect, HOUR);
    assert_eq!(reconnect.on_frame(0, link), Reported::Counted);
    assert_eq!(reconnect.next_deadline_ns(), Some(HOUR + 45 * SECOND));
    assert_eq!(reconnect.status(0).last_heard_ns, Some(HOUR));
}

#[test]
fn the_last_instant_has_no_deadline_after_it() {
    let mut reconnect = machine(builder(Jitter::None).silence_limit(secs(45)));
    let link = connect(&mut reconnect, u64::MAX);
    assert_eq!(reconnect.next_deadline_ns(), None);
    report(&mut reconnect, u64::MAX, link, LinkEvent::Connected);
    assert_eq!(
        reconnect.poll(u64::MAX, &mut rng()),
        LinkAction::Connected {
            link,
            silent_at_ns: None
        }
    );
    report(&mut reconnect, u64::MAX, link, LinkEvent::Lost);
    let end = LinkAction::GaveUp {
        by: GaveUpBy::Exhausted(Exhausted::EndOfTime),
    };
    assert_eq!(reconnect.poll(u64::MAX, &mut rng()), end);
}
