//! Planning an erasure: which records it is about, by their ids or by the person that they are about.

use causeway_crypto::Digest;
use causeway_journal::{Erasure, MAX_ERASED_RECORDS, erasure_digest, v1};
use causeway_model::{LeafIndex, RecordId};

use super::{SubjectReference, named};
use crate::draft::Said;
use crate::{Caller, Class, Error, Exchange};

/// Records looked at in one reading of the state, so that nobody waits long for it.
const SLICE_RECORDS: usize = 512;

/// Bodies that are open at a time.
const SLICE_BODIES: usize = 32;

/// The scheme and the domain of the pseudonyms of persons' references.
const SUBJECT_SCHEME: &str = "subject";

/// What is to be erased.
#[derive(Debug)]
pub enum Erasing {
    /// These records.
    Records(Vec<RecordId>),
    /// Every record of this person.
    Person(SubjectReference),
}

/// What an erasure would erase.
#[derive(Debug, Clone)]
pub struct ErasurePlan {
    /// The records, ascending, each once.
    pub records: Vec<RecordId>,
    /// What two persons sign.
    pub digest: Digest,
    /// Those under a legal hold.
    pub held: Vec<RecordId>,
}

impl Exchange {
    /// Lists what an erasure would erase. It changes nothing.
    ///
    /// # Errors
    /// `NotFound` alike for a record that is not there, is another agency's or has been erased, and for a person of whom this
    /// agency has no record; `Invalid` for no record or too many; `Unavailable`.
    pub async fn plan_erasure(&self, caller: &Caller, erasing: Erasing) -> Result<ErasurePlan, Error> {
        let (asked, found) = match erasing {
            Erasing::Records(mut records) => {
                records.sort_unstable_by(|one, other| one.as_bytes().cmp(other.as_bytes()));
                records.dedup();
                let found = self.owned(caller, &records, Error::unknown_record()).map(|()| records.clone());
                (records, found)
            }
            Erasing::Person(person) => (Vec::new(), self.records_of(caller, &person).await),
        };
        let records = match found {
            Ok(records) => records,
            Err(refusal) => {
                return Err(self.refuse_protection(caller, v1::Operation::Erasure, &asked, refusal).await);
            }
        };
        let mut draft = Said::allowed(v1::Operation::Consultation, "erasure-planned").by(caller);
        draft.entry.count = records.len() as u64;
        draft.entry.records = named(&records);
        self.record_or_refuse(caller, draft).await?;
        let held = self.held_among(&records);
        Ok(ErasurePlan { digest: erasure_digest(&caller.system.agency, &records), records, held })
    }

    /// Whether each of these is a record of the caller's agency, and there are not too many; `erased` is said of one that is erased.
    pub(super) fn owned(&self, caller: &Caller, records: &[RecordId], erased: Error) -> Result<(), Error> {
        if records.is_empty() || records.len() > MAX_ERASED_RECORDS {
            let message = format!("name 1 to {MAX_ERASED_RECORDS} records");
            return Err(Error::invalid("number-of-records", message));
        }
        let standings = self.journal().read(|state| {
            let standing = |id| state.record(id).filter(|known| *known.owner == caller.system.agency);
            records.iter().map(|id| standing(id).map(|known| known.erasure)).collect::<Vec<_>>()
        });
        if standings.iter().any(Option::is_none) {
            return Err(Error::unknown_record());
        }
        let is_erased = |standing: &Option<Erasure>| standing.is_some_and(|erasure| erasure != Erasure::None);
        if standings.iter().any(is_erased) { Err(erased) } else { Ok(()) }
    }

    /// Those of the records that are under a legal hold.
    pub(super) fn held_among(&self, records: &[RecordId]) -> Vec<RecordId> {
        let is_held = |state: &causeway_journal::State, id| state.record(id).is_some_and(|record| record.held);
        self.journal().read(|state| records.iter().filter(|id| is_held(state, id)).copied().collect())
    }

    /// The caller's records of which any version is about this person, ascending: the first of them, where there are more than one
    /// order may name. One search at a time, since each reads every body that the agency has here.
    pub(super) async fn records_of(&self, caller: &Caller, person: &SubjectReference) -> Result<Vec<RecordId>, Error> {
        let unknown = || Error::new(Class::NotFound, "unknown-person", "this agency has no record of that person here");
        let owner = &caller.system.agency;
        let normal = causeway_schema::normalise(SUBJECT_SCHEME, &person.0).ok_or_else(unknown)?;
        let pseudonym = self.keys().ring().pseudonym_key().internal(owner, SUBJECT_SCHEME, &normal);
        let _one_at_a_time = self.scans().lock().await;
        let mut all: Vec<RecordId> = self.journal().read(|state| state.records().collect());
        all.sort_unstable_by(|one, other| one.as_bytes().cmp(other.as_bytes()));
        let mut found = Vec::new();
        for slice in all.chunks(SLICE_RECORDS) {
            let versions: Vec<(RecordId, LeafIndex)> = self.journal().read(|state| {
                let own = |id: &RecordId| {
                    let record = state.record(id).filter(|record| record.owner == owner)?;
                    Some(record.versions.iter().map(|leaf| (*id, *leaf)).collect::<Vec<_>>())
                };
                slice.iter().filter_map(own).flatten().collect()
            });
            for few in versions.chunks(SLICE_BODIES) {
                let bodies = self.bodies_of(few).await?;
                for ((id, _), body) in few.iter().zip(bodies) {
                    let Some(body) = body.filter(|_| found.last() != Some(id)) else { continue };
                    let (schema, classified) = self.classified(&body.body)?;
                    if schema.is_of_person(&classified, &pseudonym.0) {
                        found.push(*id);
                    }
                }
            }
            if found.len() >= MAX_ERASED_RECORDS {
                break;
            }
        }
        found.truncate(MAX_ERASED_RECORDS);
        if found.is_empty() { Err(unknown()) } else { Ok(found) }
    }
}
