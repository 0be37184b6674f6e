//! One binary for every test of the gateway: the real server on port 0, real TLS with CAs made at run time, real storage,
//! and clients that speak to it over the wire. What a test needs to set up is in `harness`; the rest is by subject.

mod at_risk;
mod audit;
mod authentication;
mod bad_input;
mod canary;
mod corrections;
mod crash;
mod cursors;
mod durability;
mod explain;
mod feed;
mod frozen;
mod governance;
mod harness;
mod holders;
mod idempotency;
mod identity;
mod import;
mod ingest;
mod life;
mod metrics;
mod overlap;
mod protection;
mod quota;
mod releases;
mod reload;
mod roles;
mod rotation;
mod shuffle;
mod standing;
mod suspension;
mod watch;
mod withdrawal;
