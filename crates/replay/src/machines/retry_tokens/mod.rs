//! What can happen to [`RetryTokens`].

mod generate;

use evenkeel_core::budget::{
    BudgetSpent, RetryCause, RetryTokens, RetryTokensPolicy, RetryTokensState, Withdrawal,
    WithdrawalId,
};
use evenkeel_core::random::Rng;
use evenkeel_core::{Refusal, Reported};

use crate::machine::{Machine, Verdict};
use crate::machines::budget::budget;

budget! {
    RetryTokens, RetryTokensPolicy, RetryTokensState, "retry_tokens";
    BalanceMilli: balance_milli() -> u64,
}
