//! What the items of one page have in common, looked up once for all of them: the feed's keys, the schemas, and the form in which each
//! field leaves. It decides nothing: what is here was found by the same functions, from the same values.

use std::sync::{Arc, Mutex, PoisonError};

use causeway_agreement::Agreement;
use causeway_crypto::FeedKey;
use causeway_model::{ClauseId, FieldNumber, FieldPath, Step};
use causeway_schema::{Projected, Schema};

use super::newest_of;
use crate::Error;
use crate::governed::Governed;
use crate::slot::Live;
use crate::verdict::Through;

/// Tables of forms that are kept. A page is mostly of a clause or two; where groups make each batch coarser in its own way, those
/// of one batch follow each other.
const TABLES: usize = 16;

/// What has been looked up for one page of one feed, and is let go with it.
#[derive(Debug, Default)]
pub(crate) struct LookedUp {
    /// What is in force, since the page was begun.
    now: Option<Arc<Governed>>,
    /// The keys of the feed's epochs. One that a position is under does not change any more.
    keys: Vec<(u32, Arc<FeedKey>)>,
    schemas: Vec<NewestFor>,
    tables: Vec<Arc<Forms>>,
}

/// The newest schema of what a body names, by what was in force at some time.
#[derive(Debug)]
struct NewestFor {
    governed: Arc<Governed>,
    named: Box<str>,
    schema: Arc<Schema>,
}

/// In what form each field leaves of the records that one clause lets go, by one schema.
#[derive(Debug)]
pub(super) struct Forms {
    /// The version of the agreement that the clause is of. Held, so that no other can take its place in memory.
    agreement: Arc<Agreement>,
    clause: ClauseId,
    recoding: Vec<(FieldPath, Option<Step>)>,
    schema: Arc<Schema>,
    child: bool,
    by_number: Vec<Option<Projected>>,
}

/// What has been looked up for one page, where several threads make parts of it: each takes one that is not in use.
#[derive(Debug, Clone)]
pub(crate) struct Shelf {
    now: Arc<Governed>,
    unused: Arc<Mutex<Vec<LookedUp>>>,
}

/// One that is in use, until it is dropped.
#[derive(Debug)]
pub(crate) struct Borrowed {
    from: Shelf,
    pub(crate) looked_up: LookedUp,
}

impl Shelf {
    /// Of a page that is decided on by what is in force now.
    pub(crate) fn of(now: Arc<Governed>) -> Self {
        Self { now, unused: Arc::default() }
    }

    /// Takes one, or begins one.
    pub(crate) fn borrow(&self) -> Borrowed {
        let unused = self.unused.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let begun = || LookedUp { now: Some(Arc::clone(&self.now)), ..LookedUp::default() };
        Borrowed { from: self.clone(), looked_up: unused.unwrap_or_else(begun) }
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        let looked_up = std::mem::take(&mut self.looked_up);
        self.from.unused.lock().unwrap_or_else(PoisonError::into_inner).push(looked_up);
    }
}

impl LookedUp {
    /// What is in force, as it was when this was first asked.
    pub(super) fn now(&mut self, now: impl FnOnce() -> Arc<Governed>) -> Arc<Governed> {
        Arc::clone(self.now.get_or_insert_with(now))
    }

    /// The key of an epoch; `find` is asked where it is not known yet.
    pub(super) fn key(&mut self, epoch: u32, find: impl FnOnce() -> Option<FeedKey>) -> Option<Arc<FeedKey>> {
        if let Some((_, key)) = self.keys.iter().find(|(known, _)| *known == epoch) {
            return Some(Arc::clone(key));
        }
        let key = Arc::new(find()?);
        self.keys.push((epoch, Arc::clone(&key)));
        Some(key)
    }

    /// The newest schema of the major version that a body names.
    ///
    /// # Errors
    /// `Corrupt` and `Internal` for a name that no schema had.
    pub(super) fn schema(&mut self, governed: &Arc<Governed>, named: &str) -> Result<Arc<Schema>, Error> {
        let known = |known: &&NewestFor| Arc::ptr_eq(&known.governed, governed) && *known.named == *named;
        if let Some(known) = self.schemas.iter().rev().find(known) {
            return Ok(Arc::clone(&known.schema));
        }
        let schema = newest_of(governed, named)?;
        let (governed, named) = (Arc::clone(governed), named.into());
        self.schemas.push(NewestFor { governed, named, schema: Arc::clone(&schema) });
        Ok(schema)
    }

    /// In what form each field leaves of a record that is shown through `through`, which is of a live release.
    pub(super) fn forms(
        &mut self,
        live: &Live,
        through: &Through<'_>,
        schema: &Arc<Schema>,
        child: bool,
    ) -> Arc<Forms> {
        let known = |table: &&Arc<Forms>| table.is_of(live, through, schema, child);
        if let Some(table) = self.tables.iter().rev().find(known) {
            return Arc::clone(table);
        }
        if self.tables.len() == TABLES {
            self.tables.remove(0);
        }
        let table = Arc::new(Forms::new(live, through, schema, child));
        self.tables.push(Arc::clone(&table));
        table
    }
}

impl Forms {
    fn new(live: &Live, through: &Through<'_>, schema: &Arc<Schema>, child: bool) -> Self {
        let mut by_number = Vec::new();
        for spec in schema.fields().iter() {
            let number = usize::from(spec.number.0);
            by_number.resize(by_number.len().max(number + 1), None);
            by_number[number] = through.form(child, spec);
        }
        Self {
            agreement: Arc::clone(&live.agreement),
            clause: through.clause.id.clone(),
            recoding: through.recoding.to_vec(),
            schema: Arc::clone(schema),
            child,
            by_number,
        }
    }

    pub(super) fn is_of(&self, live: &Live, through: &Through<'_>, schema: &Arc<Schema>, child: bool) -> bool {
        Arc::ptr_eq(&self.agreement, &live.agreement)
            && Arc::ptr_eq(&self.schema, schema)
            && self.child == child
            && self.clause == through.clause.id
            && self.recoding == through.recoding
    }

    /// The form of a field; none where it does not leave.
    pub(super) fn of(&self, number: FieldNumber) -> Option<Projected> {
        self.by_number.get(usize::from(number.0)).copied().flatten()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use causeway_journal::ReleaseTerms;
    use causeway_model::{LeafIndex, SchemaId};
    use causeway_schema::Schemas;

    use super::*;

    fn config(path: &str) -> String {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config").join(path);
        fs::read_to_string(path).expect("the shipped configuration is read")
    }

    fn schemas() -> Vec<Arc<Schema>> {
        let ids = ["trafficking-route/1.0", "trafficking-route/1.1", "victim-profile/1.0", "victim-profile/1.1"];
        let ids: Vec<SchemaId> = ids.iter().map(|id| id.parse().expect("a schema id")).collect();
        let text = |id: &SchemaId| config(&format!("schemas/{}.json", id.to_string().replace('/', "-")));
        let texts: Vec<(SchemaId, String)> = ids.iter().map(|id| (*id, text(id))).collect();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/schemas/codes");
        let lists = fs::read_dir(folder).expect("the code lists are there");
        let lists: Vec<String> = lists
            .map(|list| fs::read_to_string(list.expect("an entry").path()).expect("a code list is read"))
            .collect();
        let texts: Vec<(SchemaId, &str)> = texts.iter().map(|(id, text)| (*id, text.as_str())).collect();
        let lists: Vec<&str> = lists.iter().map(String::as_str).collect();
        let compiled = Schemas::compile(&texts, &lists).expect("they compile");
        ids.iter().map(|id| Arc::clone(compiled.get(*id).expect("compiled"))).collect()
    }

    /// Two versions of an agreement whose clauses have the same ids, and lists of their own for children.
    fn versions() -> [Arc<Agreement>; 2] {
        let mut first = Agreement::parse(&config("agreements/ISA-AL-2026-014.toml")).expect("well formed");
        for clause in &mut first.clauses {
            clause.child_fields = clause.fields.iter().take(4).cloned().collect();
        }
        let mut second = first.clone();
        for clause in &mut second.clauses {
            clause.fields.truncate(6);
            clause.child_fields.truncate(2);
        }
        [Arc::new(first), Arc::new(second)]
    }

    #[test]
    fn a_form_that_is_looked_up_is_the_one_that_is_decided() {
        let (schemas, versions) = (schemas(), versions());
        let (mut looked_up, mut seen) = (LookedUp::default(), BTreeSet::new());
        let listed = versions[0].clauses.iter().map(|clause| clause.fields[1].0.clone());
        let recodings: Vec<_> = [Vec::new()].into_iter().chain(listed.map(|path| vec![(path, None)])).collect();
        for _again in 0..2 {
            for (version, recoding) in versions.iter().flat_map(|version| recodings.iter().map(move |r| (version, r))) {
                for (clause, child) in version.clauses.iter().flat_map(|clause| [(clause, false), (clause, true)]) {
                    let terms = ReleaseTerms {
                        agreement_version: version.version,
                        clause: clause.id.clone(),
                        recoding: recoding.clone(),
                    };
                    let agreement = Arc::clone(version);
                    let live = Live { made: LeafIndex(1), released: LeafIndex(2), agreement, terms, persons: None };
                    let through = Through { clause, recoding: &live.terms.recoding };
                    for schema in &schemas {
                        let table = looked_up.forms(&live, &through, schema, child);
                        let kept = looked_up.forms(&live, &through, schema, child);
                        assert!(Arc::ptr_eq(&table, &kept), "it is made once");
                        for spec in schema.fields().iter() {
                            assert_eq!(table.of(spec.number), through.form(child, spec), "{}", spec.path);
                        }
                        assert_eq!(table.of(FieldNumber(u16::MAX)), None);
                        seen.insert(format!("{:?}", table.by_number));
                    }
                }
            }
        }
        assert!(looked_up.tables.len() == TABLES && seen.len() > TABLES, "{} tables differ", seen.len());
    }
}
