//! A sensor node without an allocator: a link, a breaker, a budget and a health probe in one loop that sleeps until the
//! earliest of their deadlines. It goes through a scripted hour, and prints what happened.
//!
//! `cargo run -p evenkeel-core --example embedded --no-default-features`
//!
//! The crate is `no_std`; only `hour`, the fake of the hardware, names the standard library.
#![no_std]
#![deny(clippy::float_arithmetic)]

mod board;
mod hour;
mod node;
mod outbox;
mod ticks;

use hour::std::{boxed::Box, error::Error, print, println};

fn main() -> Result<(), Box<dyn Error>> {
    let (log, sizes) = hour::run()?;
    print!("{log}");
    println!("\nbytes of");
    for (name, bytes) in sizes {
        println!("{bytes:>6}  {name}");
    }
    Ok(())
}
