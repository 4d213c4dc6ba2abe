//! What goes wrong: an upstream that fails, throttles and hangs, and reports that are slow for a while.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::time::{Instant, sleep};

/// What the upstream does, and until when, in units.
pub(crate) const SCRIPT: [(f64, &str); 5] = [
    (1.0, "works"),
    (2.0, "one in three fails with 500"),
    (3.0, "three in four are told 429 with Retry-After: 1"),
    (4.0, "hangs"),
    (f64::INFINITY, "works"),
];
/// When reports are slow, in units.
const SLOW: std::ops::Range<f64> = 1.5..3.5;

/// The time of the script: from one start, in units of so long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hours {
    pub(crate) start: Instant,
    pub(crate) unit: Duration,
}

impl Hours {
    fn now(self) -> f64 {
        self.start.elapsed().as_secs_f64() / self.unit.as_secs_f64()
    }

    /// Which line of the script it is at.
    pub(crate) fn scene(self) -> usize {
        let now = self.now();
        SCRIPT.iter().take_while(|(until, _)| now >= *until).count()
    }
}

/// The upstream, as a router of its own.
pub(crate) fn upstream(hours: Hours) -> Router {
    let requests = Arc::new(AtomicU32::new(0));
    Router::new().fallback(move || {
        let number = requests.fetch_add(1, Ordering::Relaxed);
        answer(hours.scene(), number)
    })
}

async fn answer(scene: usize, number: u32) -> Response {
    sleep(Duration::from_millis(5)).await;
    match scene {
        1 if number % 3 == 0 => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        2 if number % 4 != 0 => {
            let again = [(RETRY_AFTER, HeaderValue::from_static("1"))];
            (StatusCode::TOO_MANY_REQUESTS, again).into_response()
        }
        3 => pending().await,
        _ => "an order".into_response(),
    }
}

/// What makes reports.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reports(pub(crate) Hours);

impl Reports {
    pub(crate) async fn make(self) {
        let slow = SLOW.contains(&self.0.now());
        sleep(Duration::from_millis(if slow { 150 } else { 5 })).await;
    }
}
