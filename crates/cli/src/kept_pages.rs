//! The pages that a partner keeps: each as it was received, with the evidence that came with it, in a file of its own. Together
//! they show, to whoever has the journal's key, what was disclosed and that nothing of it is missing.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use causeway_crypto::Digest;
use causeway_proto::v1::Page;
use causeway_verify::is_bounded_page;
use prost::Message;

use crate::feed::{Links, check_evidence, links};
use crate::verifier_keys::VerifierKeys;
use crate::{Failure, private_file};

/// The end of a page file's name.
const EXTENSION: &str = "page";
/// The end of the name of a page that is being written.
const PARTIAL: &str = "partial";
/// The largest page file that is read: a page stays under 4 MiB, and its evidence under one.
const MAX_PAGE_BYTES: u64 = 8 << 20;

/// Where a kept page stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct KeptPage {
    /// Its first position.
    pub(crate) from: u64,
    /// Its last position.
    pub(crate) to: u64,
    /// Its disclosure's place in the journal, which is the order in which pages were received.
    pub(crate) leaf: u64,
    /// 0; from 1 on, it is another page than the one that was received first for the same place in the journal.
    pub(crate) again: u32,
    /// Its file.
    pub(crate) path: PathBuf,
}

/// What the kept pages of a feed say, each checked and all of them together without a gap.
#[derive(Debug)]
pub(crate) struct Checked {
    /// The agreement.
    pub(crate) agreement: String,
    /// In the order in which they were received.
    pub(crate) pages: Vec<KeptPage>,
    /// So many positions at the start are in no page that is kept here.
    pub(crate) before: u64,
    /// The chain's value after each position from there on, that before the first page first.
    chain: Vec<Digest>,
}

/// Keeps a page, durably, as a message `causeway.v1.Page`. One without items has nothing to show for it and is not kept. Nothing is ever
/// written over: another page at the place of one that is kept already is kept beside it.
///
/// # Errors
/// A page without evidence, another page than the one that is kept of its place, and what the system said.
pub(crate) fn keep(folder: &Path, page: &Page) -> Result<(), Failure> {
    if page.items.is_empty() {
        return Ok(());
    }
    let first = KeptPage::of(folder, page)?;
    let bytes = page.encode_to_vec();
    fs::create_dir_all(folder).map_err(|error| Failure::file(folder, error))?;
    let mut place = first.clone();
    while place.path.exists() {
        if holds(&place.path, &bytes)? {
            return place.is_first(&first);
        }
        place = KeptPage::at(folder, place.from, place.to, place.leaf, place.again + 1);
    }
    let partial = place.path.with_extension(PARTIAL);
    // What an interrupted pull left of the same page is not all of it.
    let _ = fs::remove_file(&partial);
    private_file::write(&partial, &bytes)?;
    // A link, unlike a rename, takes nobody's place.
    fs::hard_link(&partial, &place.path).map_err(|error| Failure::file(&place.path, error))?;
    fs::remove_file(&partial).map_err(|error| Failure::file(&partial, error))?;
    let synced = fs::File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|error| Failure::file(folder, error))?;
    place.is_first(&first)
}

/// Whether a file holds exactly these bytes.
fn holds(path: &Path, bytes: &[u8]) -> Result<bool, Failure> {
    let mut there = Vec::new();
    let file = fs::File::open(path).map_err(|error| Failure::file(path, error))?;
    file.take(MAX_PAGE_BYTES).read_to_end(&mut there).map_err(|error| Failure::file(path, error))?;
    Ok(there == bytes)
}

impl KeptPage {
    fn of(folder: &Path, page: &Page) -> Result<Self, Failure> {
        let without = || Failure::does_not_hold("a page of the feed came without its disclosure entry");
        let proof = page.evidence.as_ref().and_then(|evidence| evidence.inclusion_proof.as_ref());
        let leaf = proof.ok_or_else(without)?.leaf_index;
        let position = |item: Option<&causeway_proto::v1::Item>| item.map_or(0, |item| item.position);
        let (from, to) = (position(page.items.first()), position(page.items.last()));
        Ok(Self::at(folder, from, to, leaf, 0))
    }

    /// The page of these positions and this leaf; from 1 on, that of another one that was received for the same place.
    fn at(folder: &Path, from: u64, to: u64, leaf: u64, again: u32) -> Self {
        let other = if again > 0 { format!("-{again}") } else { String::new() };
        let path = folder.join(format!("{from:012}-{to:012}-{leaf:012}{other}.{EXTENSION}"));
        Self { from, to, leaf, again, path }
    }

    /// # Errors
    /// A page that stands beside another one of the same place: the journal cannot hold both.
    fn is_first(&self, first: &Self) -> Result<(), Failure> {
        if self.again == 0 {
            return Ok(());
        }
        Err(Failure::does_not_hold(format!(
            "{}: another page was received as this entry of the journal before: that is kept in {}, and this one beside it; keep both, and \
             tell whoever watches over the journal",
            self.name(),
            first.path.display()
        )))
    }

    /// The page, as it was received; a file that holds another page than it is named for is refused.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub(crate) fn read(&self) -> Result<Page, Failure> {
        let page = read(&self.path).map_err(|failure| match failure {
            Failure::DoesNotHold(_) => Failure::does_not_hold_at(&self.name(), &failure),
            other => other,
        })?;
        let folder = self.path.parent().unwrap_or_else(|| Path::new(""));
        let named = |page: Self| Self::at(folder, page.from, page.to, page.leaf, self.again);
        match Self::of(folder, &page).map(|page| named(page) == *self) {
            Ok(true) => Ok(page),
            _ => Err(Failure::does_not_hold(format!(
                "{}: it holds another page than the one that it is named for",
                self.name()
            ))),
        }
    }

    /// Its file and its positions, as messages name it.
    pub(crate) fn name(&self) -> String {
        format!("{}: positions {} to {}", self.path.display(), self.from, self.to)
    }

    /// The page that a file is named for.
    fn named(path: PathBuf) -> Option<Self> {
        let mut numbers = path.file_stem()?.to_str()?.split('-').map(str::parse::<u64>);
        let (Some(Ok(from)), Some(Ok(to)), Some(Ok(leaf))) = (numbers.next(), numbers.next(), numbers.next()) else {
            return None;
        };
        let again = numbers.next().transpose().ok()?.map_or(Ok(0), u32::try_from).ok()?;
        numbers.next().is_none().then_some(Self { from, to, leaf, again, path })
    }
}

fn read(path: &Path) -> Result<Page, Failure> {
    let failed = |error| Failure::file(path, error);
    let no_page = || Failure::does_not_hold("this is no page");
    // Looked at before it is opened: a pipe would be waited for, and a link leads out of the folder.
    if !fs::symlink_metadata(path).map_err(failed)?.is_file() {
        return Err(no_page());
    }
    let mut bytes = Vec::new();
    fs::File::open(path).map_err(failed)?.take(MAX_PAGE_BYTES).read_to_end(&mut bytes).map_err(failed)?;
    if !is_bounded_page(&bytes) {
        return Err(no_page());
    }
    Page::decode(bytes.as_slice()).map_err(|_| no_page())
}

/// Up to which position the pages of a folder go on without a gap from position 1, by their names alone; 0 where there is no folder.
///
/// # Errors
/// What the system said, and files that are named as no page is.
pub(crate) fn kept_up_to(folder: &Path) -> Result<u64, Failure> {
    if !folder.exists() {
        return Ok(0);
    }
    let mut pages = named(folder)?;
    pages.sort();
    Ok(pages.iter().fold(0, |reached, page| if page.from <= reached + 1 { reached.max(page.to) } else { reached }))
}

/// Checks every page of a folder by itself, and all of them together: from the first position of the first page on, each position in
/// one page at least, and where it is in several, the same item. What comes before the first page is not kept here, and the page's own
/// signed evidence says where its chain begins.
///
/// # Errors
/// The first thing that does not hold, with the position and the file.
pub(crate) fn check(folder: &Path, keys: Option<&VerifierKeys>) -> Result<Checked, Failure> {
    let mut pages = named(folder)?;
    if pages.is_empty() {
        return Err(Failure::content(folder, "there is no page in it".into()));
    }
    pages.sort();
    let mut checked = Checked { agreement: String::new(), pages: Vec::new(), before: 0, chain: vec![Digest([0; 32])] };
    for place in &pages {
        let page = place.read()?;
        place.is_first(&KeptPage::at(folder, place.from, place.to, place.leaf, 0))?;
        checked.join(place, &page, keys)?;
    }
    pages.sort_by_key(|page| page.leaf);
    checked.pages = pages;
    Ok(checked)
}

/// The pages that a folder's files are named for.
///
/// # Errors
/// What the system said, and files that are named as no page is.
pub(crate) fn named(folder: &Path) -> Result<Vec<KeptPage>, Failure> {
    let failed = |error| Failure::file(folder, error);
    let mut pages = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_none_or(|extension| extension != EXTENSION) {
            continue;
        }
        let strange = Failure::content(&path, "not named as `causeway pull --receipts` names a page".into());
        pages.push(KeptPage::named(path).ok_or(strange)?);
    }
    Ok(pages)
}

impl Checked {
    /// The last position of which there is a page.
    pub(crate) fn last(&self) -> u64 {
        self.before + self.chain.len() as u64 - 1
    }

    /// The chain's value after a position, in hexadecimal.
    pub(crate) fn chain_at(&self, position: u64) -> Option<String> {
        self.value_at(position).map(ToString::to_string)
    }

    fn value_at(&self, position: u64) -> Option<&Digest> {
        self.chain.get(usize::try_from(position.checked_sub(self.before)?).ok()?)
    }

    /// The first page may begin further on: where its chain begins is in its evidence, which is checked with it.
    fn begin(&mut self, place: &KeptPage, page: &Page) {
        if let (Some(before @ 1..), Ok(chain)) = (place.from.checked_sub(1), page.chain_before.as_slice().try_into()) {
            self.before = before;
            self.chain = vec![chain];
        }
    }

    fn join(&mut self, place: &KeptPage, page: &Page, keys: Option<&VerifierKeys>) -> Result<(), Failure> {
        let at = |what: String| Failure::does_not_hold(format!("{}: {what}", place.name()));
        if !self.agreement.is_empty() && self.agreement != page.agreement {
            return Err(at(format!("it is a page of another agreement than {}", self.agreement)));
        }
        if page.items.is_empty() {
            return Err(at("it holds no item".into()));
        }
        if self.agreement.is_empty() {
            self.begin(place, page);
        }
        let known = self.last();
        let Some(start) = place.from.checked_sub(1).filter(|start| *start <= known) else {
            let missing = format!(
                "no page holds the positions {} to {}: a page was taken away, or what was pulled then was not kept here",
                known + 1,
                place.from.saturating_sub(1)
            );
            return Err(Failure::does_not_hold(missing));
        };
        let of_page = |failure: Failure| Failure::does_not_hold_at(&place.name(), &failure);
        let Links { items, after } = links(page, start).map_err(of_page)?;
        check_evidence(page, &items, keys).map_err(of_page)?;
        if Some(causeway_verify::hex::hex(&page.chain_before)) != self.chain_at(start) {
            return Err(at(format!("position {}: it does not continue the chain of the pages before", place.from)));
        }
        for (item, value) in items.iter().zip(after) {
            match self.value_at(item.position.0) {
                None => self.chain.push(value),
                Some(there) if *there == value => {}
                Some(_) => return Err(at(format!("position {}: another page has another item there", item.position))),
            }
        }
        self.agreement.clone_from(&page.agreement);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
