//! Whether parameters fit together: what several scenarios ask of theirs.

use std::time::Duration;

use crate::param_error::ParamError;

/// More would take days, and mostly be a slip of the pen.
const MOST_CALLS: f64 = 1e10;
/// What is judged of a recovery, at least.
const JUDGED: Duration = Duration::from_secs(15);

/// The run of `seconds` lasts for 15 s after `ends`, when the outage is over.
pub(super) fn outlasts(seconds: u64, ends: Duration) -> Result<(), ParamError> {
    let least = (ends + JUDGED).as_nanos().div_ceil(1_000_000_000);
    if u128::from(seconds) >= least {
        return Ok(());
    }
    let problem = format!(
        "is {seconds}: it must be {least} or more, {} s after the outage's end",
        JUDGED.as_secs()
    );
    let name = "seconds";
    Err(ParamError::Together { name, problem })
}

/// The run of `seconds` with so many calls a second comes to its end; `name` makes them so many.
pub(super) fn not_endless(name: &'static str, calls: f64, seconds: u64) -> Result<(), ParamError> {
    let calls = calls * seconds as f64;
    if calls <= MOST_CALLS {
        return Ok(());
    }
    let problem =
        format!("makes {calls:.0} calls in {seconds} s: a run has at most {MOST_CALLS:.0}");
    Err(ParamError::Together { name, problem })
}
