//! `evenkeel explain`: a policy as diagrams, words, schedules, and what it comes to at worst.

mod backoff;
mod breaker;
mod diagram;
mod layout;
mod schedule;
#[cfg(test)]
mod tests;
pub(crate) mod words;

use crate::policy::Policies;
use layout::Page;

/// Explains each machine in a policy file.
pub(crate) fn explain(policies: &Policies, name: &str, width: usize, colour: bool) -> String {
    let mut page = Page::new(width, colour);
    page.line(&format!("{name}, explained"));
    if let Some(policy) = &policies.breaker {
        breaker::explain(policy, &mut page);
    }
    if let Some(policy) = &policies.backoff {
        backoff::explain(policy, &mut page);
    }
    page.finish()
}
