//! The formats of transparency logs, seen from outside: published vectors, and what is refused.

mod cosignatures;
mod differential;
mod mutations;
mod notes;
mod policies;
mod random;
mod subtrees;
mod tile_paths;
mod vectors;
mod witnesses;
