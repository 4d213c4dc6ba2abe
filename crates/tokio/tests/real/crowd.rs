//! Clients under load: each keeps one link with a `Reconnect` and makes requests through a `retry`; all share one
//! breaker.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use evenkeel_core::breaker::Phase;
use evenkeel_core::retry::End;
use evenkeel_tokio::{Reconnect, SharedBreaker, retry};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::policies::Policies;
use super::server::{Error, Store};
use super::tally::{Event, Tally};

pub(crate) struct Crowd<S: Store> {
    policies: Policies,
    store: S,
    pub(crate) tally: Arc<Tally>,
    breaker: SharedBreaker,
    links: Vec<watch::Receiver<Option<S::Link>>>,
    stop_requests: CancellationToken,
    stop_links: CancellationToken,
    tasks: JoinSet<()>,
}

/// Keys are never used twice, also not by the next crowd.
static CROWDS: AtomicU32 = AtomicU32::new(0);

impl<S: Store> Crowd<S> {
    pub(crate) fn start(clients: u32, store: S, policies: Policies) -> Self {
        let tally = Arc::new(Tally::default());
        let breaker = SharedBreaker::new(policies.breaker);
        breaker.on_transition({
            let tally = Arc::clone(&tally);
            move |made| match made.to {
                Phase::Open => tally.opened(made.cause.name()),
                Phase::Closed => tally.note(Event::Closed),
                _ => {}
            }
        });
        let mut crowd = Self {
            policies,
            store,
            tally,
            breaker,
            links: Vec::new(),
            stop_requests: CancellationToken::new(),
            stop_links: CancellationToken::new(),
            tasks: JoinSet::new(),
        };
        let number = i64::from(CROWDS.fetch_add(1, Ordering::Relaxed));
        for client in 0..clients {
            let (link, seen) = watch::channel(None);
            crowd.links.push(seen.clone());
            crowd.tasks.spawn(crowd.keep_link(link));
            let first_key = (number * 1_000 + i64::from(client)) * 100_000;
            let begin_after = policies.pace * client / clients;
            let requests = crowd.make_requests(client, first_key, seen);
            crowd.tasks.spawn(async move {
                sleep(begin_after).await;
                requests.await;
            });
        }
        crowd
    }

    /// One client's link: made, fed by its heartbeat, lost, and made again.
    fn keep_link(&self, link: watch::Sender<Option<S::Link>>) -> impl Future<Output = ()> + use<S> {
        let (store, tally, policies) = (self.store.clone(), Arc::clone(&self.tally), self.policies);
        let stop = self.stop_links.clone();
        async move {
            let connect = |_connecting| {
                tally.note(Event::Connect);
                store.dial()
            };
            let mut reconnect = Reconnect::new(&policies.link, connect).stop(&stop);
            while let Ok(live) = reconnect.next_link().await {
                tally.note(Event::Link);
                link.send_replace(Some(S::Link::clone(&live)));
                let mut lost = live.until_lost();
                let why: Error = loop {
                    match lost.or(S::ping(S::Link::clone(&live))).await {
                        Ok(Ok(())) => live.on_frame(),
                        Ok(Err(error)) => break error,
                        Err(why) => break why.into(),
                    }
                    if let Err(why) = lost.or(sleep(policies.heartbeat)).await {
                        break why.into();
                    }
                };
                link.send_replace(None);
                live.lost(why);
            }
        }
    }

    /// One client's requests, one after another: each has a key of its own, and keeps it when it is retried.
    fn make_requests(
        &self,
        account: u32,
        first_key: i64,
        link: watch::Receiver<Option<S::Link>>,
    ) -> impl Future<Output = ()> + use<S> {
        let (tally, policies) = (Arc::clone(&self.tally), self.policies);
        let (breaker, stop) = (self.breaker.clone(), self.stop_requests.clone());
        async move {
            let mut key = first_key;
            while !stop.is_cancelled() {
                key += 1;
                let began = Instant::now();
                let answer = retry(&policies.retry, |_attempt| {
                    let (link, tally) = (link.borrow().clone(), &tally);
                    async move {
                        let link = link.ok_or_else(|| Error::from("not connected"))?;
                        tally.note(Event::Sent);
                        S::add(link, account, key).await
                    }
                })
                .breaker(&breaker)
                .await;
                match answer {
                    Ok(()) => tally.acknowledge(key),
                    Err(error) if matches!(error.end(), End::BreakerOpen { .. }) => {
                        tally.note(Event::Refused);
                        if error.attempts() == 0 {
                            tally.refused_at_once(began.elapsed());
                        }
                    }
                    Err(_) => tally.note(Event::Failed),
                }
                sleep(policies.pace).await;
            }
        }
    }

    /// How many of the links stand.
    pub(crate) fn links(&self) -> usize {
        let stands = |link: &&watch::Receiver<Option<S::Link>>| link.borrow().is_some();
        self.links.iter().filter(stands).count()
    }

    /// Waits for a second in which all links stand, the breaker is closed and nothing fails; at most 20 s.
    pub(crate) async fn is_steady(&self) {
        let mut since = Instant::now();
        let begun = since;
        while begun.elapsed() < Duration::from_secs(20) {
            sleep(Duration::from_millis(50)).await;
            let now = Instant::now();
            let bad = [Event::Connect, Event::Refused, Event::Failed, Event::Opened];
            let failed = bad
                .iter()
                .any(|event| self.tally.count(*event, since, now) > 0);
            let stands = self.links() == self.links.len() && self.breaker.phase() == Phase::Closed;
            if failed || !stands {
                since = now;
            } else if since.elapsed() > Duration::from_secs(1) {
                return;
            }
        }
        panic!(
            "no second of peace in 20: {} links, breaker {:?}",
            self.links(),
            self.breaker.phase()
        );
    }

    /// Waits until all links stand, at most this long; how long it took.
    pub(crate) async fn links_stand(&self, at_most: Duration) -> Option<Duration> {
        let begun = Instant::now();
        while self.links() < self.links.len() {
            if begun.elapsed() > at_most {
                return None;
            }
            sleep(Duration::from_millis(5)).await;
        }
        Some(begun.elapsed())
    }

    /// Ends the requests, each with its answer, and then the links.
    pub(crate) async fn finish(mut self) -> Arc<Tally> {
        self.stop_requests.cancel();
        // The longest operation, and some; what is left after that would be aborted by the drop.
        let longest = self.policies.retry.deadline().unwrap_or_default() + self.policies.pace;
        for _ in 0..self.links.len() {
            let ended = tokio::time::timeout(longest * 5, self.tasks.join_next()).await;
            ended
                .expect("requests end")
                .expect("there are tasks")
                .expect("no panic");
        }
        self.stop_links.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            ended.expect("no panic");
        }
        Arc::clone(&self.tally)
    }
}
