//! Planning an erasure: which records it is about, by their ids or by the person that they are about.

use causeway_crypto::Digest;
use causeway_journal::{Erasure, MAX_ERASED_RECORDS, erasure_digest, v1};
use causeway_model::{AgencyId, LeafIndex, RecordId};

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
    /// Whether there are more records of the person than one order may name.
    pub more: bool,
    /// This agency's routes that name the person, ascending. They are not about the person and stay; somebody has to correct them.
    pub naming: Vec<RecordId>,
    /// Whether there are more of these than are listed.
    pub more_naming: bool,
}

/// Records in ascending order, up to as many as one order may name.
#[derive(Debug, Default)]
struct Listed {
    ids: Vec<RecordId>,
    more: bool,
}

impl Listed {
    /// Takes the next record; its versions come one after the other, and it is listed once.
    fn take(&mut self, id: RecordId) {
        if self.ids.last() == Some(&id) {
            return;
        }
        if self.ids.len() < MAX_ERASED_RECORDS { self.ids.push(id) } else { self.more = true }
    }
}

/// What an agency has here that says something of one person.
#[derive(Debug, Default)]
pub(super) struct OfPerson {
    /// Records of which any version is about the person.
    own: Listed,
    /// Routes of which any version names the person among those who were moved.
    naming: Listed,
}

impl OfPerson {
    /// The records that an order by person names.
    pub(super) fn records(&self) -> &[RecordId] {
        &self.own.ids
    }
}

impl Exchange {
    /// Lists what an erasure would erase. It changes nothing. Of a person whom only routes name, the plan names these and no record.
    ///
    /// # Errors
    /// `NotFound` alike for a record that is not there, is another agency's or has been erased, and for a person of whom nothing
    /// of this agency's says anything; `Invalid` for no record or too many; `Unavailable`.
    pub async fn plan_erasure(&self, caller: &Caller, erasing: Erasing) -> Result<ErasurePlan, Error> {
        let (asked, found) = match erasing {
            Erasing::Records(mut records) => {
                records.sort_unstable();
                records.dedup();
                let own = Listed { ids: records.clone(), more: false };
                let found = self.owned(caller, &records, Error::unknown_record());
                (records, found.map(|()| OfPerson { own, ..OfPerson::default() }))
            }
            Erasing::Person(person) => (Vec::new(), self.of_person(caller, &person).await),
        };
        let OfPerson { own: Listed { ids: records, more }, naming } = match found {
            Ok(found) => found,
            Err(refusal) => {
                return Err(self.refuse_protection(caller, v1::Operation::Erasure, &asked, refusal).await);
            }
        };
        let mut draft = Said::allowed(v1::Operation::Consultation, "erasure-planned").by(caller);
        draft.entry.count = records.len() as u64;
        draft.entry.records = named(&records);
        self.record_or_refuse(caller, draft).await?;
        let held = self.held_among(&records);
        let digest = erasure_digest(&caller.system.agency, &records);
        Ok(ErasurePlan { records, digest, held, more, naming: naming.ids, more_naming: naming.more })
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

    /// What the caller's agency has of this person, in any version that is kept. One search at a time, since each reads every body
    /// that the agency has here.
    pub(super) async fn of_person(&self, caller: &Caller, person: &SubjectReference) -> Result<OfPerson, Error> {
        let unknown = || Error::new(Class::NotFound, "unknown-person", "this agency has no record of that person here");
        let owner = &caller.system.agency;
        let normal = causeway_schema::normalise(SUBJECT_SCHEME, &person.0).ok_or_else(unknown)?;
        let pseudonym = self.keys().ring().pseudonym_key().internal(owner, SUBJECT_SCHEME, &normal);
        let _one_at_a_time = self.scans().lock().await;
        let mut all: Vec<RecordId> = self.journal().read(|state| state.records().collect());
        all.sort_unstable();
        let mut found = OfPerson::default();
        for slice in all.chunks(SLICE_RECORDS) {
            for few in self.versions_of(owner, slice).chunks(SLICE_BODIES) {
                let bodies = self.bodies_of(few).await?;
                for ((id, _), body) in few.iter().zip(bodies) {
                    let Some(body) = body else { continue };
                    let (schema, classified) = self.classified(&body.body)?;
                    if schema.is_of_person(&classified, &pseudonym.0) {
                        found.own.take(*id);
                    } else if schema.names_person(&classified, &pseudonym.0) {
                        found.naming.take(*id);
                    }
                }
            }
            if found.own.more && found.naming.more {
                break;
            }
        }
        if found.own.ids.is_empty() && found.naming.ids.is_empty() { Err(unknown()) } else { Ok(found) }
    }

    /// Every version of those of the records that this agency owns.
    fn versions_of(&self, owner: &AgencyId, records: &[RecordId]) -> Vec<(RecordId, LeafIndex)> {
        self.journal().read(|state| {
            let own = |id: &RecordId| {
                let record = state.record(id).filter(|record| record.owner == owner)?;
                Some(record.versions.iter().map(|leaf| (*id, *leaf)).collect::<Vec<_>>())
            };
            records.iter().filter_map(own).flatten().collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_as_long_as_an_order_may_be_and_says_that_there_is_more() {
        let id = |number: u16| RecordId::from_bytes(std::array::from_fn(|at| number.to_be_bytes()[at % 2]));
        let most = u16::try_from(MAX_ERASED_RECORDS).expect("small");
        let mut listed = Listed::default();
        // Two versions of each.
        (0..most).for_each(|number| (0..2).for_each(|_| listed.take(id(number))));
        assert_eq!((listed.ids.len(), listed.more), (MAX_ERASED_RECORDS, false));
        listed.take(id(most));
        assert_eq!((listed.ids.len(), listed.more), (MAX_ERASED_RECORDS, true));
    }
}
