//! The whole: servers, load, one scrape.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::faults::{self, Hours, Reports};
use crate::load::{self, Told};
use crate::service;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A run with a script of units of this length: what the clients were told, and what the scraper got.
pub(crate) async fn run(unit: Duration) -> Result<(Told, String), Failure> {
    // Before anything is observed: the recorder is taken when a handle is named.
    let metrics = PrometheusBuilder::new().install_recorder()?;
    let start = Instant::now();
    let hours = Hours { start, unit };
    let (upstream, upstream_task) = serve(faults::upstream(hours)).await?;
    let router = service::router(format!("http://{upstream}/"), Reports(hours), metrics)?;
    let (service, service_task) = serve(router).await?;
    let told = load::drive(service, hours).await?;
    let scraped = load::scrape(service).await?;
    service_task.abort();
    upstream_task.abort();
    Ok((told, scraped))
}

async fn serve(router: Router) -> Result<(SocketAddr, JoinHandle<()>), Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let served = axum::serve(listener, router);
    let task = tokio::spawn(async move {
        let _ = served.await;
    });
    Ok((address, task))
}

/// The samples of ours that are not 0, in order, but for the quantiles that the exporter makes of histograms.
pub(crate) fn told(metrics: &str) -> Vec<&str> {
    let ours = |line: &&str| {
        line.starts_with("evenkeel_") && !line.ends_with(" 0") && !line.contains("quantile=")
    };
    let mut lines: Vec<_> = metrics.lines().filter(ours).collect();
    lines.sort_unstable();
    lines
}
