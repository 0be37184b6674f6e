//! The common schema: reading a record, validating it, splitting it by class, and the classified body's encoding.
//!
//! In scope: JSON Schema files and their annotations, the rules that one record must meet, ladders, normalisation, and
//! the one projection of a classified body. Out of scope: who may see what (agreement), keys and sealing (crypto),
//! clocks and files. Nothing here prints a value of a record.

mod ages;
mod annotation;
mod classified;
mod codes;
mod compat;
mod compile;
mod docs;
mod document;
mod facts;
mod fold;
mod keyword;
mod ladder;
mod project;
#[cfg(test)]
mod random;
mod rules;
mod schema;
mod scheme;
mod shape;
mod split;
mod summary;
mod validator;
mod value;
mod violation;
mod writer;

pub use classified::{Cells, Classified, Corrupt};
pub use codes::{Code, CodeList, code_lists_named};
pub use docs::{DocsPage, docs};
pub use document::{Document, MAX_DEPTH, MAX_DOCUMENT_BYTES, MAX_VALUES, ParseFault, parse};
pub use facts::Retention;
pub use project::Projected;
pub use schema::{Schema, Schemas};
pub use scheme::normalise;
pub use split::{SealedBody, Split};
pub use violation::{MAX_VIOLATIONS, Violation};
