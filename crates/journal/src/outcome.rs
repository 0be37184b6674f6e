//! What became of an entry when it was applied: shown beside the entry, and recomputed by the verifier.

use std::fmt;
use std::io::{Read, Result, Write};

use causeway_model::LeafIndex;

use crate::saved::{Saved, broken};

/// What became of an entry. An entry that records a denial is always [`Outcome::Effective`]: it says what it says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Outcome {
    /// What the entry says holds.
    #[default]
    Effective,
    /// The submission id is known, with the same content: the earlier entry stands for this one too.
    Duplicate {
        /// The earlier entry.
        of: LeafIndex,
    },
    /// The submission id is known, with other content.
    SubmissionReused,
    /// The expected version is not the record's current one.
    VersionMoved,
    /// There is no such record of this owner.
    NotFound,
    /// The record was withdrawn before.
    AlreadyWithdrawn,
    /// Some releases or withdrawals had no effect: their places in the entry, withdrawals counted after releases.
    PartlyVoid(Vec<u32>),
    /// It rests on something that is not in force, as a superseded agreement version, or names what is not there.
    Void,
    /// The document's text, version or approvals are not what they must be.
    UnapprovedDocument,
    /// The document cannot be read, says it is another one, or is an agreement whose parties have changed.
    InvalidDocument,
    /// A record that it concerns has been erased, or its erasure has been ordered.
    Erased,
    /// A record that it concerns is under a legal hold.
    OnHold,
    /// The approvals are not those of two rostered persons of the owner over what it names.
    Unapproved,
    /// There had been as many as are allowed: of the requester's requests in the month, of the submitter's records in the day, or of records
    /// that leave under the agreement in the day.
    CapReached,
    /// What it rests on stood for a time that is over.
    Expired,
    /// It was done before, or refused before, and can be done only once.
    AlreadyDone,
}

impl Outcome {
    /// All names that [`Outcome::as_str`] gives.
    pub const NAMES: [&'static str; 16] = [
        "effective",
        "duplicate",
        "submission-reused",
        "version-moved",
        "not-found",
        "already-withdrawn",
        "partly-void",
        "void",
        "unapproved-document",
        "invalid-document",
        "erased",
        "on-hold",
        "unapproved",
        "cap-reached",
        "expired",
        "already-done",
    ];

    /// Its stable name.
    pub const fn as_str(&self) -> &'static str {
        Self::NAMES[self.place() as usize]
    }

    /// Its place among the names.
    const fn place(&self) -> u8 {
        match self {
            Self::Effective => 0,
            Self::Duplicate { .. } => 1,
            Self::SubmissionReused => 2,
            Self::VersionMoved => 3,
            Self::NotFound => 4,
            Self::AlreadyWithdrawn => 5,
            Self::PartlyVoid(_) => 6,
            Self::Void => 7,
            Self::UnapprovedDocument => 8,
            Self::InvalidDocument => 9,
            Self::Erased => 10,
            Self::OnHold => 11,
            Self::Unapproved => 12,
            Self::CapReached => 13,
            Self::Expired => 14,
            Self::AlreadyDone => 15,
        }
    }

    /// Whether all of the entry took effect.
    pub const fn is_effective(&self) -> bool {
        matches!(self, Self::Effective)
    }
}

impl Saved for Outcome {
    fn save(&self, to: &mut impl Write) -> Result<()> {
        self.place().save(to)?;
        match self {
            Self::Duplicate { of } => of.save(to),
            Self::PartlyVoid(places) => places.save(to),
            _ => Ok(()),
        }
    }

    fn load(from: &mut impl Read) -> Result<Self> {
        Ok(match u8::load(from)? {
            0 => Self::Effective,
            1 => Self::Duplicate { of: Saved::load(from)? },
            2 => Self::SubmissionReused,
            3 => Self::VersionMoved,
            4 => Self::NotFound,
            5 => Self::AlreadyWithdrawn,
            6 => Self::PartlyVoid(Saved::load(from)?),
            7 => Self::Void,
            8 => Self::UnapprovedDocument,
            9 => Self::InvalidDocument,
            10 => Self::Erased,
            11 => Self::OnHold,
            12 => Self::Unapproved,
            13 => Self::CapReached,
            14 => Self::Expired,
            15 => Self::AlreadyDone,
            _ => return Err(broken("an outcome is none")),
        })
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
