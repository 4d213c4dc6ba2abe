//! The negative control: the same clients, whose links are made again as many hand-written loops do it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::policies::Policies;
use super::server::Store;
use super::tally::{Event, Tally};

/// Between a try that failed and the next.
const AGAIN_AFTER: Duration = Duration::from_millis(10);

/// Clients that connect again after a constant 10 ms: with a timeout, without backoff, jitter or breaker.
pub(crate) struct Naive {
    pub(crate) tally: Arc<Tally>,
    links: Vec<watch::Receiver<bool>>,
    /// Aborted when it is dropped.
    _tasks: JoinSet<()>,
}

impl Naive {
    pub(crate) fn start<S: Store>(clients: u32, store: &S, policies: Policies) -> Self {
        let tally = Arc::new(Tally::default());
        let (mut links, mut tasks) = (Vec::new(), JoinSet::new());
        for _ in 0..clients {
            let (link, stands) = watch::channel(false);
            links.push(stands);
            tasks.spawn(keep_link(store.clone(), policies, Arc::clone(&tally), link));
        }
        Self {
            tally,
            links,
            _tasks: tasks,
        }
    }

    /// Waits until all links stand; at most 20 s.
    pub(crate) async fn links_stand(&self) {
        for _ in 0..2_000 {
            if self.links.iter().all(|link| *link.borrow()) {
                return;
            }
            sleep(Duration::from_millis(10)).await;
        }
        panic!("the links of the control do not stand");
    }
}

async fn keep_link<S: Store>(
    store: S,
    policies: Policies,
    tally: Arc<Tally>,
    link: watch::Sender<bool>,
) {
    loop {
        tally.note(Event::Connect);
        if let Ok(Ok(made)) = timeout(policies.link.connect_timeout(), store.dial()).await {
            tally.note(Event::Link);
            link.send_replace(true);
            while S::ping(made.clone()).await.is_ok() {
                sleep(policies.heartbeat).await;
            }
            link.send_replace(false);
        }
        sleep(AGAIN_AFTER).await;
    }
}
