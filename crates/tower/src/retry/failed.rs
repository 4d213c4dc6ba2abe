//! What an attempt brought that was no success.

use evenkeel_std::Classified;

/// What an attempt brought that was no success, an answer or an error, and what it means: the error of
/// [`RetryEvent`](evenkeel_std::RetryEvent)s here.
///
/// ```
/// # use evenkeel_tower::{Classified, RetryEvent, retry::Failed};
/// fn log(event: &RetryEvent<'_, Failed<u16, std::io::Error>>) {
///     match event.error().map(|failed| (failed.answer(), failed.error())) {
///         Some((Some(status), _)) => println!("status {status}"),
///         Some((_, Some(error))) => println!("{error}"),
///         _ => println!("timed out, or refused by the breaker"),
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Failed<Res, Err> {
    result: Result<Res, Err>,
    classified: Classified,
}

impl<Res, Err> Failed<Res, Err> {
    pub(super) const fn new(result: Result<Res, Err>, classified: Classified) -> Self {
        Self { result, classified }
    }

    /// The answer, where the service gave one.
    pub const fn answer(&self) -> Option<&Res> {
        match &self.result {
            Ok(answer) => Some(answer),
            Err(_) => None,
        }
    }

    /// The service's error, where it gave none.
    pub const fn error(&self) -> Option<&Err> {
        match &self.result {
            Ok(_) => None,
            Err(error) => Some(error),
        }
    }

    /// What the classifier said of it.
    pub const fn classified(&self) -> Classified {
        self.classified
    }

    /// What it was, by value.
    pub fn into_result(self) -> Result<Res, Err> {
        self.result
    }
}
