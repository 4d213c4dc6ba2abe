//! Every machine under the laws: a file and a line in [`every_machine!`] for each.

mod estimator;
mod retry_borrowing;
mod retry_moves;
mod retry_words;
#[cfg(test)]
mod tests;

/// Hands the list of machines, a name and a type each, to another macro.
macro_rules! every_machine {
    ($then:ident) => {
        $then! {
            adaptive_throttle: evenkeel_core::throttle::AdaptiveThrottle,
            backoff: evenkeel_core::backoff::Backoff,
            #[cfg(feature = "alloc")]
            backoff_table: evenkeel_core::table::BackoffTable<u64, crate::harness::Salted>,
            breaker: evenkeel_core::breaker::Breaker,
            #[cfg(feature = "alloc")]
            breaker_table: evenkeel_core::table::BreakerTable<u64, crate::harness::Salted>,
            health_probe: evenkeel_core::health::HealthProbe,
            log_histogram: evenkeel_core::estimator::LogHistogram,
            #[cfg(feature = "alloc")]
            quantile_window: evenkeel_core::estimator::QuantileWindow,
            reconnect: evenkeel_core::reconnect::Reconnect,
            #[cfg(feature = "alloc")]
            recovery_budget: evenkeel_core::table::RecoveryBudget<u64, crate::harness::Salted>,
            restart: evenkeel_core::restart::Restart,
            retry: crate::machines::retry::Borrowing,
            retry_ratio: evenkeel_core::budget::RetryRatio,
            retry_tokens: evenkeel_core::budget::RetryTokens,
            #[cfg(feature = "alloc")]
            rolling_histogram: evenkeel_core::estimator::RollingHistogram,
            #[cfg(feature = "alloc")]
            sample_window: evenkeel_core::estimator::SampleWindow,
            threshold_window: evenkeel_core::estimator::ThresholdWindow,
        }
    };
}
pub(crate) use every_machine;

macro_rules! modules {
    ($($(#[$when:meta])* $name:ident: $subject:ty,)*) => {
        $($(#[$when])* pub(crate) mod $name;)*
    };
}

every_machine!(modules);
