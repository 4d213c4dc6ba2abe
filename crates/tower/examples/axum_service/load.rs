//! Clients that call the service, and count what they are told.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use axum::http::Request;
use axum::http::header::RETRY_AFTER;
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::faults::{Hours, SCRIPT};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What the clients were told, by the scene in which they asked: path, status, and whether there was a Retry-After.
pub(crate) type Told = BTreeMap<(usize, &'static str, u16, bool), u32>;

/// Calls the service until the script has been over for two units: an order every 10 ms, a report every 20 ms.
pub(crate) async fn drive(service: SocketAddr, hours: Hours) -> Result<Told, Failure> {
    let client = Client::builder(TokioExecutor::new()).build_http::<String>();
    let mut calls = JoinSet::new();
    let end = hours.start + hours.unit * (SCRIPT.len() as u32 + 1);
    let (mut at, mut number) = (Instant::now(), 0);
    while at < end {
        sleep_until(at).await;
        let scene = hours.scene();
        calls.spawn(call(client.clone(), service, scene, "/orders/7"));
        if number % 2 == 0 {
            calls.spawn(call(client.clone(), service, scene, "/reports"));
        }
        (at, number) = (at + Duration::from_millis(10), number + 1);
    }
    let mut told = Told::new();
    while let Some(answer) = calls.join_next().await {
        *told.entry(answer??).or_default() += 1;
    }
    Ok(told)
}

async fn call(
    client: Client<HttpConnector, String>,
    service: SocketAddr,
    scene: usize,
    path: &'static str,
) -> Result<(usize, &'static str, u16, bool), Failure> {
    let request = Request::get(format!("http://{service}{path}")).body(String::new())?;
    let response = client.request(request).await?;
    let when = response.headers().contains_key(RETRY_AFTER);
    let status = response.status().as_u16();
    let _ = response.into_body().collect().await;
    Ok((scene, path, status, when))
}

/// What a scraper gets.
pub(crate) async fn scrape(service: SocketAddr) -> Result<String, Failure> {
    let client = Client::builder(TokioExecutor::new()).build_http::<String>();
    let request = Request::get(format!("http://{service}/metrics")).body(String::new())?;
    let body = client.request(request).await?.into_body().collect().await?;
    Ok(String::from_utf8(body.to_bytes().to_vec())?)
}
