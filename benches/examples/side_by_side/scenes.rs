//! What happens to a caller in each row of the table, whoever it is: the same server, the same script.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::StatusCode;
use tokio::runtime::{Builder, Handle};
use tokio::task::{JoinSet, yield_now};
use tokio::time::{Instant, sleep, timeout};

use crate::server::{Answer, Server};

/// A client that does the task.
pub(crate) trait Caller: Clone + Send + Sync + 'static {
    /// One whose breaker stays open for `open` at first.
    fn new(server: Arc<Server>, open: Duration) -> Self;
    /// The call.
    fn get(&self) -> impl Future<Output = Result<StatusCode, String>> + Send;
    /// What its breaker is in.
    fn phase(&self) -> &'static str;
    /// How many retries its budget would still pay for. It may take them.
    fn retries_left(&self) -> u64;
}

/// A client of ours as a caller: both have a `breaker`, a `budget` and a `get` of their own.
macro_rules! caller_of_ours {
    ($Client:ty) => {
        impl Caller for $Client {
            fn new(server: Arc<Server>, open: Duration) -> Self {
                Self::new(server, open).expect("a policy that can be")
            }

            async fn get(&self) -> Result<StatusCode, String> {
                let answer = self.get().await;
                answer
                    .map(|response| response.status())
                    .map_err(|error| error.to_string())
            }

            fn phase(&self) -> &'static str {
                self.breaker.phase().name()
            }

            fn retries_left(&self) -> u64 {
                self.budget.retries_left()
            }
        }
    };
}
pub(crate) use caller_of_ours;

/// The rows: a question, and what answers it.
pub(crate) fn rows<C: Caller>() -> Vec<(&'static str, String)> {
    vec![
        (
            "a call is dropped while it waits to retry: the budget",
            paused(dropped_waiting::<C>()),
        ),
        (
            "a probe is dropped: its place in half-open",
            real(dropped_probe::<C>()),
        ),
        (
            "60 calls in all stages are aborted: what goes on",
            paused(aborted::<C>()),
        ),
        (
            "429 with `Retry-After: 3`: the next request",
            paused(advised::<C>("3".into())),
        ),
        (
            "the same as a date, 30 s ahead, followed for at most 6 s",
            paused(advised::<C>(date())),
        ),
        (
            "429 with `Retry-After: 86400`, followed for at most 6 s",
            paused(advised::<C>("86400".into())),
        ),
        (
            "that again and again, with a deadline of 10 s: the caller hears",
            paused(at_the_deadline::<C>()),
        ),
        (
            "500 again and again: the waits of 300 clients with a cap of 500 ms",
            paused(waits::<C>()),
        ),
        (
            "five calls in a row panic: the breaker",
            paused(panics::<C>()),
        ),
        (
            "the breaker is open: the caller hears",
            paused(refused::<C>()),
        ),
        (
            "100 calls at once when it half-opens: let through",
            real(crowd::<C>()),
        ),
        (
            "a call from before the trip succeeds in half-open: the breaker",
            real(late::<C>()),
        ),
        (
            "an hour of paused time: the open wait of 30 s",
            paused(an_hour::<C>()),
        ),
    ]
}

/// Under tokio's paused time: at once, and exact.
fn paused<T>(scene: impl Future<Output = T>) -> T {
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    runtime.expect("a runtime").block_on(scene)
}

/// In real time, where a breaker must get over its open wait: that of the peers reads the system's clock.
fn real<T>(scene: impl Future<Output = T>) -> T {
    let runtime = Builder::new_current_thread().enable_time().build();
    runtime.expect("a runtime").block_on(scene)
}

/// Long enough that a machine under load does not skip it.
const OPEN: Duration = Duration::from_millis(300);
const PAST_OPEN: Duration = Duration::from_millis(400);
const AT_ONCE: Duration = Duration::ZERO;
const LONG: Duration = Duration::from_secs(3_600);

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Spawns `count` calls.
fn calls<C: Caller>(client: &C, count: usize) -> JoinSet<Result<StatusCode, String>> {
    let mut calls = JoinSet::new();
    for _ in 0..count {
        let client = client.clone();
        calls.spawn(async move { client.get().await });
    }
    calls
}

/// A client whose breaker five failures have opened, and time has half-opened; `before` has been going on since then.
async fn half_open<C: Caller>(client: &C, before: usize) -> JoinSet<Result<StatusCode, String>> {
    let going_on = calls(client, before);
    sleep(ms(1)).await;
    trip(client).await;
    sleep(PAST_OPEN).await;
    going_on
}

/// Five calls that fail at once, dropped as soon as they have: their retries must not become probes.
async fn trip<C: Caller>(client: &C) {
    let failing = calls(client, 5);
    while client.phase() == "closed" {
        yield_now().await;
    }
    drop(failing);
}

fn failures() -> [Answer; 5] {
    [(); 5].map(|()| Answer::Status(500, AT_ONCE))
}

async fn dropped_waiting<C: Caller>() -> String {
    let then = Answer::Status(500, AT_ONCE);
    let fresh = C::new(Server::new([], then.clone()), LONG).retries_left();
    let server = Server::new([], Answer::Throttled("5".into()));
    let client = C::new(Arc::clone(&server), LONG);
    assert!(timeout(ms(100), client.get()).await.is_err(), "it waits");
    match fresh.saturating_sub(client.retries_left()) {
        0 => "has its retry back".into(),
        lost => format!("has lost {lost} retry"),
    }
}

async fn dropped_probe<C: Caller>() -> String {
    let server = Server::new(failures(), Answer::Status(200, LONG));
    let client = C::new(Arc::clone(&server), OPEN);
    drop(half_open(&client, 0).await);
    assert!(timeout(ms(20), client.get()).await.is_err(), "it hangs");
    let before = server.asked();
    assert!(
        timeout(ms(20), client.get()).await.is_err(),
        "the next probe hangs"
    );
    match server.asked() - before {
        0 => "is taken".into(),
        _ => "is free at once".into(),
    }
}

async fn aborted<C: Caller>() -> String {
    let script = [(); 20].map(|()| Answer::Status(200, ms(10)));
    let advised = [(); 20].map(|()| Answer::Throttled("5".into()));
    let server = Server::new(
        script.into_iter().chain(advised),
        Answer::Status(200, ms(1_900)),
    );
    let client = C::new(Arc::clone(&server), LONG);
    let mut all = calls(&client, 60);
    sleep(ms(1_000)).await;
    assert_eq!(server.running(), 20);
    all.shutdown().await;
    let tasks = Handle::current().metrics().num_alive_tasks();
    format!("{} requests, {tasks} tasks", server.running())
}

fn date() -> String {
    httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(30))
}

async fn advised<C: Caller>(retry_after: String) -> String {
    let server = Server::new(
        [Answer::Throttled(retry_after)],
        Answer::Status(200, AT_ONCE),
    );
    let client = C::new(Arc::clone(&server), LONG);
    assert_eq!(client.get().await, Ok(StatusCode::OK));
    format!("{:.1} s later", server.pause().as_secs_f64())
}

async fn at_the_deadline<C: Caller>() -> String {
    let server = Server::new([], Answer::Throttled("86400".into()));
    let client = C::new(Arc::clone(&server), LONG);
    let began = Instant::now();
    let heard = match client.get().await {
        Ok(status) => status.as_str().to_owned(),
        Err(error) => format!("\"{error}\""),
    };
    format!("{heard} after {:.1} s", began.elapsed().as_secs_f64())
}

async fn waits<C: Caller>() -> String {
    let (mut longest, mut firsts) = (AT_ONCE, Vec::new());
    for _ in 0..300 {
        let server = Server::new([], Answer::Status(500, AT_ONCE));
        let client = C::new(Arc::clone(&server), LONG);
        let _ = client.get().await;
        longest = longest.max(server.longest_pause());
        firsts.push(server.pause());
    }
    firsts.sort_unstable();
    firsts.dedup();
    let apart = if firsts.len() > 50 {
        "all over their range"
    } else {
        "in step"
    };
    let within = if longest <= ms(501) {
        "within the cap"
    } else {
        "above the cap"
    };
    format!("{within}, {apart}")
}

async fn panics<C: Caller>() -> String {
    let client = C::new(Server::new([], Answer::Panics), LONG);
    let told = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let mut panicked = 0;
    for _ in 0..5 {
        let ended = calls(&client, 1).join_next().await.expect("one call");
        panicked += usize::from(ended.is_err_and(|error| error.is_panic()));
    }
    std::panic::set_hook(told);
    assert_eq!(panicked, 5, "the caller sees them");
    format!("is {}", client.phase())
}

async fn refused<C: Caller>() -> String {
    let server = Server::new([], Answer::Status(500, AT_ONCE));
    let client = C::new(Arc::clone(&server), Duration::from_secs(30));
    let _ = calls(&client, 5).join_all().await;
    let (asked, began) = (server.asked(), Instant::now());
    let heard = client.get().await.expect_err("it is open");
    assert_eq!((server.asked(), began.elapsed()), (asked, AT_ONCE));
    format!("\"{heard}\" at once")
}

async fn crowd<C: Caller>() -> String {
    let server = Server::new(failures(), Answer::Status(200, ms(200)));
    let client = C::new(Arc::clone(&server), OPEN);
    drop(half_open(&client, 0).await);
    let before = server.asked();
    let crowd = calls(&client, 100);
    sleep(ms(50)).await;
    drop(crowd);
    format!("{}", server.asked() - before)
}

async fn late<C: Caller>() -> String {
    let slow = [Answer::Status(200, ms(1_800))];
    let server = Server::new(
        slow.into_iter().chain(failures()),
        Answer::Status(500, LONG),
    );
    let client = C::new(Arc::clone(&server), OPEN);
    let mut slow = half_open(&client, 1).await;
    let probe = calls(&client, 1); // hangs
    sleep(ms(20)).await;
    assert_eq!(client.phase(), "half-open");
    let ended = slow.join_next().await.expect("one call").expect("no panic");
    assert_eq!(ended, Ok(StatusCode::OK));
    sleep(ms(20)).await;
    drop(probe);
    format!("is {}", client.phase())
}

async fn an_hour<C: Caller>() -> String {
    let client = C::new(
        Server::new(failures(), Answer::Status(200, AT_ONCE)),
        Duration::from_secs(30),
    );
    trip(&client).await;
    sleep(LONG).await;
    match client.get().await {
        Ok(_) => "is over".into(),
        Err(_) => "has not begun".into(),
    }
}
