//! The scenarios that are built in: three models that others published, with their results, and ours.

mod congestive_collapse;
mod contending_writers;
mod retry_strategies;

pub use congestive_collapse::{CollapseClient, CollapseLoad, CongestiveCollapse};
pub use contending_writers::{Algorithm, ContendingWriters};
pub use retry_strategies::{RetryStrategies, Strategy};

use crate::scenario::Scenario;

/// All of them, with their default parameters.
///
/// ```
/// let names: Vec<_> = evenkeel_sim::scenarios::all().iter().map(|scenario| scenario.name()).collect();
/// assert!(names.contains(&"congestive-collapse"));
/// ```
#[must_use]
pub fn all() -> Vec<Box<dyn Scenario>> {
    vec![
        Box::new(ContendingWriters::default()),
        Box::new(RetryStrategies::default()),
        Box::new(CongestiveCollapse::default()),
    ]
}

/// The one of this name, with its default parameters.
///
/// ```
/// use evenkeel_sim::scenarios;
///
/// assert!(scenarios::by_name("contending-writers").is_some());
/// assert!(scenarios::by_name("contenting-writers").is_none());
/// ```
#[must_use]
pub fn by_name(name: &str) -> Option<Box<dyn Scenario>> {
    all().into_iter().find(|scenario| scenario.name() == name)
}
