//! Key pages: up to 128 keys of bodies and openings, encrypted together under a page key of their own.
//!
//! A page is stored as the number of its page key's slot in clear, then the keys one after the other, encrypted. A key of
//! 32 zero bytes is an erased one. A page's number is that of its first slot and never changes; its slot does when it is
//! written anew under another page key, which is how a key is erased (`vault`).

use std::sync::Arc;

use causeway_crypto::AeadKey;
use zeroize::Zeroizing;

use crate::error::StoreError;
use crate::page_keys::{PageKeys, Slot};
use crate::vault::Vault;

/// Keys in a full page: 128 of 32 bytes, with slot number, nonce and tag 4,132 bytes, within one value of the log.
pub(crate) const KEYS_A_PAGE: usize = 128;

/// What lies in the place of an erased key.
const ERASED: [u8; 32] = [0; 32];

/// A stored page begins with the number of its page key's slot, as a 64-bit big-endian number.
const SLOT_NUMBER_BYTES: usize = 8;

/// What a page's encryption is bound to, with its number and its slot.
const PAGE_DOMAIN: &[u8] = b"causeway/v1/key-page\0";

/// Where a key lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeyPlace {
    pub(crate) page: u64,
    pub(crate) slot: u32,
}

/// A page as it is read: a key for each place, none where it has been erased.
#[derive(Debug)]
pub(crate) struct KeyPage {
    keys: Vec<Option<AeadKey>>,
}

impl KeyPage {
    /// Whether the page has had a key at this place.
    pub(crate) fn reaches(&self, slot: u32) -> bool {
        usize::try_from(slot).is_ok_and(|slot| slot < self.keys.len())
    }

    /// The key at a place; none when it has been erased.
    pub(crate) fn key(&self, slot: u32) -> Result<Option<&AeadKey>, StoreError> {
        let key = usize::try_from(slot).ok().and_then(|slot| self.keys.get(slot));
        key.map(Option::as_ref).ok_or(StoreError::Corrupt("a key is beyond the end of its page"))
    }

    /// Whether this page may take the place of another: each of its keys is there as it was, or erased; none is back, and none is another.
    /// It may have more keys, where this node has not come to the frames that brought them.
    pub(crate) fn follows(&self, before: &Self) -> bool {
        let is_kept = |(now, before): (&Option<AeadKey>, &Option<AeadKey>)| match (now, before) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(now), Some(before)) => now.expose() == before.expose(),
        };
        before.keys.len() <= self.keys.len() && self.keys.iter().zip(&before.keys).all(is_kept)
    }

    #[cfg(test)]
    pub(crate) fn of(keys: Vec<Option<AeadKey>>) -> Self {
        Self { keys }
    }

    #[cfg(test)]
    pub(crate) fn empty() -> Self {
        Self { keys: Vec::new() }
    }

    /// Erases the key at a place; says whether there was one.
    pub(crate) fn erase(&mut self, slot: u32) -> Result<bool, StoreError> {
        let key = usize::try_from(slot).ok().and_then(|slot| self.keys.get_mut(slot));
        let key = key.ok_or(StoreError::Corrupt("a key is beyond the end of its page"))?;
        Ok(key.take().is_some())
    }

    /// The stored form of the page with this number, under the page key in a slot.
    pub(crate) fn seal(&self, page: u64, slot: Slot, page_key: &AeadKey) -> Vec<u8> {
        seal(page, slot, page_key, self.keys.iter().map(|key| key.as_ref().map_or(&ERASED, AeadKey::expose)))
    }

    /// The page that the stored bytes hold.
    pub(crate) fn open(page: u64, stored: &[u8], page_keys: &PageKeys) -> Result<Self, StoreError> {
        let (slot, sealed) = (slot_of(stored)?, &stored[SLOT_NUMBER_BYTES..]);
        let plaintext = page_keys.key(slot)?.open(&page_aad(page, slot), sealed).map_err(StoreError::Unopened)?;
        let (keys, rest) = plaintext.as_chunks::<32>();
        if !rest.is_empty() || keys.len() > KEYS_A_PAGE {
            return Err(StoreError::Corrupt("a key page is not a run of keys"));
        }
        Ok(Self { keys: keys.iter().map(|key| (*key != ERASED).then(|| AeadKey::new(*key))).collect() })
    }
}

/// The pages that are being filled. Only the sequencer has one.
#[derive(Debug)]
pub(crate) struct KeyPages {
    vault: Arc<Vault>,
    /// Whether other nodes need its page keys.
    is_shared: bool,
    /// Pages whose page keys no other node may have yet.
    unshared: Vec<u64>,
    /// Pages with keys that are not stored yet; the last of them may still take keys.
    touched: Vec<Filling>,
    filling: Option<Filling>,
}

#[derive(Debug)]
struct Filling {
    number: u64,
    slot: Slot,
    page_key: AeadKey,
    keys: Vec<AeadKey>,
    touched: bool,
}

impl KeyPages {
    /// Starts with a fresh page; pages of earlier runs are not filled further.
    pub(crate) fn new(vault: Arc<Vault>) -> Self {
        Self { vault, is_shared: false, unshared: Vec::new(), touched: Vec::new(), filling: None }
    }

    /// The same of a node, whose pages other nodes are to read.
    pub(crate) fn shared(vault: Arc<Vault>) -> Self {
        Self { is_shared: true, ..Self::new(vault) }
    }

    /// Others of the same.
    pub(crate) fn another(&self) -> Self {
        Self { is_shared: self.is_shared, ..Self::new(Arc::clone(&self.vault)) }
    }

    /// The pages that were begun since [`KeyPages::are_shared`].
    pub(crate) fn unshared(&self) -> &[u64] {
        &self.unshared
    }

    /// Their page keys are where they have to be.
    pub(crate) fn are_shared(&mut self) {
        self.unshared.clear();
    }

    /// Fills no page further that has been begun, so that it may be written anew: it would be stored again under the page
    /// key that it had. Keys that are not stored yet are of drafts that were refused.
    pub(crate) fn close(&mut self) {
        self.touched.clear();
        self.unshared.clear();
        self.filling = None;
    }

    /// Gives a key its place. It is not stored before [`KeyPages::take_touched`] and a commit.
    pub(crate) fn place(&mut self, key: AeadKey) -> Result<KeyPlace, StoreError> {
        let mut filling = match self.filling.take() {
            Some(filling) => filling,
            None => {
                let (slot, page_key) = self.vault.page_keys().allocate()?;
                self.unshared.extend(self.is_shared.then_some(slot.0));
                Filling { number: slot.0, slot, page_key, keys: Vec::with_capacity(KEYS_A_PAGE), touched: false }
            }
        };
        let slot = u32::try_from(filling.keys.len()).expect("a page has 128 places");
        let place = KeyPlace { page: filling.number, slot };
        filling.keys.push(key);
        filling.touched = true;
        if filling.keys.len() == KEYS_A_PAGE {
            self.touched.push(filling);
        } else {
            self.filling = Some(filling);
        }
        Ok(place)
    }

    /// Every page that has keys which are not stored yet: its number, its stored form, and what a reader will find there.
    pub(crate) fn take_touched(&mut self) -> Vec<(u64, Vec<u8>, KeyPage)> {
        let full = self.touched.drain(..);
        let mut stored: Vec<_> = full.map(|page| (page.number, page.seal(), page.into_read())).collect();
        if let Some(filling) = self.filling.as_mut().filter(|filling| filling.touched) {
            filling.touched = false;
            stored.push((filling.number, filling.seal(), filling.as_read()));
        }
        stored
    }
}

impl Filling {
    fn seal(&self) -> Vec<u8> {
        seal(self.number, self.slot, &self.page_key, self.keys.iter().map(AeadKey::expose))
    }

    fn as_read(&self) -> KeyPage {
        KeyPage { keys: self.keys.iter().cloned().map(Some).collect() }
    }

    fn into_read(self) -> KeyPage {
        KeyPage { keys: self.keys.into_iter().map(Some).collect() }
    }
}

/// The slot of the page key that a stored page is under.
pub(crate) fn slot_of(stored: &[u8]) -> Result<Slot, StoreError> {
    let number = stored.first_chunk::<SLOT_NUMBER_BYTES>().ok_or(StoreError::Corrupt("a key page is cut"))?;
    Ok(Slot(u64::from_be_bytes(*number)))
}

fn seal<'a>(page: u64, slot: Slot, page_key: &AeadKey, keys: impl Iterator<Item = &'a [u8; 32]>) -> Vec<u8> {
    let mut plaintext = Zeroizing::new(Vec::with_capacity(KEYS_A_PAGE * 32));
    keys.for_each(|key| plaintext.extend_from_slice(key));
    let mut stored = slot.0.to_be_bytes().to_vec();
    stored.extend_from_slice(&page_key.seal(&page_aad(page, slot), &plaintext));
    stored
}

fn page_aad(page: u64, slot: Slot) -> Vec<u8> {
    [PAGE_DOMAIN, &page.to_be_bytes(), &slot.0.to_be_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key_folders::KeyFolders;
    use causeway_crypto::RootKey;

    fn vault(dir: &std::path::Path) -> Arc<Vault> {
        let folders = KeyFolders::prepare(&dir.join("keys"), None, &dir.join("data")).expect("made");
        Arc::new(Vault::open(&folders, &RootKey::generate()).expect("opened"))
    }

    #[test]
    fn pages_fill_and_are_stored_again_as_they_grow() {
        let dir = tempfile::tempdir().expect("a folder");
        let vault = vault(dir.path());
        let mut pages = KeyPages::new(Arc::clone(&vault));
        let keys: Vec<AeadKey> = (0..300).map(|_| AeadKey::generate()).collect();
        let mut places = Vec::new();
        let mut stored = std::collections::BTreeMap::new();
        for batch in keys.chunks(50) {
            places.extend(batch.iter().map(|key| pages.place(key.clone()).expect("placed")));
            stored.extend(pages.take_touched().into_iter().map(|(number, bytes, _)| (number, bytes)));
        }
        assert!(pages.take_touched().is_empty(), "nothing is stored twice without need");
        assert_eq!(stored.len(), 3, "128 + 128 + 44");
        assert!(stored.values().all(|bytes| bytes.len() <= 4_132));
        for (key, place) in keys.iter().zip(&places) {
            let page = KeyPage::open(place.page, &stored[&place.page], vault.page_keys()).expect("opens");
            assert_eq!(page.key(place.slot).expect("in the page").expect("not erased").expose(), key.expose());
        }
        let (first, second) = (places[0].page, places[128].page);
        assert!(KeyPage::open(second, &stored[&first], vault.page_keys()).is_err(), "a page under another number");
        pages.close();
        let after = pages.place(AeadKey::generate()).expect("placed");
        assert!(!stored.contains_key(&after.page) && after.slot == 0, "a closed page takes no more keys");
    }

    #[test]
    fn an_erased_key_reads_as_none() {
        let dir = tempfile::tempdir().expect("a folder");
        let vault = vault(dir.path());
        let (slot, page_key) = vault.page_keys().allocate().expect("allocated");
        let mut page = KeyPage { keys: (0..3).map(|_| Some(AeadKey::generate())).collect() };
        assert!(page.erase(1).expect("in the page"));
        assert!(!page.erase(1).expect("in the page"), "it was erased before");
        assert!(page.erase(3).is_err());
        let page = KeyPage::open(7, &page.seal(7, slot, &page_key), vault.page_keys()).expect("opens");
        assert!(page.key(0).expect("in the page").is_some());
        assert!(page.key(1).expect("in the page").is_none());
        assert!(page.key(2).expect("in the page").is_some());
        assert!(page.key(3).is_err());
    }
}
