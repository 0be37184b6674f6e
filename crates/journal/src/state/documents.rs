//! The governed documents in force, and whether a new one has the approvals that it needs.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::sync::Arc;

use causeway_agreement::{AgencyFile, Agreement};
use causeway_crypto::{Digest, PublicKey};
use causeway_model::{AgencyId, AgreementId, LeafIndex, PersonId, SchemaId, Timestamp};

use crate::document::{approval_message, document_digest, suspension_digest};
use crate::saved::{Saved, broken, saved_fields};
use crate::{Outcome, v1};

/// A governed document in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Its version.
    pub version: u32,
    /// Its digest, which the approvals signed.
    pub digest: Digest,
    /// Its exact text.
    pub text: Arc<str>,
    /// The entry that brought it into force.
    pub leaf: LeafIndex,
}

saved_fields!(Document { version, digest, text, leaf });

/// How many persons must approve what one alone may not do.
pub const APPROVALS: usize = 2;

#[derive(Debug, Clone, Default)]
pub(crate) struct Documents {
    /// All that ever came into force, the newest last.
    all: BTreeMap<(i32, Box<str>), Vec<Document>>,
    agencies: BTreeMap<AgencyId, Arc<AgencyFile>>,
    agreements: BTreeMap<AgreementId, Arc<Agreement>>,
    /// Later versions whose first day has not come, while an earlier one is in force.
    pending: BTreeMap<AgreementId, Arc<Agreement>>,
    /// Every version that came into force: what was released under one goes on being what it was.
    agreement_versions: BTreeMap<(AgreementId, u32), Arc<Agreement>>,
    /// What is suspended, by the entry that says so.
    suspended: BTreeMap<(i32, Box<str>), LeafIndex>,
    schemas: BTreeMap<SchemaId, Box<str>>,
}

/// What the rules know of documents that an entry is applied under.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    /// The moment from which a later version of an agreement waits for its first day; without it nothing waits.
    pub(crate) waits_from: Option<Timestamp>,
    /// Whether an agency file may limit what auditors read.
    pub(crate) limits_of_auditors: bool,
}

impl Saved for Documents {
    /// What is in force as its version: the texts are read again where this is loaded.
    fn save(&self, to: &mut impl Write) -> io::Result<()> {
        let versions = |agreements: &BTreeMap<AgreementId, Arc<Agreement>>| -> Vec<(AgreementId, u32)> {
            agreements.iter().map(|(id, agreement)| (id.clone(), agreement.version)).collect()
        };
        self.all.save(to)?;
        self.suspended.save(to)?;
        self.schemas.save(to)?;
        versions(&self.agreements).save(to)?;
        versions(&self.pending).save(to)
    }

    fn load(from: &mut impl io::Read) -> io::Result<Self> {
        let all = BTreeMap::<(i32, Box<str>), Vec<Document>>::load(from)?;
        let (suspended, schemas) = (Saved::load(from)?, Saved::load(from)?);
        let (mut agencies, mut agreement_versions) = (BTreeMap::new(), BTreeMap::new());
        for ((kind, _), versions) in &all {
            if *kind == i32::from(v1::DocumentKind::Agency)
                && let Some(newest) = versions.last()
            {
                let file = AgencyFile::parse(&newest.text).map_err(|_| broken("an agency's file does not read"))?;
                agencies.insert(file.id.clone(), Arc::new(file));
            }
            for version in versions.iter().filter(|_| *kind == i32::from(v1::DocumentKind::Agreement)) {
                let agreement = Agreement::parse(&version.text).map_err(|_| broken("an agreement does not read"))?;
                agreement_versions.insert((agreement.id.clone(), agreement.version), Arc::new(agreement));
            }
        }
        let mut in_force = || {
            let versions = Vec::<(AgreementId, u32)>::load(from)?.into_iter();
            let agreement = |key: (AgreementId, u32)| {
                let agreement =
                    agreement_versions.get(&key).ok_or_else(|| broken("an agreement in force has no text"))?;
                Ok((key.0, Arc::clone(agreement)))
            };
            versions.map(agreement).collect::<io::Result<BTreeMap<_, _>>>()
        };
        let (agreements, pending) = (in_force()?, in_force()?);
        Ok(Self { all, agencies, agreements, pending, agreement_versions, suspended, schemas })
    }
}

/// A document's text, read. What the readers accept is a part of apply's rules: a change of it is a new rules version.
enum Read {
    Agency(AgencyFile),
    Agreement(Agreement),
    Schema(SchemaId),
    CodeList,
}

impl Known {
    /// Whether a reader of these rules takes such a text.
    fn understands(&self, read: &Read) -> bool {
        match read {
            Read::Agency(file) => self.limits_of_auditors || !file.limits_auditors(),
            Read::Agreement(_) | Read::Schema(_) | Read::CodeList => true,
        }
    }
}

impl Documents {
    pub(crate) fn get(&self, kind: v1::DocumentKind, id: &str) -> Option<&Document> {
        self.all.get(&(kind.into(), id.into()))?.last()
    }

    /// The documents of a kind that were in force before an entry, by id.
    pub(crate) fn before(&self, kind: v1::DocumentKind, leaf: LeafIndex) -> impl Iterator<Item = (&str, &Document)> {
        let of_kind = self.all.iter().filter(move |((known, _), _)| *known == i32::from(kind));
        of_kind.filter_map(move |((_, id), versions)| {
            versions.iter().rfind(|document| document.leaf < leaf).map(|document| (id.as_ref(), document))
        })
    }

    /// A version of an agreement that is or was in force.
    pub(crate) fn agreement_version(&self, id: &AgreementId, version: u32) -> Option<&Arc<Agreement>> {
        self.agreement_versions.get(&(id.clone(), version))
    }

    /// A later version of an agreement whose first day has not come.
    pub(crate) fn pending_agreement(&self, id: &AgreementId) -> Option<&Arc<Agreement>> {
        self.pending.get(id)
    }

    /// Brings into force what waited for a day that has come by `now`.
    pub(crate) fn begin(&mut self, now: Timestamp) {
        let has_come = |agreement: &Arc<Agreement>| agreement.valid_from.start() <= now;
        let begun: Vec<_> = self.pending.values().filter(|agreement| has_come(agreement)).cloned().collect();
        for agreement in begun {
            self.pending.remove(&agreement.id);
            // One that was approved before the suspension does not end it: nobody has decided so.
            let key = (v1::DocumentKind::Agreement.into(), Box::from(agreement.id.as_str()));
            let approved = self.all.get(&key).and_then(|versions| versions.last()).map(|newest| newest.leaf);
            if self.suspended.get(&key).copied() < approved {
                self.suspended.remove(&key);
            }
            self.agreements.insert(agreement.id.clone(), agreement);
        }
    }

    /// The entry that suspended a document, while its version in force is that one.
    pub(crate) fn suspended(&self, kind: v1::DocumentKind, id: &str) -> Option<LeafIndex> {
        self.suspended.get(&(kind.into(), id.into())).copied()
    }

    pub(crate) fn agency(&self, id: &AgencyId) -> Option<&Arc<AgencyFile>> {
        self.agencies.get(id)
    }

    pub(crate) fn agencies(&self) -> impl Iterator<Item = &Arc<AgencyFile>> {
        self.agencies.values()
    }

    pub(crate) fn agreement(&self, id: &AgreementId) -> Option<&Arc<Agreement>> {
        self.agreements.get(id)
    }

    pub(crate) fn agreements(&self) -> impl Iterator<Item = &Arc<Agreement>> {
        self.agreements.values()
    }

    pub(crate) fn schemas(&self) -> impl Iterator<Item = (SchemaId, &Document)> {
        let document = |id: &str| self.get(v1::DocumentKind::Schema, id);
        self.schemas.iter().filter_map(move |(schema, id)| Some((*schema, document(id)?)))
    }

    pub(crate) fn has_schema(&self, id: &SchemaId) -> bool {
        self.schemas.contains_key(id)
    }

    /// Brings a document into force if its text, version and approvals are what they must be. A later version of an agreement whose first
    /// day has not come waits for it, where the rules know of that.
    pub(crate) fn activate(
        &mut self,
        operator: &AgencyId,
        leaf: LeafIndex,
        document: &v1::Document,
        approvals: &[v1::Approval],
        text: &[u8],
        known: &Known,
    ) -> Outcome {
        let (kind, id, version) = (document.kind(), document.id.as_str(), document.version);
        let digest = document_digest(kind, id, version, text);
        let in_force = self.get(kind, id).map_or(0, |known| known.version);
        if digest.0 != *document.digest || version <= in_force {
            return Outcome::UnapprovedDocument;
        }
        let read = read(document, text).filter(|(_, read)| self.keeps_its_parties(read) && known.understands(read));
        let Some((text, read)) = read else { return Outcome::InvalidDocument };
        let approved = self.roster(operator, &read).is_some_and(|roster| is_approved(roster, approvals, &digest));
        if !approved {
            return Outcome::UnapprovedDocument;
        }
        let held = Document { version, digest, text: text.into(), leaf };
        self.all.entry((kind.into(), id.into())).or_default().push(held);
        match read {
            Read::Agency(file) => drop(self.agencies.insert(file.id.clone(), Arc::new(file))),
            Read::Agreement(agreement) => {
                let agreement = Arc::new(agreement);
                self.agreement_versions.insert((agreement.id.clone(), version), Arc::clone(&agreement));
                let begins_later = known.waits_from.is_some_and(|now| now < agreement.valid_from.start());
                self.pending.remove(&agreement.id);
                if begins_later && self.agreements.contains_key(&agreement.id) {
                    self.pending.insert(agreement.id.clone(), agreement);
                    return Outcome::Effective;
                }
                self.agreements.insert(agreement.id.clone(), agreement);
            }
            Read::Schema(schema) => drop(self.schemas.insert(schema, id.into())),
            Read::CodeList => {}
        }
        self.suspended.remove(&(kind.into(), id.into()));
        Outcome::Effective
    }

    /// Suspends the version in force where one person of the agency that answers for it has signed that.
    pub(crate) fn suspend(
        &mut self,
        operator: &AgencyId,
        leaf: LeafIndex,
        document: &v1::Document,
        approvals: &[v1::Approval],
    ) -> Outcome {
        let (kind, id, version) = (document.kind(), document.id.as_str(), document.version);
        let (approver, in_force) = match kind {
            v1::DocumentKind::Agreement => {
                let known = id.parse().ok().and_then(|id| self.agreement(&id));
                (known.map(|known| &known.granting), known.map(|known| known.version))
            }
            _ => (Some(operator), self.get(kind, id).map(|known| known.version)),
        };
        let roster = approver.and_then(|agency| self.agencies.get(agency));
        let Some(roster) = roster.filter(|_| in_force == Some(version)) else {
            return Outcome::InvalidDocument;
        };
        let digest = suspension_digest(kind, id, version);
        let approved = approvers(roster, approvals, &digest).is_some_and(|persons| !persons.is_empty());
        if digest.0 != *document.digest || !approved {
            return Outcome::UnapprovedDocument;
        }
        if self.suspended(kind, id).is_some() {
            return Outcome::AlreadyDone;
        }
        self.suspended.insert((kind.into(), id.into()), leaf);
        Outcome::Effective
    }

    /// One agreement is one feed for one recipient, across its versions: with other parties it is another agreement.
    fn keeps_its_parties(&self, read: &Read) -> bool {
        let Read::Agreement(new) = read else { return true };
        let earlier = self.agreements.get(&new.id);
        earlier.is_none_or(|earlier| earlier.granting == new.granting && earlier.recipient == new.recipient)
    }

    /// The agency whose persons approve such a document: for an agreement the one that grants, else the operator. The
    /// first file of all is the operator's own, and approved by the persons that it lists.
    fn roster<'a>(&'a self, operator: &AgencyId, read: &'a Read) -> Option<&'a AgencyFile> {
        let approver = match read {
            Read::Agency(file) if self.agencies.is_empty() && file.id == *operator => return Some(file),
            Read::Agreement(agreement) => &agreement.granting,
            _ => operator,
        };
        self.agencies.get(approver).map(Arc::as_ref)
    }
}

fn read<'a>(document: &v1::Document, text: &'a [u8]) -> Option<(&'a str, Read)> {
    let text = std::str::from_utf8(text).ok()?;
    let read = match document.kind() {
        v1::DocumentKind::Agency => {
            let file = AgencyFile::parse(text).ok()?;
            let same = file.id.as_str() == document.id && file.version == document.version;
            same.then_some(Read::Agency(file))
        }
        v1::DocumentKind::Agreement => {
            let agreement = Agreement::parse(text).ok()?;
            let same = agreement.id.as_str() == document.id && agreement.version == document.version;
            same.then_some(Read::Agreement(agreement))
        }
        v1::DocumentKind::Schema => document.id.parse().ok().map(Read::Schema),
        v1::DocumentKind::CodeList => Some(Read::CodeList),
        v1::DocumentKind::Unspecified => None,
    };
    read.map(|read| (text, read))
}

fn is_approved(roster: &AgencyFile, approvals: &[v1::Approval], digest: &Digest) -> bool {
    approvers(roster, approvals, digest).is_some_and(|persons| persons.len() >= APPROVALS)
}

/// The persons of the roster, each with a key of their own, who signed the digest. None where an approval in this agency's name is
/// not what it says; those of other agencies do not count.
pub fn approvers(roster: &AgencyFile, approvals: &[v1::Approval], digest: &Digest) -> Option<Vec<PersonId>> {
    let message = approval_message(digest);
    let (mut persons, mut keys) = (BTreeSet::new(), BTreeSet::new());
    for approval in approvals.iter().filter(|approval| approval.agency == roster.id.as_str()) {
        let person = roster.persons.iter().find(|person| person.id.as_str() == approval.person)?;
        let by_person = person.public_key == *approval.public_key;
        if !by_person || !PublicKey(person.public_key).verify(&message, &approval.signature) {
            return None;
        }
        if keys.insert(person.public_key) {
            persons.insert(person.id.clone());
        }
    }
    Some(persons.into_iter().collect())
}
