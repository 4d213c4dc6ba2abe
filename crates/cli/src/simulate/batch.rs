//! The runs of scenarios, spread over threads: the same runs in the same order, however many there are.

use anyhow::{Result, anyhow};
use evenkeel_sim::{Run, Scenario, Streams, Watch};
use rayon::ThreadPoolBuilder;
use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};

use super::meter::Meter;

/// Runs of one scenario.
pub(crate) struct Batch<'a> {
    pub(crate) scenario: &'a dyn Scenario,
    pub(crate) seed: u64,
    /// The numbers of the runs.
    pub(crate) numbers: Vec<u64>,
}

/// Runs all batches at once, so that the last run of one and the first of the next share the threads. The runs of each
/// are in the order of its numbers. `threads`: `None` is one for each processor.
pub(crate) fn run(batches: &[Batch<'_>], threads: Option<u64>) -> Result<Vec<Vec<Run>>> {
    let threads = threads.unwrap_or(0);
    let pool = ThreadPoolBuilder::new()
        .num_threads(usize::try_from(threads).unwrap_or(usize::MAX))
        .build()
        .map_err(|error| anyhow!("cannot start {threads} threads: {error}"))?;
    let all: Vec<(&Batch<'_>, u64)> = batches
        .iter()
        .flat_map(|batch| batch.numbers.iter().map(move |number| (batch, *number)))
        .collect();
    let meter = Meter::over(all.len() as u64);
    let one = |(batch, number): (&Batch<'_>, u64)| {
        let streams = Streams::of_run(batch.seed, number);
        let run = batch.scenario.run(streams, &mut Watch::off());
        meter.ran(run.events);
        run
    };
    // A run takes long enough to be handed out alone.
    let work = || all.into_par_iter().with_max_len(1).map(one).collect();
    let runs: Vec<Run> = pool.install(work);
    let mut runs = runs.into_iter();
    let of = |batch: &Batch<'_>| runs.by_ref().take(batch.numbers.len()).collect();
    Ok(batches.iter().map(of).collect())
}
