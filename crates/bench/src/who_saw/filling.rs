//! Filling the journal, past the gateway, with entries of those who consulted its records.

use causeway_journal::v1 as journal;
use causeway_model::RecordId;
use causeway_rig::{Failed, Installation};
use causeway_store::Draft;

use crate::journals;
use crate::numbers::Numbers;

/// Drafts in flight while the journal is filled.
const IN_FLIGHT: usize = 512;

/// Appends consultations of these records by chance, until the journal has so many entries.
pub(super) fn consult(installation: &Installation, records: &[String], entries: u64) -> Result<(), Failed> {
    let ids = records.iter().map(|id| id.parse::<RecordId>()).collect::<Result<Vec<_>, _>>();
    let ids = ids.map_err(|_| "a record id of another form")?;
    let journal = journals::of(installation)?;
    let mut numbers = Numbers::from_seed(0xf111);
    let drafts = (journals::size(&journal)..entries).map(|_| {
        let record = ids[numbers.below(ids.len())];
        consultation(&mut numbers, &record)
    });
    journals::append_all(&journal, drafts, IN_FLIGHT)?;
    journal.close();
    Ok(())
}

fn consultation(numbers: &mut Numbers, record: &RecordId) -> Draft {
    let bytes = |numbers: &mut Numbers| [numbers.next().to_be_bytes(), numbers.next().to_be_bytes()].concat();
    let entry = journal::Entry {
        entry_id: bytes(numbers),
        operation: journal::Operation::Consultation.into(),
        decision: journal::Decision::Allowed.into(),
        reason: "explained".into(),
        actor: Some(journal::Actor {
            agency: "gb-nca".into(),
            system: "case-management".into(),
            certificate_digest: [bytes(numbers), bytes(numbers)].concat(),
        }),
        purpose_code: "investigation".into(),
        records: vec![journal::RecordRef { record_id: record.as_bytes().to_vec(), version: 1, ..Default::default() }],
        request_id: bytes(numbers),
        ..Default::default()
    };
    let operator = format!("officer.{}", numbers.skewed(200));
    let openings = Some(journal::Openings { operator, ..Default::default() });
    Draft { entry, openings, body: None, document_text: None }
}
