//! Filling the journal, past the gateway, with entries of those who consulted its records.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use causeway_gateway::Config;
use causeway_journal::v1 as journal;
use causeway_model::RecordId;
use causeway_rig::{Failed, Installation};
use causeway_store::{Clock, Draft, Journal, Keys, Options, SledLog};

use crate::numbers::Numbers;
use crate::waiting::wait_for;

/// Drafts in flight while the journal is filled.
const IN_FLIGHT: usize = 512;

/// Appends consultations of these records by chance, until the journal has so many entries.
pub(super) fn consult(installation: &Installation, records: &[String], entries: u64) -> Result<(), Failed> {
    let ids = records.iter().map(|id| id.parse::<RecordId>()).collect::<Result<Vec<_>, _>>();
    let ids = ids.map_err(|_| "a record id of another form")?;
    let journal = open(installation)?;
    let mut numbers = Numbers::from_seed(0xf111);
    let mut waiting = VecDeque::with_capacity(IN_FLIGHT);
    for _ in journal.read(|state| state.tree().size())..entries {
        if waiting.len() >= IN_FLIGHT
            && let Some(first) = waiting.pop_front()
        {
            wait_for(first)?;
        }
        let record = ids[numbers.below(ids.len())];
        waiting.push_back(wait_for(journal.enqueue(consultation(&mut numbers, &record)))?);
    }
    for appending in waiting {
        wait_for(appending)?;
    }
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

/// The installation's journal, which no gateway serves meanwhile.
fn open(installation: &Installation) -> Result<Journal, Failed> {
    let config = Config::load(&installation.settings()).map_err(|faults| faults.join("; "))?;
    let (keys, _) = Keys::load_or_create(&config.keys_dir)?;
    let options = Options {
        data_dir: config.data_dir.clone(),
        keys_dir: config.keys_dir.clone(),
        mirror_dir: None,
        keys: Arc::new(keys),
        clock: Clock::system(),
        node: "bench".into(),
        origin: config.origin.clone(),
        software: concat!("causeway/", env!("CARGO_PKG_VERSION")).into(),
        queue_depth: 1_024,
        signing_overlap: Duration::ZERO,
        headroom_bytes: 0,
        index: true,
    };
    Ok(Journal::start(Box::new(SledLog::open(&config.data_dir)?), options)?)
}
