//! Retry budgets: how many retries all operations together may make, so that an outage is not met with more load.
//!
//! A limit of three attempts still triples the load of a backend that fails. A budget is shared by all operations of a
//! client: while few fail all of them may be retried, and when all fail hardly any is. Two kinds, for the same callers:
//!
//! | machine | what it is | takes | gives |
//! |---|---|---|---|
//! | [`RetryTokens`] | a bucket of tokens | a cost by cause | credit for a success, the last cost back, deposit for a request, refill by time |
//! | [`RetryRatio`] | a sliding window | one of the retries that the requests of the last `ttl` allow | a share of each request, and a floor for each second |
//!
//! | call | `RetryTokens` | `RetryRatio` |
//! |---|---|---|
//! | `on_request` | + deposit | requests + 1 |
//! | `try_withdraw`, covered | - cost: a [`Withdrawal`] | retries + 1: a [`Withdrawal`] |
//! | `try_withdraw`, not covered | [`BudgetSpent`]; nothing (gRPC's rule: - cost, not below 0) | [`BudgetSpent`]; nothing |
//! | `on_success` | + credit, or with `refund` after a retry + its cost | nothing |
//! | `give_back` | + cost | retries - 1, while the slice of the retry is in the window |
//!
//! - **Which one.** Tokens follow how well it goes: they cost little memory, price a timeout above a failure, and come
//!   as the AWS SDKs and gRPC have them. The ratio follows how much is asked: "retries are a fifth of the requests",
//!   whatever the rate, without a capacity to choose. Both state exactly what can be withdrawn; no balance is below 0
//!   or above its limit.
//! - **When.** Ask for a retry last, when nothing else forbids it, and give back what was withdrawn if it is then not
//!   made. A retry that waits for its turn holds what it withdrew. `on_request` once for each operation: where two
//!   layers share a budget, one of them reports.
//! - **Time** that runs backwards stands still: no instant is credited twice. The balance grows with time, so there is
//!   no deadline and no poll: a refusal says when to ask again.
//! - **Words.** None: nothing here is by chance.
//! - **Cost.** Every call is O(1) for tokens; for the ratio the first in a new slice, the first refusal in one or after
//!   a retry was given back, and a refusal that ends with another slice than the last one, take a step for each slice,
//!   after any silence. 32 bytes of tokens, less than 200 of window.
//! - **Defaults.** A bucket is full at first, a retry costs one token and a success gives a tenth; a ratio looks back
//!   10 s, with ten retries a second on top for quiet clients. Reasons at the setters; capacity and ratio have none.
//!
//! Not for limiting what is sent at all ([`AdaptiveThrottle`](crate::throttle::AdaptiveThrottle) and
//! [`Breaker`](crate::breaker::Breaker) do), and not a limit for one operation (its attempts are).
//!
//! Sources: gRFC A6 (retry throttling); the retry quota of the AWS SDKs' standard mode; Finagle's `RetryBudget`;
//! Google, *Site Reliability Engineering*, "Handling Overload" (a retry budget of a tenth per client). What peers get
//! wrong and this does not: percentages that are rounded (0.51 is 1 in tower 0.5), windows that forget by how often
//! they are asked, buckets that wall time stepping back fills twice, budgets that never refill, what is withdrawn for a
//! retry that is never made.
//!
//! ```
//! use evenkeel_core::Ratio;
//! use evenkeel_core::budget::{RetryCause, RetryRatio, RetryRatioPolicy, RetryTokens, RetryTokensPolicy};
//!
//! const SECOND: u64 = 1_000_000_000;
//! let mut tokens = RetryTokens::new(RetryTokensPolicy::builder(50_000).refill_milli(1_000).build()?);
//! let policy = RetryRatioPolicy::builder(Ratio::percent(20)).floor_per_second(1).build()?;
//! let mut ratio = RetryRatio::new(policy);
//!
//! // 100 operations a second; for a minute all of them fail, also when they are retried.
//! let (mut by_tokens, mut by_ratio) = (0, 0);
//! for n in 0..6_000 {
//!     let now_ns = n * SECOND / 100;
//!     tokens.on_request(now_ns);
//!     ratio.on_request(now_ns);
//!     by_tokens += u32::from(tokens.try_withdraw(now_ns, RetryCause::Failure).is_ok());
//!     by_ratio += u32::from(ratio.try_withdraw(now_ns, RetryCause::Failure).is_ok());
//! }
//! // What was in the bucket and one a second; a fifth of the requests and one a second. Not 6 000.
//! assert_eq!(by_tokens, 50 + 59);
//! assert!((1_200..=1_270).contains(&by_ratio), "{by_ratio}");
//!
//! // Then all goes well again, and the bucket fills by one token in ten successes.
//! for n in 6_000..7_000 {
//!     tokens.on_success(n * SECOND / 100, None);
//! }
//! assert_eq!(tokens.balance_milli(70 * SECOND), 50_000);
//! # Ok::<(), evenkeel_core::ConfigError>(())
//! ```

mod cause;
mod parts;
mod ratio;
mod spent;
mod tokens;
mod withdrawal;

pub use cause::RetryCause;
pub use ratio::{RetryRatio, RetryRatioBuilder, RetryRatioPolicy, RetryRatioState};
pub use spent::BudgetSpent;
pub use tokens::{
    AllowedWhen, RetryTokens, RetryTokensBuilder, RetryTokensPolicy, RetryTokensState,
};
pub use withdrawal::{Withdrawal, WithdrawalId};
