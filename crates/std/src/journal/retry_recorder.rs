//! Where the operations of one kind are recorded.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use evenkeel_core::retry::{Retry, RetryPolicy};
use evenkeel_replay::Recorder;
use evenkeel_replay::journal::Journal;

/// Records the operations of one kind, say all calls to checkout: `.record(&calls)` of a retry. A clone is another
/// handle to the same.
///
/// The journal has as many retry machines of this name as there were operations at a time: one that has ended lends its
/// place to the next with the same policy. Places are kept for the last 8 policies, so operations whose policies all
/// differ (a deadline of their own each) make a machine each.
///
/// What an operation asks and tells its breaker and its budget is in its own line, so both must be recorded, in the
/// same journal. **An operation is recorded as long as all that it is lent is recorded in this journal**: begin with
/// `record` on breaker and budget. Where one is not, the operation runs as it would without this, and is counted as
/// [missed](Self::missed); what is recorded of the others has lines of its own. The journal is whole either way.
///
/// ```
/// use std::time::Duration;
/// use evenkeel_core::{backoff::BackoffPolicy, retry::RetryPolicy};
/// use evenkeel_std::journal::{Journal, RetryRecorder};
/// use evenkeel_std::retry;
///
/// let policy = RetryPolicy::builder(BackoffPolicy::builder(Duration::from_millis(10))).build()?;
/// let journal = Journal::in_memory();
/// let calls = RetryRecorder::new(&journal, "parse");
/// let answer = retry(&policy, |_| "42".parse::<u8>()).record(&calls).run()?;
/// assert_eq!((answer, calls.missed()), (42, 0));
/// assert_eq!(journal.ops(), 3); // poll, report, poll: it is done
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct RetryRecorder {
    shared: Arc<Shared>,
}

struct Shared {
    journal: Journal,
    name: String,
    /// By policy, the one that was used last at the end.
    idle: Mutex<Vec<Idle>>,
    missed: AtomicU64,
}

/// Retries whose operations have ended.
struct Idle {
    policy: RetryPolicy,
    retries: Vec<Recorder<Retry>>,
}

const MOST_POLICIES: usize = 8;

impl RetryRecorder {
    /// Records in this journal, under this name.
    #[must_use]
    pub fn new(journal: &Journal, name: &str) -> Self {
        let shared = Shared {
            journal: journal.clone(),
            name: name.to_owned(),
            idle: Mutex::new(Vec::new()),
            missed: AtomicU64::new(0),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// The journal.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.shared.journal
    }

    /// How many operations were not recorded, or not to their end, because something that they were lent was not
    /// recorded in the same journal.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.shared.missed.load(Ordering::Relaxed)
    }

    pub(super) fn miss(&self) {
        // Relaxed: a counter that decides nothing.
        self.shared.missed.fetch_add(1, Ordering::Relaxed);
    }

    /// A retry that begins now.
    pub(super) fn begin(&self, policy: &RetryPolicy, now_ns: u64) -> Recorder<Retry> {
        let idle = self.take(policy);
        if let Some(mut retry) = idle {
            retry.begin(now_ns);
            return retry;
        }
        let Shared { journal, name, .. } = &*self.shared;
        journal.record(name, Retry::new(*policy, now_ns))
    }

    fn take(&self, policy: &RetryPolicy) -> Option<Recorder<Retry>> {
        let mut idle = self.idle();
        let of_policy = idle.iter_mut().find(|idle| idle.policy == *policy);
        of_policy?.retries.pop()
    }

    /// For the next operation with its policy.
    pub(super) fn put_back(&self, retry: Recorder<Retry>) {
        let policy = *retry.policy();
        let mut idle = self.idle();
        let mut of_policy = match idle.iter().position(|idle| idle.policy == policy) {
            Some(at) => idle.remove(at),
            None => Idle {
                policy,
                retries: Vec::new(),
            },
        };
        of_policy.retries.push(retry);
        idle.push(of_policy);
        let too_many = idle.len() > MOST_POLICIES;
        let oldest = too_many.then(|| idle.remove(0));
        drop(idle);
        drop(oldest);
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        // Nothing panics while it is held.
        self.shared
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for RetryRecorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryRecorder")
            .field("name", &self.shared.name)
            .field("missed", &self.missed())
            .finish_non_exhaustive()
    }
}
