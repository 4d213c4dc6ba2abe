//! A soak of evenkeel-tokio: callers, faults, cancellations for a long time; then nothing may be missing or left.

mod around;
mod callers;
mod gauges;
mod ledger;
mod services;
mod sink;
mod world;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use clap::Parser;
use tokio::runtime::{Builder, Handle};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use gauges::{Memory, cpu_time, resident};
use sink::Sink;
use world::World;

/// Drives every adapter with faults for the given time, prints a line for each tenth of it, and checks at the end:
/// memory flat, no permit lost, no task left. Exit code 1 where one of these does not hold.
#[derive(Parser)]
struct Args {
    /// So many seconds of the wall clock, on two worker threads, as fast as it goes.
    #[arg(long, value_name = "SECONDS", required_unless_present = "paused")]
    real: Option<u64>,
    /// So many seconds of tokio's paused clock, on one thread.
    #[arg(long = "virtual", value_name = "SECONDS", conflicts_with = "real")]
    paused: Option<u64>,
    /// Faults, cancellations and pauses are the same for the same seed (as far as threads let them).
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many callers there are at a time.
    #[arg(long, default_value_t = 500)]
    callers: u32,
}

/// How often the memory is looked at.
const SAMPLES: u32 = 200;
/// How often metrics are published: more often than anybody would.
const PUBLISH: Duration = Duration::from_millis(100);
/// Between two calls of a caller, on average, where time costs nothing: 500 callers then make 20 000 calls a second.
const PAUSE: Duration = Duration::from_millis(10);

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    // The observer shall have somebody to tell: a recorder, and a subscriber that writes lines.
    let metrics = Sink::default();
    metrics::set_global_recorder(metrics.clone()).map_err(|_| anyhow!("there is a recorder"))?;
    tracing_subscriber::fmt()
        .with_writer(std::io::sink)
        .try_init()
        .map_err(anyhow::Error::msg)?;
    let (runtime, seconds) = match (args.real, args.paused) {
        (Some(seconds), _) => {
            let runtime = Builder::new_multi_thread()
                .worker_threads(2)
                .enable_time()
                .build()?;
            (runtime, seconds)
        }
        (None, seconds) => {
            let runtime = Builder::new_current_thread()
                .enable_time()
                .start_paused(true)
                .build()?;
            (runtime, seconds.context("--real or --virtual")?)
        }
    };
    ensure!(seconds >= 10, "10 seconds is the least");
    let findings = runtime.block_on(soak(&args, Duration::from_secs(seconds), metrics))?;
    if findings.is_empty() {
        println!("passed: memory is flat, no permit is lost, no task is left");
        return Ok(ExitCode::SUCCESS);
    }
    for finding in &findings {
        println!("FAILED: {finding}");
    }
    Ok(ExitCode::FAILURE)
}

/// What is wrong at the end.
async fn soak(args: &Args, span: Duration, metrics: Sink) -> Result<Vec<String>> {
    let pause = args.paused.map(|_| PAUSE);
    let tasks_before = Handle::current().metrics().num_alive_tasks();
    let world = Arc::new(World::new(args.paused.is_none())?);
    let stop = CancellationToken::new();
    let around = around::start(&world, args.seed, &stop)?;
    let mut callers = JoinSet::new();
    for number in 0..args.callers {
        callers.spawn(callers::call_until(
            Arc::clone(&world),
            stop.clone(),
            args.seed,
            number,
            pause,
        ));
    }
    let memory = watch(&world, span, &metrics).await?;
    stop.cancel();
    let mut findings = Vec::new();
    let left = tokio::time::timeout(Duration::from_secs(30), async {
        while let Some(ended) = callers.join_next().await {
            ended.context("a caller panicked")?;
        }
        anyhow::Ok(())
    });
    match left.await {
        Ok(ended) => ended?,
        Err(_) => findings.push(format!("{} callers never came back", callers.len())),
    }
    callers.abort_all();
    findings.extend(around.stop().await);
    findings.extend(world.audit(span).await);
    findings.extend(memory.finding());
    findings.extend(tasks_left(tasks_before).await);
    world.observer.stop();
    Ok(findings)
}

/// Lets time pass; looks and prints.
async fn watch(world: &World, span: Duration, metrics: &Sink) -> Result<Memory> {
    let mut memory = Memory::with_capacity(SAMPLES as usize);
    let (began, cpu_before) = (std::time::Instant::now(), cpu_time());
    let start = Instant::now();
    let mut last = (0, Duration::ZERO);
    println!(
        "|  s  | calls | calls/s | to a server | resident MiB | tasks | probes out | processors |"
    );
    println!("|---:|---:|---:|---:|---:|---:|---:|---:|");
    for sample in 1..=SAMPLES {
        let until = start + span * sample / SAMPLES;
        while Instant::now() < until {
            tokio::time::sleep_until(until.min(Instant::now() + PUBLISH)).await;
            world.observer.publish();
        }
        memory.push(resident()?);
        if sample % (SAMPLES / 10) == 0 {
            let (calls, reached) = (world.ledger.calls(), world.attempts());
            let passed = start.elapsed();
            let rate = (calls - last.0) as f64 / (passed - last.1).as_secs_f64();
            last = (calls, passed);
            let busy = (cpu_time() - cpu_before).as_secs_f64() / began.elapsed().as_secs_f64();
            println!(
                "| {} | {calls} | {rate:.0} | {reached} | {:.1} | {} | {} | {busy:.2} |",
                passed.as_secs(),
                resident()? as f64 / f64::from(1 << 20),
                Handle::current().metrics().num_alive_tasks(),
                world.probes_out(),
            );
        }
    }
    println!();
    let [wall, passed] = [began.elapsed(), start.elapsed()].map(|span| span.as_secs_f64());
    println!(
        "{passed:.0} s took {wall:.0} s of the wall clock; {}",
        world.ledger
    );
    println!("{}", world.summary());
    println!("series of metrics: {}", metrics.series());
    ensure!(metrics.series() > 0, "the observer has published nothing");
    Ok(memory)
}

/// Who was aborted is gone at its next await point: it is given a while.
async fn tasks_left(before: usize) -> Option<String> {
    for _ in 0..1_000 {
        if Handle::current().metrics().num_alive_tasks() <= before {
            return None;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let alive = Handle::current().metrics().num_alive_tasks();
    Some(format!("{alive} tasks are alive, {before} were before"))
}
