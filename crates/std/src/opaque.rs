//! An error without a type that is an error itself.

use std::error::Error;
use std::fmt;

/// A `Box<dyn Error + Send + Sync>` as an [`Error`], which the box itself is not: with the same text and the same
/// source.
///
/// For errors that have lost their type before they come to a breaker or a retry, as those of tower's `Timeout`,
/// `Buffer` and `LoadShed`: with `.map_err(Opaque::from)` what wraps them is an error too, and `?` takes it.
///
/// ```
/// use std::error::Error;
/// use evenkeel_std::{CallError, Opaque};
///
/// let lost: Box<dyn Error + Send + Sync> = "request timed out".into();
/// let error: CallError<Opaque> = CallError::Failed(Opaque::from(lost));
/// let taken: Box<dyn Error + Send + Sync> = error.into(); // not with the box in it
/// assert_eq!(taken.to_string(), "request timed out");
/// ```
pub struct Opaque(Box<dyn Error + Send + Sync>);

impl Opaque {
    /// The error inside, to ask for its type.
    ///
    /// ```
    /// # use std::io;
    /// # use evenkeel_std::Opaque;
    /// let opaque = Opaque::from(Box::<dyn std::error::Error + Send + Sync>::from(io::Error::other("reset")));
    /// assert!(opaque.get_ref().is::<io::Error>());
    /// ```
    #[must_use]
    pub fn get_ref(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.0
    }

    /// The box.
    #[must_use]
    pub fn into_inner(self) -> Box<dyn Error + Send + Sync> {
        self.0
    }
}

impl From<Box<dyn Error + Send + Sync>> for Opaque {
    fn from(error: Box<dyn Error + Send + Sync>) -> Self {
        Self(error)
    }
}

impl fmt::Debug for Opaque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Opaque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for Opaque {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}
