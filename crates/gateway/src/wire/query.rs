//! What auditors ask, parsed once, and the parts of the answer.

use std::sync::LazyLock;

use causeway_exchange::{
    Acting, AnswerBegin, AnswerEnd, AuditRow, Beside, DisclosedItem, Filter, Query, SaidFilter, Span, UnderAgreement,
};
use causeway_journal::{Outcome, v1 as journal};
use causeway_model::{LeafIndex, PurposeCode, Timestamp};
use causeway_proto::v1;
use causeway_proto::v1::query_response::Part;

use super::{optional, required};
use crate::status::Fault;

/// The operations by their words.
const OPERATIONS: [(&str, journal::Operation); 11] = [
    ("collection", journal::Operation::Collection),
    ("alteration", journal::Operation::Alteration),
    ("consultation", journal::Operation::Consultation),
    ("disclosure", journal::Operation::Disclosure),
    ("combination", journal::Operation::Combination),
    ("erasure", journal::Operation::Erasure),
    ("authentication", journal::Operation::Authentication),
    ("document", journal::Operation::Document),
    ("key", journal::Operation::Key),
    ("retention", journal::Operation::Retention),
    ("administration", journal::Operation::Administration),
];

const OPERATION_WORDS: [&str; OPERATIONS.len()] = {
    let mut words = [""; OPERATIONS.len()];
    let mut at = 0;
    while at < words.len() {
        words[at] = OPERATIONS[at].0;
        at += 1;
    }
    words
};

const DECISIONS: [(&str, journal::Decision); 2] =
    [("allowed", journal::Decision::Allowed), ("denied", journal::Decision::Denied)];

const DECISION_WORDS: [&str; 2] = [DECISIONS[0].0, DECISIONS[1].0];

static PURPOSE_WORDS: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| PurposeCode::ALL.iter().map(|code| code.as_str()).collect());

/// An audit query; what is empty or 0 is no filter.
pub(crate) fn query(request: &v1::QueryRequest) -> Result<Query, Fault> {
    let filter = Filter {
        record: optional("record_id", &request.record_id)?,
        said: said(request)?,
        acting: acting(request)?,
        recipient: optional("recipient", &request.recipient)?,
        under: under(request)?,
        span: Span {
            from: Timestamp(request.from_micros),
            to: (request.to_micros > 0).then_some(Timestamp(request.to_micros)),
            from_leaf: LeafIndex(request.from_leaf_index),
            to_leaf: (request.to_leaf_index > 0).then_some(LeafIndex(request.to_leaf_index)),
        },
    };
    let beside = Beside {
        proofs: request.prove,
        openings: request.with_openings,
        items: request.with_items,
        texts: request.with_texts,
    };
    let cursor = (!request.cursor.is_empty()).then(|| request.cursor.clone());
    Ok(Query { filter, newest_first: request.newest_first, limit: request.limit, cursor, beside })
}

fn said(request: &v1::QueryRequest) -> Result<SaidFilter, Fault> {
    Ok(SaidFilter {
        operation: word("operation", &request.operation, &OPERATIONS, &OPERATION_WORDS)?,
        decision: word("decision", &request.decision, &DECISIONS, &DECISION_WORDS)?,
        reason: optional("reason", &request.reason)?,
        purpose: optional("purpose", &request.purpose).map_err(|_| Fault::Word("purpose", &PURPOSE_WORDS))?,
        outcome: outcome(&request.outcome)?,
        request: optional("request_id", &request.request_id)?,
    })
}

fn outcome(text: &str) -> Result<Option<&'static str>, Fault> {
    if text.is_empty() {
        return Ok(None);
    }
    let known = Outcome::NAMES.into_iter().find(|name| *name == text);
    known.map(Some).ok_or(Fault::Word("outcome", &Outcome::NAMES))
}

/// One of a few words; none where the field is empty.
fn word<T: Copy>(
    name: &'static str,
    text: &str,
    known: &[(&str, T)],
    words: &'static [&'static str],
) -> Result<Option<T>, Fault> {
    if text.is_empty() {
        return Ok(None);
    }
    let found = known.iter().find(|(word, _)| *word == text).map(|(_, meant)| *meant);
    found.map(Some).ok_or(Fault::Word(name, words))
}

fn acting(request: &v1::QueryRequest) -> Result<Option<Acting>, Fault> {
    let (system, operator) = (optional("system", &request.system)?, optional("operator_id", &request.operator_id)?);
    if !request.agency.is_empty() {
        return Ok(Some(Acting { agency: required("agency", &request.agency)?, system, operator }));
    }
    match (system, operator) {
        (None, None) => Ok(None),
        (Some(_), _) => Err(Fault::Alone("system", "agency")),
        (None, Some(_)) => Err(Fault::Alone("operator_id", "agency")),
    }
}

fn under(request: &v1::QueryRequest) -> Result<Option<UnderAgreement>, Fault> {
    let (clause, pseudonym) = (optional("clause", &request.clause)?, optional("pseudonym", &request.pseudonym)?);
    if !request.agreement.is_empty() {
        let agreement = required("agreement", &request.agreement)?;
        return Ok(Some(UnderAgreement { agreement, clause, pseudonym }));
    }
    match (clause, pseudonym) {
        (None, None) => Ok(None),
        (Some(_), _) => Err(Fault::Alone("clause", "agreement")),
        (None, Some(_)) => Err(Fault::Alone("pseudonym", "agreement")),
    }
}

/// The beginning of an answer.
pub(crate) fn query_begin(begin: &AnswerBegin) -> v1::QueryResponse {
    part(Part::Begin(v1::QueryBegin {
        checkpoint: begin.checkpoint.to_string(),
        tree_size: begin.tree_size,
        asked_leaf_index: begin.asked.0,
    }))
}

/// A row of an answer.
pub(crate) fn query_row(row: AuditRow) -> v1::QueryResponse {
    part(Part::Row(v1::AuditRow {
        leaf_index: row.leaf.0,
        leaf_hash: row.leaf_hash.0.to_vec(),
        entry: row.entry,
        outcome: row.outcome.to_owned(),
        record_left: row.record_left,
        proof: row.proof.into_iter().map(|hash| hash.0.to_vec()).collect(),
        opened: row.openings.map(opened),
        items: row.items.into_iter().map(item).collect(),
        text: row.text,
    }))
}

/// The end of an answer.
pub(crate) fn query_end(end: AnswerEnd) -> v1::QueryResponse {
    part(Part::End(v1::QueryEnd { rows: end.rows, next_cursor: end.next_cursor.unwrap_or_default() }))
}

const fn part(part: Part) -> v1::QueryResponse {
    v1::QueryResponse { part: Some(part) }
}

fn opened(openings: journal::Openings) -> v1::OpenedTexts {
    let journal::Openings { nonce, purpose_text, operator, source_address, case_reference } = openings;
    v1::OpenedTexts { purpose_text, operator_id: operator, source_address, case_reference, nonce }
}

fn item(item: DisclosedItem) -> v1::DisclosedItem {
    v1::DisclosedItem {
        position: item.position.0,
        record_id: item.record.to_string(),
        version: item.version.map_or(0, |version| version.0),
        kind: item.kind.map(|kind| kind.to_string()).unwrap_or_default(),
        clause: item.clause.to_string(),
        left: item.left,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_all_there_are() {
        for (word, operation) in OPERATIONS {
            assert_eq!(operation.as_str_name(), format!("OPERATION_{}", word.to_uppercase()));
        }
        let numbers = (0..64).filter_map(|number| journal::Operation::try_from(number).ok()).count();
        assert_eq!(numbers, OPERATIONS.len() + 1, "and the one that is none");
    }

    #[test]
    fn what_is_not_of_its_form_is_refused_by_its_name() {
        type Change = fn(&mut v1::QueryRequest);
        let malformed: [(Change, &str); 10] = [
            (|r| r.record_id = "7".into(), "record_id"),
            (|r| r.agency = "NCA".into(), "agency"),
            (|r| r.system = "a b".into(), "system"),
            (|r| r.operator_id = "a\nb".into(), "operator_id"),
            (|r| r.operator_id = "x".repeat(64 << 10), "operator_id"),
            (|r| r.recipient = "\u{1b}[2J".into(), "recipient"),
            (|r| r.agreement = "isa".into(), "agreement"),
            (|r| r.clause = "3.1".into(), "clause"),
            (|r| r.reason = "a\u{0}b".into(), "reason"),
            (|r| r.request_id = "ff".into(), "request_id"),
        ];
        for (change, name) in malformed {
            let mut request = v1::QueryRequest::default();
            change(&mut request);
            assert_eq!(query(&request).expect_err(name), Fault::Field(name));
        }
        let words: [(Change, &str); 4] = [
            (|r| r.operation = "Disclosure".into(), "administration"),
            (|r| r.decision = "no".into(), "denied"),
            (|r| r.purpose = "curiosity".into(), "criminal-proceedings"),
            (|r| r.outcome = "fine".into(), "already-done"),
        ];
        for (change, known) in words {
            let mut request = v1::QueryRequest::default();
            change(&mut request);
            let fault = query(&request).expect_err(known);
            assert!(matches!(fault, Fault::Word(..)) && fault.message().contains(known), "{}", fault.message());
        }
    }

    #[test]
    fn what_needs_another_field_is_not_stated_alone() {
        type Change = fn(&mut v1::QueryRequest);
        let alone: [(Change, &str, &str); 4] = [
            (|r| r.system = "audit".into(), "system", "agency"),
            (|r| r.operator_id = "a.clerk".into(), "operator_id", "agency"),
            (|r| r.clause = "c3.1".into(), "clause", "agreement"),
            (|r| r.pseudonym = "x".into(), "pseudonym", "agreement"),
        ];
        for (change, name, other) in alone {
            let mut request = v1::QueryRequest::default();
            change(&mut request);
            assert_eq!(query(&request).expect_err(name), Fault::Alone(name, other));
            request.agency = "gb-nca".into();
            request.agreement = "ISA-AL-2026-014".into();
            query(&request).expect(name);
        }
    }
}
