//! The index over real journals with small blocks, against a plain filter over what was appended.
//!
//! Invariants: an answer is what the filter gives, whatever was merged, lost, damaged, put in or cut short; everything that was
//! acknowledged before the call is in it; no bit of a block changes unseen. Non-failures: an answer that was slow.

mod blocks;
mod damage;
mod model;
mod rows;
mod setting;
mod turns;
