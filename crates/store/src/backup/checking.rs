//! Checking what lies beside the tree of a journal that is being restored: bodies by the digests in their entries, key pages, and,
//! where the keys are at hand, each body and each opening by opening it.

use causeway_crypto::{AeadKey, Digest, commit, sha256};
use causeway_journal::{decode_entry, decode_frame, v1};

use crate::draft::{open_body, open_openings};
use crate::error::StoreError;
use crate::key_pages::{KeyPage, slot_of};
use crate::log::FrameLog;
use crate::vault::Vault;

/// A stored page without a key: its slot's number, nonce and tag.
const EMPTY_PAGE_BYTES: usize = 8 + 12 + 16;

/// What was found beside the tree.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Bodies, each as its entry says.
    pub(super) bodies: u64,
    /// Bodies and openings that were opened.
    pub(super) opened: u64,
    /// Bodies and openings whose keys have been destroyed.
    pub(super) erased: u64,
    /// Bodies and openings whose page key is damaged in the keys folder: that is no fault of the backup's.
    pub(super) unreadable: u64,
}

/// Looks at what lies beside entries.
#[derive(Debug)]
pub(super) struct Check<'a> {
    pub(super) log: &'a dyn FrameLog,
    /// None where the keys are not at hand: then nothing is opened.
    pub(super) vault: Option<&'a Vault>,
    pub(super) found: Found,
    /// The page that was opened last: what follows each other mostly has its keys in one.
    pub(super) last: Option<(u64, Opened)>,
}

/// What became of a key page.
#[derive(Debug)]
pub(super) enum Opened {
    Page(KeyPage),
    /// Its page key has been destroyed.
    Gone,
    /// Its page key is damaged.
    Damaged,
}

impl Check<'_> {
    /// Everything in a frame that the tree's root does not cover.
    pub(super) fn frame(&mut self, bytes: &[u8]) -> Result<(), String> {
        let frame = decode_frame(bytes).map_err(|error| error.to_string())?;
        for item in &frame.items {
            let entry = decode_entry(&item.entry).map_err(|error| error.to_string())?;
            self.item(&frame, item, &entry).map_err(|error| in_words(&error))?;
        }
        Ok(())
    }

    fn item(&mut self, frame: &v1::Frame, item: &v1::Item, entry: &v1::Entry) -> Result<(), StoreError> {
        // That there is one wherever an entry has a digest, `apply` has looked at.
        if let Some(body) = &item.body {
            if Digest::try_from(entry.body_digest.as_slice()).ok() != Some(sha256(&[&body.ciphertext])) {
                return Err(StoreError::Corrupt("a body is not the one whose digest is in its entry"));
            }
            self.found.bodies += 1;
            let open = |key: &AeadKey| open_body(key, &entry.entry_id, &body.ciphertext);
            if let Some(body) = self.opened(body, open)? {
                has_encapsulation(frame, &body)?;
            }
        }
        let Some(aside) = &item.aside else { return Ok(()) };
        let open = |key: &AeadKey| open_openings(key, &entry.entry_id, &aside.ciphertext);
        match self.opened(aside, open)? {
            Some(openings) => are_committed_to(&openings, entry),
            None => Ok(()),
        }
    }

    /// What a ciphertext holds; none where its key has been destroyed, or no keys are at hand.
    fn opened<R>(
        &mut self,
        shrouded: &v1::Shrouded,
        open: impl FnOnce(&AeadKey) -> Result<R, StoreError>,
    ) -> Result<Option<R>, StoreError> {
        let stored = self.log.key_page(shrouded.page)?.ok_or(StoreError::Corrupt("a key page is missing"))?;
        let keys = stored.len().saturating_sub(EMPTY_PAGE_BYTES) / 32;
        if usize::try_from(shrouded.slot).is_ok_and(|slot| slot >= keys) {
            return Err(StoreError::Corrupt("a key is beyond the end of its page"));
        }
        let Some(vault) = self.vault else { return Ok(None) };
        if self.last.as_ref().is_none_or(|(number, _)| *number != shrouded.page) {
            self.last = Some((shrouded.page, self.page(vault, shrouded.page)?));
        }
        let page = match &self.last {
            Some((_, Opened::Page(page))) => page,
            Some((_, Opened::Damaged)) => {
                self.found.unreadable += 1;
                return Ok(None);
            }
            Some((_, Opened::Gone)) | None => {
                self.found.erased += 1;
                return Ok(None);
            }
        };
        let opened = page.key(shrouded.slot)?.map(open).transpose()?;
        match opened {
            Some(_) => self.found.opened += 1,
            None => self.found.erased += 1,
        }
        Ok(opened)
    }

    fn page(&self, vault: &Vault, number: u64) -> Result<Opened, StoreError> {
        if vault.gone(number, self.log)?.is_some() {
            return Ok(Opened::Gone);
        }
        let stored = vault.stored(number, self.log)?.ok_or(StoreError::Corrupt("a key page is missing"))?;
        if !vault.page_keys().has(slot_of(&stored)?) {
            return Ok(Opened::Damaged);
        }
        vault.page(number, self.log).map(Opened::Page)
    }
}

fn has_encapsulation(frame: &v1::Frame, body: &v1::Body) -> Result<(), StoreError> {
    let Some(sealed) = &body.sealed else { return Ok(()) };
    let id = &sealed.encapsulation_id;
    let is_it = |bytes: &Vec<u8>| id.len() == 16 && sha256(&[bytes]).0.starts_with(id);
    let missing = StoreError::Corrupt("a sealed body's encapsulation is not in its frame");
    if frame.encapsulations.iter().any(is_it) { Ok(()) } else { Err(missing) }
}

fn are_committed_to(openings: &v1::Openings, entry: &v1::Entry) -> Result<(), StoreError> {
    let other = || StoreError::Corrupt("openings are not what their entry commits to");
    let nonce: &[u8; 32] = openings.nonce.as_slice().try_into().map_err(|_| other())?;
    let commitments = entry.commitments.as_ref().ok_or_else(other)?;
    let fields = [
        ("purpose_text", &openings.purpose_text, &commitments.purpose_text),
        ("operator", &openings.operator, &commitments.operator),
        ("source_address", &openings.source_address, &commitments.source_address),
        ("case_reference", &openings.case_reference, &commitments.case_reference),
    ];
    let holds = |(field, text, commitment): (&str, &String, &Vec<u8>)| match text.is_empty() {
        true => commitment.is_empty(),
        false => commit(nonce, field, text).as_slice() == commitment.as_slice(),
    };
    if fields.into_iter().all(holds) { Ok(()) } else { Err(other()) }
}

fn in_words(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
