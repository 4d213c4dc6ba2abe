//! ORIGINS O4, the reconnecting subscriber: each row a test.

use super::*;

#[test]
fn o4_the_waits_are_500_1000_2000_4000_8000_16000_30000_30000_ms() {
    let mut reconnect = machine(builder(Jitter::None));
    let mut now_ns = 7 * SECOND;
    let mut waits = Vec::new();
    for _ in 0..8 {
        let link = connect(&mut reconnect, now_ns);
        report(&mut reconnect, now_ns, link, LinkEvent::Failed);
        waits.push(wait_ns(&reconnect, now_ns) / MS);
        now_ns += wait_ns(&reconnect, now_ns);
    }
    assert_eq!(waits, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
    let backoff = reconnect.policy().backoff();
    assert_eq!(backoff.ceiling(1_000_000), secs(30));
}

#[test]
fn o4_multiplier_1_stays_at_the_initial_wait() {
    let backoff = o4(Jitter::None).growth(evenkeel_core::backoff::Growth::Constant);
    let mut reconnect = machine(ReconnectPolicy::builder(backoff, secs(10)));
    let mut now_ns = 0;
    for _ in 0..5 {
        let link = connect(&mut reconnect, now_ns);
        report(&mut reconnect, now_ns, link, LinkEvent::Failed);
        assert_eq!(wait_ns(&reconnect, now_ns), 500 * MS);
        now_ns += 500 * MS;
    }
}

#[test]
fn o4_the_attempt_resets_only_after_a_frame() {
    for (frames, attempts) in [(0, 2), (1, 1)] {
        let mut reconnect = machine(builder(Jitter::None));
        let link = connect(&mut reconnect, 0);
        report(&mut reconnect, 0, link, LinkEvent::Failed);
        let link = connect(&mut reconnect, SECOND);
        report(&mut reconnect, SECOND, link, LinkEvent::Connected);
        for _ in 0..frames {
            let _ = reconnect.on_frame(2 * SECOND, link);
        }
        report(&mut reconnect, DAY, link, LinkEvent::Lost);
        assert_eq!(reconnect.attempts(DAY), attempts);
    }
}

#[test]
fn o4_a_read_error_after_a_day_of_frames_resets_the_attempt() {
    for end in [LinkEvent::Lost, LinkEvent::Failed] {
        let mut reconnect = machine(builder(Jitter::None));
        let mut now_ns = 0;
        for _ in 0..5 {
            let link = connect(&mut reconnect, now_ns);
            report(&mut reconnect, now_ns, link, LinkEvent::Failed);
            now_ns += wait_ns(&reconnect, now_ns);
        }
        assert_eq!(reconnect.attempts(now_ns), 5);
        let link = live(&mut reconnect, now_ns);
        for second in 0..DAY / SECOND {
            let _ = reconnect.on_frame(now_ns + second * SECOND, link);
        }
        report(&mut reconnect, now_ns + DAY, link, end);
        assert_eq!(wait_ns(&reconnect, now_ns + DAY), 500 * MS);
    }
}

#[test]
fn o4_the_attempt_shows_0_while_the_link_is_stable() {
    let mut reconnect = machine(builder(Jitter::None).stable_after(secs(30)));
    let link = connect(&mut reconnect, 0);
    report(&mut reconnect, 0, link, LinkEvent::Failed);
    let _ = live(&mut reconnect, SECOND);
    assert_eq!(reconnect.attempts(31 * SECOND - 1), 1);
    assert_eq!(reconnect.attempts(31 * SECOND), 0);
}

#[test]
fn o4_connecting_times_out_and_hears_the_shutdown() {
    let mut reconnect = machine(builder(Jitter::None));
    let link = connect(&mut reconnect, 0);
    assert_eq!(reconnect.next_deadline_ns(), Some(10 * SECOND));
    assert_eq!(reconnect.clone().stop(3 * SECOND), Some(link));
    let abandon = LinkAction::Abandon {
        link,
        reason: LostBy::ConnectTimeout,
        at_ns: 10 * SECOND,
    };
    assert_eq!(reconnect.poll(10 * SECOND, &mut rng()), abandon);
}

#[test]
fn o4_a_shutdown_ends_the_wait_at_once() {
    let mut reconnect = machine(builder(Jitter::None));
    let link = connect(&mut reconnect, 0);
    report(&mut reconnect, 0, link, LinkEvent::Failed);
    assert_eq!(reconnect.stop(1), None);
    assert_eq!(reconnect.next_deadline_ns(), None);
    assert_eq!(reconnect.poll(DAY, &mut rng()), LinkAction::Stopped);
}

#[test]
fn o4_ping_and_pong_are_life_and_silence_is_death() {
    let mut reconnect = machine(builder(Jitter::None).silence_limit(secs(45)));
    let link = live(&mut reconnect, 0);
    let mut now_ns = 0;
    for _ in 0..100 {
        now_ns += 44 * SECOND;
        assert_eq!(reconnect.on_frame(now_ns, link), Reported::Counted);
    }
    let at_ns = now_ns + 45 * SECOND;
    assert_eq!(reconnect.next_deadline_ns(), Some(at_ns));
    assert!(reconnect.status(at_ns - 1).is_live());
    let abandon = LinkAction::Abandon {
        link,
        reason: LostBy::Silent,
        at_ns,
    };
    assert_eq!(reconnect.poll(at_ns + HOUR, &mut rng()), abandon);
}

#[test]
fn o4_a_status_bar_sees_the_partition_without_a_poll() {
    let mut reconnect = machine(builder(Jitter::None).silence_limit(secs(45)));
    let link = live(&mut reconnect, 0);
    let _ = reconnect.on_frame(20 * SECOND, link);
    let at = |second| reconnect.status(second * SECOND);
    assert_eq!(at(64).phase.name(), "connected");
    assert!(at(64).is_live());
    for second in [65, 66, 1000] {
        let status = at(second);
        assert!(!status.is_live());
        assert_eq!(status.attempt, 1);
        assert_eq!(status.last_heard_ns, Some(20 * SECOND));
    }
    assert_eq!(
        at(65).phase,
        LinkPhase::Waiting {
            until_ns: 65_500 * MS
        }
    );
    assert_eq!(at(66).phase, LinkPhase::Due);
}

#[test]
fn o4_after_one_frame_and_a_clean_close_it_waits() {
    let mut reconnect = machine(builder(Jitter::None));
    let link = live(&mut reconnect, 0);
    report(&mut reconnect, 0, link, LinkEvent::Lost);
    let expected = LinkAction::WaitUntil { at_ns: 500 * MS };
    assert_eq!(reconnect.poll(0, &mut rng()), expected);
}
