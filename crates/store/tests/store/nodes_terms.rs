//! What only one of two nodes may decide, and what a day limits, with both at it at once: each has the same answer of the log.

use std::collections::BTreeMap;

use causeway_agreement::{AgencyFile, AuditLimits, Role, System};
use causeway_journal::{Outcome, REASON_ROSTER_STATED, REASON_TERM_BEGUN, v1};
use causeway_model::AgreementId;
use causeway_store::{Draft, Journal};

use crate::nodes_racing::{administration, begun, document, one_each, race, submission};
use crate::nodes_setting::Nodes;
use crate::setting::append;

const FEED: &str = "ISA-AL-2026-014";

const AGREEMENT: &str = r#"
id = "ISA-AL-2026-014"
version = 1
granting = "gb-nca"
recipient = "al-police"
valid_from = 2026-01-01
valid_until = 2027-12-31
transfer_condition = "s75_instrument"
onward_transfer = "with_originator_authorisation"
purposes = ["investigation"]

[[clauses]]
id = "c1"
kinds = ["victim-profile"]
minimum_cell = 1
minimum_cell_reason = "the tests look at single records"

[clauses.filter]
nationalities = ["AL"]

[clauses.ceiling]
tlp = "AMBER"
source_grade = "2"
info_grade = "C"
action_codes = ["A2"]

[clauses.fields]
"gender" = "exact"
"#;

fn partner() -> Draft {
    let file = AgencyFile {
        id: "al-police".parse().expect("an id"),
        version: 1,
        name: "Partner".into(),
        systems: vec![System {
            name: "feed".parse().expect("a name"),
            roles: vec![Role::Reader],
            audit: AuditLimits::default(),
        }],
        persons: Vec::new(),
        sealing_public_key: vec![1; 1216],
        trust_bundle_pem: "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n".into(),
    };
    document(v1::DocumentKind::Agency, "al-police", 1, &file.render())
}

fn begin(term: u64) -> Draft {
    let mut draft = administration(REASON_TERM_BEGUN);
    draft.entry.releaser_term = term;
    draft
}

fn roster() -> Draft {
    let node = |number: u32| v1::RosterNode { number, name: format!("node-{number}") };
    let mut draft = administration(REASON_ROSTER_STATED);
    draft.entry.roster = Some(v1::NodeRoster { version: 1, nodes: vec![node(1), node(2)] });
    draft
}

/// The release of a record, as a releaser decides it in a term.
fn release(record: u8, term: u64) -> Draft {
    let mut draft = administration("released");
    draft.entry.releaser_term = term;
    draft.entry.item_salt = vec![record; 32];
    let release =
        v1::Release { record_id: vec![record; 16], version: 1, clause: "c1".into(), ..v1::Release::default() };
    draft.entry.releases = Some(v1::ReleaseBatch {
        feed: FEED.into(),
        agreement_version: 1,
        releases: vec![release],
        ..v1::ReleaseBatch::default()
    });
    draft
}

fn two(nodes: &Nodes) -> Vec<Journal> {
    let journals = begun(nodes);
    let agreement = document(v1::DocumentKind::Agreement, FEED, 1, AGREEMENT);
    for draft in [partner(), agreement, roster()] {
        assert_eq!(append(&journals[0], draft).outcome, Outcome::Effective);
    }
    journals
}

fn are_alike(nodes: &Nodes, journals: &[Journal]) {
    nodes.are_one(journals, &[]);
    let states: Vec<_> = journals.iter().map(|journal| journal.read(|state| format!("{state:?}"))).collect();
    assert_eq!(states[0], states[1]);
}

#[test]
fn of_two_nodes_that_begin_a_term_and_release_in_it_one_does_each_time() {
    let nodes = Nodes::new(2);
    let journals = two(&nodes);
    for term in 1..=15 {
        let record = u8::try_from(term).expect("few");
        assert_eq!(append(&journals[0], submission(record, 1, 1, 7)).outcome, Outcome::Effective);
        assert_eq!(race(&journals, [begin(term), begin(term)]), one_each(["effective", "void"]));
        // Both believe that it is theirs; and both what was theirs before.
        assert_eq!(race(&journals, [release(record, term), release(record, term)]), one_each(["effective", "void"]));
        let late = race(&journals, [release(record, term - 1), release(record, term - 1)]);
        assert_eq!(late, BTreeMap::from([("void", 2)]));
    }
    are_alike(&nodes, &journals);
    let feed: AgreementId = FEED.parse().expect("an id");
    let newest = journals[0].read(|state| state.feed(&feed).expect("in force").newest());
    assert_eq!(newest.0, 15, "each record once");
}

#[test]
fn two_nodes_that_accept_at_once_accept_what_the_day_may_have() {
    let nodes = Nodes::new(2);
    let journals = two(&nodes);
    let limited = |record: u8| {
        let mut draft = submission(record, 1, 1, 7);
        draft.entry.daily_limits = Some(v1::DailyLimits { of_agency: 7, of_system: 0 });
        draft
    };
    let mut all: BTreeMap<&str, usize> = BTreeMap::new();
    for pair in 0..6 {
        for (outcome, count) in race(&journals, [limited(2 * pair + 1), limited(2 * pair + 2)]) {
            *all.entry(outcome).or_default() += count;
        }
    }
    assert_eq!(all, BTreeMap::from([("effective", 7), ("cap-reached", 5)]));
    are_alike(&nodes, &journals);
}
