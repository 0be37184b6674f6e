//! The notes to a bundle: the rules versions, the stated outcomes and the texts, each held to the bundle's width.

use causeway_journal::v1::{BundleNotes, EntryText, OutcomeRun, RulesRun};
use causeway_journal::{MAX_DOCUMENT_BYTES, TILE_WIDTH};
use prost::Message;
use prost::bytes::Buf;
use prost::encoding::{DecodeContext, decode_key, skip_field};

/// Longest notes that are read, in bytes: a text for each of 256 entries, and some for the runs.
pub const MAX_NOTES_BYTES: usize = TILE_WIDTH * (MAX_DOCUMENT_BYTES + 64) + 16 * 1024;

/// Most fields: the first leaf index, and for each entry a run of both kinds and a text.
const MAX_FIELDS: usize = 1 + 3 * TILE_WIDTH;

/// The notes to a run of entries, in order and complete.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Notes {
    /// How many entries each rules version stands for.
    pub(crate) rules: Vec<RulesRun>,
    /// How many entries each outcome stands for.
    pub(crate) outcomes: Vec<OutcomeRun>,
    /// The texts, by leaf index.
    pub(crate) texts: Vec<EntryText>,
}

impl Notes {
    /// Reads notes to the entries from this leaf index on.
    pub(crate) fn read(bytes: &[u8], from: u64, width: usize) -> Result<Self, &'static str> {
        if bytes.len() > MAX_NOTES_BYTES {
            return Err("notes longer than they can be");
        }
        check_fields(bytes).ok_or("no notes")?;
        let notes = BundleNotes::decode(bytes).map_err(|_| "no notes")?;
        if notes.encode_to_vec() != bytes {
            return Err("notes that are not canonical");
        }
        Self::of(notes, from, width)
    }

    /// The notes that were received with entries.
    pub(crate) fn of(notes: BundleNotes, from: u64, width: usize) -> Result<Self, &'static str> {
        let BundleNotes { from_leaf_index, rules, outcomes, texts } = notes;
        let end = from.saturating_add(u64::try_from(width).unwrap_or(u64::MAX));
        let places = texts.iter().map(|text| text.leaf_index);
        let in_range = places.clone().all(|leaf| (from..end).contains(&leaf));
        if from_leaf_index != from {
            return Err("notes to other entries");
        }
        if !are_whole(width, rules.iter().map(|run| run.count))
            || !are_whole(width, outcomes.iter().map(|run| run.count))
        {
            return Err("notes to more or fewer entries");
        }
        if !in_range || !places.clone().zip(places.skip(1)).all(|(one, next)| one < next) {
            return Err("texts of other entries, or out of order");
        }
        Ok(Self { rules, outcomes, texts })
    }

    /// The notes as they are kept, to the entries from this leaf index on.
    pub(crate) fn encode(&self, from: u64) -> Vec<u8> {
        let Self { rules, outcomes, texts } = self.clone();
        BundleNotes { from_leaf_index: from, rules, outcomes, texts }.encode_to_vec()
    }

    /// Adds the notes to the entries that come next.
    pub(crate) fn extend(&mut self, more: Self) {
        for run in more.rules {
            match self.rules.last_mut() {
                Some(last) if last.version == run.version => last.count += run.count,
                _ => self.rules.push(run),
            }
        }
        for run in more.outcomes {
            match self.outcomes.last_mut() {
                Some(last) if last.outcome == run.outcome => last.count += run.count,
                _ => self.outcomes.push(run),
            }
        }
        self.texts.extend(more.texts);
    }

    /// The stated outcome of each entry.
    pub(crate) fn stated(&self) -> impl Iterator<Item = &str> {
        self.outcomes.iter().flat_map(|run| (0..run.count).map(move |_| run.outcome.as_str()))
    }
}

/// Whether runs, none of them empty, stand for so many entries.
fn are_whole(width: usize, mut counts: impl Iterator<Item = u32>) -> bool {
    let sum = counts.try_fold(0usize, |sum, count| match usize::try_from(count) {
        Ok(count) if count > 0 => sum.checked_add(count),
        _ => None,
    });
    sum == Some(width)
}

/// Counts the fields before anything is made of them: a short file may hold very many.
fn check_fields(mut bytes: &[u8]) -> Option<()> {
    let mut fields = 0;
    while bytes.has_remaining() {
        fields += 1;
        let (tag, wire_type) = decode_key(&mut bytes).ok().filter(|_| fields <= MAX_FIELDS)?;
        skip_field(wire_type, tag, &mut bytes, DecodeContext::default()).ok()?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notes() -> Notes {
        Notes {
            rules: vec![RulesRun { count: 2, version: 1 }, RulesRun { count: 1, version: 3 }],
            outcomes: vec![OutcomeRun { count: 3, outcome: "effective".into() }],
            texts: vec![EntryText { leaf_index: 257, text: b"text".to_vec() }],
        }
    }

    #[test]
    fn notes_read_back_and_are_of_their_entries_only() {
        let bytes = notes().encode(256);
        assert_eq!(Notes::read(&bytes, 256, 3), Ok(notes()));
        assert_eq!(notes().stated().collect::<Vec<_>>(), ["effective"; 3]);
        for (from, width) in [(0, 3), (256, 2), (256, 4), (255, 3)] {
            assert!(Notes::read(&bytes, from, width).is_err(), "{from} and {width}");
        }
        let unknown = [bytes.as_slice(), &[0x78, 1]].concat();
        assert_eq!(Notes::read(&unknown, 256, 3), Err("notes that are not canonical"));
        let twice = Notes { texts: [notes().texts, notes().texts].concat(), ..notes() };
        assert!(Notes::read(&twice.encode(256), 256, 3).is_err());
        let none = Notes { rules: vec![RulesRun { count: 0, version: 1 }; 900], ..notes() };
        assert_eq!(Notes::read(&none.encode(256), 256, 3), Err("no notes"), "too many fields");
    }

    #[test]
    fn runs_that_go_on_are_one_run() {
        let mut all = notes();
        all.extend(Notes { texts: Vec::new(), ..notes() });
        let counts: Vec<_> = all.rules.iter().map(|run| (run.count, run.version)).collect();
        assert_eq!(counts, [(2, 1), (1, 3), (2, 1), (1, 3)]);
        assert_eq!(all.outcomes, [OutcomeRun { count: 6, outcome: "effective".into() }]);
    }
}
