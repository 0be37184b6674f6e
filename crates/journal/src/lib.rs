//! The journal: entries, frames, tree, proofs, checkpoints and apply; pure, no I/O
