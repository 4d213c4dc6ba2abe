//! HTTP and gRPC: what responses mean, which requests may be sent again, and how a refusal is told to a client.

mod grpc;
mod idempotent;
mod refused;
mod status;
mod unary;
mod unavailable;

pub use grpc::GrpcStatus;
pub use idempotent::IdempotentMethods;
pub use refused::service_unavailable;
pub use status::HttpStatus;
pub use unary::GrpcUnary;
pub use unavailable::{UnavailableFuture, UnavailableLayer, UnavailableService};
