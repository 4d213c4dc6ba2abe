//! What runs beside the callers: the weather, a link that is lost, children that die, a health probe.

use std::future::{Future, pending};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Result;
use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::health::HealthProbePolicy;
use evenkeel_core::reconnect::ReconnectPolicy;
use evenkeel_core::restart::RestartPolicy;
use evenkeel_tokio::health::ProbeHandle;
use evenkeel_tokio::{HealthProbe, Reconnect, Streams, Supervisor, TokioClock};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::ledger::Count;
use crate::services::{Service, Weather};
use crate::world::World;

/// How many of something are there now, and how many there were: each holds a [`Token`].
#[derive(Debug, Default)]
struct Alive {
    now: AtomicU64,
    ever: Count,
}

struct Token(Arc<Alive>);

impl Alive {
    fn token(self: &Arc<Self>) -> Token {
        self.now.fetch_add(1, Ordering::Relaxed);
        self.ever.add();
        Token(Arc::clone(self))
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A link is closed by the other side after so many frames, at the latest.
const FRAMES: u32 = 30;

pub(crate) struct Around {
    supervisor: Supervisor,
    probe: ProbeHandle,
    link: JoinHandle<()>,
    links: Arc<Alive>,
    runs: Arc<Alive>,
}

pub(crate) fn start(world: &Arc<World>, seed: u64, stop: &CancellationToken) -> Result<Around> {
    for (number, service) in world.services().enumerate() {
        let weather = Arc::clone(service).change(stop.clone(), seed << 8 | number as u64);
        drop(tokio::spawn(weather));
    }
    let probed = &world.guarded[2];
    let asked = Arc::clone(&probed.service);
    let interval = Duration::from_millis(20);
    let policy = HealthProbePolicy::builder(interval, interval / 2)
        .rise(2)
        .fall(2);
    let probe = HealthProbe::new(&policy.build()?, move |_| {
        let asked = Arc::clone(&asked);
        async move { check(&asked).await }
    });
    let probe = probe
        .breaker(&probed.breaker)
        .on_change(world.observer.health("probed"))
        .start();
    let (links, runs) = (Arc::<Alive>::default(), Arc::<Alive>::default());
    Ok(Around {
        supervisor: supervise(world, &runs)?,
        probe,
        link: tokio::spawn(link(world, &links, stop)?),
        links,
        runs,
    })
}

async fn check(service: &Service) -> Result<(), Weather> {
    match service.weather() {
        Weather::Hangs => pending().await,
        Weather::Down => Err(Weather::Down),
        _ => Ok(()),
    }
}

fn supervise(world: &World, runs: &Arc<Alive>) -> Result<Supervisor> {
    let listener = world.observer.supervisor("soak");
    let supervisor = Supervisor::with(TokioClock::default(), &Streams::of_the_process(), listener);
    let waits = BackoffPolicy::builder(Duration::from_millis(5)).cap(Duration::from_millis(50));
    let policy = RestartPolicy::builder(waits).build()?;
    for (name, life_ms) in [("errs", 3), ("panics", 7), ("leaves", 5)] {
        let runs = Arc::clone(runs);
        supervisor.add(name, &policy, move |stop| {
            let run = runs.token();
            async move {
                let _run = run;
                let life = tokio::time::sleep(Duration::from_millis(life_ms));
                let _ = stop.run_until_cancelled(life).await;
                match name {
                    "errs" => Err("it errs"),
                    // Without the hook, which would print.
                    "panics" => std::panic::resume_unwind(Box::new("it panics")),
                    _ => Ok(()),
                }
            }
        })?;
    }
    let held = Arc::clone(runs);
    supervisor.add("deaf", &policy, move |_| {
        let run = held.token();
        async move {
            let _run = run;
            pending::<Result<(), &str>>().await
        }
    })?;
    Ok(supervisor)
}

/// Links for as long as the soak goes on. In its task, what it awaits is given up now and then.
fn link(
    world: &World,
    links: &Arc<Alive>,
    stop: &CancellationToken,
) -> Result<impl Future<Output = ()> + Send + 'static + use<>> {
    let waits = BackoffPolicy::builder(Duration::from_millis(2)).cap(Duration::from_millis(30));
    let policy = ReconnectPolicy::builder(waits, Duration::from_millis(20))
        .stable_after(Duration::from_millis(40))
        .silence_limit(Duration::from_millis(25))
        .build()?;
    let service = Arc::clone(&world.many);
    let (server, links) = (Arc::clone(&service), Arc::clone(links));
    let mut reconnect = Reconnect::new(&policy, move |_| {
        let (server, links) = (Arc::clone(&server), Arc::clone(&links));
        async move {
            let up = check(&server).await;
            up.map(|()| links.token()).map_err(|_| "refused")
        }
    })
    .stop(stop);
    let status = reconnect.status();
    world.observer.link("soak", move || status.now());
    Ok(async move {
        loop {
            // A try that goes on is kept for the next call.
            let patience = Duration::from_millis(7);
            let live = match timeout(patience, reconnect.next_link()).await {
                Ok(Ok(live)) => live,
                Ok(Err(_stopped)) => return,
                Err(_) => continue,
            };
            let mut lost = live.until_lost();
            let mut frames = 0;
            loop {
                match lost.or(frame(&service)).await {
                    Ok(true) if frames < FRAMES => live.on_frame(),
                    Ok(_) => break live.lost("end of file"),
                    Err(_) => break drop(live),
                }
                frames += 1;
            }
        }
    })
}

/// Whether a frame comes, and not the end.
async fn frame(service: &Service) -> bool {
    tokio::time::sleep(Duration::from_millis(2)).await;
    check(service).await.is_ok()
}

impl Around {
    /// Ends what was started; what is wrong.
    pub(crate) async fn stop(self) -> Vec<String> {
        let mut findings = Vec::new();
        let report = self.supervisor.stop(Duration::from_secs(2)).await;
        if report.aborted != ["deaf"] || !report.still_running.is_empty() {
            findings.push(format!("the supervisor's stop: {report:?}"));
        }
        self.probe.stop();
        if timeout(Duration::from_secs(5), self.link).await.is_err() {
            findings.push("the link does not hear the stop".to_owned());
        }
        for (name, alive) in [("links", &self.links), ("runs of children", &self.runs)] {
            let (now, ever) = (alive.now.load(Ordering::Relaxed), alive.ever.get());
            println!("{name}: {ever}");
            if now != 0 || ever < 10 {
                findings.push(format!("{name}: {now} are still there of {ever}"));
            }
        }
        findings
    }
}
