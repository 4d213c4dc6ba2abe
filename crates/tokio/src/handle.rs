//! A handle of evenkeel-std under the same name here: it dereferences to that one, and is made on tokio's clock.

/// Deref, From, Clone and Debug of such a handle.
macro_rules! std_handle {
    ($Handle:ident $(, $K:ident)?) => {
        impl<$($K,)? C: evenkeel_std::Clock> std::ops::Deref for $Handle<$($K,)? C> {
            type Target = evenkeel_std::$Handle<$($K,)? C>;

            fn deref(&self) -> &Self::Target {
                &self.handle
            }
        }

        /// A handle that threads use, as one that tasks use: both are the same.
        impl<$($K,)? C: evenkeel_std::Clock> From<evenkeel_std::$Handle<$($K,)? C>>
            for $Handle<$($K,)? C>
        {
            fn from(handle: evenkeel_std::$Handle<$($K,)? C>) -> Self {
                Self { handle }
            }
        }

        impl<$($K,)? C: evenkeel_std::Clock> Clone for $Handle<$($K,)? C> {
            fn clone(&self) -> Self {
                Self {
                    handle: self.handle.clone(),
                }
            }
        }

        impl<$($K,)? C: evenkeel_std::Clock> std::fmt::Debug for $Handle<$($K,)? C> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.handle.fmt(f)
            }
        }
    };
}

pub(crate) use std_handle;
