//! What the nodes of one cluster say to each other beside the log: page keys and who the
//! releaser is, over a port, a CA and certificates of their own.
//!
//! No agency's certificate gets in here and no node's certificate gets in anywhere else: a node is known by its number, in a URI of
//! another scheme than systems have, under the roots that the cluster's settings name, and only while it is on their roster.

mod credentials;
mod identity;
mod peer;
mod releaser;
mod service;
mod serving;
mod settings;
#[cfg(test)]
mod tests;
mod verifier;

pub use credentials::NodeCredentials;
pub use peer::peers;
pub use releaser::releaser_peers;
pub use serving::NodeServer;
pub(crate) use settings::address;
pub use settings::{NodeSettings, RosteredNode};
