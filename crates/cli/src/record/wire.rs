//! One HTTP request to the faulty server, and how it can fail.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Result;
use evenkeel_core::breaker::Outcome;
use evenkeel_tokio::{Classified, retry_after};
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::header::{RETRY_AFTER, USER_AGENT};
use hyper::{Request, Uri};
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use super::script::{ENDPOINTS, Endpoint};
use super::server::Client;

/// A client that keeps connections alive. A clone shares them.
#[derive(Clone)]
pub(crate) struct Wire {
    hyper: HyperClient<HttpConnector, Empty<Bytes>>,
    client: Client,
    /// By the places in [`ENDPOINTS`].
    uris: Arc<[Uri]>,
}

/// How a request failed that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// A status that is not 2xx; the service may have said when to come back.
    Status {
        code: u16,
        retry_after: Option<Duration>,
    },
    /// The connection was refused or reset, or closed before the answer was whole.
    Broken,
}

impl Wire {
    pub(crate) fn new(address: SocketAddr, client: Client) -> Result<Self> {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let mut builder = HyperClient::builder(TokioExecutor::new());
        // Else this client makes some requests again by itself, which nobody could see and no budget pays for.
        builder.retry_canceled_requests(false);
        let uri = |endpoint: &Endpoint| format!("http://{address}/{}", endpoint.key).parse();
        Ok(Self {
            hyper: builder.build(connector),
            client,
            uris: ENDPOINTS.iter().map(uri).collect::<Result<_, _>>()?,
        })
    }

    /// Dropped, it closes its connection.
    pub(crate) async fn get(&self, endpoint: usize) -> Result<(), Failure> {
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = self.uris[endpoint].clone();
        let name = self.client.user_agent();
        request.headers_mut().insert(USER_AGENT, name);
        let response = self.hyper.request(request).await;
        let response = response.map_err(|_| Failure::Broken)?;
        let status = response.status();
        let header = response.headers().get(RETRY_AFTER);
        let asked = header
            .and_then(|value| value.to_str().ok())
            .and_then(|value| retry_after(value, SystemTime::now()));
        // An answer counts when its body is there; reading it also frees the connection for the next request.
        let body = response.into_body().collect().await;
        match status.as_u16() {
            200..300 if body.is_ok() => Ok(()),
            200..300 => Err(Failure::Broken),
            code => Err(Failure::Status {
                code,
                retry_after: asked,
            }),
        }
    }
}

impl Failure {
    /// What it means for a retry and its breaker.
    pub(crate) fn classified(self) -> Classified {
        match self {
            // The limit is meant for us, and says that the service is well: nothing for a breaker, which would turn
            // away all calls where a third of them is served. The throttle hears of it.
            Self::Status {
                code: 429,
                retry_after,
            } => Classified::throttled()
                .retry_after(retry_after)
                .breaker(Outcome::Ignored),
            Self::Status {
                code: 500..,
                retry_after,
            } => Classified::transient().retry_after(retry_after),
            Self::Status { .. } => Classified::permanent(),
            Self::Broken => Classified::transient(),
        }
    }

    /// Whether the service took the request on.
    pub(crate) fn accepted(self) -> bool {
        !matches!(
            self,
            Self::Status {
                code: 429 | 503,
                ..
            } | Self::Broken
        )
    }

    /// It asked the caller to come back later.
    pub(crate) fn advised(self) -> bool {
        matches!(self, Self::Status { retry_after, .. } if retry_after.is_some())
    }
}
