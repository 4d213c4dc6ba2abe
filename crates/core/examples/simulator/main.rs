//! A simulator of one's own around the core: no runtime, no adapter, no clock but the heap's. A hundred clients call a
//! server that stalls for five seconds, four times: with retries alone, with a budget, with a breaker, with both.
//!
//! `cargo run --release -p evenkeel-core --example simulator` takes a seed as its argument.

mod server;
mod table;
mod world;

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let seed = std::env::args().nth(1).map_or(Ok(7), |seed| seed.parse())?;
    print!("{}", table::compare(seed)?);
    Ok(())
}
