//! What a server says about coming back.

use super::*;

fn after_advice(builder: ReconnectBuilder, advised_ns: u64) -> u64 {
    let mut reconnect = machine(builder);
    let link = connect(&mut reconnect, DAY);
    let advice = Advice::RetryAt {
        at_ns: DAY + advised_ns,
    };
    report(&mut reconnect, DAY, link, LinkEvent::Refused(advice));
    wait_ns(&reconnect, DAY)
}

#[test]
fn a_server_can_lengthen_a_wait_and_not_shorten_it() {
    let builder = builder(Jitter::None);
    assert_eq!(after_advice(builder, 20 * SECOND), 20 * SECOND);
    assert_eq!(after_advice(builder, 100 * MS), 500 * MS);
    let exact = builder.advisory_rule(AdvisoryRule::Exact);
    assert_eq!(after_advice(exact, 100 * MS), 100 * MS);
    let within = builder.advisory_rule(AdvisoryRule::Within(secs(5)));
    assert_eq!(after_advice(within, 20 * SECOND), 5500 * MS);
}

#[test]
fn a_servers_advice_is_capped() {
    assert_eq!(after_advice(builder(Jitter::None), DAY), 30 * SECOND);
    let longer = builder(Jitter::None).advisory_cap(secs(120));
    assert_eq!(after_advice(longer, DAY), 120 * SECOND);
}

#[test]
fn a_servers_advice_counts_as_an_attempt() {
    let mut reconnect = machine(builder(Jitter::None));
    let link = connect(&mut reconnect, 0);
    let advice = Advice::RetryAt { at_ns: 20 * SECOND };
    report(&mut reconnect, 0, link, LinkEvent::Refused(advice));
    let link = connect(&mut reconnect, 20 * SECOND);
    report(&mut reconnect, 20 * SECOND, link, LinkEvent::Failed);
    assert_eq!(wait_ns(&reconnect, 20 * SECOND), SECOND);
}

#[test]
fn a_server_can_end_a_standing_link_with_advice() {
    let mut reconnect = machine(builder(Jitter::None));
    let link = live(&mut reconnect, 0);
    let advice = Advice::RetryAt {
        at_ns: HOUR + 20 * SECOND,
    };
    report(&mut reconnect, HOUR, link, LinkEvent::Refused(advice));
    assert_eq!(wait_ns(&reconnect, HOUR), 20 * SECOND);
    assert_eq!(reconnect.attempts(HOUR), 1);
}

#[test]
fn stop_advice_holds_until_start() {
    let mut reconnect = machine(builder(Jitter::None));
    let link = connect(&mut reconnect, 0);
    report(&mut reconnect, 0, link, LinkEvent::Refused(Advice::Stop));
    let gave_up = LinkAction::GaveUp {
        by: GaveUpBy::Advised,
    };
    assert_eq!(reconnect.poll(3650 * DAY, &mut rng()), gave_up);
    assert_eq!(reconnect.next_deadline_ns(), None);
    assert!(reconnect.start(3650 * DAY));
    let _ = connect(&mut reconnect, 3650 * DAY);
}
