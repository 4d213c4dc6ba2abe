//! A world of one's own: a server and a client that the crate does not have, and two hundred of the clients.
//!
//! `cargo run --release -p evenkeel-sim --example own_world` takes a seed as its argument.

mod client;
mod server;
mod world;

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let seed = std::env::args().nth(1).map_or(Ok(7), |seed| seed.parse())?;
    print!("{}", world::table(seed)?);
    Ok(())
}
