//! Approvals: what a person of an agency signs, offline and knowingly, and the lines that carry the signatures.

mod approvable;
mod governed_file;
mod line;
mod suspension;

pub(crate) use approvable::{Approvable, ErasurePlan, IdentityCase, counted, naming, read_plan};
pub(crate) use governed_file::GovernedFile;
pub(crate) use line::{Approval, Person, approvals_of};
pub(crate) use suspension::{SuspendedKind, Suspension};

#[cfg(test)]
mod tests;
