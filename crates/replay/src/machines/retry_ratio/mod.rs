//! What can happen to a [`RetryRatio`].

mod generate;

use evenkeel_core::budget::{
    BudgetSpent, RetryCause, RetryRatio, RetryRatioPolicy, RetryRatioState, Withdrawal,
    WithdrawalId,
};
use evenkeel_core::random::Rng;
use evenkeel_core::{Refusal, Reported};

use crate::machine::{Machine, Verdict};
use crate::machines::budget::budget;

budget! {
    RetryRatio, RetryRatioPolicy, RetryRatioState, "retry_ratio";
    RetriesLeft: retries_left() -> u64,
    Requests: requests() -> u32,
    Retries: retries() -> u32,
}
