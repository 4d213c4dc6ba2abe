//! A link's futures dropped at every poll, panics of the connector, and what a drop leaves behind.

mod links;

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use evenkeel_core::reconnect::LinkPhase;
use evenkeel_tokio::reconnect::{Ended, LinkLost};
use evenkeel_tokio::{Clock, Reconnect, Sleep, TokioClock};
use futures_util::FutureExt;
use links::{Meets, Server, policy, secs};
use tokio::sync::mpsc;
use tokio::time::{advance, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// Polls once, and drops it where it is not ready.
fn poll_once<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(ready) => Some(ready),
        Poll::Pending => None,
    }
}

#[tokio::test(start_paused = true)]
async fn next_link_dropped_at_every_poll_makes_the_same_tries() {
    let script = [
        Meets::Refusal,
        Meets::Nothing,
        Meets::AcceptAndClose { frames: 1 },
    ];
    let server = Server::new(script);
    let mut reconnect = Reconnect::new(&policy(), |_| server.connect());
    let mut polls = 0;
    let live = loop {
        // Each future is polled once, and dropped.
        if let Some(live) = poll_once(reconnect.next_link()) {
            break live.unwrap();
        }
        polls += 1;
        assert!(server.under_way() <= 1);
        advance(Duration::from_millis(100)).await;
    };
    assert!(polls > 100, "{polls}");
    // 0; refused, 0.5 s of wait; hangs for 10 s, 1 s of wait.
    assert_eq!(server.waits(), [500, 11_000]);
    assert_eq!(live.id().to_word(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_try_that_was_begun_goes_on_with_the_next_call() {
    let mut reconnect = Reconnect::new(&policy(), |_| async {
        sleep(secs(3)).await;
        Ok::<_, String>("link")
    });
    assert!(timeout(secs(1), reconnect.next_link()).await.is_err());
    let live = timeout(secs(2), reconnect.next_link()).await;
    let live = live.expect("the same try, two seconds later").unwrap();
    assert_eq!(live.id().to_word(), 1);
    assert!(poll_once(live.until_lost()).is_none());
    assert!(poll_once(live.until_lost()).is_none());
    assert!(live.is_live(), "to look is to change nothing");
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_the_connector_is_a_failed_try_and_goes_on_up() {
    let mut tries = 0;
    let mut reconnect = Reconnect::new(&policy(), |_| {
        tries += 1;
        let this = tries;
        assert_ne!(this, 1, "in the call");
        async move {
            assert_ne!(this, 2, "in the future");
            Ok::<_, String>(this)
        }
    });
    let status = reconnect.status();
    for attempt in [1, 2] {
        let panicked = AssertUnwindSafe(reconnect.next_link()).catch_unwind().await;
        assert!(panicked.is_err());
        let now = status.now();
        assert_eq!((now.phase().name(), now.attempt()), ("waiting", attempt));
        assert_eq!(now.lost(), Some("the connector panicked"));
    }
    assert_eq!(*reconnect.next_link().await.unwrap(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_link_dropped_in_a_panic_is_lost() {
    let server = Server::new([Meets::Frames {
        every: secs(1),
        frames: 9,
    }]);
    let mut reconnect = Reconnect::new(&policy(), move |_| server.connect());
    let status = reconnect.status();
    let reader = tokio::spawn(async move {
        let live = reconnect.next_link().await.unwrap();
        assert!(live.id().to_word() == 0, "the reader panics");
        reconnect
    });
    assert!(reader.await.is_err());
    assert_eq!(status.now().lost(), Some("dropped in a panic"));
    // Its driver went with it: nobody will try again.
    assert_eq!(status.now().phase(), LinkPhase::Stopped);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_driver_leaves_its_link_alive_and_makes_no_other() {
    let server = Server::new([Meets::Frames {
        every: secs(1),
        frames: 9,
    }]);
    let mut reconnect = Reconnect::new(&policy(), |_| server.connect());
    let status = reconnect.status();
    let live = reconnect.next_link().await.unwrap();
    drop(reconnect);
    live.on_frame();
    assert!(!status.now().is_degraded());
    let lost = live.until_lost();
    live.lost("done");
    assert_eq!(lost.await, LinkLost::Reported);
    assert_eq!(status.now().phase(), LinkPhase::Stopped);
    assert_eq!(status.now().lost(), Some("done"));

    let hanging = Server::new([Meets::Nothing]);
    let mut reconnect = Reconnect::new(&policy(), |_| hanging.connect());
    let status = reconnect.status();
    assert!(poll_once(reconnect.next_link()).is_none());
    assert_eq!(hanging.under_way(), 1);
    drop(reconnect);
    assert_eq!(
        (hanging.under_way(), status.now().phase()),
        (0, LinkPhase::Stopped)
    );
}

#[test]
fn a_runtime_that_shuts_down_ends_the_link_and_leaves_nothing() {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let (server, status) = runtime.block_on(async {
        let server = Server::new([Meets::Nothing]);
        let mut reconnect = Reconnect::new(&policy(), {
            let server = server.clone();
            move |_| server.connect()
        });
        let status = reconnect.status();
        tokio::spawn(async move { reconnect.next_link().await.map(drop) });
        sleep(secs(1)).await;
        assert_eq!(server.under_way(), 1);
        (server, status)
    });
    drop(runtime);
    assert_eq!(server.under_way(), 0);
    assert_eq!(status.now().phase(), LinkPhase::Stopped);
}

/// Tokio's clock with timers that are always early.
#[derive(Clone, Copy)]
struct Hasty(TokioClock);

impl Clock for Hasty {
    fn now_ns(&self) -> u64 {
        self.0.now_ns()
    }
}

impl Sleep for Hasty {
    type Wake = tokio::time::Sleep;

    fn wake_at(&self, at_ns: u64) -> Self::Wake {
        let left = Duration::from_nanos(at_ns.saturating_sub(self.now_ns()));
        sleep(left.div_f64(2.0))
    }
}

#[tokio::test(start_paused = true)]
async fn a_timer_that_is_early_makes_no_wait_shorter() {
    let server = Server::new([Meets::Refusal]);
    let clock = Hasty(TokioClock::starting_now());
    let mut reconnect = Reconnect::new(&policy(), |_| server.connect()).clock(clock);
    assert!(timeout(secs(40), reconnect.next_link()).await.is_err());
    for (wait, least) in server
        .waits()
        .into_iter()
        .zip([500, 1000, 2000, 4000, 8000])
    {
        assert!(
            (least..least + 50).contains(&wait),
            "{wait} instead of {least} ms"
        );
    }
    assert!(server.waits().len() >= 5);
}

#[tokio::test(start_paused = true)]
async fn a_driver_in_another_task_hears_the_end_of_the_link_and_the_stop() {
    let server = Server::new([Meets::Frames {
        every: secs(1),
        frames: 1000,
    }]);
    let stop = CancellationToken::new();
    let mut reconnect = Reconnect::new(&policy(), {
        let server = server.clone();
        move |_| server.connect()
    })
    .stop(&stop);
    let (links, mut made) = mpsc::channel(1);
    let driver = tokio::spawn(async move {
        loop {
            match reconnect.next_link().await {
                Ok(live) => links.send(live).await.unwrap(),
                Err(ended) => return ended,
            }
        }
    });
    let first = made.recv().await.unwrap();
    sleep(secs(5)).await;
    drop(first);
    let second = made.recv().await.unwrap();
    assert_eq!(server.waits(), [5500]);
    // It is never read: silent after 45 s, and the driver makes the next one by itself, held or not.
    let third = made.recv().await.unwrap();
    assert_eq!(server.waits(), [5500, 46_000]);
    assert!(!second.is_live() && third.is_live());
    assert_eq!(second.until_lost().await, LinkLost::Silent);
    second.lost("late");
    assert!(third.is_live(), "a report of an old link changes nothing");
    stop.cancel();
    assert_eq!(
        timeout(secs(1), driver).await.unwrap().unwrap(),
        Ended::Stopped
    );
    assert!(!third.is_live());
}

#[tokio::test(start_paused = true)]
async fn changed_and_until_lost_dropped_at_every_poll_miss_nothing() {
    let server = Server::new([
        Meets::Frames {
            every: secs(2),
            frames: 3,
        },
        Meets::Nothing,
    ]);
    let mut reconnect = Reconnect::new(&policy(), move |_| server.connect());
    let mut status = reconnect.status();
    let mut live = reconnect.next_link().await.unwrap();
    let (mut lost, mut lines, mut frames, mut silent_after) = (live.until_lost(), vec![], 0, None);
    let mut heard = 0;
    for tenth in 0..600 {
        while let Some(report) = poll_once(status.changed()) {
            lines.push(report.phase().name());
        }
        match poll_once(lost.or(live.recv())) {
            Some(Ok(Some(_))) => {
                live.on_frame();
                (frames, heard) = (frames + 1, tenth);
            }
            Some(Err(why)) => {
                assert_eq!(why, LinkLost::Silent);
                silent_after.get_or_insert(tenth - heard);
            }
            _ => {}
        }
        advance(Duration::from_millis(100)).await;
    }
    assert_eq!(
        (frames, silent_after),
        (3, Some(450)),
        "tenths after the last frame"
    );
    // Up, confirmed, stable; lost; due, as nobody drives it.
    let phases = ["connected", "connected", "connected", "waiting", "due"];
    assert_eq!(lines, phases);
}
