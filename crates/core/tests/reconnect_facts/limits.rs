//! Limits, commands, and the random words.

use super::*;

#[test]
fn it_gives_up_after_max_retries_and_a_stable_link_gives_them_back() {
    let backoff = o4(Jitter::None).max_retries(2);
    let mut reconnect = machine(ReconnectPolicy::builder(backoff, secs(10)));
    let mut now_ns = 0;
    for _ in 0..2 {
        let link = connect(&mut reconnect, now_ns);
        report(&mut reconnect, now_ns, link, LinkEvent::Failed);
        now_ns += wait_ns(&reconnect, now_ns);
    }
    let mut stable = reconnect.clone();
    let link = live(&mut stable, now_ns);
    report(&mut stable, now_ns + HOUR, link, LinkEvent::Lost);
    assert_eq!(stable.attempts(now_ns + HOUR), 1);

    let link = connect(&mut reconnect, now_ns);
    report(&mut reconnect, now_ns, link, LinkEvent::Failed);
    let gave_up = LinkAction::GaveUp {
        by: GaveUpBy::Exhausted(Exhausted::Retries),
    };
    assert_eq!(reconnect.poll(now_ns, &mut rng()), gave_up);
    assert!(reconnect.start(now_ns));
    assert_eq!(reconnect.attempts(now_ns), 0);
}

#[test]
fn it_gives_up_where_the_waits_would_pass_their_total() {
    let backoff = o4(Jitter::None).max_total_wait(secs(3));
    let mut reconnect = machine(ReconnectPolicy::builder(backoff, secs(10)));
    let mut now_ns = 0;
    let mut links = 0;
    while let LinkAction::Connect { link, .. } = reconnect.poll(now_ns, &mut rng()) {
        links += 1;
        report(&mut reconnect, now_ns, link, LinkEvent::Failed);
        now_ns = reconnect.next_deadline_ns().unwrap_or(now_ns);
    }
    // 500 + 1000 fit, 2000 more do not.
    assert_eq!(links, 3);
    let gave_up = GaveUpBy::Exhausted(Exhausted::TotalWait);
    assert_eq!(
        reconnect.status(now_ns).phase,
        LinkPhase::GaveUp { by: gave_up }
    );
}

#[test]
fn giving_up_by_a_timeout_still_tells_of_the_link() {
    let backoff = o4(Jitter::None).max_retries(0);
    let mut reconnect = machine(ReconnectPolicy::builder(backoff, secs(10)));
    let link = connect(&mut reconnect, 0);
    assert_eq!(reconnect.next_deadline_ns(), Some(10 * SECOND));
    // Started again before anybody was told: the old link first, then the new one.
    assert!(reconnect.start(11 * SECOND));
    let told = reconnect.poll(11 * SECOND, &mut rng());
    assert!(matches!(told, LinkAction::Abandon { link: l, .. } if l == link));
    let _ = connect(&mut reconnect, 11 * SECOND);
}

#[test]
fn stop_says_which_link_to_close_also_when_its_loss_was_never_told() {
    let mut reconnect = machine(builder(Jitter::None));
    let link = connect(&mut reconnect, 0);
    let mut told = reconnect.clone();
    let _ = told.poll(10 * SECOND, &mut rng());
    assert_eq!(told.stop(10 * SECOND), None);
    assert_eq!(reconnect.stop(10 * SECOND), Some(link));
    assert_eq!(reconnect.poll(10 * SECOND, &mut rng()), LinkAction::Stopped);
}

#[test]
fn start_is_fresh_and_does_nothing_to_one_that_runs() {
    let mut reconnect = waiting(builder(Jitter::None));
    assert!(!reconnect.start(DAY));
    assert_eq!(wait_ns(&reconnect, DAY), 30 * SECOND);
    let _ = reconnect.stop(DAY);
    assert!(reconnect.start(DAY));
    let link = connect(&mut reconnect, DAY);
    report(&mut reconnect, DAY, link, LinkEvent::Failed);
    assert_eq!(wait_ns(&reconnect, DAY), 500 * MS);
}

#[test]
fn one_word_a_link_and_none_without_jitter() {
    for (jitter, words) in [(Jitter::Full, 3), (Jitter::None, 0)] {
        let mut reconnect = machine(builder(jitter).silence_limit(secs(45)));
        let mut rng = Word::new(1 << 63);
        let mut now_ns = 0;
        for _ in 0..3 {
            let LinkAction::Connect { link, .. } = reconnect.poll(now_ns, &mut rng) else {
                panic!("a try is due");
            };
            let _ = reconnect.on_event(now_ns, link, LinkEvent::Connected, &mut rng);
            let _ = reconnect.on_frame(now_ns, link);
            now_ns += HOUR;
            let _ = reconnect.poll(now_ns, &mut rng);
        }
        assert_eq!(rng.drawn, words);
    }
}

#[test]
fn advice_draws_a_word_only_for_its_spread() {
    for (spread, words) in [(0, 0), (10, 1)] {
        let spread = Ratio::percent(spread);
        let mut reconnect = machine(builder(Jitter::None).advisory_spread(spread));
        let mut rng = Word::new(u64::MAX);
        let link = connect(&mut reconnect, 0);
        let advice = Advice::RetryAt { at_ns: 20 * SECOND };
        let _ = reconnect.on_event(0, link, LinkEvent::Refused(advice), &mut rng);
        assert_eq!(rng.drawn, words);
        assert_eq!(
            wait_ns(&reconnect, 0),
            20 * SECOND + 2 * SECOND * u64::from(words)
        );
    }
}
