//! The causeway binary
