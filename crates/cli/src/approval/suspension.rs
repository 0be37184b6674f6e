//! A suspension: which version of an agency or an agreement is to be suspended. Nothing of it is in a file.

use std::str::FromStr;

use causeway_crypto::Digest;
use causeway_journal::{suspension_digest, v1::DocumentKind};
use causeway_model::{AgencyId, AgreementId};

/// What can be suspended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SuspendedKind {
    /// An agency: its systems may read withdrawals, acknowledge them, and take back what they have shared, and that alone.
    Agency,
    /// An agreement: it grants nothing.
    Agreement,
}

/// The version in force of an agency or an agreement, to be suspended. A later version ends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Suspension {
    /// Which of the two.
    pub(crate) kind: SuspendedKind,
    /// Its id.
    pub(crate) id: String,
    /// Its version.
    pub(crate) version: u32,
}

impl SuspendedKind {
    /// As `Suspend` names it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Agency => "agency",
            Self::Agreement => "agreement",
        }
    }

    const fn document(self) -> DocumentKind {
        match self {
            Self::Agency => DocumentKind::Agency,
            Self::Agreement => DocumentKind::Agreement,
        }
    }
}

impl FromStr for SuspendedKind {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = [Self::Agency, Self::Agreement].into_iter().find(|kind| kind.as_str() == text);
        found.ok_or("an agency or an agreement can be suspended")
    }
}

impl Suspension {
    /// A suspension, where the id is one of its kind.
    ///
    /// # Errors
    /// What is wrong with the id.
    pub(crate) fn new(kind: SuspendedKind, id: &str, version: u32) -> Result<Self, &'static str> {
        let known = match kind {
            SuspendedKind::Agency => id.parse::<AgencyId>().is_ok(),
            SuspendedKind::Agreement => id.parse::<AgreementId>().is_ok(),
        };
        match known {
            true => Ok(Self { kind, id: id.to_owned(), version }),
            false => Err("this is no id of an agency (as al-police) or of an agreement (as ISA-AL-2026-014)"),
        }
    }

    /// What the approval signs.
    pub(crate) fn digest(&self) -> Digest {
        suspension_digest(self.kind.document(), &self.id, self.version)
    }

    /// What it is, on one line.
    pub(crate) fn about(&self) -> String {
        format!("the suspension of the {} {} version {}", self.kind.as_str(), self.id, self.version)
    }

    pub(super) fn lines(&self) -> Vec<String> {
        let (first, second) = match self.kind {
            SuspendedKind::Agency => (
                "its systems may read withdrawals, acknowledge them, and take back what they have shared, and that alone;",
                "a person of the agency that operates the gateway approves it",
            ),
            SuspendedKind::Agreement => (
                "it grants nothing, and what was released under it is withdrawn unless a clause lets copies stay;",
                "a person of the granting agency approves it",
            ),
        };
        let ends = "a later version of the file, with its own approvals, ends it".to_owned();
        vec![format!("{}:", self.about()), format!("  {first}"), format!("  {second}; {ends}")]
    }
}
