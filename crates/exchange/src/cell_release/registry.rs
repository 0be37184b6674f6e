//! Who is in the cells of a feed, and what their items show: read from the bodies of what was released, since entries do not say it.

use std::collections::{BTreeSet, HashMap};

use causeway_agreement::{Agreement, Clause};
use causeway_journal::{CellId, Erasure, Feed, FeedItem, State};
use causeway_model::{AgreementId, ClauseId, LeafIndex, Position, RecordId};

use super::Recoding;
use super::view::{Columns, Look, Person};
use crate::release::READ_ENTRIES;
use crate::submit::leaf_of;
use crate::{Error, Exchange};

/// The persons of one feed's cells, as far as they can be read.
#[derive(Debug, Default)]
pub(super) struct Registry {
    /// The version of the agreement by whose clauses the looks are taken apart.
    version: u32,
    feed: Option<AgreementId>,
    members: HashMap<Position, (CellId, Person)>,
    looks: HashMap<(CellId, ClauseId), Look>,
}

impl std::fmt::Debug for Look {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Look(..)")
    }
}

/// An item that joined a cell, and where its body is.
struct Member {
    position: Position,
    cell: CellId,
    record: RecordId,
    body: LeafIndex,
    agreement_version: u32,
    clause: ClauseId,
    recoding: Recoding,
}

impl Registry {
    /// Reads what has been released since it last did. What is erased is not known, and counts for nobody.
    pub(super) async fn refresh(&mut self, exchange: &Exchange, agreement: &Agreement) -> Result<(), Error> {
        if self.version != agreement.version {
            *self = Self { version: agreement.version, feed: Some(agreement.id.clone()), ..Self::default() };
        }
        let unread = exchange.journal().read(|state| self.unread(state, agreement));
        let celled = agreement.clauses.iter().filter(|clause| clause.minimum_cell > 1);
        let celled: Vec<(&Clause, Columns)> =
            celled.map(|clause| (clause, Columns::of(clause, &|kind| exchange.field_tables(kind)))).collect();
        for chunk in unread.chunks(READ_ENTRIES) {
            let wanted: Vec<_> = chunk.iter().map(|member| (member.record, member.body)).collect();
            for (member, body) in chunk.iter().zip(exchange.bodies_of(&wanted).await?) {
                let Some(body) = body else { continue };
                let view = exchange.view(&body.body)?;
                self.members.insert(member.position, (member.cell, view.person(member.record)));
                let frozen = exchange
                    .journal()
                    .read(|state| state.agreement_version(&agreement.id, member.agreement_version).cloned());
                let Some(shown) = frozen.as_ref().and_then(|version| version.clause(&member.clause)) else { continue };
                // The clause is shown with an item: what went under another one is not like it.
                for (clause, columns) in celled.iter().filter(|(clause, _)| clause.id == member.clause) {
                    let key = (member.cell, clause.id.clone());
                    self.looks.entry(key).or_insert_with(|| columns.look(shown, &member.recoding, &view));
                }
            }
        }
        Ok(())
    }

    fn unread(&self, state: &State, agreement: &Agreement) -> Vec<Member> {
        let Some(feed) = state.feed(&agreement.id) else { return Vec::new() };
        let mut unread = Vec::new();
        for cell in feed.cells() {
            let new = feed.members(&cell).filter(|position| !self.members.contains_key(position));
            unread.extend(new.filter_map(|position| {
                let item = feed.item(position).filter(|item| is_there(state, feed, item, position))?;
                let record = state.record(&item.record_id)?;
                Some(Member {
                    position,
                    cell,
                    record: item.record_id,
                    body: leaf_of(record, item.version)?,
                    agreement_version: item.terms.agreement_version,
                    clause: item.terms.clause.clone(),
                    recoding: item.terms.recoding.clone(),
                })
            }));
        }
        unread
    }

    /// The persons of a cell whom the partner knows there, or can. What has not left of `replaced` stands for nobody: it goes.
    pub(super) fn persons(
        &self,
        exchange: &Exchange,
        agreement: &Agreement,
        cell: &CellId,
        replaced: &BTreeSet<RecordId>,
    ) -> BTreeSet<Person> {
        exchange.journal().read(|state| {
            let Some(feed) = state.feed(&agreement.id) else { return BTreeSet::new() };
            let stays = |item: &FeedItem<'_>, position| feed.has_left(position) || !replaced.contains(&item.record_id);
            let there = feed.members(cell).filter(|position| {
                let item = feed.item(*position);
                item.is_some_and(|item| is_there(state, feed, &item, *position) && stays(&item, *position))
            });
            there.filter_map(|position| self.members.get(&position).map(|(_, person)| *person)).collect()
        })
    }

    /// Each cell's look, by the columns of this clause, with each of its persons.
    pub(super) fn for_each(&self, exchange: &Exchange, clause: &Clause, mut each: impl FnMut(&Look, Person)) {
        let Some(id) = &self.feed else { return };
        exchange.journal().read(|state| {
            let Some(feed) = state.feed(id) else { return };
            for (position, (cell, person)) in &self.members {
                let is_there = feed.item(*position).is_some_and(|item| is_there(state, feed, &item, *position));
                if let Some(look) = self.looks.get(&(*cell, clause.id.clone())).filter(|_| is_there) {
                    each(look, *person);
                }
            }
        });
    }
}

/// Whether an item stands for a person: it is live or has left, and its record can be read.
fn is_there(state: &State, feed: Feed<'_>, item: &FeedItem<'_>, position: Position) -> bool {
    let is_live = feed.live(&item.record_id) == Some(position);
    let is_read = state.record(&item.record_id).is_some_and(|record| record.erasure == Erasure::None);
    is_read && (is_live || feed.has_left(position))
}
