//! The records that entries have made: owner, schema, current version, withdrawn or not.

use causeway_model::{AgencyId, LeafIndex, RecordId, RecordVersion, SchemaId};

use super::id_table::IdTable;

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
    /// The entries that made its versions, the first first.
    pub versions: &'a [LeafIndex],
}

/// A record's number in this state, in order of first submission. Not an id: it never leaves memory.
pub(crate) type RecordNumber = u32;

#[derive(Debug, Clone, Default)]
pub(crate) struct Records {
    table: IdTable,
    list: Vec<Record>,
    owners: Interned<AgencyId>,
    schemas: Interned<SchemaId>,
}

#[derive(Debug, Clone)]
struct Record {
    id: RecordId,
    versions: Versions,
    owner: u16,
    schema: u16,
    withdrawn: bool,
}

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
        self.list.push(Record { id, versions: Versions::One(leaf), owner, schema, withdrawn: false });
    }

    pub(crate) fn correct(&mut self, number: RecordNumber, schema: SchemaId, leaf: LeafIndex) {
        let schema = self.schemas.number(&schema);
        let record = &mut self.list[number as usize];
        record.schema = schema;
        match &mut record.versions {
            Versions::One(first) => record.versions = Versions::Many(vec![*first, leaf]),
            Versions::Many(leaves) => leaves.push(leaf),
        }
    }

    pub(crate) fn withdraw(&mut self, number: RecordNumber) {
        self.list[number as usize].withdrawn = true;
    }

    fn record(&self, number: RecordNumber) -> &Record {
        &self.list[number as usize]
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
