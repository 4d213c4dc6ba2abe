//! The blocking reconnect loop: all of O4's rows that an adapter must give, and what only a driver can do wrong.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::{TcpListener, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::time::Duration;

use evenkeel_core::backoff::{BackoffBuilder, BackoffPolicy, Exhausted, Jitter};
use evenkeel_core::reconnect::{GaveUpBy, LinkPhase, ReconnectPolicy};
use evenkeel_std::reconnect::{Connecting, Ended};
use evenkeel_std::{Classified, Clock, Reconnect, Sleep, Stop, Streams, TestClock};

const MS: u64 = 1_000_000;

const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// O4's: 500, 1000, 2000 .. 30000 ms.
fn o4_backoff() -> BackoffBuilder {
    BackoffPolicy::builder(ms(500))
        .cap(ms(30_000))
        .jitter(Jitter::None)
}

fn o4() -> ReconnectPolicy {
    let builder = ReconnectPolicy::builder(o4_backoff(), ms(10_000));
    let builder = builder.stable_after(ms(60_000)).silence_limit(ms(45_000));
    builder.build().expect("a policy")
}

/// A connector that does what the script says, and notes when it was asked. Its last word stops the loop.
struct Server<'a> {
    clock: &'a TestClock,
    stop: &'a Stop,
    script: VecDeque<Step>,
    asked_ms: RefCell<Vec<u64>>,
}

enum Step {
    Refuse,
    Accept,
    /// Takes so long, then accepts.
    Dawdle(u64),
}

impl<'a> Server<'a> {
    fn new(clock: &'a TestClock, stop: &'a Stop, script: impl IntoIterator<Item = Step>) -> Self {
        Self {
            clock,
            stop,
            script: script.into_iter().collect(),
            asked_ms: RefCell::default(),
        }
    }

    fn connect(&mut self) -> Result<&'static str, &'static str> {
        self.asked_ms.borrow_mut().push(self.clock.now_ns() / MS);
        match self.script.pop_front() {
            Some(Step::Refuse) => Err("refused"),
            Some(Step::Accept) => Ok("link"),
            Some(Step::Dawdle(span_ms)) => {
                self.clock.advance(ms(span_ms));
                Ok("late link")
            }
            None => {
                self.stop.stop();
                Err("over")
            }
        }
    }
}

#[test]
fn o4_the_waits_are_500_1000_2000_4000_8000_16000_30000_30000_ms() {
    let (clock, stop) = (TestClock::new(), Stop::new());
    let mut server = Server::new(&clock, &stop, (0..8).map(|_| Step::Refuse));
    let policy = o4();
    let mut reconnect = Reconnect::new(&policy, |_| server.connect())
        .clock(&clock)
        .stop(&stop);
    assert_eq!(reconnect.next_link().map(|_| ()), Err(Ended::Stopped));
    drop(reconnect);
    let asked = server.asked_ms.into_inner();
    let waits: Vec<u64> = asked.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(
        waits,
        [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]
    );
}

/// Accepts each time; the link brings `frames` and is lost after `lives_ms`. The waits from its end to the next try.
fn waits_of_links(policy: ReconnectPolicy, frames: u32, lives_ms: u64, links: usize) -> Vec<u64> {
    let (clock, stop) = (TestClock::new(), Stop::new());
    let mut server = Server::new(&clock, &stop, (0..links).map(|_| Step::Accept));
    let mut ended = Vec::new();
    let mut reconnect = Reconnect::new(&policy, |_| server.connect())
        .clock(&clock)
        .stop(&stop);
    while let Ok(live) = reconnect.next_link() {
        for _ in 0..frames {
            assert!(live.on_frame());
        }
        clock.advance(ms(lives_ms));
        ended.push(clock.now_ns() / MS);
        live.lost("read error");
    }
    drop(reconnect);
    let asked = server.asked_ms.into_inner();
    ended
        .iter()
        .zip(&asked[1..])
        .map(|(ended, asked)| asked - ended)
        .collect()
}

#[test]
fn o4_a_server_that_accepts_and_drops_causes_no_hot_loop() {
    // Also with a greeting: a frame alone proves nothing.
    for frames in [0, 1] {
        assert_eq!(
            waits_of_links(o4(), frames, 0, 4),
            [500, 1_000, 2_000, 4_000]
        );
    }
}

#[test]
fn o4_a_read_error_after_a_day_of_frames_resets_the_attempt() {
    let builder = ReconnectPolicy::builder(o4_backoff(), ms(10_000)).stable_after(ms(60_000));
    let policy = builder.build().expect("a policy");
    assert_eq!(waits_of_links(policy, 1, 86_400_000, 3), [500, 500, 500]);
    // Without a frame in all that time it has proven nothing.
    assert_eq!(
        waits_of_links(policy, 0, 86_400_000, 3),
        [500, 1_000, 2_000]
    );
    // One that lived for less than `stable_after` has not either.
    assert_eq!(waits_of_links(policy, 1, 59_999, 3), [500, 1_000, 2_000]);
}

#[test]
fn o4_ping_and_pong_are_life_and_silence_is_death() {
    let clock = TestClock::new();
    let policy = o4();
    let mut reconnect = Reconnect::new(&policy, |_| Ok::<_, &str>("link")).clock(&clock);
    let status = reconnect.status();
    let live = reconnect.next_link().expect("it is up");
    for _ in 0..10 {
        clock.advance(ms(44_000));
        assert_eq!(live.read_timeout(), Some(ms(1_000)));
        assert!(live.on_frame(), "a pong within the limit");
        assert_eq!(live.read_timeout(), Some(ms(45_000)));
    }
    clock.advance(ms(45_000));
    // Nobody has polled: the status and the reader see it all the same.
    assert!(status.now().is_degraded() && !live.is_live());
    assert_eq!(live.read_timeout(), Some(Duration::from_nanos(1)));
    assert!(!live.on_frame(), "too late");
    drop(live);
    let again = reconnect.next_link().expect("it is made again");
    assert_eq!(status.now().lost(), Some("silent"), "and not: dropped");
    drop(again);
}

#[test]
fn o4_connecting_has_a_timeout_and_a_link_that_comes_later_is_dropped() {
    let (clock, stop) = (TestClock::new(), Stop::new());
    let mut server = Server::new(&clock, &stop, [Step::Dawdle(10_000), Step::Dawdle(9_999)]);
    let policy = o4();
    let mut timeouts = Vec::new();
    let connect = |connecting: Connecting| {
        timeouts.push((connecting.timeout(), connecting.attempt()));
        server.connect()
    };
    let mut reconnect = Reconnect::new(&policy, connect).clock(&clock).stop(&stop);
    let status = reconnect.status();
    let live = reconnect.next_link().expect("the second try is in time");
    assert_eq!(live.id().to_word(), 2);
    assert_eq!(status.now().lost(), Some("connect-timeout"));
    drop((live, reconnect));
    assert_eq!(timeouts, [(ms(10_000), 0), (ms(10_000), 1)]);
    assert_eq!(server.asked_ms.into_inner(), [0, 10_500]);
}

#[test]
fn o4_a_status_bar_sees_the_partition_without_a_poll() {
    let (clock, stop) = (TestClock::new(), Stop::new());
    let mut server = Server::new(&clock, &stop, [Step::Accept]);
    let policy = o4();
    let mut reconnect = Reconnect::new(&policy, |_| server.connect())
        .clock(&clock)
        .stop(&stop);
    let status = reconnect.status();
    assert_eq!(status.now().phase(), LinkPhase::Due);
    let live = reconnect.next_link().expect("it is up");
    assert_eq!(
        status.now().to_string(),
        "DEGRADED: connected, no frame yet, never heard"
    );
    clock.advance(ms(1_500));
    assert!(live.on_frame());
    clock.advance(ms(2_000));
    assert_eq!(status.now().to_string(), "connected, last frame 2.0 s ago");
    assert_eq!(status.now().last_heard_ns(), Some(1_500 * MS));
    live.lost("connection reset by peer");
    let line =
        "DEGRADED: next try in 0.5 s, attempt 1, last frame 2.0 s ago (connection reset by peer)";
    assert_eq!(
        (status.now().to_string().as_str(), status.now().attempt()),
        (line, 1)
    );
    assert_eq!(reconnect.next_link().map(|_| ()), Err(Ended::Stopped));
    let line = status.now().to_string();
    assert!(line.starts_with("DEGRADED: stopped"), "{line}");
}

#[test]
fn o4_a_shutdown_ends_the_wait_at_once() {
    let day = BackoffPolicy::builder(ms(86_400_000)).jitter(Jitter::None);
    let policy = ReconnectPolicy::builder(day, ms(1_000))
        .build()
        .expect("a policy");
    let (stop, tried) = (Stop::new(), Stop::new());
    let ended = std::thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            let connect = |_| {
                tried.stop();
                Err::<(), _>("refused")
            };
            Reconnect::new(&policy, connect)
                .stop(&stop)
                .next_link()
                .map(|_| ())
        });
        tried.wait();
        stop.stop();
        waiter.join().expect("no panic")
    });
    assert_eq!(ended, Err(Ended::Stopped));
}

#[test]
fn a_shutdown_while_connecting_drops_the_link_that_comes() {
    let (policy, stop) = (o4(), Stop::new());
    let connect = |connecting: Connecting| {
        connecting.stop().stop();
        Ok::<_, &str>("link")
    };
    let mut reconnect = Reconnect::new(&policy, connect)
        .clock(TestClock::new())
        .stop(&stop);
    assert_eq!(reconnect.next_link().map(|_| ()), Err(Ended::Stopped));
    assert!(stop.is_stopped());
    assert_eq!(reconnect.status().now().phase(), LinkPhase::Stopped);
}

#[test]
fn what_the_server_says_of_coming_back_is_followed() {
    let (clock, policy) = (TestClock::new(), o4());
    let mut at_ms = Vec::new();
    let connect = |_| {
        at_ms.push(clock.now_ns() / MS);
        Err::<(), _>(at_ms.len())
    };
    let mut reconnect =
        Reconnect::new(&policy, connect)
            .clock(&clock)
            .classify(|tries| match tries {
                1 => Classified::throttled().retry_after(ms(7_000)),
                2 => Classified::transient(),
                _ => Classified::permanent(),
            });
    let ended = reconnect.next_link().map(|_| ());
    let (by, last) = (GaveUpBy::Advised, Some(3));
    assert_eq!(ended, Err(Ended::GaveUp { by, last }));
    drop(reconnect);
    assert_eq!(at_ms, [0, 7_000, 8_000]);
}

#[test]
fn it_gives_up_where_the_policy_does() {
    let policy = ReconnectPolicy::builder(o4_backoff().max_retries(2), ms(1_000))
        .build()
        .expect("a policy");
    let mut tries = 0;
    let connect = |_| {
        tries += 1;
        Err::<(), _>(tries)
    };
    let ended = Reconnect::new(&policy, connect)
        .clock(TestClock::new())
        .next_link()
        .map(|_| ());
    let (by, last) = (GaveUpBy::Exhausted(Exhausted::Retries), Some(3));
    assert_eq!(ended, Err(Ended::GaveUp { by, last }));
}

#[test]
fn a_kick_of_another_thread_ends_a_wait_soon() {
    let day = BackoffPolicy::builder(ms(86_400_000)).jitter(Jitter::None);
    let builder = ReconnectPolicy::builder(day, ms(1_000)).kick_within(Duration::from_nanos(1));
    let policy = builder.build().expect("a policy");
    let tried = Stop::new();
    let mut refused = false;
    let connect = |_| {
        tried.stop();
        if std::mem::replace(&mut refused, true) {
            Ok("link")
        } else {
            Err("refused")
        }
    };
    let mut reconnect = Reconnect::new(&policy, connect);
    let status = reconnect.status();
    std::thread::scope(|scope| {
        let kicker = scope.spawn(|| {
            tried.wait();
            while status.kick().is_none() {
                std::thread::yield_now(); // until it waits
            }
        });
        assert!(reconnect.next_link().is_ok(), "not in a day: now");
        kicker.join().expect("no panic");
    });
}

#[test]
fn the_next_link_is_made_when_another_thread_loses_the_last() {
    let policy =
        ReconnectPolicy::builder(BackoffPolicy::builder(Duration::from_nanos(1)), ms(1_000));
    let policy = policy.build().expect("a policy"); // no silence limit
    let mut reconnect = Reconnect::new(&policy, |_| Ok::<_, &str>("link"));
    let status = reconnect.status();
    let live = reconnect.next_link().expect("it is up");
    let ids = std::thread::scope(|scope| {
        let next = scope.spawn(move || reconnect.next_link().map(|live| live.id().to_word()));
        assert!(live.on_frame(), "still ours");
        live.lost("end of file");
        next.join().expect("no panic")
    });
    assert_eq!(ids, Ok(2));
    assert!(status.now().is_degraded());
}

#[test]
fn a_link_that_is_dropped_is_lost_also_in_a_panic() {
    let policy = o4();
    let mut reconnect = Reconnect::new(&policy, |_| Ok::<_, &str>("link")).clock(TestClock::new());
    let status = reconnect.status();
    drop(reconnect.next_link());
    assert_eq!(status.now().lost(), Some("dropped"));
    let reader = AssertUnwindSafe(|| {
        let _live = reconnect.next_link();
        panic!("a bug in the reader");
    });
    assert!(catch_unwind(reader).is_err());
    assert_eq!(status.now().lost(), Some("dropped in a panic"));
    assert!(reconnect.next_link().is_ok());
}

#[test]
fn a_panic_of_the_connector_is_a_failed_try() {
    let (policy, clock) = (o4(), TestClock::new());
    let mut tries = 0;
    let connect = |_| {
        tries += 1;
        assert!(tries > 1, "a bug");
        Ok::<_, &str>("link")
    };
    let mut reconnect = Reconnect::new(&policy, connect).clock(&clock);
    assert!(catch_unwind(AssertUnwindSafe(|| reconnect.next_link().map(drop))).is_err());
    assert_eq!(reconnect.status().now().attempt(), 1);
    assert!(reconnect.next_link().is_ok());
    assert_eq!(clock.now_ns(), 500 * MS, "after the wait");
}

/// A clock whose sleeps end early.
struct Dozing<'a>(&'a TestClock, Mutex<u32>);

impl Clock for Dozing<'_> {
    fn now_ns(&self) -> u64 {
        self.0.now_ns()
    }
}

impl Sleep for Dozing<'_> {
    fn park_until(&self, at_ns: u64) {
        *self.1.lock().expect("no panic") += 1;
        let left_ns = at_ns.saturating_sub(self.now_ns());
        self.0.advance(Duration::from_nanos(left_ns.div_ceil(3)));
    }
}

#[test]
fn a_sleep_that_ends_early_makes_no_wait_shorter() {
    let (clock, stop) = (TestClock::new(), Stop::new());
    let mut server = Server::new(&clock, &stop, [Step::Refuse, Step::Refuse]);
    let dozing = Dozing(&clock, Mutex::new(0));
    let policy = o4();
    let reconnect = Reconnect::new(&policy, |_| server.connect()).stop(&stop);
    let mut reconnect = reconnect.clock(&dozing);
    assert!(reconnect.next_link().is_err());
    drop(reconnect);
    assert_eq!(server.asked_ms.into_inner(), [0, 500, 1_500]);
    assert!(
        *dozing.1.lock().expect("no panic") > 4,
        "it was woken early"
    );
}

#[test]
fn two_links_have_different_jitter_and_the_same_seed_has_the_same() {
    let backoff = BackoffPolicy::builder(ms(500))
        .cap(ms(30_000))
        .max_retries(5);
    let policy = ReconnectPolicy::builder(backoff, ms(1_000))
        .build()
        .expect("a policy");
    let ends_ns = |streams: &Streams| {
        let clock = TestClock::new();
        let reconnect = Reconnect::new(&policy, |_| Err::<(), _>("refused"));
        let _ = reconnect.clock(&clock).streams(streams).next_link();
        clock.now_ns()
    };
    let streams = Streams::seeded(7);
    let two = [ends_ns(&streams), ends_ns(&streams)];
    assert_ne!(two[0], two[1]);
    let again = Streams::seeded(7);
    assert_eq!([ends_ns(&again), ends_ns(&again)], two);
}

#[test]
fn a_real_socket_is_lost_when_it_goes_silent() {
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let at = server.local_addr().expect("its address");
    let backoff = BackoffPolicy::builder(ms(1));
    let policy = ReconnectPolicy::builder(backoff, ms(10_000))
        .silence_limit(ms(20))
        .build()
        .expect("a policy");
    let connect = |connecting: Connecting| TcpStream::connect_timeout(&at, connecting.timeout());
    let mut reconnect = Reconnect::new(&policy, connect);
    let status = reconnect.status();
    let mut live = reconnect.next_link().expect("the kernel takes it");
    let mut reads = 0;
    while live.is_live() {
        live.set_read_timeout(live.read_timeout())
            .expect("not zero");
        let read = std::io::Read::read(&mut *live, &mut [0; 16]);
        assert!(read.is_err(), "nothing comes: it times out");
        reads += 1;
    }
    assert!(reads < 1_000, "{reads} reads: it sleeps in them");
    drop(live);
    let again = reconnect.next_link();
    assert_eq!(status.now().lost(), Some("silent"));
    assert!(again.is_ok());
}
