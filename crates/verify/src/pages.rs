//! The pages that a partner keeps (`causeway pull --receipts`): each with its disclosure entry, and all of them together without a gap.

use std::fs;
use std::path::{Path, PathBuf};

use causeway_crypto::Digest;
use causeway_journal::{PageItem, PageTerms, chain_link, page_digest, v1};
use causeway_model::{AgreementId, LeafIndex, Position};

use crate::receipt::{Included, Receipt, included};
use crate::trust::Trust;
use crate::{VerifyError, files, wire};

/// The end of a page file's name.
pub const PAGE_EXTENSION: &str = "page";

/// The largest page file that is read: a page stays under 4 MiB, and its evidence under one.
const MAX_PAGE_BYTES: usize = 8 << 20;

/// The pages of a folder, each of which holds.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptPages {
    /// The agreement.
    pub agreement: String,
    /// How many pages there are.
    pub pages: u64,
    /// The first position that one of them holds.
    pub first: u64,
    /// The last one.
    pub last: u64,
    /// The chain's value after the last one.
    pub chain: Digest,
    /// The disclosure entry of each page, in the order of positions.
    pub disclosures: Vec<Included>,
}

/// Verifies the pages of a folder: each page's digest and its disclosure entry's proof, and that they make one chain: each position in
/// one page at least and, where it is in several, the same item.
///
/// # Errors
/// The first thing that does not hold, with its file.
pub fn pages(folder: &Path, trust: &Trust) -> Result<KeptPages, VerifyError> {
    pages_each(folder, trust, |_| {})
}

/// The same, and gives each page's disclosure to `each` once its proof holds: also those of pages that do not go on from each other, and
/// of those behind the first fault.
pub(crate) fn pages_each(
    folder: &Path,
    trust: &Trust,
    mut each: impl FnMut(&Included),
) -> Result<KeptPages, VerifyError> {
    let mut named = named(folder)?;
    named.sort();
    let mut chain = Chain::default();
    let mut disclosures = Vec::with_capacity(named.len());
    let mut fault = None;
    for (name, path) in &named {
        let mut take = || {
            let page = wire::Page::read(&files::read(path, MAX_PAGE_BYTES)?).ok_or_else(|| broken("it is no page"))?;
            let read = Read::of(&page, trust)?;
            each(&read.disclosure);
            if *name != [read.from, read.to, read.disclosure.index.0] {
                return Err(broken("it holds another page than the one that it is named for"));
            }
            if fault.is_none() {
                chain.join(&page, &read)?;
                disclosures.push(read.disclosure);
            }
            Ok(())
        };
        if let Err(error) = take() {
            fault.get_or_insert_with(|| VerifyError::at(path.display(), error));
        }
    }
    if let Some(fault) = fault {
        return Err(fault);
    }
    match (chain.values.last(), chain.first) {
        (Some(value), Some(first)) => Ok(KeptPages {
            agreement: chain.agreement,
            pages: named.len() as u64,
            first,
            last: first + chain.values.len() as u64 - 1,
            chain: *value,
            disclosures,
        }),
        _ => Err(VerifyError::at(folder.display(), "there is no page in it")),
    }
}

/// The page files, by what they are named for: first position, last position, leaf index of the disclosure.
fn named(folder: &Path) -> Result<Vec<([u64; 3], PathBuf)>, VerifyError> {
    let failed = |error| VerifyError::file(folder, &error);
    let mut pages = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_none_or(|extension| extension != PAGE_EXTENSION) {
            continue;
        }
        let numbers = path.file_stem().and_then(|stem| stem.to_str()).map(|stem| stem.split('-').map(str::parse));
        let numbers: Option<Vec<u64>> = numbers.and_then(|numbers| numbers.collect::<Result<_, _>>().ok());
        // A fourth number is that of another page than the one that was kept first of the same place.
        let numbers = numbers.filter(|numbers| numbers.len() <= 4);
        let name = numbers.and_then(|numbers| numbers.first_chunk().copied());
        let strange = || VerifyError::at(path.display(), "not named as `causeway pull --receipts` names a page");
        pages.push((name.ok_or_else(strange)?, path));
    }
    Ok(pages)
}

/// A page that holds by itself.
pub(crate) struct Read {
    from: u64,
    to: u64,
    /// The chain's value after each item.
    values: Vec<Digest>,
    disclosure: Included,
}

impl Read {
    pub(crate) fn of(page: &wire::Page, trust: &Trust) -> Result<Self, VerifyError> {
        let items = page.items.iter().map(wire::Item::read).collect::<Option<Vec<PageItem>>>();
        let items = items.ok_or_else(|| broken("an item is malformed"))?;
        let (Some(from), Some(to)) = (items.first(), items.last()) else { return Err(broken("it holds no item")) };
        let (from, to) = (from.position.0, to.position.0);
        Ok(Self { from, to, values: follow(page, &items)?, disclosure: disclosure(page, &items, trust)? })
    }
}

/// The feed's chain, as far as the pages have brought it.
#[derive(Debug, Default)]
struct Chain {
    agreement: String,
    /// The first position of all, and what the chain was before it.
    first: Option<u64>,
    before: Option<Digest>,
    /// The chain's value after each position from there on.
    values: Vec<Digest>,
}

impl Chain {
    /// Takes a page that holds by itself.
    fn join(&mut self, page: &wire::Page, read: &Read) -> Result<(), VerifyError> {
        let from = read.from;
        let first = *self.first.get_or_insert(from);
        let before = *self.before.get_or_insert(digest(&page.chain_before)?);
        if self.agreement.is_empty() {
            self.agreement.clone_from(&page.agreement);
        }
        if self.agreement != page.agreement {
            return Err(broken("it is a page of another agreement than the pages before"));
        }
        let start = from.checked_sub(first).and_then(|start| usize::try_from(start).ok());
        let start = start.filter(|start| *start <= self.values.len());
        let start = start.ok_or_else(|| broken("the positions before it are in no page that is kept here"))?;
        let known = start.checked_sub(1).map_or(before, |at| self.values[at]);
        if known.0.as_slice() != page.chain_before {
            return Err(broken("it does not continue the chain of the pages before"));
        }
        for (value, at) in read.values.iter().zip(start..) {
            match self.values.get(at) {
                None => self.values.push(*value),
                Some(known) if known == value => {}
                Some(_) => return Err(broken("another page has another item at one of its positions")),
            }
        }
        Ok(())
    }
}

/// The chain's value after each item, which must lead to the page's own.
fn follow(page: &wire::Page, items: &[PageItem]) -> Result<Vec<Digest>, VerifyError> {
    let mut chain = digest(&page.chain_before)?;
    let mut values = Vec::with_capacity(items.len());
    let mut next = items.first().map(|item| item.position);
    for item in items {
        if Some(item.position) != next {
            return Err(broken("its positions are not dense"));
        }
        next = item.position.0.checked_add(1).map(Position);
        chain = chain_link(&chain, item.position, item.kind, &item.item_id);
        values.push(chain);
    }
    match chain.0.as_slice() == page.chain_after {
        true => Ok(values),
        false => Err(broken("its items do not lead to its chain value")),
    }
}

/// The disclosure entry must name exactly this page, and be in the journal.
fn disclosure(page: &wire::Page, items: &[PageItem], trust: &Trust) -> Result<Included, VerifyError> {
    let sent = page.evidence.as_ref().ok_or_else(|| broken("it came without its disclosure entry"))?;
    let proof = sent.inclusion_proof.as_ref().ok_or_else(|| broken("its disclosure entry has no inclusion proof"))?;
    let hashes = proof.hashes.iter().map(|hash| digest(hash)).collect::<Result<Vec<_>, _>>()?;
    let index = LeafIndex(proof.leaf_index);
    let receipt = Receipt { entry: &sent.entry, index, proof: &hashes, checkpoint: &sent.checkpoint };
    let disclosure = included(&receipt, trust)?;
    let agreement: AgreementId = page.agreement.parse().map_err(|_| broken("its agreement is malformed"))?;
    let salt: [u8; 32] = page.digest_salt.as_slice().try_into().map_err(|_| broken("its salt is not of 32 bytes"))?;
    let terms = PageTerms {
        agreement: &agreement,
        agreement_version: page.agreement_version,
        onward_transfer: &page.onward_transfer,
        chain_before: &digest(&page.chain_before)?,
        chain_after: &digest(&page.chain_after)?,
    };
    let (first, last) = (items.first().map(|item| item.position.0), items.last().map(|item| item.position.0));
    let entry = &disclosure.entry;
    let names_this = entry.operation() == v1::Operation::Disclosure
        && entry.decision() == v1::Decision::Allowed
        && entry.page.as_ref().is_some_and(|named| {
            named.feed == page.agreement
                && (Some(named.from_position), Some(named.to_position)) == (first, last)
                && named.digest == page_digest(&salt, terms, items).0
        });
    if names_this { Ok(disclosure) } else { Err(broken("its disclosure entry is of another page")) }
}

fn digest(bytes: &[u8]) -> Result<Digest, VerifyError> {
    Digest::try_from(bytes).map_err(|_| broken("a hash is not of 32 bytes"))
}

fn broken(what: &str) -> VerifyError {
    VerifyError::at("page", what)
}
