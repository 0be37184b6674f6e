//! The field's words as types: ids, kinds, classes, ladders, handling codes, purposes, places and time.
//!
//! In scope: parsing text into types that cannot be wrong, and the orders and tables that belong to the words
//! themselves. Out of scope: files, serialisation formats, clocks, keys and every rule that needs more than one record.

mod class;
mod codes;
mod country;
mod facts;
mod field;
mod handling;
mod id;
mod kind;
mod number;
mod purpose;
mod text;
mod time;
mod transfer;

pub use class::{Class, Floor, Ladder, Step};
pub use country::Country;
pub use facts::RecordFacts;
pub use field::{FieldNumber, FieldPath, FieldSpec, FieldTable};
pub use handling::{ActionCode, EuropolCode, Handling, InfoGrade, ReleasableTo, SanitisationCode, SourceGrade, Tlp};
pub use id::{
    AgencyId, AgreementId, ClauseId, EntryId, ItemId, Malformed, PersonId, RecordId, RequestId, SystemId, SystemName,
};
pub use kind::{Kind, SchemaId, SchemaVersion};
pub use number::{FrameSeq, LeafIndex, Position, RecordVersion};
pub use purpose::PurposeCode;
pub use text::{CaseReference, OperatorId, PurposeText, SubmissionId};
pub use time::{Date, PartialDate, Timestamp};
pub use transfer::{OnwardTransfer, TransferCondition};
