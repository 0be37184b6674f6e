//! What auditors ask: what an answer holds beside its rows, what it covers, what is refused, and that each question is an entry. The
//! filters are held against a plain one in `drawn`, cursors in `cursors`, who sees what in `scopes`.

mod cursors;
mod drawn;
mod limits;
mod scopes;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use causeway_crypto::{Digest, commit};
use causeway_gateway::client::Statement;
use causeway_journal::v1::{Decision, DocumentAction, Operation};
use causeway_journal::{
    Checkpoint, VerifierKey, decode_entry, document_digest, leaf_hash, v1 as journal, verify_inclusion,
};
use causeway_model::LeafIndex;
use causeway_proto::v1;
use causeway_proto::v1::audit_service_client::AuditServiceClient;
use causeway_proto::v1::query_response::Part;
use tonic::{Code, Status};

use crate::audit::{Auditor, everything};
use crate::feed::{ALBANIA, VIET_NAM, released_in, verifier_key};
use crate::harness::calls::{pull, reason, submit, withdraw};
use crate::harness::{Gateway, World, documents};

/// One page of an answer.
struct Page {
    begin: v1::QueryBegin,
    rows: Vec<v1::AuditRow>,
    end: v1::QueryEnd,
}

/// One page: its beginning first, its end last, its rows between.
async fn page(auditor: &mut Auditor, query: v1::QueryRequest) -> Result<Page, Status> {
    let mut answer = auditor.query(query).await?.into_inner();
    let first = answer.message().await?.expect("a beginning").part;
    let Some(Part::Begin(begin)) = first else { panic!("an answer begins with what it rests on: {first:?}") };
    let mut rows = Vec::new();
    while let Some(response) = answer.message().await? {
        match response.part.expect("a part of an answer says something") {
            Part::Begin(_) => panic!("it began before"),
            Part::Row(row) => rows.push(row),
            Part::End(end) => {
                assert_eq!(end.rows, rows.len() as u64);
                assert!(answer.message().await?.is_none(), "nothing after the end");
                return Ok(Page { begin, rows, end });
            }
        }
    }
    panic!("an answer without its end");
}

/// All pages of an answer.
async fn pages(auditor: &mut Auditor, mut query: v1::QueryRequest) -> Result<Vec<Page>, Status> {
    let mut pages = Vec::new();
    loop {
        let next = page(auditor, query.clone()).await?;
        query.cursor.clone_from(&next.end.next_cursor);
        pages.push(next);
        if query.cursor.is_empty() {
            return Ok(pages);
        }
    }
}

fn leaves(pages: &[Page]) -> Vec<u64> {
    pages.iter().flat_map(|page| &page.rows).map(|row| row.leaf_index).collect()
}

fn entry(row: &v1::AuditRow) -> journal::Entry {
    decode_entry(&row.entry).expect("an entry")
}

fn about(record_id: &str) -> v1::QueryRequest {
    v1::QueryRequest { record_id: record_id.into(), ..v1::QueryRequest::default() }
}

/// The auditor of the operator who states this purpose and person.
async fn stating(gateway: &Gateway, purpose: &str, operator: &str) -> Auditor {
    let channel = gateway.channel("gb-nca/audit").await;
    AuditServiceClient::with_interceptor(channel, Statement::new(purpose, operator).expect("well formed"))
}

#[track_caller]
fn refused<T>(answer: Result<T, Status>, code: Code, expected: &str) -> Status {
    let Err(status) = answer else { panic!("{expected}: it was answered") };
    assert_eq!((status.code(), reason(&status).as_str()), (code, expected), "{}", status.message());
    status
}

/// Two records, released to both partners and pulled by Albania; the second one's withdrawal is pulled too.
async fn some_life(world: &World, gateway: &Gateway) -> [v1::Receipt; 2] {
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let first = submit(&mut ingest, "first", &documents::profile()).await.expect("accepted");
    let second = submit(&mut ingest, "second", &documents::route()).await.expect("accepted");
    for record in [&first, &second] {
        released_in(world, ALBANIA, record).await;
        released_in(world, VIET_NAM, record).await;
    }
    let mut albania = gateway.feed("al-police/feed").await;
    let page = pull(&mut albania, "", 0).await.expect("a page");
    withdraw(&mut ingest, "gone", &second.record_id, 1).await.expect("withdrawn");
    pull(&mut albania, &page.next_cursor, 0).await.expect("a page");
    pull(&mut albania, "", 0).await.expect("the same positions, of which one is a withdrawal now");
    pull(&mut gateway.feed("vn-police/feed").await, "", 0).await.expect("a page");
    [first, second]
}

#[tokio::test(flavor = "multi_thread")]
async fn each_row_is_proven_to_the_checkpoint_that_the_answer_begins_with() {
    let world = World::new();
    let gateway = world.start().await;
    some_life(&world, &gateway).await;
    let key: VerifierKey = verifier_key(&gateway).await.parse().expect("a verifier key");
    let mut auditor = gateway.audit("gb-nca/audit").await;
    for newest_first in [false, true] {
        let asked = v1::QueryRequest { prove: true, newest_first, limit: 7, ..everything() };
        let pages = pages(&mut auditor, asked).await.expect("an answer");
        assert!(pages.len() > 3);
        for page in &pages {
            let checkpoint: Checkpoint = causeway_verify::checkpoint(&page.begin.checkpoint, &key).expect("signed");
            assert_eq!(checkpoint.size, page.begin.tree_size);
            assert!(page.begin.asked_leaf_index < page.begin.tree_size, "it covers the question");
            for row in &page.rows {
                let hash = |bytes: &Vec<u8>| Digest::try_from(bytes.as_slice()).expect("32 bytes");
                let proof: Vec<Digest> = row.proof.iter().map(hash).collect();
                let leaf = leaf_hash(&row.entry);
                assert_eq!(leaf.0, *row.leaf_hash);
                verify_inclusion(leaf, LeafIndex(row.leaf_index), checkpoint.size, &proof, checkpoint.root)
                    .expect("it is in that tree");
            }
        }
    }
    let plain = page(&mut auditor, everything()).await.expect("an answer");
    assert!(plain.rows.iter().all(|row| row.proof.is_empty()));
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn openings_items_and_texts_are_given_where_they_are_asked_for() {
    let world = World::new();
    let gateway = world.start().await;
    let [first, second] = some_life(&world, &gateway).await;
    let mut auditor = gateway.audit("gb-nca/audit").await;
    let asked = v1::QueryRequest { with_openings: true, with_items: true, with_texts: true, ..everything() };
    let pages = pages(&mut auditor, asked).await.expect("an answer");
    let rows: Vec<&v1::AuditRow> = pages.iter().flat_map(|page| &page.rows).collect();
    assert!(rows.len() as u64 <= world.journal().size());
    let (mut opened, mut documents, mut disclosed) = (0, 0, Vec::new());
    for row in rows {
        let entry = entry(row);
        match (&entry.commitments, &row.opened) {
            (Some(commitments), Some(texts)) => {
                let nonce: [u8; 32] = texts.nonce.as_slice().try_into().expect("32 bytes");
                assert_eq!(commit(&nonce, "operator", &texts.operator_id), *commitments.operator);
                assert_eq!(commit(&nonce, "source_address", &texts.source_address), *commitments.source_address);
                assert_eq!(texts.operator_id, "test.operator");
                opened += 1;
            }
            (None, None) => {}
            other => panic!("leaf {}: {other:?}", row.leaf_index),
        }
        match &entry.document {
            Some(document) if document.action() == DocumentAction::Activate => {
                let digest = document_digest(document.kind(), &document.id, document.version, &row.text);
                assert_eq!(digest.0, *document.digest);
                documents += 1;
            }
            _ => assert!(row.text.is_empty()),
        }
        if let Some(page) = &entry.page {
            let positions: Vec<u64> = row.items.iter().map(|item| item.position).collect();
            assert_eq!(positions, (page.from_position..=page.to_position).collect::<Vec<_>>());
            disclosed.push(row.items.clone());
        } else {
            assert!(row.items.is_empty());
        }
    }
    assert!(opened > 5 && documents > 10, "{opened} {documents}");
    let held = |items: &[v1::DisclosedItem]| -> Vec<(String, u32, String, bool)> {
        let told = |item: &v1::DisclosedItem| (item.record_id.clone(), item.version, item.kind.clone(), item.left);
        items.iter().map(told).collect()
    };
    let item =
        |record: &v1::Receipt, version, kind: &str, left| (record.record_id.clone(), version, kind.to_owned(), left);
    let profile = item(&first, 1, "victim-profile", true);
    let route = |version, left| item(&second, version, "trafficking-route", left);
    assert_eq!(held(&disclosed[0]), [profile.clone(), route(1, true)]);
    assert_eq!(held(&disclosed[1]), [route(0, false)], "the withdrawal");
    assert_eq!(held(&disclosed[2]), [profile, route(1, false), route(0, false)], "what no longer leaves");
    assert!(disclosed.iter().flatten().all(|item| item.clause.starts_with('c')));
    // Not asked for, not given.
    let plain = page(&mut auditor, everything()).await.expect("an answer");
    assert!(plain.rows.iter().all(|row| row.opened.is_none() && row.items.is_empty() && row.text.is_empty()));
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_covers_what_was_acknowledged_before_the_call_while_submissions_run() {
    let world = World::new();
    let gateway = Arc::new(world.start().await);
    let acknowledged = Arc::new(AtomicU64::new(0));
    let submitting = tokio::spawn({
        let (gateway, acknowledged) = (Arc::clone(&gateway), Arc::clone(&acknowledged));
        async move {
            let mut ingest = gateway.ingest("gb-nca/case-management").await;
            for number in 0..60 {
                let receipt = submit(&mut ingest, &format!("record-{number}"), &documents::profile()).await;
                acknowledged.store(receipt.expect("accepted").leaf_index, Ordering::SeqCst);
            }
        }
    });
    let mut auditor = gateway.audit("gb-nca/audit").await;
    let mut asked = 0;
    while !submitting.is_finished() || asked == 0 {
        let newest = acknowledged.load(Ordering::SeqCst);
        let newest_first = asked % 2 == 0;
        let query = v1::QueryRequest { operation: "collection".into(), newest_first, ..v1::QueryRequest::default() };
        let page = page(&mut auditor, query).await.expect("an answer");
        if newest > 0 {
            assert!(page.rows.iter().any(|row| row.leaf_index == newest), "leaf {newest} of {}", page.begin.tree_size);
            asked += 1;
        }
        let leaves: Vec<u64> = page.rows.iter().map(|row| row.leaf_index).collect();
        assert!(if newest_first { leaves.is_sorted_by(|a, b| a > b) } else { leaves.is_sorted_by(|a, b| a < b) });
        let all = world.journal().entries();
        let is_one =
            |leaf: &&u64| all[usize::try_from(**leaf).expect("small")].entry.operation() == Operation::Collection;
        assert!(leaves.iter().all(|leaf| is_one(&leaf)));
        let before = all.iter().filter(|seen| seen.leaf < page.begin.asked_leaf_index);
        let expected = before.filter(|seen| seen.entry.operation() == Operation::Collection).count();
        assert_eq!(leaves.len(), expected, "every one before the question");
    }
    submitting.await.expect("submitted");
    Arc::into_inner(gateway).expect("nobody else has it").stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_question_is_an_entry_with_its_purpose_and_so_is_each_that_is_refused() {
    let world = World::new();
    let gateway = world.start().await;
    let [record, _] = some_life(&world, &gateway).await;
    let mut auditor = stating(&gateway, "self-monitoring", "an.auditor").await;
    let size = world.journal().size();
    let asked = page(&mut auditor, about(&record.record_id)).await.expect("an answer").begin.asked_leaf_index;
    let left = world.journal().entries_from(size);
    let question = &left.iter().find(|seen| seen.leaf == asked).expect("the entry of the question").entry;
    assert_eq!((question.operation(), question.decision()), (Operation::Consultation, Decision::Allowed));
    assert_eq!((question.reason.as_str(), question.purpose_code.as_str()), ("audit-query", "self-monitoring"));
    assert_eq!(question.records[0].record_id.len(), 16);
    let everyone = v1::QueryRequest { with_openings: true, from_leaf_index: asked, ..everything() };
    let row = page(&mut auditor, everyone).await.expect("an answer").rows.remove(0);
    assert_eq!((row.leaf_index, row.opened.expect("opened").operator_id.as_str()), (asked, "an.auditor"));
    let limit = v1::QueryRequest { limit: 10_001, ..everything() };
    let absurd = v1::QueryRequest { limit: u32::MAX, ..everything() };
    let cursor = v1::QueryRequest { cursor: "1.7.9.ff".into(), ..everything() };
    let unbounded = v1::QueryRequest { limit: 5, newest_first: true, prove: true, ..v1::QueryRequest::default() };
    for (query, expected) in [
        (v1::QueryRequest::default(), "unbounded-query"),
        (unbounded, "unbounded-query"),
        (limit, "too-many-rows"),
        (absurd, "too-many-rows"),
        (cursor, "cursor-not-yours"),
    ] {
        let size = world.journal().size();
        refused(page(&mut auditor, query).await, Code::InvalidArgument, expected);
        let left = world.journal().entries_from(size);
        let denied = left.iter().find(|seen| seen.entry.decision() == Decision::Denied).expect("its entry");
        assert_eq!((denied.entry.reason.as_str(), denied.entry.purpose_code.as_str()), (expected, "self-monitoring"));
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_question_is_refused_in_words_and_echoes_nothing() {
    let world = World::new();
    let gateway = world.start().await;
    let mut auditor = gateway.audit("gb-nca/audit").await;
    let words: [(v1::QueryRequest, &str, &str); 4] = [
        (v1::QueryRequest { operation: "HOSTILE".into(), ..<_>::default() }, "operation", "disclosure"),
        (v1::QueryRequest { decision: "HOSTILE".into(), ..<_>::default() }, "decision", "denied"),
        (v1::QueryRequest { outcome: "HOSTILE".into(), ..<_>::default() }, "outcome", "already-done"),
        (v1::QueryRequest { purpose: "HOSTILE".into(), ..<_>::default() }, "purpose", "criminal-proceedings"),
    ];
    for (query, field, known) in words {
        let status = refused(page(&mut auditor, query).await, Code::InvalidArgument, "field-unknown-word");
        let message = status.message();
        assert!(message.contains(field) && message.contains(known) && !message.contains("HOSTILE"), "{message}");
    }
    let alone: [(v1::QueryRequest, &str); 4] = [
        (v1::QueryRequest { system: "audit".into(), ..<_>::default() }, "agency"),
        (v1::QueryRequest { operator_id: "a.clerk".into(), ..<_>::default() }, "agency"),
        (v1::QueryRequest { clause: "c1".into(), ..<_>::default() }, "agreement"),
        (v1::QueryRequest { pseudonym: "HOSTILE".into(), ..<_>::default() }, "agreement"),
    ];
    for (query, other) in alone {
        let status = refused(page(&mut auditor, query).await, Code::InvalidArgument, "field-needs-another");
        assert!(status.message().contains(other), "{}", status.message());
    }
    let long = "HOSTILE".repeat(100);
    for operator_id in ["a\nHOSTILE", "\u{1b}[31mHOSTILE", "HOSTILE\u{0}", "\u{85}HOSTILE", long.as_str()] {
        let agency = "gb-nca".to_owned();
        let query = v1::QueryRequest { agency, operator_id: operator_id.into(), ..<_>::default() };
        let status = refused(page(&mut auditor, query).await, Code::InvalidArgument, "field-malformed");
        assert!(status.message().contains("operator_id") && !status.message().contains("HOSTILE"));
    }
    let query = v1::QueryRequest { agency: "gb-nca".into(), operator_id: "HOSTILE".repeat(9_363), ..<_>::default() };
    refused(page(&mut auditor, query).await, Code::OutOfRange, "message-too-long");
    gateway.stop().await;
}
