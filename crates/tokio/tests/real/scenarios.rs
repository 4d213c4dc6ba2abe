//! What happens to a server, and what whoever uses the adapters may rely on meanwhile.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::control::Naive;
use super::crowd::Crowd;
use super::policies::{Policies, and_slack};
use super::server::{Server, Store};
use super::tally::{Event, Tally};

/// Threads of the runtime: so many attempts may have been let through and not have been noted yet.
pub(crate) const THREADS: usize = 2;

const OUTAGE: Duration = ms(1_500);
/// Long enough for attempts to time out, links to fall silent, and tries to connect to hang.
const PAUSE: Duration = ms(2_000);
/// How much of the time after the recovery is watched.
const AFTER: Duration = ms(1_200);
/// Within this the crowd must not be back as one.
const MOMENT: Duration = ms(100);

const fn ms(span: u64) -> Duration {
    Duration::from_millis(span)
}

/// All of it, one after another, with a table each. Prints; panics where a promise is broken.
pub(crate) async fn all<S: Server>(server: &mut S) {
    let ours = killed(server).await;
    paused(server).await;
    slowed(server).await;
    let control = control(server).await;
    println!(
        "\n{}, the storm with backoff: {ours:?}\n{}, the storm without: {control:?}",
        S::NAME,
        S::NAME
    );
    assert!(
        control.connects >= 5 * ours.connects,
        "the storm is not there without us"
    );
    assert!(
        control.in_a_second >= 5 * ours.in_a_second,
        "the storm is not there without us"
    );
}

/// What a server that comes back goes through.
#[derive(Debug)]
struct Storm {
    /// Connects from the fault until some time after the recovery.
    connects: u64,
    /// The most of them in one second.
    in_a_second: u64,
    /// The same, from the last second of the outage on.
    at_recovery: u64,
    /// The most links that were made in one [`MOMENT`].
    links_at_once: u64,
}

impl Storm {
    fn of(tally: &Tally, fault: Instant, up: Instant) -> Self {
        let (second, until) = (ms(1_000), up + AFTER);
        Self {
            connects: tally.count(Event::Connect, fault, until),
            in_a_second: tally.busiest(Event::Connect, second, fault, until),
            at_recovery: tally.busiest(Event::Connect, second, up - second, until),
            links_at_once: tally.busiest(Event::Link, MOMENT, fault, until),
        }
    }
}

/// Killed under load, down for a while, started again.
async fn killed<S: Server>(server: &mut S) -> Storm {
    let policies = Policies::new().expect("valid policies");
    let crowd = Crowd::start(S::CLIENTS, server.store(), policies);
    crowd.is_steady().await;
    let fault = Instant::now();
    server.kill();
    sleep(OUTAGE).await;
    server.start().await;
    let up = Instant::now();
    let back = Back::watch(&crowd, &policies, up).await;
    let connections = server.connections().await;
    let tally = crowd.finish().await;
    let marks = [
        (fault, "killed"),
        (up, "answers again"),
        (up + back.links, "all links"),
    ];
    report::<S>("killed and started again", &tally, fault, &marks);
    back.assert(&policies);

    let clients = u64::from(S::CLIENTS);
    let storm = Storm::of(&tally, fault, up);
    // A link is lost when its next ping fails; the second of the recovery begins a second before its end.
    let outage = (up - fault).saturating_sub(policies.heartbeat + ms(1_000));
    let at_most = policies.connects_a_second(outage) * clients;
    println!("{storm:?}; at most {at_most} connects in a second at the recovery by policy");
    assert!(storm.at_recovery <= at_most, "{storm:?}");
    assert!(
        storm.links_at_once <= clients * 3 / 4,
        "they are back as one: {storm:?}"
    );
    let connects = tally.count(Event::Connect, fault, Instant::now());
    println!("connections that the server has seen since its start: {connections}");
    assert!(
        connections <= connects,
        "{connections} connections, and {connects} were asked for"
    );
    nothing_is_lost(server, &tally).await;
    storm
}

/// Stopped under load: whoever connects is let in by the kernel, and nobody answers; then it goes on.
async fn paused<S: Server>(server: &S) {
    let policies = Policies::new().expect("valid policies");
    let crowd = Crowd::start(S::CLIENTS, server.store(), policies);
    crowd.is_steady().await;
    let fault = Instant::now();
    server.stop();
    sleep(PAUSE).await;
    let resumed = Instant::now();
    server.resume().await;
    let up = Instant::now();
    let back = Back::watch(&crowd, &policies, up).await;
    let tally = crowd.finish().await;
    let marks = [
        (fault, "stopped"),
        (up, "answers again"),
        (up + back.links, "all links"),
    ];
    report::<S>("stopped (SIGSTOP) and resumed", &tally, fault, &marks);
    back.assert(&policies);

    let opened = tally.first(Event::Opened, fault).expect("it opens");
    let within = policies.opens_within();
    println!(
        "the breaker opened after {opened:.0?}, at most {within:?} by policy, and some for the machine"
    );
    assert!(opened <= and_slack(within), "it opened after {opened:?}");

    let open_from = fault + opened;
    let sent = tally.count(Event::Sent, open_from, resumed);
    let refused = tally.count(Event::Refused, open_from, resumed);
    let probes = policies.probes(resumed - open_from);
    let took = tally.middle_refusal().expect("some were refused");
    println!(
        "while it was open: {refused} requests refused, {took:.1?} each; {sent} sent, at most {probes} by policy"
    );
    assert!(sent <= probes + THREADS as u64, "{sent} requests went out");
    assert!(refused > sent, "{refused} refused, {sent} sent");
    assert!(
        took < policies.attempt_timeout() / 4,
        "a refusal takes {took:?}"
    );

    let connects = tally.count(Event::Connect, fault, resumed);
    let at_most = policies.connects_into_the_void(resumed - fault) * u64::from(S::CLIENTS);
    println!("connects while nobody answered: {connects}, at most {at_most} by policy");
    assert!(connects <= at_most, "{connects} connects");
    assert!(connects >= u64::from(S::CLIENTS), "silence was not heard");
    nothing_is_lost(server, &tally).await;
}

/// Slow under load: it answers everything, late.
async fn slowed<S: Server>(server: &S) {
    let policies = Policies::patient().expect("valid policies");
    let crowd = Crowd::start(S::CLIENTS, server.store(), policies);
    crowd.is_steady().await;
    let fault = Instant::now();
    server.slow(ms(700)).await;
    let up = Instant::now();
    let closed = happens(&crowd.tally, Event::Closed, up, policies.closes_within()).await;
    sleep(AFTER.saturating_sub(up.elapsed())).await;
    let links = crowd.links();
    let tally = crowd.finish().await;
    let until = Instant::now();
    let marks = [(fault, "slow"), (up, "quick again")];
    report::<S>("slow", &tally, fault, &marks);

    let opened = tally.first(Event::Opened, fault).expect("it opens");
    let cause = tally.opened_by()[0];
    println!(
        "the breaker opened ({cause}) after {opened:.0?}, and closed {closed:.0?} after the end"
    );
    assert_eq!(cause, "slow-rate");
    assert_eq!(links, S::CLIENTS as usize, "no link is lost");
    assert_eq!(
        tally.count(Event::Connect, fault, until),
        0,
        "slow is not lost"
    );
    assert_eq!(
        tally.count(Event::Failed, fault, until),
        0,
        "slow is not failed"
    );
    nothing_is_lost(server, &tally).await;
}

/// As in [`killed`], with clients that connect again and again.
async fn control<S: Server>(server: &mut S) -> Storm {
    let policies = Policies::new().expect("valid policies");
    let naive = Naive::start(S::CLIENTS, &server.store(), policies);
    naive.links_stand().await;
    let fault = Instant::now();
    server.kill();
    sleep(OUTAGE).await;
    server.start().await;
    let up = Instant::now();
    naive.links_stand().await;
    let marks = [(fault, "killed"), (up, "answers again")];
    report::<S>(
        "the control: killed, clients without backoff",
        &naive.tally,
        fault,
        &marks,
    );
    let connections = server.connections().await;
    println!("connections that the server has seen since its start: {connections}");
    Storm::of(&naive.tally, fault, up)
}

/// How long after the recovery all links stood, and a request was answered for the first time.
struct Back {
    links: Duration,
    success: Duration,
}

impl Back {
    async fn watch<S: Store>(crowd: &Crowd<S>, policies: &Policies, up: Instant) -> Self {
        let at_most = and_slack(policies.links_back_within());
        let links = crowd.links_stand(at_most).await;
        let links = links.unwrap_or_else(|| panic!("{} links after {at_most:?}", crowd.links()));
        let success = happens(&crowd.tally, Event::Answered, up, policies.success_within()).await;
        sleep(AFTER.saturating_sub(up.elapsed())).await;
        Self { links, success }
    }

    fn assert(&self, policies: &Policies) {
        let (links, success) = (policies.links_back_within(), policies.success_within());
        println!(
            "first answer after {:.0?}, at most {success:?} by policy",
            self.success
        );
        println!(
            "all links after {:.0?}, at most {links:?} by policy",
            self.links
        );
        assert!(
            self.links <= and_slack(links),
            "links after {:?}",
            self.links
        );
        assert!(
            self.success <= and_slack(success),
            "a success after {:?}",
            self.success
        );
    }
}

/// How long after `from` it happens; not at all would break the promise.
async fn happens(tally: &Tally, event: Event, from: Instant, promise: Duration) -> Duration {
    let at_most = and_slack(promise);
    loop {
        if let Some(after) = tally.first(event, from) {
            return after;
        }
        assert!(from.elapsed() <= at_most, "not {event:?} after {at_most:?}");
        sleep(ms(5)).await;
    }
}

/// What was acknowledged is there, and no write has counted twice.
async fn nothing_is_lost<S: Server>(server: &S, tally: &Tally) {
    let stored = server.stored().await;
    let acknowledged = tally.acknowledged();
    let lost: Vec<_> = acknowledged
        .iter()
        .filter(|key| !stored.keys.contains(*key))
        .collect();
    println!(
        "{} writes acknowledged, {} of them lost",
        acknowledged.len(),
        lost.len()
    );
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    assert_eq!(
        stored.sum,
        stored.keys.len() as i64,
        "a write has counted twice, or not at all"
    );
    assert!(acknowledged.len() > 100, "there was no load");
}

fn report<S: Server>(what: &str, tally: &Tally, fault: Instant, marks: &[(Instant, &str)]) {
    let table = tally.table(fault, Instant::now(), marks);
    println!("\n{}, {} clients, {what}\n{table}", S::NAME, S::CLIENTS);
}
