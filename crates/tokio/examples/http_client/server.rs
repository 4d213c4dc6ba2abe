//! The faulty server: real HTTP/1.1 on loopback that works, fails, throttles, hangs and drops by the second.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{HeaderValue, RETRY_AFTER};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep};

/// What it does, and until which second.
pub(crate) const SCRIPT: [(f64, &str); 6] = [
    (1.0, "works"),
    (2.5, "one in four fails with 500"),
    (3.5, "says 429 with Retry-After: 1"),
    (5.0, "hangs"),
    (6.5, "closes the connection without an answer"),
    (f64::INFINITY, "works"),
];

pub(crate) struct Server {
    origin: Instant,
    pub(crate) requests: AtomicU32,
}

impl Server {
    pub(crate) fn new(origin: Instant) -> Arc<Self> {
        let requests = AtomicU32::new(0);
        Arc::new(Self { origin, requests })
    }

    /// Which line of the script it is at.
    pub(crate) fn scene(&self) -> usize {
        let now = self.origin.elapsed().as_secs_f64();
        let later = SCRIPT.iter().take_while(|(until, _)| now >= *until);
        later.count()
    }

    /// Accepts connections for as long as the runtime lives.
    pub(crate) async fn accept(self: Arc<Self>, listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    tokio::spawn(Arc::clone(&self).serve(stream));
                }
                // Such errors pass (the peer left, no descriptor free); not spinning lets them.
                Err(_) => sleep(Duration::from_millis(10)).await,
            }
        }
    }

    async fn serve(self: Arc<Self>, stream: TcpStream) {
        let service = service_fn(move |_| {
            let server = Arc::clone(&self);
            async move { server.answer().await }
        });
        // What it drops on purpose, and clients that give up, end here with an error.
        let _ = http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service)
            .await;
    }

    async fn answer(&self) -> Result<Response<Full<Bytes>>, Dropped> {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        sleep(Duration::from_millis(5)).await;
        match self.scene() {
            1 if number % 4 == 0 => Ok(status(StatusCode::INTERNAL_SERVER_ERROR)),
            2 => {
                let mut response = status(StatusCode::TOO_MANY_REQUESTS);
                let headers = response.headers_mut();
                headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
                Ok(response)
            }
            3 => match pending::<Infallible>().await {},
            4 => Err(Dropped),
            _ => Ok(status(StatusCode::OK)),
        }
    }
}

fn status(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(b"hello")));
    *response.status_mut() = status;
    response
}

/// Makes hyper close the connection.
#[derive(Debug, thiserror::Error)]
#[error("closed on purpose")]
pub(crate) struct Dropped;
