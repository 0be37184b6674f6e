//! The crate's tests at its public surface: one binary, one module a subject.

mod attack;
mod ctdc;
mod cube;
mod groups;
mod oracle;
mod random;
mod recoding;
