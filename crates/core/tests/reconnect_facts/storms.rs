//! Servers that accept and drop (D27), that flap, that restart under many clients; and what counts as stable.

use super::*;

/// Links in an hour with a server that accepts, sends a frame and drops after `life_ns`.
fn links_in_an_hour(life_ns: u64, jitter: Jitter) -> u32 {
    let mut reconnect = machine(builder(jitter));
    let mut rng = rng();
    let (mut now_ns, mut links) = (0, 0);
    while now_ns < HOUR {
        let LinkAction::Connect { link, .. } = reconnect.poll(now_ns, &mut rng) else {
            panic!("a try is due");
        };
        links += 1;
        let _ = reconnect.on_event(now_ns, link, LinkEvent::Connected, &mut rng);
        let _ = reconnect.on_frame(now_ns, link);
        now_ns += life_ns;
        let _ = reconnect.on_event(now_ns, link, LinkEvent::Lost, &mut rng);
        now_ns = reconnect.next_deadline_ns().expect("for ever");
    }
    links
}

#[test]
fn accept_and_drop_is_no_hot_loop() {
    // The first, six after waits below the cap (31.5 s together), then one every 30 s.
    assert_eq!(links_in_an_hour(0, Jitter::None), 1 + 6 + 118);
    assert!(links_in_an_hour(0, Jitter::Full) < 300);
}

#[test]
fn a_server_that_drops_stable_links_gets_no_more_tries_than_one_that_refuses() {
    let refused = links_in_an_hour(0, Jitter::None);
    let just_stable = links_in_an_hour(30 * SECOND, Jitter::None);
    assert!(just_stable <= refused, "{just_stable} and {refused}");
    let refused = links_in_an_hour(0, Jitter::Full);
    let just_stable = links_in_an_hour(30 * SECOND, Jitter::Full);
    assert!(just_stable <= refused, "{just_stable} and {refused}");
}

#[test]
fn a_server_that_never_answers_stays_at_the_cap() {
    let mut reconnect = machine(builder(Jitter::None));
    let mut now_ns = 0;
    for attempt in 1..=200 {
        let _ = connect(&mut reconnect, now_ns);
        now_ns = reconnect.next_deadline_ns().expect("the timeout");
        let abandoned = reconnect.poll(now_ns, &mut rng());
        assert!(matches!(abandoned, LinkAction::Abandon { .. }));
        if attempt >= 7 {
            assert_eq!(wait_ns(&reconnect, now_ns), 30 * SECOND, "{attempt}");
        }
        now_ns += wait_ns(&reconnect, now_ns);
    }
}

#[test]
fn a_thousand_clients_of_a_restarted_server_do_not_come_back_together() {
    let mut rng = rng();
    let mut per_ms = [0; 501];
    for _ in 0..1000 {
        let mut reconnect = machine(builder(Jitter::Full));
        let LinkAction::Connect { link, .. } = reconnect.poll(0, &mut rng) else {
            panic!("a try is due");
        };
        let _ = reconnect.on_event(0, link, LinkEvent::Connected, &mut rng);
        let _ = reconnect.on_frame(HOUR, link);
        // All of their links, stable for an hour, are lost at one instant.
        report(&mut reconnect, HOUR, link, LinkEvent::Lost);
        let wait_ms = wait_ns(&reconnect, HOUR) / MS;
        per_ms[usize::try_from(wait_ms).expect("at most 500")] += 1;
    }
    assert!(per_ms.iter().max() < Some(&20), "{per_ms:?}");
}

#[test]
fn stable_is_judged_to_the_nanosecond() {
    for (life_ns, attempts) in [(30 * SECOND - 1, 2), (30 * SECOND, 1)] {
        let mut reconnect = machine(builder(Jitter::None).stable_after(secs(30)));
        let link = connect(&mut reconnect, 0);
        report(&mut reconnect, 0, link, LinkEvent::Failed);
        let link = live(&mut reconnect, SECOND);
        report(&mut reconnect, SECOND + life_ns, link, LinkEvent::Lost);
        assert_eq!(reconnect.attempts(SECOND + life_ns), attempts);
    }
}

#[test]
fn stable_counts_from_connected_not_from_the_try() {
    let mut reconnect = machine(builder(Jitter::None).stable_after(secs(30)));
    let link = connect(&mut reconnect, 0);
    report(&mut reconnect, 0, link, LinkEvent::Failed);
    let link = connect(&mut reconnect, SECOND);
    report(&mut reconnect, 10 * SECOND, link, LinkEvent::Connected);
    let _ = reconnect.on_frame(11 * SECOND, link);
    report(&mut reconnect, 35 * SECOND, link, LinkEvent::Lost);
    assert_eq!(reconnect.attempts(35 * SECOND), 2);
}

#[test]
fn a_silent_link_is_judged_at_its_deadline_however_late_that_is_noticed() {
    let stable = builder(Jitter::None).stable_after(secs(60));
    for late_ns in [0, 1, DAY] {
        let mut reconnect = machine(stable.silence_limit(secs(45)));
        let _ = live(&mut reconnect, 0);
        let now_ns = 45 * SECOND + late_ns;
        assert_eq!(reconnect.attempts(now_ns), 1);
        let _ = reconnect.poll(now_ns, &mut rng());
        // Not stable: it lived 45 s, not until the poll.
        let link = connect(&mut reconnect, 2 * DAY);
        report(&mut reconnect, 2 * DAY, link, LinkEvent::Failed);
        assert_eq!(reconnect.attempts(2 * DAY), 2);
    }
}

#[test]
fn the_wait_counts_from_the_deadline_also_when_polled_late() {
    let mut reconnect = machine(builder(Jitter::None));
    let _ = connect(&mut reconnect, 0);
    let late_ns = 10_200 * MS;
    let _ = reconnect.poll(late_ns, &mut rng());
    let expected = LinkAction::WaitUntil { at_ns: 10_500 * MS };
    assert_eq!(reconnect.poll(late_ns, &mut rng()), expected);
}

#[test]
fn ten_idle_years_are_one_step() {
    let mut reconnect = machine(builder(Jitter::Full).silence_limit(secs(45)));
    let link = live(&mut reconnect, 0);
    let later_ns = 3650 * DAY;
    let mut rng = Word::new(u64::MAX);
    let abandon = reconnect.poll(later_ns, &mut rng);
    assert!(
        matches!(abandon, LinkAction::Abandon { link: l, at_ns, .. } if l == link && at_ns == 45 * SECOND)
    );
    let connect = reconnect.poll(later_ns, &mut rng);
    assert!(matches!(connect, LinkAction::Connect { .. }));
    assert_eq!(reconnect.next_deadline_ns(), Some(later_ns + 10 * SECOND));
}
