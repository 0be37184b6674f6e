//! Statistical disclosure control: group sizes, one recoding for a batch, and tables that give no small cell away.
//!
//! In scope: counting groups ([`groups`]), choosing how far a batch of releases is coarsened so that no item stands in
//! a group under `k` ([`recoding`]), and protecting tables of counts by suppression and rounding ([`cube`]). Out of
//! scope: records, feeds and agreements, what lies on disk, and who may see what. Values are small integers that the
//! caller gives out; persons are numbers. Nothing here has a clock, a disk, randomness or another crate of the project.
//!
//! What it shows: that, from what this crate says may leave, no cell below the minimum can be told; each module states
//! in which sense, and against whom it does not help.

pub mod cube;
mod error;
pub mod groups;
pub mod recoding;

pub use error::Error;
