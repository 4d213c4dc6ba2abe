//! What a [`Machine`](crate::machine::Machine) is asked that its type has a method of its own for.

/// Writes the methods of `Machine` that are named here: each calls the type's own of that name, and `begin` calls `new`.
macro_rules! own {
    (@begin) => {
        fn begin(policy: Self::Policy, _: u64) -> Self {
            Self::new(policy)
        }
    };
    (@restore) => {
        fn restore(
            policy: Self::Policy,
            state: Self::State,
        ) -> Result<Self, evenkeel_core::RestoreError> {
            Self::restore(policy, state)
        }
    };
    (@policy) => {
        fn policy(&self) -> &Self::Policy {
            self.policy()
        }
    };
    (@state) => {
        fn state(&self) -> Self::State {
            self.state()
        }
    };
    (@next_deadline_ns) => {
        fn next_deadline_ns(&self) -> Option<u64> {
            self.next_deadline_ns()
        }
    };
    ($($method:ident),*) => {
        $($crate::machines::own::own!(@$method);)*
    };
}

pub(crate) use own;
