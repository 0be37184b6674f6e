//! Statistical disclosure control: group sizes, one recoding for a batch, and tables that give no small cell away.
//!
//! In scope: counting groups ([`groups`]), choosing how far a batch of releases is coarsened so that no item stands in
//! a group under `k` ([`recoding`]). Out of scope: records, feeds and agreements. Values are small integers that the caller gives out.

mod error;
pub mod groups;
pub mod recoding;

pub use error::Error;
