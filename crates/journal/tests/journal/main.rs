//! The journal seen from outside: `apply` on frames that are built as the gateway builds them.

mod agreements;
mod cells;
mod documents;
mod effective;
mod feeds;
mod frames;
mod identities;
mod keys;
mod log;
mod mirrored;
mod nodes;
mod protection;
mod quotas;
mod records;
mod releaser;
mod replay;
mod several_writers;
mod snapshot;
mod tables;
