//! A backoff table at its size: bytes a key, CPU time of a call, for keys in random order, the worst single call, and a
//! flood of keys that nobody has seen.

use std::hint::black_box;
use std::time::Duration;

use clap::Parser;
use evenkeel_benches::clock::{thread_time, timed};
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
    /// How many keys the table has room for that is flooded with as many new ones as `keys` says.
    #[arg(long, default_value_t = 100_000)]
    room: u32,
}

fn main() {
    let args = Args::parse();
    print(&format!("{} u64 keys", args.keys), |due_index| {
        rows(&args, due_index)
    });
    print("the worst single call", |due_index| worst(&args, due_index));
    let title = format!("{} new keys, room for {}", args.keys, args.room);
    print(&title, |due_index| flood(&args, due_index));
    origin(&args);
}

fn print(title: &str, rows: impl Fn(bool) -> Vec<(&'static str, f64)>) {
    println!("| {title} | without the index | with it |");
    println!("|---|---:|---:|");
    let [plain, indexed] = [false, true].map(rows);
    for ((name, plain), (_, indexed)) in plain.into_iter().zip(indexed) {
        println!("| {name} | {plain:.1} | {indexed:.1} |");
    }
    println!();
}

/// The dearest of many calls, each of which is timed for itself; in microseconds, the two readings of the clock included.
fn worst(args: &Args, due_index: bool) -> Vec<(&'static str, f64)> {
    let mut table = empty(args.keys, due_index);
    let mut rng = rng(4);
    let growing = dearest(0..args.keys, |key| {
        black_box(table.on_failure(key.into(), &spread(key), &mut rng).is_ok());
    });
    let mut now_ns = u64::from(args.keys);
    let mut keys = Keys::new(args.keys, 5);
    let steady = dearest(0..args.calls, |_| {
        now_ns += 1_000;
        black_box(fail_and_check(&mut table, now_ns, keys.draw(), &mut rng));
    });
    let pops = if due_index {
        args.calls.min(args.keys.into())
    } else {
        5
    };
    // Long after all holds: every key is forgotten, and nobody has noticed.
    let late_ns = u64::MAX >> 1;
    let mut same = table.clone();
    let late_pop = dearest(0..1, |_| {
        black_box(same.pop_ready(late_ns).is_some());
    });
    drop(same);
    // All holds are over, and none is forgotten.
    let over_ns = now_ns + 120_000_000_000;
    let pop = dearest(0..pops, |_| {
        black_box(table.pop_ready(over_ns).is_some());
    });
    let new_key = dearest(0..1, |_| {
        black_box(table.on_failure(late_ns, &(1 << 63), &mut rng).is_ok());
    });
    vec![
        ("first failure of a key (it grows), us", growing),
        ("failure and check, us", steady),
        ("pop, us", pop),
        ("pop where all are forgotten, us", late_pop),
        ("a new key where all are forgotten, us", new_key),
    ]
}

fn dearest<T>(each: impl Iterator<Item = T>, mut call: impl FnMut(T)) -> f64 {
    let mut most = Duration::ZERO;
    for item in each {
        let start = thread_time();
        call(item);
        most = most.max(thread_time().saturating_sub(start));
    }
    most.as_secs_f64() * 1e6
}

/// A full table of keys that are held back meets keys that nobody has seen: each fails, and asks.
fn flood(args: &Args, due_index: bool) -> Vec<(&'static str, f64)> {
    let mut table = empty(args.room, due_index);
    let mut rng = rng(4);
    for _ in 0..20 {
        for key in 0..args.room {
            let hold = table.on_failure(0, &spread(key), &mut rng);
            let _ = hold.expect("there is room");
        }
    }
    let now_ns = 1_000_000_000;
    let holds = |table: &BackoffTable<u64>| {
        let keys = (0..args.room).map(spread);
        keys.map(|key| (table.peek(now_ns, &key), table.get(now_ns, &key)))
            .collect::<Vec<_>>()
    };
    let (before, bytes) = (holds(&table), table.heap_bytes());
    let held = before.iter().filter(|(asked, _)| asked.is_err()).count();
    let mut refused = 0_u64;
    let each = per(args.keys.into(), |n| {
        for key in 0..n as u32 {
            let key = spread(key.wrapping_add(args.room)) | 1 << 63;
            let full = table.on_failure(now_ns, &key, &mut rng).is_err();
            let asked = table.try_acquire(now_ns, &key).is_err();
            refused += u64::from(full && asked);
        }
    });
    let after = holds(&table);
    let same = before
        .iter()
        .zip(&after)
        .filter(|(one, other)| one == other);
    let same = same.count();
    let grown = table.heap_bytes().saturating_sub(bytes);
    vec![
        ("failure and check of a new key, ns", each),
        ("new keys held back together", refused as f64),
        ("keys held before", held as f64),
        ("keys whose hold is what it was", same as f64),
        ("keys in memory after", table.len() as f64),
        ("heap bytes, in thousands", bytes as f64 / 1e3),
        ("heap bytes more after", grown as f64),
    ]
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
