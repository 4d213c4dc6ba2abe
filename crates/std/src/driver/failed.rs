//! How a run of a child failed, in words.

use std::any::Any;
use std::error::Error;

use super::quiet::{discard, quietly};
use crate::supervisor::Failure;

/// How a run failed, before anybody has said when: what its error or its panic said. For supervisors of your own.
///
/// ```
/// use evenkeel_std::driver::Failed;
///
/// let source = "4 2".parse::<u8>().expect_err("no number");
/// let failure = Failed::by_error(source.into()).at(1_000);
/// assert_eq!((failure.message(), failure.is_panic()), ("invalid digit found in string", false));
/// let panic = std::panic::catch_unwind(|| panic!("no feed")).expect_err("it panics");
/// assert_eq!(Failed::by_panic(panic).at(1_000).to_string(), "panicked: no feed");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    message: String,
    panicked: bool,
}

impl Failed {
    /// With these words.
    pub fn new(message: impl Into<String>, panicked: bool) -> Self {
        Self {
            message: message.into(),
            panicked,
        }
    }

    /// It returned this error: its text, and that of its sources after it, in one line. The error is gone then; a panic
    /// of its text or of its drop ends here.
    #[must_use]
    pub fn by_error(error: Box<dyn Error + Send + Sync>) -> Self {
        let message = quietly(|| chain(&*error));
        discard(error);
        let message = message.unwrap_or_else(|| "an error whose text panics".to_owned());
        Self::new(message, false)
    }

    /// It panicked with this payload, which is gone then; a panic of its drop ends here.
    #[must_use]
    pub fn by_panic(panic: Box<dyn Any + Send>) -> Self {
        let text = panic.downcast_ref::<&str>().copied();
        let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        let failed = Self::new(text.unwrap_or("a panic without a message"), true);
        discard(panic);
        failed
    }

    /// That was then.
    #[must_use]
    pub fn at(self, at_ns: u64) -> Failure {
        Failure::new(self.message, self.panicked, at_ns)
    }
}

/// The error and its sources in one line.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        line.push_str(": ");
        line.push_str(&error.to_string());
        source = error.source();
    }
    line
}
