//! The crate's tests at its public surface: one binary, one module a subject.

mod groups;
mod random;
mod recoding;
