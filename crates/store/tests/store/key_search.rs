//! Whoever has every file of a journal, its backups, its keys folder and its mirror, and tries every key on every body.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use causeway_crypto::{AeadKey, RootKey, sha256};
use causeway_journal::{decode_entry, decode_frame, v1};
use causeway_model::FrameSeq;
use causeway_store::{FrameLog, SledLog};

/// What bodies, pages and slots are bound to when they are encrypted, and how the ring's key is derived, spelled out apart from the
/// code that does it.
const BODY: &[u8] = b"causeway/v1/body\0";
const PAGE: &[u8] = b"causeway/v1/key-page\0";
const SLOT: &[u8] = b"causeway/v1/page-key-slot\0";
const RING: &[u8] = b"causeway/v1/ring-wrapping";

/// The name of a wrapped ring and its version, in clear.
const RING_HEADER_BYTES: usize = 18;

/// No key that somebody would have made has so many zeros among its 32 bytes; files have many such places.
const TOO_MANY_ZEROS: usize = 8;

/// An encrypted body: its entry's number (see `draft`) and id, and the ciphertext.
pub(crate) struct Body {
    pub(crate) number: u128,
    entry_id: Vec<u8>,
    ciphertext: Vec<u8>,
}

impl Body {
    pub(crate) fn opens_under(&self, keys: &BTreeSet<[u8; 32]>) -> bool {
        let aad = [BODY, &self.entry_id].concat();
        keys.iter().any(|key| AeadKey::new(*key).open(&aad, &self.ciphertext).is_ok())
    }
}

/// All that was found so far.
#[derive(Default)]
pub(crate) struct Search {
    page_keys: BTreeSet<[u8; 32]>,
    pages: BTreeSet<(u64, Vec<u8>)>,
    raw: BTreeSet<[u8; 32]>,
}

impl Search {
    /// Takes the page keys of a folder with `page-keys` files, under each of these root keys, its rewritten pages, and
    /// what [`Search::ring`] takes.
    pub(crate) fn keys_folder(&mut self, folder: &Path, roots: &[RootKey]) {
        for entry in fs::read_dir(folder).expect("listed") {
            let name = entry.expect("listed").file_name().into_string().expect("text");
            let Some(writer) = name.strip_prefix("page-keys") else { continue };
            let writer: u64 = writer.strip_prefix('.').map_or(0, |number| number.parse().expect("a node's number"));
            let slots = fs::read(folder.join(&name)).expect("read");
            for (number, slot) in (writer << 48..).zip(slots.as_chunks::<64>().0) {
                let aad = [SLOT, &number.to_be_bytes()].concat();
                for root in roots {
                    let opened = root.page_wrapping_key().open(&aad, &slot[4..]);
                    self.page_keys.extend(opened.ok().and_then(|key| <[u8; 32]>::try_from(key.as_slice()).ok()));
                }
            }
        }
        for entry in fs::read_dir(folder.join("pages")).into_iter().flatten() {
            let path = entry.expect("listed").path();
            let number = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
            self.pages.insert((number.expect("a page's number"), fs::read(&path).expect("read")));
        }
        self.ring(folder, roots);
    }

    /// Takes every secret of a folder's `ring`, where it has one that opens under one of these root keys, the root keys and what
    /// they derive, and every 32 bytes that stand next to each other in any of its files.
    pub(crate) fn ring(&mut self, folder: &Path, roots: &[RootKey]) {
        let wrapped = fs::read(folder.join("ring")).unwrap_or_default();
        for root in roots {
            let wrapping = derived(root.expose(), RING);
            self.raw.extend([*root.expose(), *root.page_wrapping_key().expose(), wrapping]);
            let Some((header, sealed)) = wrapped.split_at_checked(RING_HEADER_BYTES) else { continue };
            // Wherever in the ring a secret begins.
            let opened = AeadKey::new(wrapping).open(header, sealed);
            self.raw.extend(opened.iter().flat_map(|ring| windows(ring)));
        }
        self.raw_bytes(folder);
    }

    /// Takes the key pages of a data directory's log.
    pub(crate) fn data_dir(&mut self, data_dir: &Path) {
        let log = SledLog::open(data_dir).expect("the log opens");
        let mut next = 0;
        while let Some(number) = log.next_key_page(next).expect("read") {
            self.pages.extend(log.key_page(number).expect("read").map(|page| (number, page)));
            next = number + 1;
        }
        // What several writers append carries its pages along, each as it was then.
        for (_, bytes) in log.read(FrameSeq(1), usize::MAX).expect("read") {
            let pages = decode_frame(&bytes).map(|frame| frame.key_pages).unwrap_or_default();
            self.pages.extend(pages.into_iter().map(|page| (page.number, page.stored)));
        }
    }

    /// Takes every 32 bytes that stand next to each other in any file of a folder.
    pub(crate) fn raw_bytes(&mut self, folder: &Path) {
        for entry in fs::read_dir(folder).expect("listed") {
            let path = entry.expect("listed").path();
            if path.is_dir() {
                self.raw_bytes(&path);
            } else {
                self.raw.extend(windows(&fs::read(&path).expect("read")));
            }
        }
    }

    /// Every key that any of it gives.
    pub(crate) fn keys(&self) -> BTreeSet<[u8; 32]> {
        let mut keys = &self.page_keys | &self.raw;
        for (number, page) in &self.pages {
            let (slot, sealed) = page.split_at(8);
            let aad = [PAGE, &number.to_be_bytes(), slot].concat();
            for page_key in &self.page_keys {
                let opened = AeadKey::new(*page_key).open(&aad, sealed);
                keys.extend(opened.iter().flat_map(|page| page.as_chunks::<32>().0));
            }
        }
        keys
    }
}

/// Every 32 bytes that could be a key.
fn windows(bytes: &[u8]) -> impl Iterator<Item = [u8; 32]> {
    let windows = bytes.windows(32).map(|window| <[u8; 32]>::try_from(window).expect("32 bytes"));
    windows.filter(|window| window.iter().filter(|byte| **byte == 0).count() < TOO_MANY_ZEROS)
}

/// HKDF-Expand (RFC 5869 section 2.3) with SHA-256 to 32 bytes, of a label that stands after its length.
fn derived(key: &[u8; 32], label: &[u8]) -> [u8; 32] {
    let info = [&(label.len() as u64).to_be_bytes(), label, &[1]].concat();
    let pad = |with: u8| -> Vec<u8> { (0..64).map(|at| key.get(at).copied().unwrap_or(0) ^ with).collect() };
    let inner = sha256(&[&pad(0x36), &info]);
    sha256(&[&pad(0x5c), inner.as_bytes()]).0
}

/// Every body in a data directory's log.
pub(crate) fn bodies(data_dir: &Path) -> Vec<Body> {
    let log = SledLog::open(data_dir).expect("the log opens");
    let frames = log.read(FrameSeq(1), usize::MAX).expect("read");
    let items = frames.iter().flat_map(|(_, bytes)| decode_frame(bytes).expect("a frame").items);
    items.filter_map(|item: v1::Item| Some((item.entry, item.body?.ciphertext))).map(body).collect()
}

fn body((entry, ciphertext): (Vec<u8>, Vec<u8>)) -> Body {
    let entry = decode_entry(&entry).expect("canonical");
    let number = u128::from_be_bytes(entry.request_id.try_into().expect("16 bytes"));
    Body { number, entry_id: entry.entry_id, ciphertext }
}
