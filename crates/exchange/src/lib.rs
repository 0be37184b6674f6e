//! The use cases: submit, correct, withdraw, release, pull, acknowledge, query, prove.
//!
//! In scope: what each call checks, which entry it leaves, and what goes out. Every function here is runtime-free: it
//! awaits the journal and nothing else. Out of scope: transport, wire formats, timers (the gateway calls `tick`) and files.

mod accepted;
mod acknowledge;
mod activate;
mod alteration;
mod answering;
mod at_risk;
mod backup;
mod bodies;
mod caller;
mod cell_release;
mod checkpoints;
mod compare;
mod condition;
mod count;
mod cursor;
mod daily_limits;
mod document_faults;
mod draft;
mod erase;
mod error;
mod evaluate;
mod exchange;
mod explain;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod genesis;
mod governed;
mod hold;
mod holders;
mod identity;
mod log;
mod log_position;
mod measures;
mod narrowed;
mod news;
mod notice;
mod overdue;
mod page;
mod parties;
mod propose;
mod publish;
mod pull;
mod query;
mod quota;
mod receipt;
mod recording;
mod refusal;
mod release;
mod release_again;
mod releaser;
mod restrict;
mod retention;
mod roster;
mod rotate;
mod schemas;
mod scope;
mod sealing;
mod serve;
mod signature;
mod slot;
mod standing;
mod submit;
mod suspend;
mod tally;
mod unavailable;
mod verdict;
mod withdraw;
mod witnessed;

pub use acknowledge::Acknowledged;
pub use activate::Fits;
pub use backup::Backup;
pub use caller::{Caller, Peer, Purpose};
pub use checkpoints::{Checkpoints, PublishedCheckpoint, Which};
pub use compare::{Changed, Comparison, Fare};
pub use condition::Condition;
pub use count::{CountQuestion, Numbers, TableSummary};
pub use daily_limits::{DailyLimits, RECORDS_OVER_LIMIT};
pub use document_faults::document_faults;
pub use erase::{Erased, Erasing, ErasureOrder, ErasurePlan, SubjectReference};
pub use error::{Class, Error};
pub use exchange::Exchange;
pub use explain::{ExplainQuestion, ExplainedField, Explanation, Under};
pub use genesis::{ProposedDocument, genesis, unapproved_documents};
pub use holders::{Holder, Recall};
pub use identity::{
    Approved, IdentityQuestion, IdentityRow, IdentityState, OwnIdentities, OwnersView, ReleasedIdentity,
    SealedIdentity, Whose,
};
pub use log::{MAX_RANGE_ENTRIES, Range};
pub use log_position::{LogPosition, NoPosition};
pub use measures::{FeedMeasures, Measures, NodeMeasures};
pub use narrowed::REVOCATION_STALE;
pub use notice::Notice;
pub use page::{Content, Evidence, Page, PageItem, PageTerms, PseudonymChange, page_digest};
pub use propose::Proposal;
pub use publish::PublishedTable;
pub use pull::{DEFAULT_PAGE_ITEMS, MAX_PAGE_ITEMS, PullRequest, Reading};
pub use query::{
    Acting, Answer, AnswerBegin, AnswerEnd, AuditRow, Beside, DisclosedItem, Filter, ProvedEntry, Pseudonym, Query,
    ReasonCode, SaidFilter, Span, UnderAgreement,
};
pub use receipt::Receipt;
pub use releaser::{Releaser, ReleaserPeers};
pub use restrict::Restriction;
pub use retention::{RetentionList, RetentionReason, RetentionRow, RetentionRun};
pub use roster::Roster;
pub use rotate::Rotation;
pub use scope::Scope;
pub use signature::PersonSignature;
pub use submit::{BegunSubmission, Pressure, Submission};
pub use suspend::Suspension;
pub use tally::Tallied;
pub use unavailable::LOG_NOT_REACHED;
pub use withdraw::Withdrawal;
pub use witnessed::{WitnessMeasures, WitnessTerms, Witnessed, WitnessedCheckpoint};
