//! Clients with retry and breaker, and a subscriber that reconnects, in a simulated network (turmoil) with latency,
//! partitions, repairs and crashes: one seed gives the same decisions twice, byte for byte.

use std::fmt::Display;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::breaker::{BreakerPolicy, Trigger};
use evenkeel_core::reconnect::ReconnectPolicy;
use evenkeel_core::retry::RetryPolicy;
use evenkeel_tokio::{Clock, Reconnect, SharedBreaker, Streams, TokioClock, retry};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use turmoil::net::{TcpListener, TcpStream};

const fn ms(span: u64) -> Duration {
    Duration::from_millis(span)
}

/// What each of them decided, in the order of the simulation.
#[derive(Clone, Default)]
struct Journal(Arc<Mutex<String>>);

impl Journal {
    fn line(&self, clock: &TokioClock, who: &str, what: impl Display) {
        let line = format!("{:>14} {who}: {what}\n", clock.now_ns());
        self.0.lock().unwrap().push_str(&line);
    }
}

/// Answers a question, or sends a frame each 200 ms to who subscribes.
async fn serve() -> turmoil::Result {
    let listener = TcpListener::bind("0.0.0.0:80").await?;
    loop {
        let (mut socket, _) = listener.accept().await?;
        tokio::spawn(async move {
            match socket.read_u8().await? {
                b's' => loop {
                    socket.write_u8(b'f').await?;
                    tokio::time::sleep(ms(200)).await;
                },
                _ => socket.write_u8(b'a').await,
            }
        });
    }
}

async fn ask() -> io::Result<u8> {
    let mut socket = TcpStream::connect("server:80").await?;
    socket.write_u8(b'q').await?;
    socket.read_u8().await
}

/// Asks each 250 ms, for a minute.
async fn call(who: &'static str, streams: Streams, journal: Journal) -> turmoil::Result {
    let clock = TokioClock::starting_now();
    let open = BackoffPolicy::builder(ms(1_000)).cap(ms(4_000));
    let policy = BreakerPolicy::builder(open, ms(1_000))
        .trigger(Trigger::Consecutive { failures: 4 })
        .build()?;
    let breaker = SharedBreaker::builder(policy)
        .clock(clock)
        .streams(&streams)
        .build();
    breaker.on_transition({
        let journal = journal.clone();
        move |change| {
            let what = format!(
                "{} -> {} by {} at {}",
                change.from, change.to, change.cause, change.at_ns
            );
            journal.line(&clock, who, what);
        }
    });
    let policy = RetryPolicy::builder(BackoffPolicy::builder(ms(100)).cap(ms(1_000)))
        .max_attempts(3)
        .attempt_timeout(ms(400))
        .build()?;
    while clock.now_ns() < 60_000_000_000 {
        let answer = retry(&policy, |_attempt| ask())
            .breaker(&breaker)
            .clock(clock)
            .streams(&streams)
            .on_retry(|event| {
                journal.line(
                    &clock,
                    who,
                    format!("{} until {}", event.cause().name(), event.at_ns()),
                );
            })
            .await;
        match answer {
            Ok(_) => journal.line(&clock, who, "answer"),
            Err(error) => journal.line(&clock, who, error),
        }
        tokio::time::sleep(ms(250)).await;
    }
    Ok(())
}

/// Subscribes, for a minute.
async fn subscribe(who: &'static str, streams: Streams, journal: Journal) -> turmoil::Result {
    let clock = TokioClock::starting_now();
    let backoff = BackoffPolicy::builder(ms(250)).cap(ms(4_000));
    let policy = ReconnectPolicy::builder(backoff, ms(500))
        .silence_limit(ms(1_000))
        .stable_after(ms(2_000))
        .build()?;
    let mut reconnect = Reconnect::new(&policy, |connecting| {
        journal.line(&clock, who, format!("try {}", connecting.link().to_word()));
        async {
            let mut socket = TcpStream::connect("server:80").await?;
            socket.write_u8(b's').await?;
            Ok::<_, io::Error>(socket)
        }
    })
    .clock(clock)
    .streams(&streams);
    let mut status = reconnect.status();
    let show = async {
        loop {
            let report = status.changed().await;
            journal.line(&clock, who, report);
        }
    };
    let read = async {
        while let Ok(mut live) = reconnect.next_link().await {
            let mut lost = live.until_lost();
            loop {
                match lost.or(live.read_u8()).await {
                    Ok(Ok(_frame)) => live.on_frame(),
                    Ok(Err(error)) => break live.lost(error.kind()),
                    Err(why) => break live.lost(why),
                }
            }
        }
    };
    let minute = tokio::time::sleep(ms(60_000));
    // Biased: else tokio draws lots, with a generator that nobody has seeded.
    tokio::select! { biased; () = show => {}, () = read => {}, () = minute => {} }
    Ok(())
}

/// A minute: a partition of all from 10 s to 20 s, a crash from 30 s to 35 s, packets held from 45 s to 48 s.
fn run(seed: u64) -> String {
    let journal = Journal::default();
    let mut sim = turmoil::Builder::new()
        .rng_seed(seed)
        .simulation_duration(ms(70_000))
        .tick_duration(ms(5))
        .min_message_latency(ms(2))
        .max_message_latency(ms(40))
        .build();
    sim.host("server", serve);
    for (number, who) in (0..).zip(["anna", "bert"]) {
        let streams = Streams::seeded(seed.wrapping_mul(31) + number);
        sim.client(who, call(who, streams, journal.clone()));
    }
    let streams = Streams::seeded(!seed);
    sim.client("carl", subscribe("carl", streams, journal.clone()));
    let clients = ["anna", "bert", "carl"];
    let mut step = 0;
    loop {
        let over = sim.step().expect("nobody panics");
        step += 1;
        for client in clients {
            match step * 5 {
                10_000 => sim.partition("server", client),
                20_000 => sim.repair("server", client),
                45_000 => sim.hold("server", client),
                48_000 => sim.release("server", client),
                _ => {}
            }
        }
        match step * 5 {
            30_000 => sim.crash("server"),
            35_000 => sim.bounce("server"),
            _ => {}
        }
        if over {
            return std::mem::take(&mut *journal.0.lock().unwrap());
        }
    }
}

#[test]
fn one_seed_twice_gives_the_same_bytes_and_another_seed_others() {
    let (journal, again) = (run(7), run(7));
    for (line, other) in journal.lines().zip(again.lines()) {
        assert_eq!(line, other);
    }
    assert_eq!(journal.len(), again.len());
    assert_ne!(journal, run(8));
}

#[test]
fn they_give_up_calling_while_nobody_answers_and_come_back_when_somebody_does() {
    let journal = run(7);
    let of = |who: &str, from_s: u64, to_s: u64| -> Vec<String> {
        let lines = journal.lines().filter_map(|line| {
            let (at_ns, line) = line.trim_start().split_once(' ')?;
            let at_ns: u64 = at_ns.parse().ok()?;
            let within = (from_s * 1_000_000_000..to_s * 1_000_000_000).contains(&at_ns);
            line.strip_prefix(who)
                .filter(|_| within)
                .map(|line| line[2..].to_owned())
        });
        lines.collect()
    };
    let count =
        |lines: &[String], what: &str| lines.iter().filter(|line| line.contains(what)).count();
    for who in ["anna", "bert"] {
        for (from_s, to_s) in [(0, 10), (25, 30), (40, 45), (53, 60)] {
            let calm = of(who, from_s, to_s);
            assert_eq!(
                count(&calm, "answer"),
                calm.len(),
                "{who} from {from_s} s: {calm:#?}"
            );
            assert!(
                calm.len() as u64 > 2 * (to_s - from_s),
                "{who} from {from_s} s"
            );
        }
        for (from_s, to_s) in [(10, 20), (30, 35)] {
            let outage = of(who, from_s, to_s);
            assert!(count(&outage, "-> open by") >= 1, "{who}: {outage:#?}");
            let span = (to_s - from_s) as usize;
            // Without the breaker these would be more than two a second.
            let attempts = count(&outage, "until") + count(&outage, "-> half-open");
            assert!(
                attempts <= span + 6,
                "{who}: {attempts} attempts in {span} s"
            );
        }
    }
    for (from_s, to_s) in [(10, 20), (30, 35)] {
        let outage = of("carl", from_s, to_s);
        assert!(count(&outage, "DEGRADED") >= 2, "{outage:#?}");
        assert!(
            count(&outage, "try ") <= 2 * (to_s - from_s) as usize,
            "{outage:#?}"
        );
    }
    for from_s in [25, 41, 54] {
        let calm = of("carl", from_s, from_s + 4);
        assert_eq!(count(&calm, "DEGRADED"), 0, "{calm:#?}");
    }
}
