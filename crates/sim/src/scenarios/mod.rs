//! The scenarios that are built in: three models that others published, with their results, and ours.

mod calls;
mod congestive_collapse;
mod contending_writers;
mod fit;
mod flapping_peer;
mod half_open_stampede;
mod machines;
mod metastable;
mod reconnect_herd;
mod recovery;
mod retry_strategies;
mod service;

pub use congestive_collapse::{CollapseClient, CollapseLoad, CongestiveCollapse};
pub use contending_writers::{Algorithm, ContendingWriters};
pub use flapping_peer::FlappingPeer;
pub use half_open_stampede::{HalfOpenStampede, OpenJitter};
pub use machines::Machines;
pub use metastable::Metastable;
pub use reconnect_herd::{LinkJitter, ReconnectHerd};
pub use retry_strategies::{RetryStrategies, Strategy};
pub use service::{LoadKind, ServerKind, Service, ServiceLoad, ServiceServer};

use crate::param::Param;
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
        Box::new(HalfOpenStampede::default()),
        Box::new(ReconnectHerd::default()),
        Box::new(Metastable::default()),
        Box::new(FlappingPeer::default()),
        Box::new(Service::default()),
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

/// A policy of one's own, told in a report in one line as a journal has it.
#[cfg(feature = "serde")]
fn own<'a>(name: &'static str, policy: Option<&impl serde::Serialize>) -> Option<Param<'a>> {
    let text = serde_json::to_string(policy?).unwrap_or_default();
    Some(Param::told(name, "instead of the default", text))
}

/// A policy of one's own, told in one line.
#[cfg(not(feature = "serde"))]
fn own<'a>(name: &'static str, policy: Option<&impl std::fmt::Debug>) -> Option<Param<'a>> {
    let text = format!("{:?}", policy?);
    Some(Param::told(name, "instead of the default", text))
}
