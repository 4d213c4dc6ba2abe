//! ORIGINS O4, the reconnecting subscriber: its rows and what is wrong there, on paused time.

mod links;

use std::time::Duration;

use evenkeel_core::backoff::{Growth, Jitter};
use evenkeel_core::reconnect::{GaveUpBy, LinkPhase, ReconnectPolicy};
use evenkeel_tokio::reconnect::{Ended, LinkLost, Live};
use evenkeel_tokio::{Classified, Clock, Reconnect, Streams, TokioClock};
use futures_util::StreamExt;
use links::{Link, Meets, Server, builder, o4, policy, secs};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

const REFUSE: [Meets; 1] = [Meets::Refusal];

/// Reads until the link ends: how many frames there were, and why it ended.
async fn read(mut live: Live<Link>) -> (u32, Option<LinkLost>) {
    let mut lost = live.until_lost();
    let mut frames = 0;
    loop {
        match lost.or(live.recv()).await {
            Ok(Some(_)) => {
                live.on_frame();
                frames += 1;
            }
            Ok(None) => return (frames, None),
            Err(why) => return (frames, Some(why)),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn o4_the_waits_are_500_1000_2000_4000_8000_16000_30000_30000_ms() {
    let server = Server::new(REFUSE);
    let mut reconnect = Reconnect::new(&policy(), |_| server.connect());
    assert!(timeout(secs(95), reconnect.next_link()).await.is_err());
    let waits = [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000];
    assert_eq!(server.waits(), waits);
}

#[tokio::test(start_paused = true)]
async fn o4_a_constant_wait_stays_at_the_initial_wait() {
    let backoff = o4(Jitter::None).growth(Growth::Constant);
    let policy = ReconnectPolicy::builder(backoff, secs(10)).build().unwrap();
    let server = Server::new(REFUSE);
    let mut reconnect = Reconnect::new(&policy, |_| server.connect());
    assert!(
        timeout(Duration::from_millis(1_900), reconnect.next_link())
            .await
            .is_err()
    );
    assert_eq!(server.waits(), [500, 500, 500]);
}

#[tokio::test(start_paused = true)]
async fn o4_jitter_is_full_by_streams_and_two_handles_differ() {
    let policy = ReconnectPolicy::builder(o4(Jitter::Full), secs(10))
        .build()
        .unwrap();
    let waits = async |streams: &Streams| {
        let server = Server::new(REFUSE);
        let mut reconnect = Reconnect::new(&policy, |_| server.connect()).streams(streams);
        assert!(timeout(secs(3600), reconnect.next_link()).await.is_err());
        server.waits()
    };
    let streams = Streams::seeded(7);
    let (one, two) = (waits(&streams).await, waits(&streams).await);
    assert_ne!(one, two, "two links of one process");
    assert_eq!(one, waits(&Streams::seeded(7)).await, "the same seed");
    assert!(one.iter().all(|wait| *wait <= 30_000));
    assert!(one.len() > 120, "{} waits in an hour", one.len());
}

#[tokio::test(start_paused = true)]
async fn o4_the_attempt_resets_only_after_a_frame_and_stable_after() {
    let calm = |every, frames| Meets::Frames { every, frames };
    for (meets, next_wait) in [
        // Stands for 45 s without a frame: nothing is proven.
        (calm(secs(1), 0), 4000),
        // A frame, and closed at once.
        (Meets::AcceptAndClose { frames: 1 }, 4000),
        // Confirmed, and stood for 46 s, the last 45 of them in silence.
        (calm(secs(1), 1), 500),
    ] {
        let server = Server::new([
            Meets::Refusal,
            Meets::Refusal,
            Meets::Refusal,
            meets,
            Meets::Nothing,
        ]);
        let mut reconnect = Reconnect::new(&policy(), |_| server.connect());
        let live = reconnect.next_link().await.unwrap();
        let _ = read(live).await;
        let lost = server.begun_until_now();
        let _ = timeout(secs(9), reconnect.next_link()).await;
        let wait = server.tries()[4] - lost;
        assert_eq!(wait.as_millis(), next_wait, "{meets:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn o4_a_read_error_after_a_day_of_frames_resets_the_attempt() {
    let day = Meets::Frames {
        every: secs(40),
        frames: 2160,
    };
    let server = Server::new([
        Meets::Refusal,
        Meets::Refusal,
        Meets::Refusal,
        day,
        Meets::Nothing,
    ]);
    let mut reconnect = Reconnect::new(&policy(), |_| server.connect());
    let mut live = reconnect.next_link().await.unwrap();
    for _ in 0..2160 {
        live.recv().await.unwrap();
        live.on_frame();
    }
    assert!(server.begun_until_now() > secs(86_400));
    let lost = server.begun_until_now();
    live.lost("connection reset by peer");
    let status = reconnect.status();
    assert_eq!(status.now().lost(), Some("connection reset by peer"));
    assert!(timeout(secs(5), reconnect.next_link()).await.is_err());
    assert_eq!((server.tries()[4] - lost).as_millis(), 500);
}

#[tokio::test(start_paused = true)]
async fn o4_an_accept_and_drop_server_causes_no_hot_loop() {
    for frames in [0, 1, 3] {
        let server = Server::new([Meets::AcceptAndClose { frames }]);
        let mut reconnect = Reconnect::new(&policy(), |_| server.connect());
        let hour = timeout(secs(3600), async {
            while let Some(live) = reconnect.next().await {
                assert_eq!(read(live).await, (frames, None));
            }
        });
        assert!(hour.await.is_err());
        let waits = server.waits();
        assert_eq!(waits[..7], [500, 1000, 2000, 4000, 8000, 16_000, 30_000]);
        assert!(
            (120..130).contains(&waits.len()),
            "{} tries in an hour",
            waits.len()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn o4_silence_is_lost_and_ping_and_pong_are_life() {
    let server = Server::new([
        Meets::Frames {
            every: secs(44),
            frames: 100,
        },
        Meets::Nothing,
    ]);
    let mut reconnect = Reconnect::new(&policy(), |_| server.connect());
    let status = reconnect.status();
    let live = reconnect.next_link().await.unwrap();
    let ended = read(live).await;
    assert_eq!(ended, (100, Some(LinkLost::Silent)));
    assert_eq!(server.begun_until_now(), secs(44 * 100 + 45));
    assert_eq!(status.now().lost(), Some("silent"));
}

#[tokio::test(start_paused = true)]
async fn o4_a_connect_that_hangs_is_dropped_at_its_timeout() {
    let server = Server::new([Meets::Nothing, Meets::AcceptAndClose { frames: 1 }]);
    let mut reconnect = Reconnect::new(&policy(), |connecting| {
        assert_eq!(connecting.timeout(), secs(10));
        server.connect()
    });
    let status = reconnect.status();
    let waiting = timeout(Duration::from_millis(10_200), reconnect.next_link()).await;
    assert!(waiting.is_err());
    assert_eq!(
        server.under_way(),
        0,
        "dropped at its time, not with the next try"
    );
    let live = reconnect.next_link().await.unwrap();
    assert_eq!(live.id().to_word(), 2);
    assert_eq!(server.tries()[1], Duration::from_millis(10_500));
    assert_eq!(server.under_way(), 0, "the first one was dropped");
    assert_eq!(status.now().lost(), Some("connect-timeout"));
}

#[tokio::test(start_paused = true)]
async fn o4_a_shutdown_ends_a_wait_a_connect_and_a_link_at_once() {
    let steady = Meets::Frames {
        every: secs(1),
        frames: 1000,
    };
    for script in [Meets::Refusal, Meets::Nothing, steady] {
        let server = Server::new([script]);
        let stop = CancellationToken::new();
        let mut reconnect = Reconnect::new(&policy(), |_| server.connect()).stop(&stop);
        let status = reconnect.status();
        let task = async {
            loop {
                match reconnect.next_link().await {
                    Ok(live) => assert_eq!(read(live).await.1, Some(LinkLost::Stopped)),
                    Err(ended) => return ended,
                }
            }
        };
        let (ended, ()) = tokio::join!(task, async {
            sleep(Duration::from_millis(7_300)).await;
            stop.cancel();
        });
        assert_eq!(ended, Ended::Stopped);
        assert_eq!(server.begun_until_now(), Duration::from_millis(7_300));
        assert_eq!(server.under_way(), 0);
        assert_eq!(status.now().phase(), LinkPhase::Stopped);
    }
}

#[tokio::test(start_paused = true)]
async fn o4_a_status_bar_shows_degraded_during_a_partition() {
    let server = Server::new([
        Meets::Frames {
            every: secs(10),
            frames: 6,
        },
        Meets::Nothing,
        Meets::Frames {
            every: secs(1),
            frames: 100,
        },
    ]);
    let mut reconnect = Reconnect::new(&policy(), |_| server.connect());
    let mut status = reconnect.status();
    let begun = Instant::now();
    let bar = tokio::spawn(async move {
        let mut lines = Vec::new();
        while begun.elapsed() < secs(150) {
            let report = status.changed().await;
            lines.push(format!("{:>5.1} {report}", begun.elapsed().as_secs_f64()));
        }
        lines
    });
    let _ = timeout(secs(160), async {
        while let Ok(live) = reconnect.next_link().await {
            let _ = read(live).await;
        }
    })
    .await;
    let lines = bar.await.unwrap();
    assert_eq!(
        lines,
        [
            "  0.0 DEGRADED: connected, no frame yet, never heard",
            " 10.0 connected, last frame 0.0 s ago",
            " 30.0 connected, last frame 0.0 s ago", // stable
            "105.0 DEGRADED: next try in 0.5 s, attempt 1, last frame 45.0 s ago (silent)",
            "105.5 DEGRADED: connecting, attempt 1, last frame 45.5 s ago (silent)",
            "115.5 DEGRADED: next try in 1.0 s, attempt 2, last frame 55.5 s ago (connect-timeout)",
            "116.5 DEGRADED: connected, no frame yet, attempt 2, last frame 56.5 s ago (connect-timeout)",
            "117.5 connected, attempt 2, last frame 0.0 s ago",
            "146.5 connected, last frame 0.0 s ago", // stable again
            "160.0 DEGRADED: next try in 0.5 s, attempt 1, last frame 0.5 s ago (dropped)",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_silent_link_is_degraded_also_where_nobody_watches_it() {
    let server = Server::new([Meets::Frames {
        every: secs(1),
        frames: 1,
    }]);
    let mut reconnect = Reconnect::new(&policy(), |_| server.connect());
    let mut live = reconnect.next_link().await.unwrap();
    live.recv().await.unwrap();
    live.on_frame();
    let (status, mut bar) = (reconnect.status(), reconnect.status());
    sleep(Duration::from_millis(44_999)).await;
    assert!(live.is_live() && !status.now().is_degraded());
    sleep(Duration::from_millis(1)).await;
    assert!(!live.is_live() && status.now().is_degraded());
    assert_eq!(status.now().lost(), Some("silent"));
    // The link still stands there: what comes now is too late.
    live.on_frame();
    assert!(status.now().is_degraded());
    while !bar.changed().await.is_degraded() {}
}

#[tokio::test(start_paused = true)]
async fn a_kick_ends_the_wait_soon_and_once() {
    let server = Server::new(REFUSE);
    let policy = builder()
        .kick_within(Duration::from_millis(100))
        .build()
        .unwrap();
    let clock = TokioClock::starting_now();
    let mut reconnect = Reconnect::new(&policy, |_| server.connect()).clock(clock);
    let status = reconnect.status();
    let kicked = async {
        sleep(secs(40)).await; // within the wait from 31.5 s to 61.5 s
        let at_ns = status.kick().expect("sooner");
        assert!(at_ns <= clock.now_ns() + 100_000_000);
        assert_eq!(status.kick(), None, "once in a wait");
        sleep(secs(1)).await;
        at_ns
    };
    let at_ns = tokio::select! {
        at_ns = kicked => at_ns,
        _ = reconnect.next_link() => panic!("refused"),
    };
    let last = server.tries().last().copied().unwrap();
    // Tokio's timers are of a millisecond, and never early.
    assert_eq!(last.as_millis(), u128::from(at_ns.div_ceil(1_000_000)));
}

#[tokio::test(start_paused = true)]
async fn errors_are_classified_and_the_end_says_why() {
    let answers = [Err("busy"), Err("who are you?")];
    let mut answers = answers.into_iter();
    let begun = Instant::now();
    let mut reconnect = Reconnect::new(&policy(), |_| {
        let answer: Result<(), _> = answers.next().unwrap();
        async move { answer }
    })
    .classify(|error| match *error {
        "busy" => Classified::throttled().retry_after(secs(20)),
        _ => Classified::permanent(),
    });
    let ended = reconnect.next_link().await.map(|_| ()).unwrap_err();
    assert_eq!(begun.elapsed(), secs(20), "as the server asked for");
    let by = GaveUpBy::Advised;
    assert_eq!(
        ended,
        Ended::GaveUp {
            by,
            last: Some("who are you?")
        }
    );
    assert!(reconnect.next().await.is_none());
    assert!(reconnect.next().await.is_none(), "fused");
}

#[tokio::test(start_paused = true)]
async fn the_watch_channel_has_each_change_of_phase() {
    let one = Meets::Frames {
        every: secs(1),
        frames: 1,
    };
    let server = Server::new([Meets::Refusal, one]);
    let mut reconnect = Reconnect::new(&policy(), move |_| server.connect());
    let mut shown = reconnect.status().watch();
    assert_eq!(shown.borrow_and_update().phase(), LinkPhase::Due);
    let reader = tokio::spawn(async move {
        let live = reconnect.next_link().await.unwrap();
        let _ = read(live).await;
        (reconnect, Instant::now())
    });
    let mut phases = Vec::new();
    // With paused time this is over as soon as nobody has anything to do.
    while let Ok(Ok(())) = timeout(secs(60), shown.changed()).await {
        phases.push(shown.borrow_and_update().to_string());
    }
    let _ = reader.await.unwrap();
    // A receiver sees the latest of those that come at one instant.
    assert_eq!(
        phases,
        [
            "DEGRADED: next try in 0.5 s, attempt 1, never heard (connection refused)",
            "DEGRADED: connected, no frame yet, attempt 1, never heard (connection refused)",
            "connected, attempt 1, last frame 0.0 s ago",
            // Where a frame comes after the link is stable, that is sent, too: here none does.
            "DEGRADED: next try in 0.5 s, attempt 1, last frame 45.0 s ago (silent)",
        ]
    );
}
