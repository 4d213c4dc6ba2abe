//! A backoff table at its size: bytes a key, and CPU time of a call, for keys in random order.

use std::hint::black_box;

use clap::Parser;
use evenkeel_benches::clock::timed;
use evenkeel_benches::inputs::rng;
use evenkeel_benches::tables::{Keys, PeerTable, empty, fail_and_check, spread};
use evenkeel_core::table::BackoffTable;

/// Prints a table (Markdown): without the due index and with it, and what the `HashMap` of origin O2 takes.
#[derive(Parser)]
struct Args {
    /// How many keys.
    #[arg(long, default_value_t = 10_000_000)]
    keys: u32,
    /// How many calls of each kind are measured.
    #[arg(long, default_value_t = 5_000_000)]
    calls: u64,
}

fn main() {
    let args = Args::parse();
    println!("| {} u64 keys | without the index | with it |", args.keys);
    println!("|---|---:|---:|");
    let [plain, indexed] = [false, true].map(|due_index| rows(&args, due_index));
    for ((name, plain), (_, indexed)) in plain.into_iter().zip(indexed) {
        println!("| {name} | {plain:.1} | {indexed:.1} |");
    }
    origin(&args);
}

/// The same calls on the table of origin O2.
fn origin(args: &Args) {
    let mut table = PeerTable::default();
    let first = per(args.keys.into(), |n| {
        (0..n as u32).for_each(|key| table.record_failure(spread(key), key.into()));
    });
    let (mut keys, mut now_ns) = (Keys::new(args.keys, 5), u64::from(args.keys));
    let again = per(args.calls, |n| {
        for _ in 0..n {
            now_ns += 1_000;
            let key = keys.draw();
            table.record_failure(key, now_ns);
            black_box(table.should_retry(key, now_ns));
        }
    });
    println!();
    println!("origin O2: first failure of a key {first:.1} ns, failure and check {again:.1} ns");
}

/// What was measured, in order.
fn rows(args: &Args, due_index: bool) -> Vec<(&'static str, f64)> {
    let mut table = empty(args.keys, due_index);
    let mut rng = rng(4);
    let mut rows = Vec::new();
    let first = per(args.keys.into(), |n| {
        for key in 0..n as u32 {
            let hold = table.on_failure(u64::from(key), &spread(key), &mut rng);
            black_box(hold.is_ok());
        }
    });
    let bytes = table.heap_bytes() as f64 / f64::from(args.keys);
    rows.push(("bytes a key", bytes));
    rows.push(("first failure of a key, ns", first));

    let mut now_ns = u64::from(args.keys);
    let mut keys = Keys::new(args.keys, 5);
    rows.push((
        "failure and check, ns",
        per(args.calls, |n| {
            for _ in 0..n {
                now_ns += 1_000;
                black_box(fail_and_check(&mut table, now_ns, keys.draw(), &mut rng));
            }
        }),
    ));
    rows.push((
        "check, ns",
        per(args.calls, |n| {
            for _ in 0..n {
                black_box(table.peek(now_ns, &keys.draw()).is_ok());
            }
        }),
    ));
    rows.push((
        "failure without room, ns",
        per(args.calls, |n| {
            for key in 0..n {
                black_box(table.on_failure(now_ns, &(key | 1 << 63), &mut rng).is_ok());
            }
        }),
    ));
    rows.push((
        "next deadline and pop, ns",
        pops(&mut table, args, due_index),
    ));
    rows
}

fn pops(table: &mut BackoffTable<u64>, args: &Args, due_index: bool) -> f64 {
    // Without the index each goes through all keys.
    let calls = if due_index {
        args.calls.min(args.keys.into())
    } else {
        5
    };
    per(calls, |n| {
        for _ in 0..n {
            let at_ns = table.next_deadline_ns().expect("a key that is held");
            black_box(table.pop_ready(at_ns).is_some());
        }
    })
}

/// Nanoseconds for each of `n` operations.
fn per(n: u64, mut run: impl FnMut(u64)) -> f64 {
    timed(&mut run, n).as_secs_f64() * 1e9 / n as f64
}
