//! The faulty server: real HTTP/1.1 on loopback that works, limits, fails, resets, hangs and restarts by the script.

use std::convert::Infallible;
use std::future::pending;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Result, anyhow};
use evenkeel_tokio::{Clock, Sleep, TokioClock};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{HeaderValue, RETRY_AFTER, USER_AGENT};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rand_xoshiro::Xoshiro256PlusPlus;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::script::{CHECKOUT, ENDPOINTS, Fate, Script};

/// What a call that is turned away is told, in seconds: the header has no smaller unit.
const RETRY_AFTER_SECONDS: u64 = 1;

/// Who asks: a service's limits are for each of its clients.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Client {
    /// Through the machines.
    Guarded,
    /// Without any.
    Bare,
}

const CLIENTS: usize = 2;

impl Client {
    /// The header that says so.
    pub(crate) fn user_agent(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Guarded => "evenkeel",
            Self::Bare => "bare",
        })
    }

    fn of<B>(request: &Request<B>) -> Self {
        match request.headers().get(USER_AGENT) {
            Some(name) if *name == Self::Bare.user_agent() => Self::Bare,
            _ => Self::Guarded,
        }
    }
}

/// What all connections share. A restart loses none of it: it is the same backend behind them.
pub(crate) struct Server {
    clock: TokioClock,
    script: Script,
    dice: Mutex<Xoshiro256PlusPlus>,
    /// Of each client: who asks for more takes nothing from the others.
    limits: [Mutex<Limit>; CLIENTS],
    /// It has just been restarted, and has not told this client yet to come back later.
    warms_up: [AtomicBool; CLIENTS],
    /// Slots of the one backend pool behind all endpoints. Slow checkouts hold them for long, so now and then
    /// another endpoint waits for a slot: this is how the trouble of one touches the others.
    pool: Semaphore,
}

impl Server {
    /// A server whose script begins at 0 of the clock, sized for `rate` calls a second over all endpoints; while it
    /// limits, it serves each client `limit_per_second` of checkout.
    pub(crate) fn new(
        clock: TokioClock,
        script: Script,
        rate: f64,
        limit_per_second: f64,
        dice: Xoshiro256PlusPlus,
    ) -> Arc<Self> {
        // By Little's law the calls to checkout at its slowest, 40 % of all, need 0.19 slots for each call a second,
        // and as many again come from the clients of a trace until a breaker turns them away. With so many slots the pool
        // runs out only then, and only for moments.
        let slots = (rate * 0.25).ceil() as usize;
        Arc::new(Self {
            clock,
            script,
            dice: Mutex::new(dice),
            limits: [(); CLIENTS].map(|()| Mutex::new(Limit::new(limit_per_second))),
            warms_up: [(); CLIENTS].map(|()| AtomicBool::new(false)),
            pool: Semaphore::new(slots),
        })
    }

    /// A place to listen at.
    pub(crate) async fn listener() -> Result<TcpListener> {
        let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        bound.map_err(|error| anyhow!("127.0.0.1: cannot listen on loopback: {error}"))
    }

    /// Serves for as long as it is polled, but for the restarts of the script.
    ///
    /// # Errors
    /// Its port was taken by another program during a restart.
    pub(crate) async fn run(self: Arc<Self>, mut listener: TcpListener) -> Result<Infallible> {
        let address = listener
            .local_addr()
            .map_err(|error| anyhow!("127.0.0.1: cannot listen on loopback: {error}"))?;
        for [down, up] in self.script.downtimes() {
            let mut connections = JoinSet::new();
            tokio::select! {
                never = self.accept(&listener, &mut connections) => match never {},
                () = self.clock.sleep_until(down.as_nanos() as u64) => {}
            }
            drop(listener);
            connections.shutdown().await;
            self.clock.sleep_until(up.as_nanos() as u64).await;
            listener = listen_again(address).await?;
            for warms_up in &self.warms_up {
                warms_up.store(true, Ordering::Relaxed);
            }
        }
        match self.accept(&listener, &mut JoinSet::new()).await {}
    }

    async fn accept(
        self: &Arc<Self>,
        listener: &TcpListener,
        connections: &mut JoinSet<()>,
    ) -> Infallible {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    connections.spawn(Arc::clone(self).serve(stream));
                }
                // Such errors pass (the peer left, no descriptor free); not spinning lets them.
                Err(_) => sleep(Duration::from_millis(10)).await,
            }
            while connections.try_join_next().is_some() {}
        }
    }

    async fn serve(self: Arc<Self>, stream: TcpStream) {
        // Without this the kernel holds small answers back, and the latencies would show its timer instead of ours.
        // Where it cannot be set, all is merely a little slower.
        let _ = stream.set_nodelay(true);
        let reset = Arc::new(Notify::new());
        let service = service_fn(|request| Arc::clone(&self).handle(request, Arc::clone(&reset)));
        let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        tokio::select! {
            // Clients that time out close the connection in the middle of a call: expected here, hence no report.
            _ = &mut connection => {}
            () = reset.notified() => {
                // Closed with nothing to linger for, a socket sends RST instead of FIN.
                let _ = connection.into_parts().io.into_inner().set_zero_linger();
            }
        }
    }

    async fn handle(
        self: Arc<Self>,
        request: Request<Incoming>,
        reset: Arc<Notify>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let key = request.uri().path().trim_start_matches('/');
        let Some(endpoint) = ENDPOINTS.iter().position(|endpoint| endpoint.key == key) else {
            return Ok(answer(StatusCode::NOT_FOUND));
        };
        let client = Client::of(&request) as usize;
        let at = Duration::from_nanos(self.clock.now_ns());
        let warms_up = endpoint == CHECKOUT && self.warms_up[client].swap(false, Ordering::Relaxed);
        if warms_up && !self.script.is_over(at) {
            return Ok(later(StatusCode::SERVICE_UNAVAILABLE));
        }
        let fate = self.script.fate(endpoint, at, &mut lock(&self.dice));
        Ok(match fate {
            Fate::Answer(work) => self.work(work).await,
            Fate::Limited(work) if lock(&self.limits[client]).allows(at) => self.work(work).await,
            Fate::Limited(_) => later(StatusCode::TOO_MANY_REQUESTS),
            Fate::Fail(work) => {
                sleep(work).await;
                later(StatusCode::SERVICE_UNAVAILABLE)
            }
            Fate::Reset => {
                reset.notify_one();
                pending().await
            }
            // Ends when the client gives up: hyper then drops this future with the connection.
            Fate::Hang => pending().await,
        })
    }

    async fn work(&self, work: Duration) -> Response<Full<Bytes>> {
        // Held until the work is done. The pool is never closed, so this is always a slot.
        let _slot = self.pool.acquire().await;
        sleep(work).await;
        answer(StatusCode::OK)
    }
}

/// The port that was free a moment ago. An outgoing connection may have been given it meanwhile, and soon lets it go.
async fn listen_again(address: SocketAddr) -> Result<TcpListener> {
    const TRIES: u32 = 500;
    let mut tries = 0;
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return Ok(listener),
            Err(_) if tries < TRIES => sleep(Duration::from_millis(10)).await,
            Err(error) => {
                return Err(anyhow!(
                    "{address}: cannot listen again after the restart: {error}: start the recording anew"
                ));
            }
        }
        tries += 1;
    }
}

/// A bucket of calls that time fills: a limit as services have it.
struct Limit {
    per_second: f64,
    left: f64,
    filled_at: Duration,
}

impl Limit {
    const fn new(per_second: f64) -> Self {
        Self {
            per_second,
            left: 0.0,
            filled_at: Duration::ZERO,
        }
    }

    fn allows(&mut self, at: Duration) -> bool {
        let since = at.saturating_sub(self.filled_at).as_secs_f64();
        self.filled_at = self.filled_at.max(at);
        // A fifth of a second's worth at once, and always one.
        let most = (self.per_second / 5.0).max(1.0);
        self.left = (self.left + since * self.per_second).min(most);
        let allowed = self.left >= 1.0;
        if allowed {
            self.left -= 1.0;
        }
        allowed
    }
}

/// The client is to come back later.
fn later(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = answer(status);
    let seconds = HeaderValue::from(RETRY_AFTER_SECONDS);
    response.headers_mut().insert(RETRY_AFTER, seconds);
    response
}

fn answer(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(b"{}")));
    *response.status_mut() = status;
    response
}

/// Dice and limits are whole after any panic, so poison says nothing here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
