//! What is checked of an answer before anything of it is shown: its form, its checkpoint, that each row is the leaf it says it is and is
//! what was asked for, its inclusion proof, the order and the count.

use causeway_crypto::Digest;
use causeway_journal::v1::Entry;
use causeway_journal::{Checkpoint, decode_entry, leaf_hash, verify_inclusion};
use causeway_model::LeafIndex;
use causeway_proto::v1::query_response::Part;
use causeway_proto::v1::{AuditRow, QueryBegin, QueryEnd, QueryRequest, QueryResponse};
use causeway_verify::{decision_name, operation_name};

use super::{about, beside};
use crate::verifier_keys::VerifierKeys;
use crate::{Failure, evidence};
use causeway_verify::hex::hex;

/// An entry of an answer, checked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    /// The entry, decoded.
    pub(crate) entry: Entry,
    /// As it was received.
    pub(crate) wire: AuditRow,
}

impl Row {
    /// Its place.
    pub(crate) const fn leaf(&self) -> u64 {
        self.wire.leaf_index
    }

    /// The operator id, where the auditor may see it and it is still there.
    pub(crate) fn person(&self) -> Option<&str> {
        let opened = self.wire.opened.as_ref()?;
        Some(opened.operator_id.as_str()).filter(|person| !person.is_empty())
    }
}

/// What an answer rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Begin {
    /// The signed note, as it was received.
    pub(crate) note: String,
    /// What it says.
    pub(crate) checkpoint: Checkpoint,
}

/// One part of an answer.
#[derive(Debug)]
pub(crate) enum Told {
    /// A page of the answer begins.
    Begin(Begin),
    /// An entry.
    Row(Box<Row>),
    /// The page ends; where to go on, empty where there is no more.
    End(String),
}

/// The checks of one question's answer, over all its pages.
#[derive(Debug)]
pub(crate) struct Checks {
    asked: QueryRequest,
    keys: Option<VerifierKeys>,
    begun: Option<Begin>,
    open: bool,
    last: Option<u64>,
    rows_of_page: u64,
}

impl Checks {
    /// Of the answer to this question; its checkpoints signed by one of these keys, where there are any.
    pub(crate) const fn new(asked: QueryRequest, keys: Option<VerifierKeys>) -> Self {
        Self { asked, keys, begun: None, open: false, last: None, rows_of_page: 0 }
    }

    /// As [`new`](Self::new), for an answer that goes on after this row and this checkpoint.
    pub(crate) fn after(
        asked: QueryRequest,
        keys: Option<VerifierKeys>,
        last: Option<u64>,
        begun: Option<Begin>,
    ) -> Self {
        Self { last, begun, ..Self::new(asked, keys) }
    }

    /// The checkpoint of the newest page.
    pub(crate) const fn begun(&self) -> Option<&Begin> {
        self.begun.as_ref()
    }

    /// The last row's place.
    pub(crate) const fn last(&self) -> Option<u64> {
        self.last
    }

    /// Takes the next part; none for one that this program does not know.
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub(crate) fn take(&mut self, response: QueryResponse) -> Result<Option<Told>, Failure> {
        match response.part {
            Some(Part::Begin(begin)) => self.begin(begin).map(|begin| Some(Told::Begin(begin))),
            Some(Part::Row(row)) => self.row(row).map(|row| Some(Told::Row(Box::new(row)))),
            Some(Part::End(end)) => self.end(end).map(|cursor| Some(Told::End(cursor))),
            None => Ok(None),
        }
    }

    fn begin(&mut self, begin: QueryBegin) -> Result<Begin, Failure> {
        if self.open {
            return Err(broken("it begins twice"));
        }
        let key = self.keys.as_ref().map(|keys| keys.signer(&begin.checkpoint)).transpose()?;
        let checkpoint = evidence::check_checkpoint(&begin.checkpoint, key)?;
        if checkpoint.size != begin.tree_size {
            return Err(broken("its tree size is not that of its checkpoint"));
        }
        if let Some(before) = &self.begun {
            let (then, now) = (&before.checkpoint, &checkpoint);
            if then.origin != now.origin || then.size > now.size || (then.size == now.size && then.root != now.root) {
                return Err(broken(
                    "its checkpoint does not follow the one before: keep both and tell whoever watches over the journal",
                ));
            }
        }
        let begun = Begin { note: begin.checkpoint, checkpoint };
        (self.begun, self.open, self.rows_of_page) = (Some(begun.clone()), true, 0);
        Ok(begun)
    }

    fn row(&mut self, wire: AuditRow) -> Result<Row, Failure> {
        let at = |what: &str| broken(&format!("entry {}: {what}", wire.leaf_index));
        let Some(begun) = self.begun.as_ref().filter(|_| self.open) else {
            return Err(broken("a row comes before its beginning"));
        };
        let hash = leaf_hash(&wire.entry);
        if hash.0.as_slice() != wire.leaf_hash {
            return Err(at("its hash is not that of its bytes"));
        }
        if wire.leaf_index >= begun.checkpoint.size {
            return Err(at("it is not below the checkpoint of the answer"));
        }
        let in_order = self.last.is_none_or(|last| match self.asked.newest_first {
            true => wire.leaf_index < last,
            false => wire.leaf_index > last,
        });
        if !in_order {
            return Err(at("it comes twice, or out of order"));
        }
        let entry = decode_entry(&wire.entry).map_err(|fault| at(&format!("it is no entry: {fault}")))?;
        let filter = unsatisfied(&self.asked, &entry, wire.leaf_index)
            .or_else(|| about::unsatisfied(&self.asked, &entry, &wire));
        if let Some(filter) = filter {
            return Err(at(&format!("it is not what was asked for ({filter})")));
        }
        if let Some(fault) = beside::fault(&entry, &wire) {
            return Err(at(fault));
        }
        if self.asked.prove {
            let hashes = wire.proof.iter().map(|hash| Digest::try_from(hash.as_slice())).collect::<Result<Vec<_>, _>>();
            let hashes = hashes.map_err(|_| at("a hash of its proof is not of 32 bytes"))?;
            let Checkpoint { size, root, .. } = &begun.checkpoint;
            let included = verify_inclusion(hash, LeafIndex(wire.leaf_index), *size, &hashes, *root);
            included.map_err(|fault| at(&format!("its inclusion proof: {fault}")))?;
        }
        self.last = Some(wire.leaf_index);
        self.rows_of_page += 1;
        Ok(Row { entry, wire })
    }

    fn end(&mut self, end: QueryEnd) -> Result<String, Failure> {
        if !self.open {
            return Err(broken("it ends before it begins"));
        }
        if end.rows != self.rows_of_page {
            return Err(broken(&format!("it says {} rows, and {} came", end.rows, self.rows_of_page)));
        }
        self.open = false;
        Ok(end.next_cursor)
    }
}

/// The filter that an entry does not satisfy, of those that its own bytes and its place decide.
fn unsatisfied(asked: &QueryRequest, entry: &Entry, leaf: u64) -> Option<&'static str> {
    let other = |wanted: &str, there: &str| !wanted.is_empty() && wanted != there;
    let actor = entry.actor.clone().unwrap_or_default();
    let before = |bound: u64, value: u64| bound == 0 || value < bound;
    [
        ("leaves", leaf < asked.from_leaf_index || !before(asked.to_leaf_index, leaf)),
        ("time", entry.time_micros < asked.from_micros || !before(asked.to_micros, entry.time_micros)),
        ("operation", other(&asked.operation, operation_name(entry.operation()))),
        ("decision", other(&asked.decision, decision_name(entry.decision()))),
        ("reason", other(&asked.reason, &entry.reason)),
        ("purpose", other(&asked.purpose, &entry.purpose_code)),
        ("agency", other(&asked.agency, &actor.agency)),
        ("system", other(&asked.system, &actor.system)),
        ("request", other(&asked.request_id.to_ascii_lowercase(), &hex(&entry.request_id))),
    ]
    .into_iter()
    .find_map(|(filter, fails)| fails.then_some(filter))
}

fn broken(what: &str) -> Failure {
    Failure::does_not_hold(format!("the answer: {what}"))
}

#[cfg(test)]
mod tests {
    use causeway_journal::v1::Operation;

    use super::super::test_answers::{Journal, entry, keys};
    use super::*;

    fn taken(checks: &mut Checks, parts: Vec<QueryResponse>) -> Result<usize, String> {
        let mut rows = 0;
        for part in parts {
            rows += usize::from(matches!(checks.take(part).map_err(|fault| fault.to_string())?, Some(Told::Row(_))));
        }
        Ok(rows)
    }

    fn journal() -> Journal {
        Journal::of((0..9).map(|number| entry(number, Operation::Consultation, "receipt")))
    }

    fn asked() -> QueryRequest {
        QueryRequest { prove: true, operation: "consultation".into(), ..QueryRequest::default() }
    }

    #[test]
    fn an_answer_that_holds_is_taken_page_after_page() {
        let mut journal = journal();
        let mut checks = Checks::new(asked(), Some(keys().1));
        assert_eq!(taken(&mut checks, journal.answer(&[0, 3, 4], "more")), Ok(3));
        journal.push(entry(9, Operation::Consultation, "receipt"));
        assert_eq!(taken(&mut checks, journal.answer(&[5, 9], "")), Ok(2));
        let newest = QueryRequest { newest_first: true, ..asked() };
        assert_eq!(taken(&mut Checks::new(newest, None), journal.answer(&[5, 3, 0], "")), Ok(3));
    }

    /// One thing is changed in an answer.
    type Change = fn(&mut Vec<QueryResponse>);

    fn row(parts: &mut [QueryResponse], at: usize) -> &mut AuditRow {
        match &mut parts[at].part {
            Some(Part::Row(row)) => row,
            other => panic!("{other:?} is no row"),
        }
    }

    #[test]
    fn every_change_of_an_answer_is_found() {
        let changes: [(&str, Change); 11] = [
            ("hash is not", |parts| row(parts, 1).entry[3] ^= 1),
            ("twice, or out of order", |parts| parts.insert(2, parts[1].clone())),
            ("twice, or out of order", |parts| parts.swap(1, 2)),
            ("inclusion proof", |parts| row(parts, 1).leaf_index += 1),
            ("inclusion proof", |parts| row(parts, 1).proof[0][0] ^= 1),
            ("inclusion proof", |parts| row(parts, 1).proof.clear()),
            ("3 rows, and 2 came", |parts| drop(parts.remove(3))),
            ("before its beginning", |parts| drop(parts.remove(0))),
            ("begins twice", |parts| parts.insert(1, parts[0].clone())),
            ("tree size", |parts| match &mut parts[0].part {
                Some(Part::Begin(begin)) => begin.tree_size += 1,
                _ => panic!("the beginning comes first"),
            }),
            ("signature", |parts| match &mut parts[0].part {
                Some(Part::Begin(begin)) => begin.checkpoint = begin.checkpoint.replacen("9", "8", 1),
                _ => panic!("the beginning comes first"),
            }),
        ];
        for (fault, change) in changes {
            let mut parts = journal().answer(&[0, 3, 4], "");
            change(&mut parts);
            let found = taken(&mut Checks::new(asked(), Some(keys().1)), parts).expect_err(fault);
            assert!(found.contains(fault), "{fault}: {found}");
        }
    }

    #[test]
    fn a_row_that_was_not_asked_for_is_refused() {
        let others = [
            QueryRequest { operation: "disclosure".into(), ..QueryRequest::default() },
            QueryRequest { decision: "denied".into(), ..QueryRequest::default() },
            QueryRequest { reason: "explained".into(), ..QueryRequest::default() },
            QueryRequest { agency: "vn-police".into(), ..QueryRequest::default() },
            QueryRequest { from_leaf_index: 1, ..QueryRequest::default() },
            QueryRequest { from_micros: u64::MAX, ..QueryRequest::default() },
            QueryRequest { to_micros: 1, ..QueryRequest::default() },
            QueryRequest { request_id: "00".into(), ..QueryRequest::default() },
            QueryRequest { recipient: "vn-police".into(), ..QueryRequest::default() },
            QueryRequest { agreement: "ISA-VN-2026-021".into(), ..QueryRequest::default() },
            QueryRequest { outcome: "void".into(), ..QueryRequest::default() },
        ];
        for asked in others {
            let found = taken(&mut Checks::new(asked.clone(), None), journal().answer(&[0], "")).expect_err("another");
            assert!(found.contains("not what was asked for"), "{asked:?}: {found}");
        }
    }

    #[test]
    fn a_journal_that_became_shorter_is_noticed() {
        let mut checks = Checks::new(asked(), None);
        taken(&mut checks, journal().answer(&[0], "more")).expect("holds");
        let shorter = Journal::of((0..5).map(|number| entry(number, Operation::Consultation, "receipt")));
        assert!(taken(&mut checks, shorter.answer(&[1], "")).expect_err("rolled back").contains("does not follow"));
    }
}
