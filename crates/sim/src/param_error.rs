//! Why a parameter cannot be set, or parameters cannot be together.

/// Why a parameter cannot be set, or parameters cannot be together.
///
/// ```
/// let mut scenario = evenkeel_sim::scenarios::by_name("contending-writers").expect("it is built in");
/// let error = scenario.set("client", "10").unwrap_err();
/// assert_eq!(error.to_string(), "contending-writers has no parameter \"client\"; it has clients, algorithm");
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParamError {
    /// No parameter has this name.
    #[error("{scenario} has no parameter {given:?}; it has {names}")]
    Unknown {
        /// The scenario.
        scenario: &'static str,
        /// The name that was given.
        given: String,
        /// Those that there are.
        names: String,
    },
    /// It cannot be this.
    #[error("{name} is {given:?}: it must be {range}")]
    Value {
        /// The parameter.
        name: &'static str,
        /// What was given.
        given: String,
        /// What it can be.
        range: String,
    },
    /// A trace cannot be read.
    #[error("{path:?}: {problem}")]
    Trace {
        /// Its path, as it was given.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Each parameter is in its range, and together they are no world: see [`Scenario::check`](crate::Scenario::check).
    #[error("{name} {problem}")]
    Together {
        /// A parameter to change.
        name: &'static str,
        /// What is wrong with it beside the others, in words that follow its name.
        problem: String,
    },
}
