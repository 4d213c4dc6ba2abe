//! Bytes and allocations: what the machines keep in memory, against their bounds. Counted by an allocator that only this
//! program has, so the figures repeat to the digit.

use std::hint::black_box;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use allocation_counter::measure;
use clap::Parser;
use evenkeel_benches::adapters;
use evenkeel_benches::page::Page;
use evenkeel_benches::tables::{PeerTable, filled, spread};
use evenkeel_core::Quantile;
use evenkeel_core::backoff::BackoffPolicy;
use evenkeel_core::breaker::{Breaker, BreakerPolicy, Trigger, Window};
use evenkeel_core::estimator::{ThresholdWindow, ThresholdWindowPolicy};

/// Prints a table (Markdown) of what is taken and what may be.
#[derive(Parser)]
struct Args {
    /// End with an error where more is taken than may be.
    #[arg(long)]
    check: bool,
    /// Write the table into this page, too, where its mark is.
    #[arg(long)]
    page: Option<PathBuf>,
}

const HEAD: &str = "| what | taken | at most | of | |\n|---|---:|---:|---|---|\n";

/// What was counted, and its bound.
struct Bound {
    what: String,
    taken: u64,
    at_most: u64,
    of: String,
}

fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    let mut bounds = vec![threshold_window(), breaker()];
    bounds.extend(retries());
    for keys in [1_000, 1_000_000, 10_000_000] {
        bounds.extend(tables(keys));
    }
    let mut table = HEAD.to_owned();
    let mut over = 0;
    for bound in bounds {
        let is_over = bound.taken > bound.at_most;
        over += u32::from(is_over);
        let verdict = if is_over { "miss" } else { "pass" };
        let Bound {
            what,
            taken,
            at_most,
            of,
        } = bound;
        table += &format!("| {what} | {taken} | {at_most} | {of} | {verdict} |\n");
    }
    println!("{table}\n{over} miss");
    if let Some(path) = &args.page {
        let mut page = Page::read(path)?;
        page.fill("bytes", &table)?;
        page.write(path)?;
    }
    Ok(if args.check && over > 0 {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// What `make` leaves on the heap.
fn kept<T>(make: impl FnOnce() -> T) -> (T, u64) {
    let mut made = None;
    let counted = measure(|| made = Some(black_box(make())));
    let bytes = u64::try_from(counted.bytes_current).unwrap_or(0);
    (made.expect("it was made"), bytes)
}

/// A value and what it has on the heap.
fn whole<T>(make: impl FnOnce() -> T) -> u64 {
    let (value, heap) = kept(make);
    size_of_val(&value) as u64 + heap
}

fn threshold_window() -> Bound {
    const SAMPLES: u32 = 1_000;
    let policy = ThresholdWindowPolicy::new(SAMPLES, Quantile::P99, 64_000);
    let policy = policy.expect("a valid size");
    Bound {
        what: "ThresholdWindow of 1 000, bytes".to_owned(),
        taken: whole(|| ThresholdWindow::new(policy)),
        at_most: u64::from(SAMPLES / 8 + 64),
        of: "a bit a sample and 64".to_owned(),
    }
}

/// Its policy is borrowed, and not counted.
fn breaker() -> Bound {
    let policy = BreakerPolicy::builder(
        BackoffPolicy::builder(Duration::from_secs(1)),
        Duration::from_secs(5),
    )
    .window(Window::Count { calls: 1_000 })
    .trigger(Trigger::Latency {
        quantile: Quantile::P99,
        above: Duration::from_millis(200),
        min_calls: 100,
    })
    .build()
    .expect("a valid policy");
    let bytes = whole(|| Breaker::new(&policy));
    Bound {
        what: "breaker, p99 of the last 1 000, policy shared: bytes".to_owned(),
        taken: bytes,
        at_most: 512,
        of: "the whole breaker".to_owned(),
    }
}

/// What a thousand calls that succeed at once allocate.
fn retries() -> [Bound; 3] {
    let of = |what: &str, call: &mut dyn FnMut() -> bool| {
        assert!(call(), "it succeeds");
        let thousand = || (0..1_000).for_each(|_| assert!(call()));
        Bound {
            what: format!("{what} a call that succeeds: allocations of 1 000"),
            taken: measure(thousand).count_total,
            at_most: 0,
            of: "none".to_owned(),
        }
    };
    [
        of("std, retry around", &mut adapters::blocking()),
        of("tokio, retry around", &mut adapters::of_a_future()),
        of("tower, retry layer around", &mut adapters::of_a_service()),
    ]
}

/// Each key failed once; beside the bytes of O2's table with the same keys.
fn tables(keys: u32) -> [Bound; 2] {
    let (origin, of_origin) = kept(|| {
        let mut table = PeerTable::default();
        (0..keys).for_each(|key| table.record_failure(spread(key), 0));
        table
    });
    drop(origin);
    [(false, "", 60), (true, ", due index", 95)].map(|(due_index, with, percent)| {
        let (table, taken) = kept(|| filled(keys, due_index));
        drop(table);
        Bound {
            what: format!("BackoffTable of {keys} keys{with}: bytes"),
            taken,
            at_most: of_origin * percent / 100,
            of: format!("{percent} % of origin O2's {of_origin}"),
        }
    })
}
