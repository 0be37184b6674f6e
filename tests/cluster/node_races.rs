//! What two nodes do at once on the real servers, while their leader is killed: the first in the log's order wins, and both answer so.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use causeway_agreement::{AgencyFile, AuditLimits, Person, Role, System};
use causeway_crypto::SigningKey;
use causeway_journal::{Outcome, approval_message, document_digest, v1};
use causeway_store::{AppendFailure, Committed, Draft, Journal};

use crate::node_setting::{are_one, connect, draft, places, stream, wait_for};
use crate::servers::cluster;

const PERSONS: [&str; 3] = ["director", "dpo", "third"];

/// Rounds at least; so many before the leader is killed, and it goes on until it is back.
const ROUNDS: u8 = 12;

fn key(person: &str) -> SigningKey {
    SigningKey::from_seed(&causeway_crypto::digest("test person", &[person.as_bytes()]).0)
}

/// A document that three persons of the operator have approved.
fn document(kind: v1::DocumentKind, id: &str, version: u32, text: &str) -> Draft {
    let digest = document_digest(kind, id, version, text.as_bytes());
    let approval = |person: &str| v1::Approval {
        agency: "gb-nca".into(),
        person: person.into(),
        public_key: key(person).public_key().0.to_vec(),
        signature: key(person).sign(&approval_message(&digest)).to_vec(),
    };
    let mut draft = draft(v1::Operation::Document, "activated");
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

/// The submission of a version of a record, with the submission id `id` and this content.
fn submission(record: u8, version: u32, id: u8, content: u8) -> Draft {
    let mut draft = draft(v1::Operation::Collection, "accepted");
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

fn begin(node: &Journal) {
    let schema = document(v1::DocumentKind::Schema, "victim-profile/1.0", 1, "{}");
    let administration = |reason| draft(v1::Operation::Administration, reason);
    for draft in [administration("genesis"), operator(), schema, administration("genesis-complete")] {
        assert_eq!(wait_for(node.append(draft)).expect("begun").outcome, Outcome::Effective);
    }
}

/// Appends a draft, again where the node says that it was not taken: what became of it is apply's to say.
fn append(node: &Journal, draft: &Draft) -> Committed {
    loop {
        let (entry, document_text) = (draft.entry.clone(), draft.document_text.clone());
        match wait_for(node.append(Draft { entry, openings: None, body: None, document_text })) {
            Ok(committed) => return committed,
            Err(AppendFailure::NotTaken(_)) => thread::sleep(Duration::from_millis(100)),
            Err(failure) => panic!("{failure}"),
        }
    }
}

/// Has both nodes append at once; the outcomes have to be these two.
fn race(nodes: [&Journal; 2], drafts: [Draft; 2], outcomes: [&'static str; 2]) -> Vec<Committed> {
    let committed: Vec<Committed> = thread::scope(|scope| {
        let racing: Vec<_> =
            nodes.into_iter().zip(&drafts).map(|(node, draft)| scope.spawn(move || append(node, draft))).collect();
        racing.into_iter().map(|racing| racing.join().expect("no panic")).collect()
    });
    let mut counted: BTreeMap<&str, usize> = BTreeMap::new();
    committed.iter().for_each(|committed| *counted.entry(committed.outcome.as_str()).or_default() += 1);
    assert_eq!(counted, outcomes.map(|outcome| (outcome, 1)).into());
    committed
}

/// All that two nodes can both do, once, of one record.
fn races(nodes: [&Journal; 2], record: u8) -> Vec<Committed> {
    let same = [submission(record, 1, 1, 7), submission(record, 1, 1, 7)];
    let reused = [submission(record, 2, 2, 7), submission(record, 2, 2, 8)];
    let versions = [submission(record, 3, 3, 7), submission(record, 3, 4, 7)];
    let list =
        |by: u8| document(v1::DocumentKind::CodeList, "ports", record.into(), &format!("# of node {by}\n{record}"));
    let mut committed = race(nodes, same, ["effective", "duplicate"]);
    committed.extend(race(nodes, reused, ["effective", "submission-reused"]));
    committed.extend(race(nodes, versions, ["effective", "version-moved"]));
    committed.extend(race(nodes, [list(1), list(2)], ["effective", "unapproved-document"]));
    committed
}

#[test]
fn of_two_nodes_that_do_the_same_one_has_done_it_also_while_the_leader_is_killed() {
    let Some(mut cluster) = cluster() else { return };
    let settings = stream(&cluster, "RACED");
    let places = places();
    let log = connect(&settings);
    let first = places[0].start(1, log.clone());
    begin(&first);
    let second = places[1].start(2, connect(&settings));
    let nodes = [&first, &second];
    let committed = thread::scope(|scope| {
        let racing = scope.spawn(|| (1..=ROUNDS).flat_map(|record| races(nodes, record)).collect::<Vec<_>>());
        let leader = cluster.leader("RACED");
        cluster.servers().kill(leader).expect("killed");
        thread::sleep(Duration::from_secs(1));
        cluster.servers().heal().expect("well");
        racing.join().expect("raced")
    });
    // A repetition has no entry of its own, but the first one's.
    let mut entries = committed;
    entries.sort_by_key(|committed| committed.leaf);
    entries.dedup_by_key(|committed| committed.leaf);
    are_one(&nodes, log.as_ref(), &entries);
    nodes.into_iter().for_each(Journal::close);
}
