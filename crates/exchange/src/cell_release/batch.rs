//! The entries of a batch under a minimum cell. Apply counts the persons of each cell entry by entry, so that the first entry that names
//! a cell has to bring as many as it lacks.

use std::collections::BTreeMap;

use causeway_agreement::{Agreement, Clause};
use causeway_journal::{CellId, Outcome, RECODING_DROPPED, v1};
use causeway_model::LeafIndex;

use super::Recoding;
use super::view::Person;
use crate::release::{BATCH, Candidate, shuffle};
use crate::{Error, Exchange};

/// Domain of a cell's id, over the agreement's id, and the clause and document that the items of the cell show.
const CELL_DOMAIN: &str = "causeway/v1/cell";

/// A release, and the cell that it joins.
pub(super) struct Joining {
    pub(super) candidate: Candidate,
    pub(super) cell: CellId,
    pub(super) person: Person,
    /// Whether it brings a person who is not in the cell.
    pub(super) counts: bool,
}

impl Exchange {
    /// The name of the cell of items that show this.
    pub(super) fn cell_of(&self, agreement: &Agreement, clause: &Clause, document: &str) -> CellId {
        let parts = [agreement.id.as_str().as_bytes(), clause.id.as_str().as_bytes(), document.as_bytes()];
        let tag = self.keys().ring().cursor_mac().tag(CELL_DOMAIN, &parts);
        CellId(*tag.first_chunk().expect("a code has more than 16 bytes"))
    }

    /// Appends a batch, in no order, for this `reason`; whether it stands: one decided under a superseded agreement version does not.
    /// The last entry says how far the feed has come.
    pub(super) async fn append_cells(
        &self,
        reason: &'static str,
        agreement: &Agreement,
        (clause, recoding): (&Clause, &Recoding),
        joining: Vec<Joining>,
        through: LeafIndex,
    ) -> Result<bool, Error> {
        let step = |step: &Option<causeway_model::Step>| {
            step.map_or_else(|| RECODING_DROPPED.to_owned(), |step| step.to_string())
        };
        let recoding: Vec<v1::FieldStep> = recoding
            .iter()
            .map(|(path, coarser)| v1::FieldStep { path: path.as_str().to_owned(), step: step(coarser) })
            .collect();
        let mut entries = packed(joining);
        while let Some(releases) = entries.pop() {
            let considered = if entries.is_empty() { through } else { self.considered(&agreement.id) };
            let release = |one: &Joining| v1::Release {
                cell: one.cell.0.to_vec(),
                counts: one.counts,
                ..self.release_of(&one.candidate, clause.id.as_str())
            };
            let mut draft = self.releaser_draft(agreement, reason);
            draft.entry.count = releases.len() as u64;
            draft.entry.releases = Some(v1::ReleaseBatch {
                feed: agreement.id.to_string(),
                agreement_version: agreement.version,
                considered_leaves: considered.0,
                releases: releases.iter().map(release).collect(),
                recoding: recoding.clone(),
                ..v1::ReleaseBatch::default()
            });
            if self.record_in_term(draft).await?.outcome == Outcome::Void {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The releases of each entry, shuffled, the last entry first. A cell's releases are together; of a cell that is too large for one entry, those
/// that bring a person go first.
fn packed(joining: Vec<Joining>) -> Vec<Vec<Joining>> {
    let mut cells: BTreeMap<CellId, Vec<Joining>> = BTreeMap::new();
    for one in joining {
        cells.entry(one.cell).or_default().push(one);
    }
    let mut cells: Vec<Vec<Joining>> = cells.into_values().collect();
    shuffle(&mut cells);
    let mut entries: Vec<Vec<Joining>> = Vec::new();
    for mut cell in cells {
        shuffle(&mut cell);
        cell.sort_by_key(|one| !one.counts);
        while !cell.is_empty() {
            let part: Vec<Joining> = cell.drain(..cell.len().min(BATCH)).collect();
            match entries.last_mut().filter(|entry| entry.len() + part.len() <= BATCH) {
                Some(entry) => entry.extend(part),
                None => entries.push(part),
            }
        }
    }
    entries.iter_mut().for_each(|entry| shuffle(entry));
    entries.reverse();
    entries
}
