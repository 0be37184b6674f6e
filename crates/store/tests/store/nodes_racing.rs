//! What two nodes do at once: the first in the log's order wins, and both answer so.

use std::collections::BTreeMap;
use std::thread;

use causeway_agreement::{AgencyFile, AuditLimits, Person, Role, System};
use causeway_crypto::SigningKey;
use causeway_journal::{Outcome, approval_message, document_digest, v1};
use causeway_model::FrameSeq;
use causeway_store::{AppendFailure, Draft, Journal};

use crate::nodes_setting::{LONG, Nodes};
use crate::setting::{append, draft, wait_for};

const PERSONS: [&str; 3] = ["director", "dpo", "third"];

fn key(person: &str) -> SigningKey {
    SigningKey::from_seed(&causeway_crypto::digest("test person", &[person.as_bytes()]).0)
}

pub(crate) fn administration(reason: &str) -> Draft {
    let mut draft = draft(0);
    draft.entry.operation = v1::Operation::Administration.into();
    draft.entry.reason = reason.into();
    draft
}

/// A document that two persons of the operator have approved.
pub(crate) fn document(kind: v1::DocumentKind, id: &str, version: u32, text: &str) -> Draft {
    let digest = document_digest(kind, id, version, text.as_bytes());
    let approval = |person: &str| v1::Approval {
        agency: "gb-nca".into(),
        person: person.into(),
        public_key: key(person).public_key().0.to_vec(),
        signature: key(person).sign(&approval_message(&digest)).to_vec(),
    };
    let mut draft = draft(0);
    draft.entry.operation = v1::Operation::Document.into();
    draft.entry.reason = "activated".into();
    draft.entry.approvals = PERSONS.map(approval).to_vec();
    draft.entry.document = Some(v1::Document {
        kind: kind.into(),
        id: id.into(),
        version,
        digest: digest.0.to_vec(),
        action: v1::DocumentAction::Activate.into(),
    });
    draft.document_text = Some(text.into());
    draft
}

fn operator() -> Draft {
    let person = |id: &str| Person { id: id.parse().expect("an id"), public_key: key(id).public_key().0 };
    let file = AgencyFile {
        id: "gb-nca".parse().expect("an id"),
        version: 1,
        name: "Operator".into(),
        systems: vec![System {
            name: "feed".parse().expect("a name"),
            roles: vec![Role::Reader],
            audit: AuditLimits::default(),
        }],
        persons: PERSONS.map(person).to_vec(),
        sealing_public_key: vec![1; 1216],
        trust_bundle_pem: "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n".into(),
    };
    document(v1::DocumentKind::Agency, "gb-nca", 1, &file.render())
}

/// The submission of a version of a record, which other nodes may make too.
pub(crate) fn submission(record: u8, version: u32, id: u8, content: u8) -> Draft {
    let mut draft = draft(0);
    draft.entry.operation = v1::Operation::Collection.into();
    draft.entry.records = vec![v1::RecordRef {
        record_id: vec![record; 16],
        version,
        expected_version: version - 1,
        kind: "victim-profile".into(),
        schema_version: "1.0".into(),
    }];
    draft.entry.submission_mac = [[record; 31].as_slice(), &[id]].concat();
    draft.entry.content_mac = vec![content; 32];
    draft
}

pub(crate) fn begun(nodes: &Nodes) -> Vec<Journal> {
    let first = nodes.start(0);
    let schema = document(v1::DocumentKind::Schema, "victim-profile/1.0", 1, "{}");
    for draft in [administration("genesis"), operator(), schema, administration("genesis-complete")] {
        assert_eq!(append(&first, draft).outcome, Outcome::Effective);
    }
    let second = nodes.start(1);
    vec![first, second]
}

/// Has both nodes append at once; gives the two outcomes by their names.
pub(crate) fn race(journals: &[Journal], drafts: [Draft; 2]) -> BTreeMap<&'static str, usize> {
    let mut counted = BTreeMap::new();
    thread::scope(|scope| {
        let racing = journals.iter().zip(drafts).map(|(journal, draft)| scope.spawn(|| append(journal, draft).outcome));
        for racing in racing.collect::<Vec<_>>() {
            *counted.entry(racing.join().expect("no panic").as_str()).or_default() += 1;
        }
    });
    counted
}

pub(crate) fn one_each(names: [&'static str; 2]) -> BTreeMap<&'static str, usize> {
    names.map(|name| (name, 1)).into()
}

#[test]
fn of_two_nodes_that_do_the_same_one_has_done_it() {
    let nodes = Nodes::new(2);
    let journals = begun(&nodes);
    for record in 1..=15 {
        let same = [submission(record, 1, 1, 7), submission(record, 1, 1, 7)];
        assert_eq!(race(&journals, same), one_each(["effective", "duplicate"]));
        let reused = [submission(record, 2, 2, 7), submission(record, 2, 2, 8)];
        assert_eq!(race(&journals, reused), one_each(["effective", "submission-reused"]));
        let versions = [submission(record, 3, 3, 7), submission(record, 3, 4, 7)];
        assert_eq!(race(&journals, versions), one_each(["effective", "version-moved"]));
        let text = |by: u8| format!("# of node {by}\n{record}");
        let list = |by| document(v1::DocumentKind::CodeList, "ports", record.into(), &text(by));
        assert_eq!(race(&journals, [list(1), list(2)]), one_each(["effective", "unapproved-document"]));
    }
    nodes.are_one(&journals, &[]);
    let states: Vec<_> = journals.iter().map(|journal| journal.read(|state| format!("{state:?}"))).collect();
    assert_eq!(states[0], states[1]);
}

#[test]
fn of_two_nodes_that_begin_an_empty_log_at_once_one_has_begun_it_and_the_other_goes_on() {
    let nodes = Nodes::new(2);
    let journals: Vec<_> = (0..2).map(|index| nodes.start(index)).collect();
    append(&journals[1], administration("genesis"));
    let lost = wait_for(journals[0].append(administration("genesis")));
    // It has read the other's by then, or has not.
    assert!(matches!(lost, Err(AppendFailure::NotTaken(_) | AppendFailure::Refused(_))), "{lost:?}");
    assert!(journals[0].wait_for(FrameSeq(1), LONG));
    let closing = append(&journals[0], administration("genesis-complete"));
    assert!(journals[1].wait_for(closing.frame, LONG));
    let acknowledged: Vec<_> = journals.iter().map(|journal| append(journal, draft(7))).collect();
    nodes.are_one(&journals, &acknowledged);
}
