//! A refusal in the chain of an error that has lost its type.

use std::error::Error;

use evenkeel_core::Refusal;
use evenkeel_core::breaker::Refused;
use evenkeel_core::retry::End;
use evenkeel_core::throttle::Throttled;
use evenkeel_std::{Opaque, RetryError};

/// When the gate that refused would agree, as far as it knew; `None` where no gate of this crate's layers did.
pub(crate) fn refusal_in(error: &(dyn Error + 'static)) -> Option<Option<u64>> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(opaque) = error.downcast_ref::<Opaque>() {
            next = Some(opaque.get_ref());
            continue;
        }
        if let Some(retry_at_ns) = of_gate(error) {
            return Some(retry_at_ns);
        }
        next = error.source();
    }
    None
}

fn of_gate(error: &(dyn Error + 'static)) -> Option<Option<u64>> {
    if let Some(refused) = error.downcast_ref::<Refused>() {
        return Some(refused.retry_at_ns());
    }
    if let Some(refusal) = error.downcast_ref::<Refusal<Throttled>>() {
        return Some(refusal.retry_at_ns);
    }
    let retried = error.downcast_ref::<RetryError<Opaque>>()?;
    of_end(retried.end())
}

/// The same of an operation with retries: of its own breaker, and of a gate behind it.
pub(crate) const fn of_end(end: End) -> Option<Option<u64>> {
    match end {
        End::BreakerOpen { retry_at_ns, .. } | End::Refused { retry_at_ns } => Some(retry_at_ns),
        _ => None,
    }
}
