//! The network is back: one jittered try, soon.

use super::*;

#[test]
fn a_kick_tries_soon_and_jittered() {
    let reconnect = waiting(builder(Jitter::None).kick_within(secs(2)));
    assert_eq!(wait_ns(&reconnect, DAY), 30 * SECOND);
    for (word, soon_ns) in [(0, 0), (1 << 63, SECOND), (u64::MAX, 2 * SECOND)] {
        let mut rng = Word::new(word);
        let mut kicked = reconnect.clone();
        assert_eq!(kicked.kick(DAY + 5, &mut rng), Some(DAY + 5 + soon_ns));
        assert_eq!(rng.drawn, 1);
        assert_eq!(kicked.next_deadline_ns(), Some(DAY + 5 + soon_ns));
        assert_eq!(kicked.attempts(DAY + 5), 8, "a kick forgives nothing");
    }
}

#[test]
fn two_kicks_in_a_wait_are_one_and_the_next_wait_has_its_own() {
    let mut reconnect = waiting(builder(Jitter::None).kick_within(secs(2)));
    let mut rng = Word::new(u64::MAX);
    let at_ns = reconnect.kick(DAY, &mut rng).expect("sooner");
    for _ in 0..100 {
        assert_eq!(reconnect.kick(DAY, &mut Word::new(0)), None);
    }
    assert_eq!(reconnect.next_deadline_ns(), Some(at_ns));
    let link = connect(&mut reconnect, at_ns);
    report(&mut reconnect, at_ns, link, LinkEvent::Failed);
    assert!(reconnect.kick(at_ns, &mut rng).is_some());
}

#[test]
fn a_kick_never_lengthens_a_wait_and_is_used_up_all_the_same() {
    let mut reconnect = waiting(builder(Jitter::None).kick_within(secs(60)));
    assert_eq!(reconnect.kick(DAY, &mut Word::new(u64::MAX)), None);
    assert_eq!(wait_ns(&reconnect, DAY), 30 * SECOND);
    assert_eq!(
        reconnect.kick(DAY, &mut Word::new(0)),
        None,
        "no second draw"
    );
}

#[test]
fn a_kick_does_nothing_where_nothing_waits() {
    let mut rng = Word::new(0);
    let mut reconnect = machine(builder(Jitter::None));
    assert_eq!(reconnect.kick(0, &mut rng), None, "due");
    let link = connect(&mut reconnect, 0);
    assert_eq!(reconnect.kick(0, &mut rng), None, "connecting");
    report(&mut reconnect, 0, link, LinkEvent::Connected);
    assert_eq!(reconnect.kick(0, &mut rng), None, "connected");
    report(&mut reconnect, 0, link, LinkEvent::Lost);
    assert_eq!(reconnect.kick(500 * MS, &mut rng), None, "the wait is over");
    let _ = reconnect.stop(500 * MS);
    assert_eq!(reconnect.kick(500 * MS, &mut rng), None, "stopped");
    assert_eq!(rng.drawn, 0);
}

#[test]
fn a_kick_finds_the_wait_of_a_link_that_timed_out_unnoticed() {
    let mut reconnect = machine(builder(Jitter::None).kick_within(ms(100)));
    let link = connect(&mut reconnect, 0);
    let at_ns = reconnect.kick(10 * SECOND, &mut Word::new(0));
    assert_eq!(at_ns, Some(10 * SECOND));
    // The loss is still told.
    let told = reconnect.poll(10 * SECOND, &mut rng());
    assert!(matches!(told, LinkAction::Abandon { link: l, .. } if l == link));
    let _ = connect(&mut reconnect, 10 * SECOND);
}

#[test]
fn a_kick_never_undercuts_a_server() {
    let in_20_s = LinkEvent::Refused(Advice::RetryAt { at_ns: 20 * SECOND });
    // Nothing but advice: the kick has nothing to shorten.
    let mut reconnect = machine(builder(Jitter::None).kick_within(secs(2)));
    let link = connect(&mut reconnect, 0);
    report(&mut reconnect, 0, link, in_20_s);
    let mut rng = Word::new(0);
    assert_eq!(reconnect.kick(SECOND, &mut rng), None);
    assert_eq!(rng.drawn, 0);
    // Our own wait is longer: it can end where the advice does, and all that were told the same do not come together.
    let mut reconnect = waiting(builder(Jitter::None).kick_within(secs(2)));
    let link = connect(&mut reconnect, DAY + 30 * SECOND);
    let from_ns = DAY + 30 * SECOND;
    let advice = Advice::RetryAt {
        at_ns: from_ns + 20 * SECOND,
    };
    report(&mut reconnect, from_ns, link, LinkEvent::Refused(advice));
    let sooner = reconnect.kick(from_ns, &mut Word::new(1 << 63));
    assert_eq!(sooner, Some(from_ns + 21 * SECOND));
}
