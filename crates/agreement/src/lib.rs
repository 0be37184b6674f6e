//! Information-sharing agreements and agency files as data, and the pure decision whether a record may leave.
//!
//! In scope: reading both from TOML with every fault listed, checking an agreement against the fields of the schemas, `decide`,
//! which answers for one record at one moment, and what two versions of an agreement decide differently. Out of scope: files and
//! folders, signatures over the texts (journal), counting persons (cells), and building what a partner sees (schema, exchange).

mod agency;
mod agency_template;
mod agreement;
mod audit_limits;
mod clause;
mod codes;
mod decide;
mod difference;
mod exclusion;
mod fault;
mod fields;
mod filter;
mod joins;
mod lines;
mod parse;
mod period;
mod relaxation;
pub mod section;
mod table;

pub use agency::{AgencyFile, Person, Role, System};
pub use agency_template::AgencyTemplate;
pub use agreement::{Agreement, IdentityTerms, Quota};
pub use audit_limits::AuditLimits;
pub use clause::{Clause, Form, HandlingCeiling, permits};
pub use decide::{Decision, DenyReason, Standing, decide};
pub use difference::{Change, difference};
pub use exclusion::{Exclusion, excluded_by};
pub use fault::Fault;
pub use filter::Filter;
pub use joins::Note;
pub use lines::Lines;
pub use period::ReleasePeriod;
pub use table::{Dimension, Table, TableId, TablePeriod};
