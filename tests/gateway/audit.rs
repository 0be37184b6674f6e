//! Who saw what: the answers that auditors get, who gets which, and the proofs that they can check offline.

use causeway_crypto::Digest;
use causeway_gateway::client::Statement;
use causeway_journal::v1::{Decision, Operation};
use causeway_journal::{ProofFile, VerifierKey, decode_entry, leaf_hash, v1 as journal};
use causeway_model::LeafIndex;
use causeway_proto::v1;
use causeway_proto::v1::audit_service_client::AuditServiceClient;
use causeway_proto::v1::query_response::Part;
use serde_json::json;
use tonic::{Code, Status};

use crate::feed::{ALBANIA, VIET_NAM, released_in, submit_all, verifier_key};
use crate::governance::office;
use crate::harness::calls::{pull, reason, request, send, submit, withdraw, without_request_id};
use crate::harness::{Gateway, Stated, World, documents};

pub(crate) type Auditor = AuditServiceClient<Stated>;

/// The question about every entry: it takes a range, since a question without bounds is refused.
pub(crate) fn everything() -> v1::QueryRequest {
    v1::QueryRequest { to_leaf_index: u64::MAX, ..v1::QueryRequest::default() }
}

/// All rows of an answer and its end.
pub(crate) async fn ask(
    auditor: &mut Auditor,
    query: v1::QueryRequest,
) -> Result<(Vec<v1::AuditRow>, v1::QueryEnd), Status> {
    let mut answer = auditor.query(query).await?.into_inner();
    let mut rows = Vec::new();
    while let Some(response) = answer.message().await? {
        match response.part.expect("a part of an answer says something") {
            Part::Begin(begin) => assert!(!begin.checkpoint.is_empty()),
            Part::Row(row) => rows.push(row),
            Part::End(end) => {
                assert_eq!(end.rows, rows.len() as u64);
                return Ok((rows, end));
            }
        }
    }
    panic!("an answer without its end");
}

fn entry(row: &v1::AuditRow) -> journal::Entry {
    decode_entry(&row.entry).expect("an entry")
}

/// Operation, decision, reason, recipient and whether the record left.
fn told(row: &v1::AuditRow) -> (Operation, Decision, String, String, bool) {
    let entry = entry(row);
    let recipient = entry.recipient.clone().unwrap_or_default().agency;
    (entry.operation(), entry.decision(), entry.reason, recipient, row.record_left)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_tells_who_saw_a_record() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let other = submit(&mut ingest, "other", &documents::profile()).await.expect("accepted");
    let record = submit(&mut ingest, "record", &documents::profile()).await.expect("accepted");
    for agreement in [ALBANIA, VIET_NAM] {
        released_in(&world, agreement, &record).await;
    }
    let mut albania = gateway.feed("al-police/feed").await;
    // A page without the record, one with it, and one with what is left of it.
    let first = pull(&mut albania, "", 1).await.expect("a page");
    pull(&mut albania, &first.next_cursor, 1).await.expect("a page");
    withdraw(&mut ingest, "withdrawal", &record.record_id, 1).await.expect("withdrawn");
    pull(&mut albania, &first.next_cursor, 1).await.expect("a page");
    pull(&mut albania, &first.next_cursor, 2).await.expect("a page");
    let mut auditor = gateway.audit("gb-nca/audit").await;
    let about = |id: &v1::Receipt| v1::QueryRequest { record_id: id.record_id.clone(), ..v1::QueryRequest::default() };
    let (rows, end) = ask(&mut auditor, about(&record)).await.expect("an answer");
    let (operator, albania, viet_nam) = (String::new(), "al-police".to_owned(), "vn-police".to_owned());
    let allowed = |operation, reason: &str, recipient: &String, left| {
        (operation, Decision::Allowed, reason.to_owned(), recipient.clone(), left)
    };
    let mut found: Vec<_> = rows.iter().map(told).collect();
    // The releases to the two feeds may share a frame in either order.
    found[1..3].sort_by(|a, b| a.3.cmp(&b.3));
    let expected = [
        allowed(Operation::Collection, "accepted", &operator, false),
        allowed(Operation::Administration, "released", &albania, false),
        allowed(Operation::Administration, "released", &viet_nam, false),
        allowed(Operation::Disclosure, "disclosed", &albania, true),
        allowed(Operation::Alteration, "withdrawn", &operator, false),
        allowed(Operation::Disclosure, "disclosed", &albania, false),
        allowed(Operation::Disclosure, "disclosed", &albania, false),
    ];
    assert_eq!(found, expected);
    assert!(rows.iter().all(|row| row.outcome == "effective"));
    assert_eq!(end.next_cursor, "");
    // The question is in the next answer, and says who asked.
    let (rows, _) = ask(&mut auditor, about(&record)).await.expect("an answer");
    let asked = entry(rows.last().expect("rows"));
    assert_eq!((asked.operation(), asked.reason.as_str()), (Operation::Consultation, "audit-query"));
    let actor = asked.actor.expect("an auditor");
    assert_eq!((actor.agency.as_str(), actor.system.as_str()), ("gb-nca", "audit"));
    assert_eq!(asked.purpose_code, "lawfulness");
    // The other record was in one page, and left with it.
    let (rows, _) = ask(&mut auditor, about(&other)).await.expect("an answer");
    let pages = rows.iter().map(told).filter(|row| row.0 == Operation::Disclosure);
    assert_eq!(pages.map(|row| row.4).collect::<Vec<_>>(), [true]);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_is_in_the_answer() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let record = submit(&mut ingest, "record", &documents::profile()).await.expect("accepted");
    let faulty = documents::with(documents::profile(), json!({ "tlp": "WHITE" }));
    submit(&mut ingest, "faulty", &faulty).await.expect_err("no such code");
    submit(&mut ingest, "record", &documents::route()).await.expect_err("another record under the same id");
    withdraw(&mut ingest, "moved", &record.record_id, 9).await.expect_err("another version");
    let correction = v1::SubmitRequest {
        record_id: record.record_id.clone(),
        expected_version: 7,
        ..request("corrected", &documents::profile())
    };
    send(&mut ingest, correction).await.expect_err("another version");
    gateway
        .feed("al-police/feed")
        .await
        .pull(v1::PullRequest { agreement: VIET_NAM.into(), ..<_>::default() })
        .await
        .expect_err("another's agreement");
    let mut auditor = gateway.audit("gb-nca/audit").await;
    let (rows, _) = ask(&mut auditor, everything()).await.expect("an answer");
    let denied = rows.iter().map(entry).filter(|entry| entry.decision() == Decision::Denied);
    let denied: Vec<_> = denied
        .map(|entry| (entry.operation(), entry.reason, entry.actor.map(|actor| actor.agency).unwrap_or_default()))
        .collect();
    let by = |operation, reason: &str, agency: &str| (operation, reason.to_owned(), agency.to_owned());
    assert_eq!(
        denied,
        [
            by(Operation::Collection, "schema-violation", "gb-nca"),
            by(Operation::Collection, "submission-id-reused", "gb-nca"),
            by(Operation::Alteration, "version-moved", "gb-nca"),
            by(Operation::Alteration, "version-moved", "gb-nca"),
            by(Operation::Disclosure, "unknown-feed", "al-police"),
        ]
    );
    // Of the record itself: what was tried on it, and what would have become of it.
    let about = v1::QueryRequest { record_id: record.record_id.clone(), ..v1::QueryRequest::default() };
    let (rows, _) = ask(&mut auditor, about).await.expect("an answer");
    let denied = rows.iter().map(entry).filter(|entry| entry.decision() == Decision::Denied);
    let tried: Vec<_> = denied.map(|entry| (entry.operation(), entry.records[0].expected_version)).collect();
    assert_eq!(tried, [(Operation::Alteration, 9), (Operation::Alteration, 7)]);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partners_auditor_sees_that_partners_entries_only() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let record = submit(&mut ingest, "record", &documents::profile()).await.expect("accepted");
    for (agreement, reader) in [(ALBANIA, "al-police/feed"), (VIET_NAM, "vn-police/feed")] {
        released_in(&world, agreement, &record).await;
        pull(&mut gateway.feed(reader).await, "", 0).await.expect("a page");
    }
    let mut auditor = gateway.audit("al-police/audit").await;
    let all = world.journal().entries();
    for query in [
        everything(),
        v1::QueryRequest { record_id: record.record_id.clone(), ..v1::QueryRequest::default() },
        v1::QueryRequest { recipient: "vn-police".into(), ..v1::QueryRequest::default() },
        v1::QueryRequest { agency: "gb-nca".into(), ..v1::QueryRequest::default() },
    ] {
        let (rows, _) = ask(&mut auditor, query.clone()).await.expect("an answer");
        // The releaser's entries are about this partner too, but hold record ids, which are the same for every partner.
        let own = |entry: &journal::Entry| {
            let names_records = entry.releases.is_some() || !entry.withdrawals.is_empty() || !entry.records.is_empty();
            entry.actor.as_ref().is_some_and(|actor| actor.agency == "al-police")
                || entry.recipient.as_ref().is_some_and(|recipient| recipient.agency == "al-police") && !names_records
        };
        assert!(rows.iter().all(|row| own(&entry(row))), "{query:?}");
        match (query.recipient.as_str(), query.agency.as_str()) {
            ("vn-police", _) => assert!(rows.is_empty()),
            // A record's id would tie it to a page: for a partner's auditor there is no such record.
            ("", "") if !query.record_id.is_empty() => assert!(rows.is_empty()),
            ("", "") => assert!(rows.iter().any(|row| entry(row).page.is_some())),
            _ => {}
        }
        if query == everything() {
            let expected = all.iter().filter(|seen| own(&seen.entry)).map(|seen| seen.leaf);
            assert_eq!(rows.iter().map(|row| row.leaf_index).collect::<Vec<_>>(), expected.collect::<Vec<_>>());
        }
    }
    // A foreign leaf and one that is not there look alike; one's own is proved.
    let mut refusals = Vec::new();
    let foreign = all.iter().filter(|seen| seen.entry.operation() == Operation::Collection).map(|seen| seen.leaf);
    let viet_nams = all
        .iter()
        .filter(|seen| seen.entry.recipient.as_ref().is_some_and(|recipient| recipient.agency == "vn-police"));
    for leaf_index in foreign.chain(viet_nams.map(|seen| seen.leaf)).chain([0, 1 << 40, u64::MAX]) {
        let request = v1::GetInclusionProofRequest { leaf_index, tree_size: 0 };
        let status = auditor.get_inclusion_proof(request).await.expect_err("not this auditor's");
        assert_eq!(status.code(), Code::NotFound, "{leaf_index}");
        refusals.push(without_request_id(&status));
    }
    refusals.dedup();
    assert_eq!(refusals.len(), 1, "{refusals:?}");
    let own = all.iter().find(|seen| seen.entry.page.is_some()).expect("its own disclosure").leaf;
    let proved = auditor.get_inclusion_proof(v1::GetInclusionProofRequest { leaf_index: own, tree_size: 0 }).await;
    assert_eq!(proved.expect("its own").into_inner().entry, all[usize::try_from(own).expect("small")].bytes);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partners_auditor_sees_what_it_was_shown_and_nothing_of_what_is_weighed_about_it() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let record = submit(&mut ingest, "record", &documents::profile()).await.expect("accepted");
    released_in(&world, ALBANIA, &record).await;
    pull(&mut gateway.feed("al-police/feed").await, "", 0).await.expect("a page");
    let text = office::agreement_text(&world, ALBANIA).replacen("version = 1", "version = 2", 1);
    office::compare(&gateway, "", &text).await.expect("compared");
    let explain = v1::ExplainRequest {
        record_id: record.record_id.clone(),
        partner: "al-police".into(),
        ..v1::ExplainRequest::default()
    };
    ingest.explain(explain).await.expect("explained");
    ingest.list_holders(v1::ListHoldersRequest { record_id: record.record_id.clone() }).await.expect("listed");
    withdraw(&mut ingest, "gone", &record.record_id, 1).await.expect("withdrawn");
    let seen = world.journal().entries();
    for reason in ["agreement-compared", "explained", "holders"] {
        assert!(seen.iter().any(|seen| seen.entry.reason == reason), "{reason} is in the log");
    }
    let (rows, _) = ask(&mut gateway.audit("al-police/audit").await, everything()).await.expect("rows");
    let reasons: Vec<String> = rows.iter().map(|row| entry(row).reason).collect();
    assert_eq!(reasons, ["disclosed"]);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_journal_is_read_for_the_laws_four_purposes_only() {
    let world = World::new();
    let gateway = world.start().await;
    let channel = gateway.channel("gb-nca/audit").await;
    let four = ["lawfulness", "self-monitoring", "integrity", "criminal-proceedings"];
    for code in causeway_model::PurposeCode::ALL {
        let stated = Statement::new(code.as_str(), "test.operator").expect("well formed");
        let mut auditor = AuditServiceClient::with_interceptor(channel.clone(), stated);
        let before = world.journal().size();
        let asked = ask(&mut auditor, v1::QueryRequest { limit: 1, ..everything() }).await;
        let checkpoint = auditor.get_checkpoint(v1::GetCheckpointRequest::default()).await;
        let proof = auditor.get_inclusion_proof(v1::GetInclusionProofRequest { leaf_index: 0, tree_size: 0 }).await;
        let answers = [asked.map(drop), checkpoint.map(drop), proof.map(drop)];
        let permitted = four.contains(&code.as_str());
        for answer in answers {
            match answer {
                Ok(()) => assert!(permitted, "{code}"),
                Err(status) => {
                    assert!(!permitted, "{code}: {status:?}");
                    let told = (status.code(), reason(&status));
                    assert_eq!(told, (Code::PermissionDenied, "purpose-not-for-audit".to_owned()));
                }
            }
        }
        let left = world.journal().entries_from(before);
        let wanted = if permitted { Decision::Allowed } else { Decision::Denied };
        assert_eq!(left.len(), 3, "{code}: each question leaves its entry");
        assert!(left.iter().all(|seen| seen.entry.decision() == wanted && seen.entry.purpose_code == code.as_str()));
    }
    gateway.stop().await;
}

async fn proof_of(auditor: &mut Auditor, leaf_index: u64) -> ProofFile {
    let answer = auditor.get_inclusion_proof(v1::GetInclusionProofRequest { leaf_index, tree_size: 0 }).await;
    let answer = answer.expect("a proof").into_inner();
    let proof = answer.inclusion_proof.expect("an answer holds its proof");
    let hashes = proof.hashes.iter().map(|hash| Digest::try_from(hash.as_slice()).expect("32 bytes"));
    ProofFile {
        entry: Some(answer.entry),
        index: LeafIndex(proof.leaf_index),
        hashes: hashes.collect(),
        checkpoint: answer.checkpoint,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn proofs_verify_offline_and_tampered_ones_do_not() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    // Past the first full tile, so that proofs lead through stored tiles and through the tree's growing edge.
    let requests = (0..260).map(|index| request(&format!("record-{index}"), &documents::profile()));
    let receipts = submit_all(&mut ingest, requests.collect()).await;
    let key: VerifierKey = verifier_key(&gateway).await.parse().expect("a verifier key");
    let mut auditor = gateway.audit("gb-nca/audit").await;
    let entries = world.journal().entries();
    for seen in entries.iter().step_by(17).chain(entries.last()) {
        let proof = proof_of(&mut auditor, seen.leaf).await;
        assert_eq!(proof.entry.as_ref(), Some(&seen.bytes), "leaf {}", seen.leaf);
        let verified = causeway_verify::proof_file(&proof.to_string(), &key, None);
        assert_eq!(verified.expect("the proof holds").entry, seen.entry);
    }
    let good = proof_of(&mut auditor, receipts[7].leaf_index).await;
    assert_eq!(good.entry.as_ref(), Some(&receipts[7].entry), "the receipt is of the same entry");
    let other = causeway_crypto::SigningKey::generate();
    let other = VerifierKey::new(key.name(), other.public_key()).expect("a key");
    causeway_verify::proof_file(&good.to_string(), &other, None).expect_err("another key");
    causeway_verify::proof_file(&good.to_string(), &key, Some("another.example/journal")).expect_err("another log");
    for (what, tampered) in tampered(&good) {
        causeway_verify::proof_file(&tampered.to_string(), &key, None).map(|_| ()).expect_err(what);
    }
    gateway.stop().await;
}

/// The proof with one thing changed, for each thing that is in it.
fn tampered(good: &ProofFile) -> Vec<(&'static str, ProofFile)> {
    let mut all = Vec::new();
    let mut change = |what, change: &dyn Fn(&mut ProofFile)| {
        let mut changed = good.clone();
        change(&mut changed);
        all.push((what, changed));
    };
    change("another entry", &|proof| proof.entry.as_mut().expect("an entry")[5] ^= 1);
    change("a longer entry", &|proof| proof.entry.as_mut().expect("an entry").push(0));
    change("another place", &|proof| proof.index.0 += 1);
    change("another hash", &|proof| proof.hashes[0].0[31] ^= 1);
    change("a hash less", &|proof| proof.hashes.truncate(proof.hashes.len() - 1));
    change("a hash more", &|proof| proof.hashes.push(Digest([0; 32])));
    change("hashes in another order", &|proof| proof.hashes.swap(0, 1));
    change("a larger tree", &|proof| proof.checkpoint = proof.checkpoint.replacen('\n', "\n9", 1));
    change("no signature", &|proof| {
        let end = proof.checkpoint.find("\u{2014} ").expect("a signature line");
        proof.checkpoint.truncate(end);
    });
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_can_be_read_page_by_page_and_by_every_filter() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    for index in 0..4 {
        world.clock().advance(60);
        let record = submit(&mut ingest, &format!("record-{index}"), &documents::profile()).await.expect("accepted");
        released_in(&world, ALBANIA, &record).await;
        released_in(&world, VIET_NAM, &record).await;
    }
    let half = world.journal().entries();
    let half = half.iter().rev().find(|seen| seen.entry.operation() == Operation::Collection).expect("a submission");
    let (half, size) = (half.entry.time_micros, world.journal().size());
    let mut auditor = gateway.audit("gb-nca/audit").await;
    let (all, _) = ask(&mut auditor, everything()).await.expect("an answer");
    assert_eq!(all.len() as u64, size, "everything before the question");
    for (row, seen) in all.iter().zip(world.journal().entries()) {
        assert_eq!((row.leaf_index, &row.entry, row.outcome.as_str()), (seen.leaf, &seen.bytes, seen.outcome.as_str()));
        assert_eq!(row.leaf_hash, leaf_hash(&row.entry).0);
    }
    for agreement in ["", ALBANIA] {
        let mut query = v1::QueryRequest { agreement: agreement.into(), limit: 3, ..everything() };
        let mut paged = Vec::new();
        loop {
            let (rows, end) = ask(&mut auditor, query.clone()).await.expect("an answer");
            assert!(rows.len() <= 3);
            paged.extend(rows);
            if end.next_cursor.is_empty() {
                break;
            }
            query.cursor = end.next_cursor;
        }
        paged.retain(|row| row.leaf_index < size);
        let is_wanted = |row: &&v1::AuditRow| {
            let entry = entry(row);
            let named = entry.recipient.is_some_and(|recipient| recipient.agreement == agreement);
            agreement.is_empty() || named || entry.document.is_some_and(|document| document.id == agreement)
        };
        assert_eq!(paged, all.iter().filter(is_wanted).cloned().collect::<Vec<_>>(), "{agreement:?}");
    }
    let since = v1::QueryRequest { from_micros: half, to_micros: half + 1, ..v1::QueryRequest::default() };
    let (rows, _) = ask(&mut auditor, since).await.expect("an answer");
    assert!(!rows.is_empty() && rows.iter().all(|row| entry(row).time_micros == half));
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_and_a_submitter_are_no_auditors() {
    let world = World::new();
    let gateway: Gateway = world.start().await;
    for system in ["gb-nca/case-management", "al-police/feed", "gb-nca/operations"] {
        let status = ask(&mut gateway.audit(system).await, v1::QueryRequest::default()).await.expect_err(system);
        assert_eq!((status.code(), reason(&status).as_str()), (Code::PermissionDenied, "role-missing"), "{system}");
    }
    gateway.stop().await;
}
