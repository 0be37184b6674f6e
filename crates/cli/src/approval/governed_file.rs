//! A governed document's file: which document it is, and what it says in a few words. Its text is the file's exact bytes.

use std::path::Path;

use causeway_agreement::{AgencyFile, Agreement};
use causeway_crypto::{Digest, SealingPublicKey};
use causeway_journal::{document_digest, v1::DocumentKind};
use causeway_model::{AgencyId, Date, Timestamp};
use causeway_schema::CodeList;

use crate::{Failure, certs};

/// A governed document.
#[derive(Debug)]
pub(crate) struct GovernedFile {
    /// What it is.
    pub(crate) kind: DocumentKind,
    /// Agency id, agreement id, schema id or the code list's name.
    pub(crate) id: String,
    /// Its version; for a schema always 1.
    pub(crate) version: u32,
    /// Its exact text.
    pub(crate) text: String,
    /// Whose persons approve it, where the file says it.
    pub(super) approver: Option<AgencyId>,
    /// An agreement's first day.
    first_day: Option<Date>,
    said: Vec<String>,
}

impl GovernedFile {
    /// Reads an agency file, an agreement, a schema (`KIND-MAJOR.MINOR.json`) or a code list.
    ///
    /// # Errors
    /// The file itself, and every fault in it.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        Self::parse(path, std::fs::read_to_string(path).map_err(|error| Failure::file(path, error))?)
    }

    pub(super) fn parse(path: &Path, text: String) -> Result<Self, Failure> {
        if text.trim_start().starts_with('{') {
            return Self::schema(path, text);
        }
        match text.lines().any(|line| line.trim_start().starts_with("granting")) {
            true => Self::agreement(path, text),
            false => Self::agency(path, text),
        }
    }

    fn schema(path: &Path, text: String) -> Result<Self, Failure> {
        let Some(id) = certs::schema_id(path).map(|id| id.to_string()) else { return Self::code_list(path, text) };
        Ok(Self { kind: DocumentKind::Schema, id, version: 1, text, approver: None, first_day: None, said: Vec::new() })
    }

    fn code_list(path: &Path, text: String) -> Result<Self, Failure> {
        let read = CodeList::parse(&text).map_err(|faults| Failure::faults(path, &faults))?;
        let said = vec![format!("  {}", read.title)];
        Ok(Self {
            kind: DocumentKind::CodeList,
            id: read.name,
            version: read.version,
            text,
            approver: None,
            first_day: None,
            said,
        })
    }

    fn agreement(path: &Path, text: String) -> Result<Self, Failure> {
        let read = Agreement::parse(&text).map_err(|faults| Failure::faults(path, &faults))?;
        Ok(Self {
            kind: DocumentKind::Agreement,
            said: vec![
                format!("  {} grants to {}, in {} clauses", read.granting, read.recipient, read.clauses.len()),
                format!("  from {} to {}", read.valid_from, read.valid_until),
            ],
            id: read.id.to_string(),
            version: read.version,
            text,
            approver: Some(read.granting),
            first_day: Some(read.valid_from),
        })
    }

    fn agency(path: &Path, text: String) -> Result<Self, Failure> {
        let read = AgencyFile::parse(&text).map_err(|faults| Failure::faults(path, &faults))?;
        Ok(Self {
            kind: DocumentKind::Agency,
            said: agency(&read),
            id: read.id.to_string(),
            version: read.version,
            text,
            approver: None,
            first_day: None,
        })
    }

    /// The first day of an agreement that is not in force on the day of `now`.
    pub(crate) fn begins_after(&self, now: Timestamp) -> Option<Date> {
        self.first_day.filter(|day| now < day.start())
    }

    /// What the approvals sign.
    pub(crate) fn digest(&self) -> Digest {
        document_digest(self.kind, &self.id, self.version, self.text.as_bytes())
    }

    /// The kind as the calls of `AdminService` name it.
    pub(crate) const fn kind_code(&self) -> &'static str {
        match self.kind {
            DocumentKind::Agency => "agency",
            DocumentKind::Agreement => "agreement",
            DocumentKind::Schema => "schema",
            DocumentKind::CodeList => "code-list",
            DocumentKind::Unspecified => "document",
        }
    }

    /// Refuses a document of another kind than is wanted here.
    ///
    /// # Errors
    /// Such a document.
    pub(crate) fn must_be(&self, wanted: Option<DocumentKind>, path: &Path) -> Result<(), Failure> {
        match wanted {
            Some(kind) if kind != self.kind => {
                Err(Failure::content(path, format!("this is {}; `causeway document` takes it", self.about())))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn about(&self) -> String {
        let kind = match self.kind {
            DocumentKind::Agency => "agency file",
            DocumentKind::CodeList => "code list",
            _ => self.kind_code(),
        };
        format!("the {kind} {} version {}", self.id, self.version)
    }

    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("{}, to come into force:", self.about())];
        lines.extend(self.said.iter().cloned());
        lines
    }
}

fn agency(file: &AgencyFile) -> Vec<String> {
    let mut lines = vec![format!("  {}", file.name)];
    lines.extend(file.systems.iter().map(|system| {
        let roles: Vec<String> = system.roles.iter().map(ToString::to_string).collect();
        let roles = if roles.is_empty() { "no role".to_owned() } else { roles.join(", ") };
        format!("  system {}: {roles}", system.name)
    }));
    let persons: Vec<&str> = file.persons.iter().map(|person| person.id.as_str()).collect();
    lines.push(format!("  persons who approve: {}", persons.join(", ")));
    lines.push(match SealingPublicKey::from_bytes(&file.sealing_public_key) {
        Ok(key) => format!("  what it owns is sealed to its key {}", key.key_id()),
        Err(_) => "  its sealing key CANNOT be sealed to".into(),
    });
    lines
}
