//! The offline verifier of receipts, proofs and checkpoints
