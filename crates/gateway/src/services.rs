//! The services: each call is converted, handed to its use case and converted back. Nothing is decided here.

pub(crate) mod admin;
pub(crate) mod audit;
mod audit_query;
mod backup;
pub(crate) mod documents;
pub(crate) mod erasure;
pub(crate) mod feed;
pub(crate) mod identity;
pub(crate) mod ingest;
mod ingest_stream;
pub(crate) mod protection;
