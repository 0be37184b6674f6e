//! The use cases: submit, correct, withdraw, release, pull, acknowledge, query, prove.
//!
//! In scope: what each call checks, which entry it leaves, and what goes out. Every function here is runtime-free: it
//! awaits the journal and nothing else. Out of scope: transport, wire formats, timers (the gateway calls `tick`) and files.

mod acknowledge;
mod activate;
mod alteration;
mod bodies;
mod caller;
mod cursor;
mod draft;
mod erase;
mod error;
mod exchange;
mod genesis;
mod governed;
mod hold;
mod identity;
mod page;
mod pull;
mod publish;
mod query;
mod receipt;
mod refusal;
mod release;
mod release_again;
mod restrict;
mod retention;
mod rotate;
mod schemas;
mod sealing;
mod serve;
mod signature;
mod slot;
mod standing;
mod submit;
mod tally;
mod withdraw;

pub use activate::Fits;
pub use caller::{Caller, Peer, Purpose};
pub use erase::{Erased, Erasing, ErasureOrder, ErasurePlan, SubjectReference};
pub use error::{Class, Error};
pub use exchange::Exchange;
pub use genesis::{ProposedDocument, document_faults, genesis, unapproved_documents};
pub use identity::{
    Approved, IdentityQuestion, IdentityRow, IdentityState, OwnIdentities, OwnersView, ReleasedIdentity,
    SealedIdentity, Whose,
};
pub use page::{Content, Evidence, Page, PageItem, PageTerms, PseudonymChange, page_digest};
pub use publish::PublishedTable;
pub use pull::{DEFAULT_PAGE_ITEMS, MAX_PAGE_ITEMS, PullRequest};
pub use query::{AuditRow, ProvedEntry, Query, QueryAnswer};
pub use receipt::Receipt;
pub use restrict::Restriction;
pub use retention::{RetentionList, RetentionReason, RetentionRow, RetentionRun};
pub use rotate::Rotation;
pub use signature::PersonSignature;
pub use submit::{Pressure, Submission};
pub use tally::Tallied;
pub use withdraw::Withdrawal;
