//! What values of the public API have in common: a `name()` that `Display` shows, and ids that are plain words.

/// `Display` that shows `name()`, padded as asked.
macro_rules! display_by_name {
    ($($named:ty),+ $(,)?) => {$(
        impl core::fmt::Display for $named {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.pad(self.name())
            }
        }
    )+};
}

pub(crate) use display_by_name;
