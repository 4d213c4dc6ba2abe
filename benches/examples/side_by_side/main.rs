//! The same task three times: an HTTP call with retries, full jitter, a budget, Retry-After, a deadline and a breaker,
//! with evenkeel-tokio, with evenkeel-tower and with the best of their peers, against the same server. Prints the table
//! of docs/side-by-side.md.
//!
//! `cargo run -p evenkeel-benches --example side_by_side`; with `--check` it compares with the page instead.

mod layers;
mod ours;
mod page;
mod peers;
mod scenes;
mod server;

use std::process::ExitCode;

fn main() -> ExitCode {
    let table = page::table();
    if !std::env::args().any(|argument| argument == "--check") {
        print!("{table}");
        return ExitCode::SUCCESS;
    }
    match page::differs(&table) {
        None => ExitCode::SUCCESS,
        Some(difference) => {
            eprintln!("{difference}");
            ExitCode::FAILURE
        }
    }
}
