//! One binary for every test of the gateway: the real server on port 0, real TLS with CAs made at run time, real storage,
//! and clients that speak to it over the wire. What a test needs to set up is in `harness`; the rest is by subject.

mod authentication;
mod bad_input;
mod corrections;
mod crash;
mod durability;
mod harness;
mod idempotency;
mod ingest;
mod roles;
