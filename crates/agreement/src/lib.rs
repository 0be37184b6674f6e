//! Information-sharing agreements and agency files as data, and the pure decision whether a record may leave.
//!
//! In scope: reading both from TOML with every fault listed, checking an agreement against the fields of the schemas,
//! and `decide`, which answers for one record at one moment. Out of scope: files and folders, signatures over the
//! texts (journal), counting people in cells, and building what a partner sees (schema, exchange).

mod agency;
mod agency_template;
mod agreement;
mod decide;
mod fault;
mod fields;
mod parse;
mod relaxation;
pub mod section;

pub use agency::{AgencyFile, Person, Role, System};
pub use agency_template::AgencyTemplate;
pub use agreement::{Agreement, Clause, Filter, Form, HandlingCeiling, IdentityTerms, Quota, ReleasePeriod};
pub use decide::{Decision, DenyReason, decide};
pub use fault::Fault;
