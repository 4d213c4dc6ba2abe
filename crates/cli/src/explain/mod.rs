//! `evenkeel explain`: a policy as diagrams, words, schedules, and what it comes to at worst.

mod advice;
mod amplification;
mod backoff;
mod backoff_table;
mod breaker;
mod breaker_table;
mod diagram;
mod health;
pub(crate) mod layout;
#[cfg(test)]
mod machine_runs;
#[cfg(test)]
mod machine_tests;
mod memory;
mod ratio;
mod reconnect;
mod recovery;
mod restart;
mod retry;
mod schedule;
#[cfg(test)]
mod tests;
mod throttle;
mod tokens;
mod waits;
pub(crate) mod words;

use crate::policy::Policies;
use layout::Page;

/// Explains each machine in a policy file.
pub(crate) fn explain(policies: &Policies, name: &str, width: usize, colour: bool) -> String {
    let mut page = Page::new(width, colour);
    let page = &mut page;
    page.line(&format!("{name}, explained"));
    // Taken apart, so that a new table is not forgotten here.
    let Policies {
        breaker,
        backoff,
        retry,
        retry_ratio,
        retry_tokens,
        adaptive_throttle,
        reconnect,
        restart,
        health_probe,
        backoff_table,
        breaker_table,
        recovery_budget,
    } = policies;
    retry
        .iter()
        .for_each(|policy| retry::explain(policy, policies, page));
    retry_ratio
        .iter()
        .for_each(|policy| ratio::explain(policy, policies, page));
    retry_tokens
        .iter()
        .for_each(|policy| tokens::explain(policy, page));
    breaker
        .iter()
        .for_each(|policy| breaker::explain(policy, page));
    adaptive_throttle
        .iter()
        .for_each(|policy| throttle::explain(policy, page));
    backoff
        .iter()
        .for_each(|policy| backoff::explain(policy, page));
    reconnect
        .iter()
        .for_each(|policy| reconnect::explain(policy, page));
    restart
        .iter()
        .for_each(|policy| restart::explain(policy, page));
    health_probe
        .iter()
        .for_each(|policy| health::explain(policy, page));
    backoff_table
        .iter()
        .for_each(|policy| backoff_table::explain(policy, page));
    breaker_table
        .iter()
        .for_each(|policy| breaker_table::explain(policy, page));
    recovery_budget
        .iter()
        .for_each(|policy| recovery::explain(policy, page));
    page.finish()
}
