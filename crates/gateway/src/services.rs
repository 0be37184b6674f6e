//! The services: each call is converted, handed to its use case and converted back. Nothing is decided here.

pub(crate) mod audit;
pub(crate) mod feed;
pub(crate) mod ingest;
mod ingest_stream;
pub(crate) mod unserved;
