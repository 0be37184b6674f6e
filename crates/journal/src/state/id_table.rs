//! Finds the place of a random id in a list, at about six bytes an id: the ids themselves are in the list only.

/// Open addressing over the first eight bytes of ids that are random (record ids, HMACs), so no hashing is needed.
/// It holds places plus one; 0 is a free bucket.
#[derive(Debug, Clone, Default)]
pub(crate) struct IdTable {
    buckets: Vec<u32>,
    used: usize,
}

impl IdTable {
    /// The place whose id, as `is_at` says, is this one.
    pub(crate) fn find(&self, id: &[u8], is_at: impl Fn(usize) -> bool) -> Option<usize> {
        let mut bucket = self.bucket_of(id)?;
        loop {
            let place = (self.buckets[bucket] as usize).checked_sub(1)?;
            if is_at(place) {
                return Some(place);
            }
            bucket = (bucket + 1) % self.buckets.len();
        }
    }

    /// Adds the place of an id that is not there yet. `id_at` gives the ids of earlier places, to make room.
    pub(crate) fn insert<'a>(&mut self, id: &[u8], place: usize, id_at: impl Fn(usize) -> &'a [u8]) {
        if (self.used + 1) * 4 > self.buckets.len() * 3 {
            let larger = vec![0; (self.buckets.len() * 2).max(16)];
            let smaller = std::mem::replace(&mut self.buckets, larger);
            for held in smaller.into_iter().filter(|held| *held > 0) {
                self.put(id_at(held as usize - 1), held);
            }
        }
        self.put(id, u32::try_from(place + 1).expect("2^32 records or submissions do not fit in memory"));
        self.used += 1;
    }

    fn put(&mut self, id: &[u8], held: u32) {
        let mut bucket = self.bucket_of(id).expect("there is room");
        while self.buckets[bucket] > 0 {
            bucket = (bucket + 1) % self.buckets.len();
        }
        self.buckets[bucket] = held;
    }

    fn bucket_of(&self, id: &[u8]) -> Option<usize> {
        let start = u64::from_be_bytes(*id.first_chunk::<8>().expect("ids have 16 or 32 bytes"));
        let buckets = u64::try_from(self.buckets.len()).expect("lengths fit 64 bits");
        usize::try_from(start.checked_rem(buckets)?).ok()
    }
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
        let same_start = [&ids[0][..8], &[0; 24]].concat();
        assert_eq!(table.find(&same_start, |at| ids[at] == *same_start), None);
    }
}
