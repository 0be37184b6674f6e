//! `causeway pull --verify`: whether what was kept of a feed is all that was received, offline.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use causeway_crypto::{Digest, sha256};
use serde::Deserialize;

use super::{Options, item_line};
use crate::Failure;
use crate::feed::Standing;
use crate::kept_items::{self, Fault, Printed};
use crate::kept_pages::{self, Checked, KeptPage};
use crate::output::say;
use crate::verifier_keys::VerifierKeys;

/// The longest line of a file of items that is read: a document of 128 KiB, its characters escaped, and room for what is around it.
const LINE_LIMIT: usize = 1 << 20;

/// The option that takes the journal's key.
pub(super) const KEY_OPTION: &str = "--verifier-key";

/// The part of a line that says where it belongs.
#[derive(Deserialize)]
struct Place {
    position: u64,
}

pub(super) fn run(
    kept: &Path,
    options: &Options,
    standing: &Standing,
    keys: Option<&VerifierKeys>,
) -> Result<(), Failure> {
    std::fs::metadata(kept).map_err(|error| Failure::file(kept, error))?;
    let folder = match (kept.is_dir(), &options.receipts) {
        (true, None) => kept,
        (true, Some(_)) => return Err(Failure::usage("--verify names the folder of pages: leave --receipts out")),
        (false, Some(folder)) => folder,
        (false, None) => {
            return Err(Failure::usage("a file of items is held against the pages: give their folder with --receipts"));
        }
    };
    let checked = kept_pages::check(folder, keys)?;
    reaches(&checked, options, standing)?;
    let begins = checked.before + 1;
    let from = if begins > 1 { format!("from position {begins} ") } else { String::new() };
    let pages = checked.pages.len();
    let noun = if pages == 1 { "page" } else { "pages" };
    let mut held = format!("{pages} {noun} {from}up to position {}", checked.last());
    if !kept.is_dir() {
        // Of what was received before the first page that is kept, nothing here can say what it was.
        let (_, lines): (Vec<_>, Vec<_>) =
            read_items(kept)?.into_iter().partition(|line| (1..begins).contains(&line.0));
        compare(kept, &checked, &lines)?;
        held = format!("{} items in {}, as in {held}", lines.len(), kept.display());
    }
    let verdict = if keys.is_some() { "holds" } else { "NOT proven, only consistent in itself" };
    say(format_args!("{verdict}: {}: {held}", checked.agreement));
    say("  none is left out, altered, repeated or out of order, and each was recorded before it left");
    match (begins, keys) {
        (2.., _) => Err(not_kept(begins - 1)),
        (_, Some(_)) => Ok(()),
        (_, None) => Err(Failure::Unsigned { option: KEY_OPTION }),
    }
}

/// That the pages begin further on: nobody can tell from them what came before.
fn not_kept(last: u64) -> Failure {
    Failure::Partly(format!(
        "not all of it: the positions 1 to {last} are not kept here: they were pulled without --receipts or into another folder, or \
         their pages were taken away; nothing is said of them. A new --cursor file pulls them again"
    ))
}

/// What is kept must reach as far as is known from elsewhere: its end could have been cut off.
fn reaches(checked: &Checked, options: &Options, standing: &Standing) -> Result<(), Failure> {
    let asked = options.feed.agreement.as_deref().into_iter().chain(Some(standing.agreement.as_str()));
    if let Some(other) = asked.filter(|id| !id.is_empty()).find(|id| *id != checked.agreement) {
        return Err(Failure::does_not_hold(format!("the pages are of {}, not of {other}", checked.agreement)));
    }
    let furthest = standing.position.max(options.up_to.unwrap_or(0));
    let last = checked.last();
    if last < furthest {
        let what = format!("the pages end at position {last}: the positions {} to {furthest} are left out", last + 1);
        return Err(Failure::does_not_hold(what));
    }
    // A cursor that stands before what is kept, as one that has not begun, says nothing of it.
    if standing.position < checked.before {
        return Ok(());
    }
    match checked.chain_at(standing.position) {
        Some(chain) if chain == standing.chain => Ok(()),
        _ => Err(Failure::does_not_hold(format!(
            "the pages do not lead to the chain value of the cursor file at position {}",
            standing.position
        ))),
    }
}

/// What a page prints.
fn printed(page: &KeptPage) -> Result<Vec<Printed>, Failure> {
    let mut lines = Vec::new();
    for item in &page.read()?.items {
        lines.extend(item_line::of(item)?.map(|line| (item.position, digest(line.as_bytes()))));
    }
    Ok(lines)
}

fn digest(line: &[u8]) -> Digest {
    sha256(&[line])
}

fn compare(kept: &Path, checked: &Checked, lines: &[Printed]) -> Result<(), Failure> {
    let pages = checked.pages.iter().map(printed).collect::<Result<Vec<_>, _>>()?;
    kept_items::compare(&pages, lines).map_err(|found| {
        let which = match (found.fault, found.line) {
            (Fault::Altered(position), Some(line)) => altered(kept, checked, line, position),
            _ => String::new(),
        };
        Failure::does_not_hold(format!("{}: {found}{which}", kept.display()))
    })
}

/// Which members of an altered line are not those of any page, as ` (document, clause)`; nothing where that cannot be told.
fn altered(kept: &Path, checked: &Checked, number: usize, position: u64) -> String {
    let Ok(Some(line)) = nth_line(kept, number) else { return String::new() };
    let of_position = |page: &&KeptPage| (page.from..=page.to).contains(&position);
    let received = checked.pages.iter().rev().filter(of_position).find_map(|page| {
        let page = page.read().ok()?;
        let item = page.items.iter().find(|item| item.position == position)?;
        item_line::of(item).ok()?
    });
    let members = received.map(|received| item_line::differing(&received, &line)).unwrap_or_default();
    if members.is_empty() { String::new() } else { format!(": {}", members.join(", ")) }
}

fn nth_line(path: &Path, number: usize) -> std::io::Result<Option<String>> {
    let mut found = None;
    each_line(path, |at, line| {
        if at == number {
            found = Some(String::from_utf8_lossy(line).into_owned());
        }
    })?;
    Ok(found)
}

fn read_items(path: &Path) -> Result<Vec<Printed>, Failure> {
    let (mut lines, mut fault) = (Vec::new(), None);
    let read = each_line(path, |number, line| match serde_json::from_slice::<Place>(line) {
        Ok(place) => lines.push((place.position, digest(line))),
        Err(_) => fault = fault.or(Some(number)),
    });
    read.map_err(|error| Failure::file(path, error))?;
    match fault {
        None => Ok(lines),
        Some(number) => Err(Failure::does_not_hold(format!("{}: line {number} is no item", path.display()))),
    }
}

/// Gives each line with its number, from 1, without its end.
fn each_line(path: &Path, mut each: impl FnMut(usize, &[u8])) -> std::io::Result<()> {
    let mut source = BufReader::new(File::open(path)?);
    let limit = u64::try_from(LINE_LIMIT).unwrap_or(u64::MAX);
    for number in 1.. {
        let mut line = Vec::new();
        if source.by_ref().take(limit).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        each(number, line.strip_suffix(b"\n").unwrap_or(&line));
    }
    Ok(())
}
