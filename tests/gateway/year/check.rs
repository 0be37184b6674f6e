//! What must hold at a quiet point: a partner's copy is the model's, and so are the holders of a record.

use std::collections::{BTreeMap, BTreeSet};

use causeway_proto::v1;

use super::model::{Held, Model, Record};
use super::partner::{Copied, Partner};

/// A partner's copy is exactly what the model says, and joins the records that may be joined, and no others.
#[track_caller]
pub(super) fn copy(records: &[Record], expected: &BTreeMap<usize, Held>, partner: &Partner) {
    let mut holds = partner.holds();
    let mut meanings: BTreeMap<String, String> = BTreeMap::new();
    for (place, held) in expected {
        let record = &records[*place];
        let copied = holds.remove(record.id.as_str());
        match (held, copied) {
            (Held::Unsure, _) | (Held::Waits { .. }, None) => {}
            (Held::Waits { may_be_present }, Some(copied)) => {
                let is_present = copied.version == record.version;
                assert!(*may_be_present || !is_present, "record {place} left before its period was over: {copied:?}");
            }
            (Held::Shown { document, .. }, Some(copied)) => {
                let held = (copied.version, &copied.document);
                assert_eq!(held, (record.version, document), "record {place} ({})", record.id);
                note_meanings(record, *place, held_linked(expected, *place), copied, &mut meanings);
            }
            (Held::Shown { .. }, None) => panic!("record {place} ({}) is missing: {record:?}", record.id),
        }
    }
    let known = |id: &str| records.iter().find(|record| record.id == id);
    let too_many: Vec<_> = holds.into_iter().map(|(id, copied)| (copied, known(id))).collect();
    assert!(too_many.is_empty(), "these should be gone: {too_many:?}");
    let distinct: BTreeSet<&String> = meanings.values().collect();
    assert_eq!(distinct.len(), meanings.len(), "one meaning has two pseudonyms: {meanings:?}");
}

fn held_linked(expected: &BTreeMap<usize, Held>, place: usize) -> bool {
    matches!(expected[&place], Held::Shown { linked: true, .. })
}

/// Notes what each pseudonym stands for: a person where records are linked, else this one record.
#[track_caller]
fn note_meanings(
    record: &Record,
    place: usize,
    linked: bool,
    copied: &Copied,
    meanings: &mut BTreeMap<String, String>,
) {
    for (field, pseudonym) in &copied.pseudonyms {
        let of = if linked { record.facts.subject.clone() } else { format!("record {place}") };
        let meaning = format!("{field} of {of}");
        let earlier = meanings.insert(pseudonym.clone(), meaning.clone());
        assert!(earlier.as_ref().is_none_or(|earlier| *earlier == meaning), "{meaning} is also {earlier:?}");
    }
}

/// Who received versions of a record is who is listed, with those versions, and with the version that is shown now.
#[track_caller]
pub(super) fn holders(model: &Model, place: usize, today: u64, partners: &[Partner], listed: &[v1::Holder]) {
    let record = &model.records[place];
    let received = model.feeds.iter().zip(partners).filter_map(|(feed, partner)| {
        let versions = partner.received.get(&record.id)?;
        Some((feed.paper.id.to_owned(), versions.iter().copied().collect::<Vec<_>>()))
    });
    let expected: BTreeMap<String, Vec<u32>> = received.collect();
    let found: BTreeMap<String, Vec<u32>> =
        listed.iter().map(|holder| (holder.agreement.clone(), holder.versions.clone())).collect();
    assert_eq!(found, expected, "holders of record {place} ({})", record.id);
    for (feed, number) in model.feeds.iter().zip(0..) {
        let Some(holder) = listed.iter().find(|holder| holder.agreement == feed.paper.id) else { continue };
        let shown = match model.held_now(number, place, today) {
            None => 0,
            Some(Held::Shown { .. }) => record.version,
            Some(Held::Waits { .. } | Held::Unsure) => continue,
        };
        if feed.is_in_force(today) {
            assert_eq!(holder.shown_version, shown, "what {} shows of record {place}", feed.paper.id);
        }
    }
}
