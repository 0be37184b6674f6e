//! Finds the place of a random id in a list, at seven to fourteen bytes an id: the ids themselves are in the list only.

use std::fmt;

/// Open addressing over the first eight bytes of ids that are random (record ids, HMACs), so no hashing is needed.
///
/// A search looks at the buckets' marks, which lie next to each other, and at the list for a mark that is the id's: so an id that is not
/// there, as most are that are asked for, costs one look at memory and not one for every bucket on the way.
#[derive(Clone, Default)]
pub(crate) struct IdTable {
    /// Of each bucket, a byte of its id that is never 0; 0 of a free one.
    marks: Vec<u8>,
    /// Of each bucket that is not free, the id's place.
    places: Vec<u32>,
    used: usize,
}

impl fmt::Debug for IdTable {
    /// Without the buckets, whose order tells of nothing but the order in which room was made.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdTable({})", self.used)
    }
}

impl IdTable {
    /// The table of a list of ids, with as much room as it would have come to by itself.
    pub(crate) fn of<'a>(ids: impl Iterator<Item = &'a [u8]>, count: usize) -> Self {
        let mut buckets = 0;
        while count * 4 > buckets * 3 {
            buckets = after_doubling(buckets);
        }
        let mut table = Self { marks: vec![FREE; buckets], places: vec![0; buckets], used: count };
        for (place, id) in ids.enumerate() {
            table.put(id, held(place));
        }
        table
    }

    /// The place whose id, as `is_at` says, is this one.
    pub(crate) fn find(&self, id: &[u8], is_at: impl Fn(usize) -> bool) -> Option<usize> {
        let mark = mark_of(id);
        let mut bucket = self.bucket_of(id)?;
        while self.marks[bucket] != FREE {
            if self.marks[bucket] == mark {
                let place = self.places[bucket] as usize;
                if is_at(place) {
                    return Some(place);
                }
            }
            bucket = self.after(bucket);
        }
        None
    }

    /// Adds the place of an id that is not there yet. `id_at` gives the ids of earlier places, to make room.
    pub(crate) fn insert<'a>(&mut self, id: &[u8], place: usize, id_at: impl Fn(usize) -> &'a [u8]) {
        if (self.used + 1) * 4 > self.marks.len() * 3 {
            let buckets = after_doubling(self.marks.len());
            let marks = std::mem::replace(&mut self.marks, vec![FREE; buckets]);
            let places = std::mem::replace(&mut self.places, vec![0; buckets]);
            for (_, held) in marks.into_iter().zip(places).filter(|(mark, _)| *mark != FREE) {
                self.put(id_at(held as usize), held);
            }
        }
        self.put(id, held(place));
        self.used += 1;
    }

    fn put(&mut self, id: &[u8], held: u32) {
        let mut bucket = self.bucket_of(id).expect("there is room");
        while self.marks[bucket] != FREE {
            bucket = self.after(bucket);
        }
        self.marks[bucket] = mark_of(id);
        self.places[bucket] = held;
    }

    fn after(&self, bucket: usize) -> usize {
        if bucket + 1 == self.marks.len() { 0 } else { bucket + 1 }
    }

    fn bucket_of(&self, id: &[u8]) -> Option<usize> {
        let start = u64::from_be_bytes(*id.first_chunk::<8>().expect("ids have 16 or 32 bytes"));
        let buckets = u64::try_from(self.marks.len()).expect("lengths fit 64 bits");
        usize::try_from(start.checked_rem(buckets)?).ok()
    }
}

const FREE: u8 = 0;

fn after_doubling(buckets: usize) -> usize {
    (buckets * 2).max(16)
}

fn held(place: usize) -> u32 {
    u32::try_from(place).expect("2^32 records or submissions do not fit in memory")
}

/// A byte that does not decide the bucket.
fn mark_of(id: &[u8]) -> u8 {
    id.get(8).copied().unwrap_or_default().max(1)
}

#[cfg(test)]
mod tests {
    use causeway_crypto::sha256;

    use super::*;

    #[test]
    fn ids_are_found_at_their_places_and_strangers_are_not() {
        let ids: Vec<_> = (0u32..5_000).map(|n| sha256(&[&n.to_be_bytes()]).0).collect();
        let mut table = IdTable::default();
        for (place, id) in ids.iter().enumerate() {
            assert_eq!(table.find(id, |at| ids[at] == *id), None);
            table.insert(id, place, |at| &ids[at]);
        }
        for (place, id) in ids.iter().enumerate() {
            assert_eq!(table.find(id, |at| ids[at] == *id), Some(place));
        }
        let made = IdTable::of(ids.iter().map(|id| id.as_slice()), ids.len());
        assert_eq!((made.used, made.marks.len()), (table.used, table.marks.len()));
        assert!(ids.iter().enumerate().all(|(place, id)| made.find(id, |at| ids[at] == *id) == Some(place)));
        let same_start = [&ids[0][..9], &[0; 23]].concat();
        assert_eq!(table.find(&same_start, |at| ids[at] == *same_start), None);
    }

    #[test]
    fn ids_of_one_beginning_are_told_apart() {
        let ids: Vec<_> = (0u8..40).map(|n| [[7; 8], [n / 20; 8], [n; 8], [0; 8]].concat()).collect();
        let mut table = IdTable::default();
        for (place, id) in ids.iter().enumerate() {
            table.insert(id, place, |at| &ids[at]);
        }
        for (place, id) in ids.iter().enumerate() {
            assert_eq!(table.find(id, |at| ids[at] == *id), Some(place));
        }
    }
}
