//! One person's approval as one line of JSON, and the files that hold such lines. A file that `causeway certs dev` wrote
//! (`approvals/<digest>.toml`) is read too.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use causeway_crypto::{Digest, PublicKey, SigningKey};
use causeway_journal::{approval_message, v1};
use causeway_model::{AgencyId, PersonId};
use serde::{Deserialize, Serialize};

use super::Approvable;
use crate::{Failure, as_text};

/// One person's approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Approval {
    /// As `gb-nca/dpo`.
    #[serde(with = "as_text")]
    pub(crate) person: Person,
    /// What was approved, for whoever sorts these lines; the digest is what counts.
    about: String,
    /// What was signed.
    #[serde(with = "as_text::digest")]
    digest: Digest,
    /// The person's public key, as on the agency's roster.
    #[serde(with = "as_text::bytes")]
    public_key: Vec<u8>,
    /// Over the digest, under the approval domain.
    #[serde(with = "as_text::bytes")]
    pub(crate) signature: Vec<u8>,
}

/// A person of an agency: `gb-nca/dpo`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Person {
    /// The agency on whose roster the person is.
    pub(crate) agency: AgencyId,
    /// The person.
    pub(crate) id: PersonId,
}

impl std::fmt::Display for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.agency, self.id)
    }
}

impl std::str::FromStr for Person {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "a person is named as gb-nca/dpo".to_owned();
        let (agency, id) = text.split_once('/').ok_or_else(wrong)?;
        Ok(Self { agency: agency.parse().map_err(|_| wrong())?, id: id.parse().map_err(|_| wrong())? })
    }
}

impl Approval {
    /// Signs.
    ///
    /// # Errors
    /// A person of an agency that has no say in it.
    pub(crate) fn sign(what: &Approvable, person: Person, key: &SigningKey) -> Result<Self, Failure> {
        if let Some(approver) = what.approver().filter(|approver| **approver != person.agency) {
            return Err(Failure::usage(format!("only persons of {approver} can approve this, and {person} is none")));
        }
        let digest = what.digest();
        Ok(Self {
            person,
            about: what.about(),
            digest,
            public_key: key.public_key().0.to_vec(),
            signature: key.sign(&approval_message(&digest)).to_vec(),
        })
    }

    /// As it stands in an entry.
    pub(crate) fn to_journal(&self) -> v1::Approval {
        v1::Approval {
            agency: self.person.agency.to_string(),
            person: self.person.id.to_string(),
            public_key: self.public_key.clone(),
            signature: self.signature.clone(),
        }
    }

    /// Whether the signature is by the key that stands beside it. Whose key that is, the roster in force says.
    fn verifies(&self) -> bool {
        let key: Result<[u8; 32], _> = self.public_key.as_slice().try_into();
        key.is_ok_and(|key| PublicKey(key).verify(&approval_message(&self.digest), &self.signature))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DevelopmentFile {
    approval: Vec<DevelopmentRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DevelopmentRow {
    agency: String,
    person: String,
    public_key: String,
    signature: String,
}

/// The approvals of one thing, each by another person, from files that may hold those of other things too.
///
/// # Errors
/// A file of another form, a signature that does not verify, no approval of this.
pub(crate) fn approvals_of(what: &Digest, about: &str, files: &[PathBuf]) -> Result<Vec<Approval>, Failure> {
    let (mut persons, mut found, mut others) = (BTreeSet::new(), Vec::new(), BTreeSet::new());
    for path in files {
        for approval in read(path, what)? {
            if approval.digest != *what {
                others.insert(approval.about);
                continue;
            }
            if !approval.verifies() {
                let fault = format!("the signature of {} does not verify: have it made again", approval.person);
                return Err(Failure::content(path, fault));
            }
            if persons.insert(approval.person.clone()) {
                found.push(approval);
            }
        }
    }
    if !found.is_empty() {
        return Ok(found);
    }
    let instead = match others.is_empty() {
        true => String::new(),
        false => format!("; there are approvals of: {}", others.into_iter().collect::<Vec<_>>().join(", ")),
    };
    Err(Failure::usage(format!("no approval here is of {about}, as it is now{instead}")))
}

fn read(path: &Path, what: &Digest) -> Result<Vec<Approval>, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::file(path, error))?;
    if !text.trim_start().starts_with('{') {
        return development(path, &text, what);
    }
    let mut approvals = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let wrong = |error| Failure::content(path, format!("line {} is no approval: {error}", index + 1));
        approvals.push(serde_json::from_str(line).map_err(wrong)?);
    }
    Ok(approvals)
}

/// A file of `certs dev` is named by the digest and does not repeat it: its signatures say whether it is of `what`.
fn development(path: &Path, text: &str, what: &Digest) -> Result<Vec<Approval>, Failure> {
    let wrong = || Failure::content(path, "this is no file of approvals".into());
    let file: DevelopmentFile = toml::from_str(text).map_err(|_| wrong())?;
    let about = format!("the document that {} is named for", path.display());
    let of_this = path.file_stem().is_some_and(|stem| *stem == *what.to_string());
    let row = |row: DevelopmentRow| {
        Some(Approval {
            person: format!("{}/{}", row.agency, row.person).parse().ok()?,
            about: about.clone(),
            digest: if of_this { *what } else { Digest([0; 32]) },
            public_key: STANDARD.decode(row.public_key).ok()?,
            signature: STANDARD.decode(row.signature).ok()?,
        })
    };
    file.approval.into_iter().map(|found| row(found).ok_or_else(wrong)).collect()
}
