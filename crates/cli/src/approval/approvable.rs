//! What can be approved, as a file: an erasure's plan, a request for an identity, a governed document. The digest is always
//! made again from the file's own parts: a person signs what is shown, whatever the file says its digest is.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use causeway_crypto::Digest;
use causeway_journal::{erasure_digest, identity_digest};
use causeway_model::{AgencyId, EntryId, RecordId};
use serde::{Deserialize, Serialize};

use super::governed_file::GovernedFile;
use super::suspension::Suspension;
use crate::{Failure, as_text};

/// The largest file that is read: a governed document has at most 128 KiB.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// What `causeway erase plan` writes: names of records, and nothing of what is in them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ErasurePlan {
    /// The records' owner, whose persons approve.
    #[serde(with = "as_text")]
    pub(crate) owner: AgencyId,
    /// Whether it was made for a person, and so is to hold all records of that person.
    pub(crate) by_person: bool,
    /// What is to be erased.
    #[serde(with = "as_text::list")]
    pub(crate) records: Vec<RecordId>,
    /// Those of them that were under a legal hold.
    #[serde(with = "as_text::list")]
    pub(crate) held: Vec<RecordId>,
    /// Whether there are more records of the person than it lists.
    pub(crate) more: bool,
    /// The owner's routes that name the person, and stay.
    #[serde(with = "as_text::list")]
    pub(crate) naming: Vec<RecordId>,
    /// Whether there are more of these than it lists.
    pub(crate) more_naming: bool,
    /// What the persons sign.
    #[serde(with = "as_text::digest")]
    pub(crate) digest: Digest,
}

/// What `causeway identity list --save` writes for each request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IdentityCase {
    /// The record's owner, whose persons approve.
    #[serde(with = "as_text")]
    pub(crate) owner: AgencyId,
    /// The request.
    #[serde(with = "as_text")]
    pub(crate) identity_request_id: EntryId,
    /// Who asks.
    #[serde(with = "as_text")]
    pub(crate) requester: AgencyId,
    /// Whose identity.
    #[serde(with = "as_text")]
    pub(crate) record: RecordId,
    /// In which version of the record.
    pub(crate) version: u32,
    /// Why: the code.
    pub(crate) purpose_code: String,
    /// Why: the text.
    pub(crate) purpose_text: String,
    /// For which case.
    pub(crate) case_reference: String,
    /// Names the sealed body.
    #[serde(with = "as_text::digest")]
    pub(crate) sealed_body_digest: Digest,
    /// What the persons sign.
    #[serde(with = "as_text::digest")]
    pub(crate) digest: Digest,
}

/// What is approved.
#[derive(Debug)]
pub(crate) enum Approvable {
    /// An erasure.
    Erasure(ErasurePlan),
    /// The release of an identity.
    Identity(IdentityCase),
    /// A governed document.
    Document(GovernedFile),
    /// The suspension of one.
    Suspension(Suspension),
}

/// The files that Causeway writes to be approved say what they are.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "causeway", rename_all = "kebab-case")]
enum Tagged {
    ErasurePlan(ErasurePlan),
    IdentityRequest(IdentityCase),
}

impl ErasurePlan {
    /// The file's text.
    pub(crate) fn to_json(&self) -> String {
        to_json(&Tagged::ErasurePlan(self.clone()))
    }

    /// The digest of what the plan lists.
    pub(crate) fn own_digest(&self) -> Digest {
        erasure_digest(&self.owner, &self.records)
    }
}

impl IdentityCase {
    /// The file's text.
    pub(crate) fn to_json(&self) -> String {
        to_json(&Tagged::IdentityRequest(self.clone()))
    }

    /// The digest of what the request states.
    pub(crate) fn own_digest(&self) -> Digest {
        identity_digest(&self.identity_request_id, &self.sealed_body_digest, &self.requester)
    }
}

fn to_json(file: &Tagged) -> String {
    let mut text = serde_json::to_string_pretty(file).expect("texts, numbers and lists are JSON");
    text.push('\n');
    text
}

impl Approvable {
    /// Reads a file, and refuses one whose parts do not make the digest that it states.
    ///
    /// # Errors
    /// A file of another form, or one that was changed.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let text = text_of(path)?;
        let tagged = text.trim_start().starts_with('{') && text.contains("\"causeway\"");
        if !tagged {
            return GovernedFile::parse(path, text).map(Self::Document);
        }
        let wrong = |error: serde_json::Error| Failure::content(path, format!("no plan and no request: {error}"));
        let (read, stated) = match serde_json::from_str(&text).map_err(wrong)? {
            Tagged::ErasurePlan(plan) => (plan.own_digest() == plan.digest, Self::Erasure(plan)),
            Tagged::IdentityRequest(case) => (case.own_digest() == case.digest, Self::Identity(case)),
        };
        match read {
            true => Ok(stated),
            false => Err(Failure::content(
                path,
                "its digest is not that of what it lists: it was changed, do not sign it".into(),
            )),
        }
    }

    /// What is signed.
    pub(crate) fn digest(&self) -> Digest {
        match self {
            Self::Erasure(plan) => plan.own_digest(),
            Self::Identity(case) => case.own_digest(),
            Self::Document(document) => document.digest(),
            Self::Suspension(suspension) => suspension.digest(),
        }
    }

    /// Whose persons approve it; none where the file does not say (the gateway's operator's).
    pub(crate) const fn approver(&self) -> Option<&AgencyId> {
        match self {
            Self::Erasure(plan) => Some(&plan.owner),
            Self::Identity(case) => Some(&case.owner),
            Self::Document(document) => document.approver.as_ref(),
            Self::Suspension(_) => None,
        }
    }

    /// What it is, on one line.
    pub(crate) fn about(&self) -> String {
        match self {
            Self::Erasure(plan) => format!("the erasure of {} of {}", counted(plan.records.len()), plan.owner),
            Self::Identity(case) => format!("the identity request {}", case.identity_request_id),
            Self::Document(document) => document.about(),
            Self::Suspension(suspension) => suspension.about(),
        }
    }

    /// What a person is about to approve, in words.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = match self {
            Self::Erasure(plan) => erasure(plan),
            Self::Identity(case) => identity(case),
            Self::Document(document) => document.lines(),
            Self::Suspension(suspension) => suspension.lines(),
        };
        lines.push(format!("  digest {}", self.digest()));
        lines
    }
}

fn erasure(plan: &ErasurePlan) -> Vec<String> {
    let whose = match (plan.by_person, plan.more) {
        (true, false) => ", all that there are of one person",
        (true, true) => ", not all that there are of one person: the rest needs another plan",
        (false, _) => "",
    };
    let mut lines = vec![
        format!("the erasure of {} of {}{whose}:", counted(plan.records.len()), plan.owner),
        "  nobody can read them again, here or from a backup, and partners are told to delete them;".into(),
        "  that they were there, and who saw them, stays provable".into(),
    ];
    lines.extend(plan.records.iter().map(|record| {
        let held = if plan.held.contains(record) { " (under a legal hold: refused until it is lifted)" } else { "" };
        format!("  record {record}{held}")
    }));
    lines.extend(naming(plan));
    lines
}

/// What says something of the person and stays.
pub(crate) fn naming(plan: &ErasurePlan) -> Vec<String> {
    let named = |route| format!("  route {route} names the person and is not erased: correct it, or plan it by its id");
    let mut lines: Vec<String> = plan.naming.iter().map(named).collect();
    if plan.more_naming {
        lines.push("  and more routes that name the person".into());
    }
    lines
}

fn identity(case: &IdentityCase) -> Vec<String> {
    let IdentityCase { owner, requester, record, version, .. } = case;
    let to = match requester == owner {
        true => "to its own system".to_owned(),
        false => format!("to {requester}, another agency"),
    };
    let text = if case.purpose_text.is_empty() { String::new() } else { format!(": {}", case.purpose_text) };
    vec![
        format!("the release of one identity, {to}, once:"),
        format!("  request {}, sealed body {}", case.identity_request_id, case.sealed_body_digest),
        "  as the gateway says; the signature does not cover it:".into(),
        format!("    record {record}, version {version}, of {owner}"),
        format!("    for {}{text}", case.purpose_code),
        format!("    case {}", case.case_reference),
    ]
}

/// So many records, in words.
pub(crate) fn counted(count: usize) -> String {
    if count == 1 { "1 record".into() } else { format!("{count} records") }
}

/// A plan from its file.
///
/// # Errors
/// As [`Approvable::read`], and a file of something else.
pub(crate) fn read_plan(path: &Path) -> Result<ErasurePlan, Failure> {
    match Approvable::read(path)? {
        Approvable::Erasure(plan) => Ok(plan),
        other => Err(Failure::content(path, format!("this is {}, and no plan of an erasure", other.about()))),
    }
}

fn text_of(path: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let file = File::open(path).map_err(|error| Failure::file(path, error))?;
    let read = file.take(MAX_FILE_BYTES).read_to_string(&mut text);
    read.map_err(|error| Failure::file(path, error))?;
    Ok(text)
}
