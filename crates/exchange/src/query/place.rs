//! Where an answer goes on: a place in the journal with a MAC that binds it to the auditor and to the question, so that nobody goes
//! on with another's question, nor with another question of their own.

use causeway_crypto::{Digest, MacKey};
use causeway_model::{LeafIndex, SystemId};

use super::Filter;
use crate::Error;
use crate::cursor::from_hex;

/// Domain of the MAC, over the auditor's system, place and bound (u64, big-endian), the direction, and each part of the filter.
const DOMAIN: &str = "causeway/v1/query-cursor";

/// Longest cursor there is: version, two numbers of twenty digits, 64 hexadecimal digits and three dots.
const MAX_LENGTH: usize = 1 + 1 + 20 + 1 + 20 + 1 + 64;

/// Where an answer goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Oldest first, the next leaf to look at; newest first, the leaf below which to look on.
    pub(super) next: LeafIndex,
    /// The leaf that all pages of the answer stay below: the first page's own question.
    pub(super) before: LeafIndex,
}

/// What a cursor is bound to.
pub(super) struct Bound<'a> {
    pub(super) key: &'a MacKey,
    pub(super) system: &'a SystemId,
    pub(super) filter: &'a Filter,
    pub(super) newest_first: bool,
}

impl Bound<'_> {
    /// The cursor of a place: `1.<next>.<before>.<mac>`.
    pub(super) fn encode(&self, place: Place) -> String {
        format!("1.{}.{}.{}", place.next.0, place.before.0, Digest(self.tag(place)))
    }

    /// The place that a cursor of this auditor and question names. Anybody else's cursor is refused like a forged one.
    pub(super) fn decode(&self, cursor: &str) -> Result<Place, Error> {
        let refused = || {
            let message = "the cursor is not of this question by this system, with every filter as it was; ask without one to start over";
            Error::invalid("cursor-not-yours", message)
        };
        if cursor.len() > MAX_LENGTH {
            return Err(refused());
        }
        let rest = cursor.strip_prefix("1.").ok_or_else(refused)?;
        let mut parts = rest.splitn(3, '.');
        let mut number = || parts.next().and_then(|digits| digits.parse().ok()).map(LeafIndex);
        let (Some(next), Some(before)) = (number(), number()) else { return Err(refused()) };
        let tag = parts.next().and_then(from_hex).ok_or_else(refused)?;
        let place = Place { next, before };
        let genuine = self.key.verify(DOMAIN, &self.message(place).iter().map(Vec::as_slice).collect::<Vec<_>>(), &tag);
        // The same numbers and code can be spelt otherwise (a leading zero, upper case); only one spelling is a cursor.
        if genuine && self.encode(place) == cursor { Ok(place) } else { Err(refused()) }
    }

    fn tag(&self, place: Place) -> [u8; 32] {
        self.key.tag(DOMAIN, &self.message(place).iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    fn message(&self, place: Place) -> Vec<Vec<u8>> {
        let mut parts = vec![
            self.system.to_string().into_bytes(),
            place.next.0.to_be_bytes().to_vec(),
            place.before.0.to_be_bytes().to_vec(),
            vec![u8::from(self.newest_first)],
        ];
        parts.extend(self.filter.parts());
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::SaidFilter;

    #[test]
    fn a_cursor_is_bound_to_auditor_question_and_place() {
        let key = MacKey::new([7; 32]);
        let system: SystemId = "gb-nca/audit".parse().expect("well formed");
        let other: SystemId = "al-police/audit".parse().expect("well formed");
        let filter = Filter::default();
        let bound = Bound { key: &key, system: &system, filter: &filter, newest_first: false };
        let place = Place { next: LeafIndex(41), before: LeafIndex(90) };
        let cursor = bound.encode(place);
        assert!(cursor.len() <= MAX_LENGTH);
        assert_eq!(bound.decode(&cursor).expect("its own"), place);
        let said = SaidFilter { outcome: Some("void"), ..SaidFilter::default() };
        let narrower = Filter { said, ..Filter::default() };
        for foreign in [
            Bound { system: &other, ..bound },
            Bound { filter: &narrower, ..bound },
            Bound { newest_first: true, ..bound },
            Bound { key: &MacKey::new([8; 32]), ..bound },
        ] {
            assert!(foreign.decode(&cursor).is_err());
        }
        for bad in ["", "1", "1.41", "1.41.90", "1.41.90.zz", &format!("{cursor}0"), &cursor.to_uppercase()] {
            assert!(bound.decode(bad).is_err(), "{bad}");
        }
        assert!(bound.decode(&cursor.replace("1.41.", "1.+41.")).is_err(), "another spelling");
        assert!(bound.decode(&cursor.replace("1.41.", "1.041.")).is_err(), "another spelling");
        for index in 0..cursor.len() {
            let mut bytes = cursor.clone().into_bytes();
            bytes[index] ^= 1;
            let changed = String::from_utf8(bytes).expect("still ASCII");
            assert!(bound.decode(&changed).is_err(), "changed at {index}");
        }
    }

    #[test]
    fn every_place_reads_back_and_no_flipped_bit_does() {
        let key = MacKey::new([7; 32]);
        let system: SystemId = "gb-nca/audit".parse().expect("well formed");
        let filter = Filter::default();
        for newest_first in [false, true].repeat(8) {
            let bound = Bound { key: &key, system: &system, filter: &filter, newest_first };
            let [next, before] = causeway_crypto::random::<2>().map(|byte| LeafIndex(u64::MAX >> (byte % 64)));
            let place = Place { next, before };
            let cursor = bound.encode(place);
            assert_eq!(bound.decode(&cursor).expect("its own"), place);
            for (at, bit) in (0..cursor.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
                let mut bytes = cursor.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                let Ok(changed) = String::from_utf8(bytes) else { continue };
                assert!(bound.decode(&changed).is_err(), "bit {bit} of byte {at}");
            }
            let swapped = Place { next: place.before, before: place.next };
            let moved = cursor.replacen(&format!("{}.{}", next.0, before.0), &format!("{}.{}", before.0, next.0), 1);
            assert!(place == swapped || bound.decode(&moved).is_err(), "one place for the other");
        }
    }
}
