//! The faulty server: real HTTP/1.1 on loopback that works, fails and hangs by the script.

use crate::script::{ENDPOINTS, Fate, fate};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rand_xoshiro::Xoshiro256PlusPlus;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};

/// What all connections share.
pub(crate) struct Server {
    origin: Instant,
    run: Duration,
    rng: Mutex<Xoshiro256PlusPlus>,
    /// Slots of the one backend pool behind all endpoints. Slow checkouts hold them for long, so now and then
    /// another endpoint waits for a slot: this is how the outage of one touches the others.
    pool: Semaphore,
}

impl Server {
    /// A server whose script starts at `origin` and spans `run`, with a pool for `rate` calls a second.
    pub(crate) fn new(
        origin: Instant,
        run: Duration,
        rate: u32,
        rng: Xoshiro256PlusPlus,
    ) -> Arc<Self> {
        // By Little's law the slowest moment of checkout needs about 0.19 slots for each call a second. With fewer
        // than that the pool runs out only there, and only for moments.
        let slots = (f64::from(rate) * 0.17).ceil() as usize;
        Arc::new(Self {
            origin,
            run,
            rng: Mutex::new(rng),
            pool: Semaphore::new(slots),
        })
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
        // Without this the kernel holds small answers back, and the trace would show its timer instead of ours.
        // Where it cannot be set, the trace is merely a little slower.
        let _ = stream.set_nodelay(true);
        let service = service_fn(move |request| Arc::clone(&self).handle(request));
        // Clients that time out close the connection in the middle of a call: expected here, hence no report.
        let _ = http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service)
            .await;
    }

    async fn handle(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let key = request.uri().path().trim_start_matches('/');
        let Some(endpoint) = ENDPOINTS.iter().position(|endpoint| endpoint.key == key) else {
            return Ok(answer(StatusCode::NOT_FOUND));
        };
        Ok(match self.roll(endpoint) {
            Fate::Answer(work) => {
                // Held until the work is done. The pool is never closed, so this is always a slot.
                let _slot = self.pool.acquire().await;
                sleep(work).await;
                answer(StatusCode::OK)
            }
            Fate::Fail(work) => {
                sleep(work).await;
                answer(StatusCode::SERVICE_UNAVAILABLE)
            }
            // Ends when the client gives up: hyper then drops this future with the connection.
            Fate::Hang => std::future::pending().await,
        })
    }

    fn roll(&self, endpoint: usize) -> Fate {
        // A generator is whole after any panic, so poison says nothing here.
        let mut rng = self.rng.lock().unwrap_or_else(PoisonError::into_inner);
        fate(endpoint, self.origin.elapsed(), self.run, &mut rng)
    }
}

fn answer(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(b"{}")));
    *response.status_mut() = status;
    response
}
