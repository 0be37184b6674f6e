//! The records that entries have made: owner, schema, current version, and what keeps them from feeds.

use std::collections::BTreeMap;
use std::io::{Read, Result, Write};

use causeway_model::{AgencyId, LeafIndex, RecordId, RecordVersion, SchemaId};

use super::Chunks;
use super::id_table::IdTable;
use crate::saved::{Saved, broken, saved_fields};

/// How far a record's erasure has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Erasure {
    /// It has not been ordered.
    #[default]
    None,
    /// The entry that ordered it: nothing of the record is read from there on.
    Ordered(LeafIndex),
    /// The entry that says that its keys are destroyed.
    Complete(LeafIndex),
}

/// A record as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordState<'a> {
    /// The agency that submitted it.
    pub owner: &'a AgencyId,
    /// The schema of its current version.
    pub schema: SchemaId,
    /// Its current version.
    pub current: RecordVersion,
    /// Whether it has been withdrawn.
    pub withdrawn: bool,
    /// Whether its processing is restricted (DPA 2018 s.47).
    pub restricted: bool,
    /// Whether it is under a legal hold.
    pub held: bool,
    /// The entry that says that a person in it is in danger, until its restriction is lifted.
    pub at_risk: Option<LeafIndex>,
    /// How far its erasure has come.
    pub erasure: Erasure,
    /// The last day on which it may be kept, in days since 1970-01-01; none where its current version states none. A correction that
    /// brings it forward does so with 30 days' notice.
    pub retain_until_day: Option<u32>,
    /// The day by which somebody has to look at it, likewise.
    pub review_due_day: Option<u32>,
    /// The entries that made its versions, the first first.
    pub versions: &'a [LeafIndex],
}

impl RecordState<'_> {
    /// Whether it may be in feeds at all: neither withdrawn, restricted nor erased.
    pub fn may_leave(&self) -> bool {
        !self.withdrawn && !self.restricted && self.erasure == Erasure::None
    }
}

/// A record's number in this state, in order of first submission. Not an id: it never leaves memory.
pub(crate) type RecordNumber = u32;

#[derive(Debug, Clone, Default)]
pub(crate) struct Records {
    table: IdTable,
    list: Chunks<Record>,
    owners: Interned<AgencyId>,
    schemas: Interned<SchemaId>,
    /// How far erasures have come, as it was said.
    erased: Chunks<(RecordNumber, Erasure)>,
    /// The last of it for each record; kept beside the records, since most are never erased.
    erasures: BTreeMap<RecordNumber, Erasure>,
    /// Few.
    at_risk: BTreeMap<RecordNumber, LeafIndex>,
}

saved_fields!(Records { list, owners, schemas, erased, at_risk } made of them { table, erasures });

#[derive(Debug, Clone)]
struct Record {
    id: RecordId,
    versions: Versions,
    owner: u16,
    schema: u16,
    withdrawn: bool,
    restricted: bool,
    held: bool,
    /// 0 where none is stated: nothing is kept until the first day of 1970.
    retain_until_day: u32,
    review_due_day: u32,
}

saved_fields!(Record { id, versions, owner, schema, withdrawn, restricted, held, retain_until_day, review_due_day });

/// Most records have one version, and need no list.
#[derive(Debug, Clone)]
enum Versions {
    One(LeafIndex),
    Many(Vec<LeafIndex>),
}

impl Versions {
    fn as_slice(&self) -> &[LeafIndex] {
        match self {
            Self::One(leaf) => std::slice::from_ref(leaf),
            Self::Many(leaves) => leaves,
        }
    }
}

impl Records {
    pub(crate) fn number(&self, id: &RecordId) -> Option<RecordNumber> {
        let place = self.table.find(id.as_bytes(), |place| self.list[place].id == *id)?;
        RecordNumber::try_from(place).ok()
    }

    pub(crate) fn get(&self, id: &RecordId) -> Option<RecordState<'_>> {
        self.number(id).map(|number| self.at(number))
    }

    pub(crate) fn at(&self, number: RecordNumber) -> RecordState<'_> {
        let record = self.record(number);
        let versions = record.versions.as_slice();
        RecordState {
            owner: self.owners.get(record.owner),
            schema: *self.schemas.get(record.schema),
            current: RecordVersion(u32::try_from(versions.len()).expect("versions are counted in 32 bits")),
            withdrawn: record.withdrawn,
            restricted: record.restricted,
            held: record.held,
            at_risk: self.at_risk.get(&number).copied(),
            erasure: self.erasures.get(&number).copied().unwrap_or_default(),
            retain_until_day: (record.retain_until_day > 0).then_some(record.retain_until_day),
            review_due_day: (record.review_due_day > 0).then_some(record.review_due_day),
            versions,
        }
    }

    pub(crate) fn id(&self, number: RecordNumber) -> &RecordId {
        &self.record(number).id
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = RecordId> {
        self.list.iter().map(|record| record.id)
    }

    pub(crate) fn add(&mut self, id: RecordId, owner: &AgencyId, schema: SchemaId, leaf: LeafIndex) {
        self.table.insert(id.as_bytes(), self.list.len(), |place| self.list[place].id.as_bytes());
        let (owner, schema) = (self.owners.number(owner), self.schemas.number(&schema));
        self.list.push(Record {
            id,
            versions: Versions::One(leaf),
            owner,
            schema,
            withdrawn: false,
            restricted: false,
            held: false,
            retain_until_day: 0,
            review_due_day: 0,
        });
    }

    pub(crate) fn correct(&mut self, number: RecordNumber, schema: SchemaId, leaf: LeafIndex) {
        let schema = self.schemas.number(&schema);
        let record = self.record_mut(number);
        record.schema = schema;
        match &mut record.versions {
            Versions::One(first) => record.versions = Versions::Many(vec![*first, leaf]),
            Versions::Many(leaves) => leaves.push(leaf),
        }
    }

    pub(crate) fn withdraw(&mut self, number: RecordNumber) {
        self.record_mut(number).withdrawn = true;
    }

    /// Until when it may be kept, and when it is to be looked at; 0 for a date that its current version does not state.
    pub(crate) fn retain(&mut self, number: RecordNumber, until_day: u32, review_day: u32) {
        let record = self.record_mut(number);
        (record.retain_until_day, record.review_due_day) = (until_day, review_day);
    }

    pub(crate) fn restrict(&mut self, number: RecordNumber, restricted: bool) {
        self.record_mut(number).restricted = restricted;
        if !restricted {
            self.at_risk.remove(&number);
        }
    }

    /// A person in it is in danger: it is restricted until somebody lifts that.
    pub(crate) fn flag_at_risk(&mut self, number: RecordNumber, leaf: LeafIndex) {
        self.restrict(number, true);
        self.at_risk.insert(number, leaf);
    }

    pub(crate) fn hold(&mut self, number: RecordNumber, held: bool) {
        self.record_mut(number).held = held;
    }

    pub(crate) fn erase(&mut self, number: RecordNumber, erasure: Erasure) {
        self.erased.push((number, erasure));
        self.erasures.insert(number, erasure);
    }

    /// Those whose erasure has been ordered and is not complete, with the entry that ordered it.
    pub(crate) fn erasures_due(&self) -> impl Iterator<Item = (RecordId, LeafIndex)> {
        self.erasures.iter().filter_map(|(number, erasure)| match erasure {
            Erasure::Ordered(leaf) => Some((*self.id(*number), *leaf)),
            Erasure::None | Erasure::Complete(_) => None,
        })
    }

    fn record(&self, number: RecordNumber) -> &Record {
        &self.list[number as usize]
    }

    fn record_mut(&mut self, number: RecordNumber) -> &mut Record {
        self.list.get_mut(number as usize).expect("a record has its number from this list")
    }

    fn rebuild(&mut self) {
        self.table = IdTable::of(self.list.iter().map(|record| record.id.as_bytes().as_slice()), self.list.len());
        for (number, erasure) in self.erased.iter().copied() {
            self.erasures.insert(number, erasure);
        }
    }
}

/// Values of which there are few, each kept once. Both agencies and schemas come from approved documents only.
#[derive(Debug, Clone)]
struct Interned<T> {
    values: Vec<T>,
}

impl<T> Default for Interned<T> {
    fn default() -> Self {
        Self { values: Vec::new() }
    }
}

impl<T: Clone + PartialEq> Interned<T> {
    fn number(&mut self, value: &T) -> u16 {
        let place = self.values.iter().position(|known| known == value).unwrap_or_else(|| {
            self.values.push(value.clone());
            self.values.len() - 1
        });
        u16::try_from(place).expect("65,536 agencies or schemas are never in force")
    }

    fn get(&self, number: u16) -> &T {
        &self.values[usize::from(number)]
    }
}

impl<T: Saved> Saved for Interned<T> {
    fn save(&self, to: &mut impl Write) -> Result<()> {
        self.values.save(to)
    }

    fn load(from: &mut impl Read) -> Result<Self> {
        Ok(Self { values: Saved::load(from)? })
    }
}

impl Saved for Versions {
    fn save(&self, to: &mut impl Write) -> Result<()> {
        let leaves = self.as_slice();
        u32::try_from(leaves.len()).expect("versions are counted in 32 bits").save(to)?;
        leaves.iter().try_for_each(|leaf| leaf.save(to))
    }

    fn load(from: &mut impl Read) -> Result<Self> {
        match u32::load(from)? {
            0 => Err(broken("a record without a version")),
            1 => Saved::load(from).map(Self::One),
            many => (0..many).map(|_| Saved::load(from)).collect::<Result<_>>().map(Self::Many),
        }
    }
}

impl Saved for Erasure {
    fn save(&self, to: &mut impl Write) -> Result<()> {
        match self {
            Self::None => 0_u8.save(to),
            Self::Ordered(leaf) => (1_u8, *leaf).save(to),
            Self::Complete(leaf) => (2_u8, *leaf).save(to),
        }
    }

    fn load(from: &mut impl Read) -> Result<Self> {
        match u8::load(from)? {
            0 => Ok(Self::None),
            1 => Saved::load(from).map(Self::Ordered),
            2 => Saved::load(from).map(Self::Complete),
            _ => Err(broken("an erasure is at none of its steps")),
        }
    }
}
