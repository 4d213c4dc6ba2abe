//! The code of docs/recipes/ for tokio is the code of these tests, which see it through an outage.

mod database_pool;
#[cfg(feature = "journal")]
mod incident_replay;
mod message_consumer;
mod websocket;
