//! An axum service behind evenkeel's tower layers, with its metrics scraped: it starts itself and an upstream that goes
//! through an outage, is called for seven seconds, and prints what its clients and its scraper were told.
//!
//! `cargo run -p evenkeel-tower --example axum_service`

mod faults;
mod load;
mod run;
mod service;

use std::error::Error;
use std::time::Duration;

use faults::SCRIPT;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let (told, metrics) = run::run(Duration::from_secs(1)).await?;
    for (scene, (_, name)) in SCRIPT.iter().enumerate() {
        println!("the upstream: {name}");
        for ((_, path, status, when), count) in
            told.range((scene, "", 0, false)..(scene + 1, "", 0, false))
        {
            let when = if *when { ", with Retry-After" } else { "" };
            println!("  {count:>4} x {status} {path}{when}");
        }
    }
    println!("\nGET /metrics");
    for line in run::told(&metrics) {
        println!("  {line}");
    }
    Ok(())
}
