//! What happened, when: every try to connect, every link, every request and its end; a table by the second.

use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A connector was asked to connect.
    Connect,
    /// A link was made.
    Link,
    /// A request was put on a link: one attempt of it.
    Sent,
    /// A request was answered.
    Answered,
    /// A request ended because the breaker refused it.
    Refused,
    /// A request ended otherwise without an answer.
    Failed,
    /// The breaker opened.
    Opened,
    /// The breaker closed.
    Closed,
}

#[derive(Default)]
pub(crate) struct Tally {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    events: Vec<(Instant, Event)>,
    /// Keys whose write was answered.
    acknowledged: Vec<i64>,
    /// How long requests took that were refused before any attempt.
    refusals: Vec<Duration>,
    opened_by: Vec<&'static str>,
}

impl Tally {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics under it")
    }

    pub(crate) fn note(&self, event: Event) {
        let mut state = self.lock();
        state.events.push((Instant::now(), event));
    }

    pub(crate) fn acknowledge(&self, key: i64) {
        self.lock().acknowledged.push(key);
        self.note(Event::Answered);
    }

    pub(crate) fn refused_at_once(&self, took: Duration) {
        self.lock().refusals.push(took);
    }

    pub(crate) fn opened(&self, cause: &'static str) {
        self.lock().opened_by.push(cause);
        self.note(Event::Opened);
    }

    pub(crate) fn acknowledged(&self) -> Vec<i64> {
        self.lock().acknowledged.clone()
    }

    pub(crate) fn opened_by(&self) -> Vec<&'static str> {
        self.lock().opened_by.clone()
    }

    /// The middle one of the times that refused requests took.
    pub(crate) fn middle_refusal(&self) -> Option<Duration> {
        let mut took = self.lock().refusals.clone();
        took.sort_unstable();
        took.get(took.len() / 2).copied()
    }

    pub(crate) fn count(&self, event: Event, from: Instant, to: Instant) -> u64 {
        let state = self.lock();
        let within = |(at, what): &&(Instant, Event)| *what == event && (from..to).contains(at);
        state.events.iter().filter(within).count() as u64
    }

    /// How long after `from` it happened for the first time.
    pub(crate) fn first(&self, event: Event, from: Instant) -> Option<Duration> {
        let state = self.lock();
        let later = |(at, what): &&(Instant, Event)| *what == event && *at >= from;
        state.events.iter().find(later).map(|(at, _)| *at - from)
    }

    /// The most of them in any span that begins with one of them, from `from` to `to`.
    pub(crate) fn busiest(&self, event: Event, span: Duration, from: Instant, to: Instant) -> u64 {
        let state = self.lock();
        let within = |(at, what): &&(Instant, Event)| *what == event && (from..to).contains(at);
        let mut at: Vec<_> = state
            .events
            .iter()
            .filter(within)
            .map(|(at, _)| *at)
            .collect();
        at.sort_unstable();
        let so_many = at.iter().enumerate().map(|(index, first)| {
            let ends = at.partition_point(|at| *at < *first + span);
            (ends - index) as u64
        });
        so_many.max().unwrap_or(0)
    }

    /// Seconds around `fault`, one a line, with what else happened in them.
    pub(crate) fn table(
        &self,
        fault: Instant,
        until: Instant,
        marks: &[(Instant, &str)],
    ) -> String {
        let second = Duration::from_secs(1);
        let head = ["connects", "links", "answered", "refused", "failed", "sent"];
        let mut table = format!("{:>9}", "second");
        head.iter().for_each(|name| table += &format!("{name:>10}"));
        let mut from = fault - second;
        while from < until {
            let to = from + second;
            let number = if from < fault {
                -1
            } else {
                (from - fault).as_secs() as i64
            };
            table += &format!("\n{number:>4} to {:>1}", number + 1);
            let columns = [
                Event::Connect,
                Event::Link,
                Event::Answered,
                Event::Refused,
                Event::Failed,
                Event::Sent,
            ];
            for event in columns {
                table += &format!("{:>10}", self.count(event, from, to));
            }
            for (at, what) in marks.iter().filter(|(at, _)| (from..to).contains(at)) {
                table += &format!("   {what} at {:.2} s", (*at - fault).as_secs_f64());
            }
            from = to;
        }
        table
    }
}
