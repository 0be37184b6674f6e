//! The report of transfers: what is counted, and by which documents it is described.

use causeway_journal::REASON_IDENTITY_COLLECTED;
use causeway_journal::v1::{Document, DocumentKind, Entry, Operation, Page, Recipient};
use causeway_proto::v1::DisclosedItem;

use super::*;
use crate::audit::test_answers::{entry, row};

const AGREEMENT: &str = include_str!("../../../../../../../config/agreements/ISA-AL-2026-014.toml");
const PROFILE: &str = include_str!("../../../../../../../config/schemas/victim-profile-1.0.json");
const LISTS: [&str; 11] = [
    include_str!("../../../../../../../config/schemas/codes/causeway.json"),
    include_str!("../../../../../../../config/schemas/codes/country.json"),
    include_str!("../../../../../../../config/schemas/codes/ctdc.json"),
    include_str!("../../../../../../../config/schemas/codes/handling.json"),
    include_str!("../../../../../../../config/schemas/codes/htcds.json"),
    include_str!("../../../../../../../config/schemas/codes/hti.json"),
    include_str!("../../../../../../../config/schemas/codes/isic.json"),
    include_str!("../../../../../../../config/schemas/codes/nrm.json"),
    include_str!("../../../../../../../config/schemas/codes/organisation.json"),
    include_str!("../../../../../../../config/schemas/codes/region.json"),
    include_str!("../../../../../../../config/schemas/codes/transport.json"),
];

fn documents() -> Documents {
    let mut documents = Documents::default();
    let mut take = |kind: DocumentKind, id: &str, text: &str| {
        let document = Document { kind: kind.into(), id: id.into(), version: 1, ..Document::default() };
        let mut row = row(1, Entry { document: Some(document), ..entry(0, Operation::Document, "activated") });
        row.wire.text = text.into();
        documents.take(&row);
    };
    take(DocumentKind::Agreement, "ISA-AL-2026-014", AGREEMENT);
    take(DocumentKind::Schema, "victim-profile/1.0", PROFILE);
    LISTS.iter().enumerate().for_each(|(number, list)| take(DocumentKind::CodeList, &number.to_string(), list));
    documents
}

fn disclosure(leaf: u64, minute: u64, left: [bool; 2]) -> Row {
    let recipient = Recipient {
        agency: "al-police".into(),
        agreement: "ISA-AL-2026-014".into(),
        agreement_version: 1,
        ..Recipient::default()
    };
    let page = Page { feed: "ISA-AL-2026-014".into(), from_position: 1, to_position: 2, ..Page::default() };
    let entry = Entry {
        page: Some(page),
        recipient: Some(recipient),
        purpose_code: "investigation".into(),
        ..entry(minute, Operation::Disclosure, "disclosed")
    };
    let mut row = row(leaf, entry);
    row.wire.items = left
        .into_iter()
        .zip(1_u64..)
        .map(|(left, position)| DisclosedItem {
            record_id: format!("{position:032x}"),
            version: 1,
            kind: "victim-profile".into(),
            clause: "ISA-AL-2026-014/c3.1".into(),
            left,
            ..DisclosedItem::default()
        })
        .collect();
    row
}

#[test]
fn a_recipients_day_is_one_line_with_its_justification_and_what_it_was() {
    let documents = documents();
    let mut report = Report::new(Per::Day, &documents);
    report.take(&disclosure(5, 1, [true, true]));
    report.take(&disclosure(7, 2, [true, false]));
    report.take(&disclosure(9, 3, [false, false]));
    report.take(&disclosure(11, 1_441, [true, false]));
    let forms = report.forms();
    assert_eq!(forms.len(), 2, "two days");
    assert_eq!((forms[0].when.as_str(), forms[0].records, &forms[0].leaf_indices), ("2026-11-22", 2, &vec![5, 7]));
    assert_eq!(forms[0].readings, 3, "one of the two was read again");
    assert_eq!(forms[0].transfer_condition, Some("s75_instrument"));
    assert!(forms[0].justification.starts_with("DPA 2018 s.75(1)(a)"));
    let description = forms[0].description.clone().expect("the clause is known");
    assert_eq!(description.link, ["subject_reference"]);
    assert!(description.coarse.contains(&"referral_date (quarter)".to_owned()), "{description:?}");
    assert!(description.open.contains(&"nrm_route".to_owned()), "{description:?}");
    assert!(description.other.is_empty(), "{description:?}");
    assert!(
        report.sentence().starts_with(
            "2 records and identities were transferred in 4 readings, as far as this auditor may see; 1 pages"
        ),
        "{}",
        report.sentence()
    );
    let text = report.lines().join("\n");
    assert!(
        text.contains("c3.1 gives of a victim-profile (victim-profile/1.0):")
            && text.contains("as this feed's pseudonyms"),
        "{text}"
    );
}

#[test]
fn each_transfer_is_a_line_where_that_is_asked_and_an_identity_is_one() {
    let documents = documents();
    let mut report = Report::new(Per::Transfer, &documents);
    report.take(&disclosure(5, 1, [true, true]));
    report.take(&disclosure(7, 2, [true, false]));
    let mut identity = disclosure(9, 3, [true, true]);
    (identity.entry.page, identity.entry.reason) = (None, REASON_IDENTITY_COLLECTED.into());
    identity.wire.items.clear();
    report.take(&identity);
    let mut owners = identity.clone();
    owners.entry.recipient = Some(Recipient { agency: "gb-nca".into(), ..Recipient::default() });
    report.take(&owners);
    let forms = report.forms();
    assert_eq!(
        forms.iter().map(|form| form.category.as_str()).collect::<Vec<_>>(),
        ["victim-profile", "victim-profile", "identity"]
    );
    assert_eq!(forms[0].when, "2026-11-22T00:01:00.000Z");
}

#[test]
fn without_documents_and_items_the_report_says_so() {
    let documents = Documents::default();
    let mut report = Report::new(Per::Day, &documents);
    let mut row = disclosure(5, 1, [true, true]);
    row.wire.items.clear();
    report.take(&row);
    let forms = report.forms();
    assert_eq!((forms[0].records, forms[0].category.as_str(), &forms[0].description), (2, NOT_SHOWN, &None));
    assert!(forms[0].justification.contains("not shown"), "{}", forms[0].justification);
}

/// A document that came into force at a place of the journal.
fn in_force(documents: &mut Documents, leaf: u64, kind: DocumentKind, id: &str, text: &str) {
    let document = Document { kind: kind.into(), id: id.into(), version: 2, ..Document::default() };
    let mut row = row(leaf, Entry { document: Some(document), ..entry(0, Operation::Document, "activated") });
    row.wire.text = text.into();
    documents.take(&row);
}

#[test]
fn what_is_in_force_later_does_not_describe_what_left_before() {
    let mut documents = documents();
    in_force(&mut documents, 6, DocumentKind::Schema, "victim-profile/1.1", "no schema");
    let mut report = Report::new(Per::Day, &documents);
    report.take(&disclosure(5, 1, [true, false]));
    report.take(&disclosure(7, 2, [true, false]));
    let forms = report.forms();
    let schemas: Vec<&str> = forms.iter().filter_map(|form| form.schema.as_deref()).collect();
    assert_eq!(schemas, ["victim-profile/1.0", "victim-profile/1.1"]);
    let [before, after] = [0, 1].map(|at| forms[at].description.clone().expect("the clause is known"));
    assert!(before.unclassified.is_none() && !before.open.is_empty() && before.other.is_empty(), "{before:?}");
    assert!(after.open.is_empty() && after.unclassified.is_some_and(|fault| fault.contains("1.1")), "it is said");
    assert!(
        report.lines().iter().any(|line| line.contains("fields without their classes: the schemas that were in force"))
    );
}

#[test]
fn a_childs_record_is_described_too_and_an_agreement_that_does_not_read_is_said() {
    let mut documents = documents();
    in_force(&mut documents, 2, DocumentKind::Agreement, "ISA-AL-2026-014", "no agreement");
    let mut report = Report::new(Per::Day, &documents);
    report.take(&disclosure(5, 1, [true, true]));
    let mut other = disclosure(7, 2, [true, true]);
    other.entry.recipient.iter_mut().for_each(|to| to.agreement_version = 2);
    report.take(&other);
    let mut void = disclosure(9, 2, [true, true]);
    void.wire.outcome = "void".into();
    report.take(&void);
    let forms = report.forms();
    let description = forms[0].description.clone().expect("the clause is known");
    let of_child = description.of_child.expect("a child's is coarser");
    assert_ne!(of_child.coarse, description.coarse);
    assert!(report.lines().iter().any(|line| line.contains("of a victim-profile of a child")));
    assert!(forms[1].justification.contains("does not read"), "{}", forms[1].justification);
    assert!(report.sentence().contains("1 entries had no effect"), "{}", report.sentence());
}
