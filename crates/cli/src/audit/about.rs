//! Whether a row is about what was asked for: recipient, agreement, clause, the person and the outcome, as far as its bytes and what comes
//! beside them show it.

use causeway_journal::v1::Entry;
use causeway_proto::v1::{AuditRow, QueryRequest};

/// The filter that a row does not satisfy. Which record an entry concerns is not always in its bytes and is not held to the question.
pub(crate) fn unsatisfied(asked: &QueryRequest, entry: &Entry, wire: &AuditRow) -> Option<&'static str> {
    let recipient = entry.recipient.as_ref().map_or("", |to| to.agency.as_str());
    let person = wire.opened.as_ref().map_or("", |opened| opened.operator_id.as_str());
    let named = |agreement: &str| entry.agreements().any(|id| id == agreement);
    let other = |wanted: &str, there: &str| !wanted.is_empty() && wanted != there;
    [
        ("recipient", other(&asked.recipient, recipient)),
        ("agreement", !asked.agreement.is_empty() && asked.pseudonym.is_empty() && !named(&asked.agreement)),
        ("clause", !asked.clause.is_empty() && rests_on_others(entry, &asked.agreement, &asked.clause)),
        // Openings that have been erased show nobody.
        ("person", !person.is_empty() && other(&asked.operator_id, person)),
        ("outcome", other(&asked.outcome, &wire.outcome)),
    ]
    .into_iter()
    .find_map(|(filter, fails)| fails.then_some(filter))
}

/// Whether an entry names clauses and none of them is this one. A page names none: its items do.
fn rests_on_others(entry: &Entry, agreement: &str, clause: &str) -> bool {
    let decided = entry.recipient.iter().filter(|to| to.agreement == agreement).map(|to| to.clause.as_str());
    let batch = entry.releases.iter().filter(|batch| batch.feed == agreement);
    let released = batch.flat_map(|batch| batch.releases.iter().map(|release| release.clause.as_str()));
    let named: Vec<&str> = decided.chain(released).filter(|named| !named.is_empty()).collect();
    !named.is_empty() && !named.contains(&clause)
}

#[cfg(test)]
mod tests {
    use causeway_journal::v1::{Operation, Page, Recipient};
    use causeway_proto::v1::OpenedTexts;

    use super::super::test_answers::{entry, row};
    use super::*;

    #[test]
    fn a_row_is_held_to_every_filter_that_it_can_show() {
        let recipient = |clause: &str| Recipient {
            agency: "al-police".into(),
            agreement: "ISA-AL-2026-014".into(),
            clause: clause.into(),
            ..Recipient::default()
        };
        let mut row =
            row(3, Entry { recipient: Some(recipient("c3.1")), ..entry(1, Operation::Consultation, "explained") });
        row.wire.opened = Some(OpenedTexts { operator_id: "inspector-7".into(), ..OpenedTexts::default() });
        let asked = QueryRequest {
            recipient: "al-police".into(),
            agreement: "ISA-AL-2026-014".into(),
            clause: "c3.1".into(),
            operator_id: "inspector-7".into(),
            outcome: "effective".into(),
            ..QueryRequest::default()
        };
        let found = |asked: &QueryRequest, row: &super::super::checks::Row| unsatisfied(asked, &row.entry, &row.wire);
        assert_eq!(found(&asked, &row), None);
        let others = [
            ("recipient", QueryRequest { recipient: "vn-police".into(), ..asked.clone() }),
            ("agreement", QueryRequest { agreement: "ISA-VN-2026-021".into(), ..asked.clone() }),
            ("clause", QueryRequest { clause: "c3.2".into(), ..asked.clone() }),
            ("person", QueryRequest { operator_id: "inspector-8".into(), ..asked.clone() }),
            ("outcome", QueryRequest { outcome: "void".into(), ..asked.clone() }),
        ];
        for (filter, other) in others {
            assert_eq!(found(&other, &row), Some(filter));
        }
        // A page is found by the clauses of its items, and who is not shown may be the one.
        let page = Page { feed: "ISA-AL-2026-014".into(), ..Page::default() };
        (row.entry.recipient, row.entry.page, row.wire.opened) = (Some(recipient("")), Some(page), None);
        assert_eq!(
            found(&QueryRequest { clause: "c3.2".into(), operator_id: "inspector-8".into(), ..asked }, &row),
            None
        );
    }
}
