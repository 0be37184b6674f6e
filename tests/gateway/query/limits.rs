//! What a limited or a partner's auditor cannot find out by asking, also not by what an answer costs; and what one agency's auditors
//! cannot take from anybody else.

use causeway_agreement::AuditLimits;
use causeway_journal::v1::{Decision, Entry};
use causeway_proto::v1;
use tonic::Code;
use tonic_types::StatusExt;

use super::scopes::limit;
use super::{about, entry, leaves, page, pages, refused, some_life};
use crate::audit::everything;
use crate::feed::{ALBANIA, released_in};
use crate::harness::calls::{pull, submit, within};
use crate::harness::{Gateway, World};
use crate::identity::{person, shown};
use crate::metrics::{number, scrape};

fn with_metrics() -> World {
    World::with(|setup| setup.configure(|config| config.metrics = Some("127.0.0.1:0".parse().expect("an address"))))
}

/// Entries that answers have looked at since the start.
async fn looked_at(gateway: &Gateway) -> u64 {
    number(&scrape(gateway).await, "causeway_audit_entries_looked_at").expect("it is measured")
}

fn to_viet_nam() -> AuditLimits {
    AuditLimits { agencies: vec!["vn-police".parse().expect("an id")], ..AuditLimits::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_explained_to_a_limited_auditor() {
    let world = World::new();
    let gateway = world.start().await;
    let [record, _] = some_life(&world, &gateway).await;
    let mut auditor = gateway.audit("gb-nca/audit").await;
    let question = |record_id: &str| v1::AuditServiceExplainRequest {
        record_id: record_id.into(),
        agreement: ALBANIA.into(),
        ..v1::AuditServiceExplainRequest::default()
    };
    auditor.explain(question(&record.record_id)).await.expect("without limits");
    limit(&world, &gateway, to_viet_nam()).await;
    let mut answers = Vec::new();
    for record_id in [record.record_id, "0".repeat(32)] {
        let size = world.journal().size();
        let status =
            refused(auditor.explain(question(&record_id)).await, Code::PermissionDenied, "operator-auditors-only");
        answers.push(status.message().to_owned());
        let left = world.journal().entries_from(size);
        let denied = left.iter().filter(|seen| seen.entry.decision() == Decision::Denied);
        assert_eq!(denied.map(|seen| seen.entry.reason.as_str()).collect::<Vec<_>>(), ["operator-auditors-only"]);
    }
    assert_eq!(answers[0], answers[1]);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_auditor_may_not_see_is_neither_read_nor_counted() {
    let world = with_metrics();
    let gateway = world.start().await;
    let [record, _] = some_life(&world, &gateway).await;
    let ask = |agency: &str, operator_id: &str| v1::QueryRequest {
        agency: agency.into(),
        operator_id: operator_id.into(),
        ..v1::QueryRequest::default()
    };
    let of = |operation: &str, agency: &str| v1::QueryRequest { operation: operation.into(), ..ask(agency, "") };
    let unseen = [
        of("collection", "gb-nca"),
        of("collection", ""),
        ask("gb-nca", "test.operator"),
        ask("gb-nca", "somebody.else"),
        of("disclosure", "al-police"),
        v1::QueryRequest { recipient: "al-police".into(), ..v1::QueryRequest::default() },
        v1::QueryRequest { agreement: ALBANIA.into(), clause: "c3.1".into(), ..v1::QueryRequest::default() },
    ];
    let of_records = [about(&record.record_id), about(&"0".repeat(32))];
    let mut partner = gateway.audit("vn-police/audit").await;
    for query in unseen.iter().chain(&of_records) {
        let before = looked_at(&gateway).await;
        let answer = page(&mut partner, query.clone()).await.expect("an answer");
        assert!(answer.rows.is_empty() && answer.end.next_cursor.is_empty(), "{query:?}");
        assert_eq!(looked_at(&gateway).await, before, "{query:?}");
    }
    let before = looked_at(&gateway).await;
    let seen = pages(&mut partner, everything()).await.expect("an answer");
    let concerns = |entry: &Entry| {
        entry.actor.as_ref().is_some_and(|actor| actor.agency == "vn-police")
            || entry.recipient.as_ref().is_some_and(|recipient| recipient.agency == "vn-police")
    };
    let asked = seen[0].begin.asked_leaf_index;
    let concerned = world.journal().entries().iter().filter(|it| it.leaf < asked && concerns(&it.entry)).count();
    assert_eq!(looked_at(&gateway).await - before, concerned as u64, "of everything, what concerns it");
    let own = page(&mut partner, ask("vn-police", "test.operator")).await.expect("an answer");
    assert!(!own.rows.is_empty(), "its own persons it finds");
    // The operator's auditor whose limit is that partner learns nothing of persons either: their texts it is refused.
    let mut limited = gateway.audit("gb-nca/audit").await;
    limit(&world, &gateway, to_viet_nam()).await;
    for query in unseen.iter().chain([&ask("vn-police", "test.operator"), &ask("vn-police", "somebody.else")]) {
        let before = looked_at(&gateway).await;
        assert!(page(&mut limited, query.clone()).await.expect("an answer").rows.is_empty(), "{query:?}");
        assert_eq!(looked_at(&gateway).await, before, "{query:?}");
    }
    assert!(!page(&mut limited, ask("vn-police", "")).await.expect("an answer").rows.is_empty());
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pseudonym_leads_to_all_records_behind_it_and_the_question_is_recorded_before_the_search() {
    let world = World::new();
    let gateway = world.start().await;
    let (first, pseudonym, _) = shown(&world, &gateway, "SUBJECT-A").await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let second = submit(&mut ingest, "again", &person("SUBJECT-A")).await.expect("accepted");
    released_in(&world, ALBANIA, &second).await;
    pull(&mut gateway.feed("al-police/feed").await, "", 0).await.expect("a page");
    let mut owner = gateway.audit("gb-nca/audit").await;
    let size = world.journal().size();
    let ask = |pseudonym: &str| v1::QueryRequest {
        agreement: ALBANIA.into(),
        pseudonym: pseudonym.into(),
        ..v1::QueryRequest::default()
    };
    let answer = pages(&mut owner, ask(&pseudonym)).await.expect("an answer");
    let said: Vec<_> = world.journal().entries_from(size).into_iter().map(|seen| seen.entry).collect();
    let told: Vec<_> = said.iter().map(|entry| (entry.reason.as_str(), entry.records.len())).collect();
    assert_eq!(told, [("audit-query", 0), ("pseudonym-resolved", 2)]);
    let mut expected = Vec::new();
    for record in [&first, &second] {
        let under = v1::QueryRequest { agreement: ALBANIA.into(), ..about(&record.record_id) };
        expected.extend(leaves(&pages(&mut owner, under).await.expect("an answer")));
    }
    expected.sort_unstable();
    expected.dedup();
    expected.retain(|leaf| *leaf < answer[0].begin.asked_leaf_index);
    assert_eq!(leaves(&answer), expected);
    assert!(answer[0].rows.iter().any(|row| row.record_left));
    // One that nobody has: the question is there, and then what it came to.
    let foreign = causeway_crypto::KeyRing::generate().feed_key(&ALBANIA.parse().expect("an id"), 1).expect("an epoch");
    let foreign = foreign.pseudonym(&causeway_crypto::InternalPseudonym([7; 32]), None);
    let size = world.journal().size();
    refused(page(&mut owner, ask(&foreign)).await, Code::NotFound, "unknown-pseudonym");
    let said: Vec<_> = world.journal().entries_from(size).into_iter().map(|seen| seen.entry).collect();
    let told: Vec<_> = said.iter().map(|entry| (entry.reason.as_str(), entry.decision())).collect();
    assert_eq!(told, [("audit-query", Decision::Allowed), ("unknown-pseudonym", Decision::Denied)]);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clause_finds_the_pages_that_held_something_of_it() {
    let world = World::new();
    let gateway = world.start().await;
    some_life(&world, &gateway).await;
    let mut auditor = gateway.audit("gb-nca/audit").await;
    let all = v1::QueryRequest { with_items: true, ..everything() };
    let all = pages(&mut auditor, all).await.expect("an answer");
    let mut held = Vec::new();
    for row in all.iter().flat_map(|page| &page.rows) {
        let feed = entry(row).page.map(|page| page.feed).unwrap_or_default();
        held.extend(row.items.iter().map(|item| (feed.clone(), item.clause.clone(), row.leaf_index)));
    }
    held.sort();
    held.dedup();
    assert!(held.len() > 3, "{held:?}");
    let clauses: std::collections::BTreeSet<_> = held.iter().map(|(feed, clause, _)| (feed, clause)).collect();
    assert!(clauses.len() > 2, "{clauses:?}");
    for (agreement, clause) in clauses {
        for operation in ["disclosure", ""] {
            let query = v1::QueryRequest {
                agreement: agreement.clone(),
                clause: clause.clone(),
                operation: operation.into(),
                ..v1::QueryRequest::default()
            };
            let answer = pages(&mut auditor, query).await.expect("an answer");
            let found = answer.iter().flat_map(|page| &page.rows).filter(|row| entry(row).page.is_some());
            let of_it = held.iter().filter(|(feed, other, _)| (feed, other) == (agreement, clause));
            let of_it: Vec<u64> = of_it.map(|(_, _, leaf)| *leaf).collect();
            assert_eq!(found.map(|row| row.leaf_index).collect::<Vec<_>>(), of_it, "{agreement} {clause}");
        }
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agency_has_four_answers_under_way() {
    let world = World::new();
    let gateway = world.start().await;
    some_life(&world, &gateway).await;
    let auditor = gateway.audit("gb-nca/audit").await;
    let hold = world.faults().hold();
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..5 {
        let mut auditor = auditor.clone();
        asked.spawn(async move { page(&mut auditor, everything()).await.map(drop) });
    }
    // The questions of four wait to be recorded; the fifth has no place.
    let first = within("the one that is refused", asked.join_next()).await.expect("five").expect("it ends");
    let status = refused(first, Code::ResourceExhausted, "answers-under-way");
    assert!(status.get_error_details().retry_info().is_some(), "it says when");
    let range = v1::StreamEntriesRequest { from_leaf_index: 0, to_leaf_index: 9 };
    refused(auditor.clone().stream_entries(range).await, Code::ResourceExhausted, "answers-under-way");
    drop(hold);
    while let Some(answered) = asked.join_next().await {
        answered.expect("it ends").expect("an answer");
    }
    page(&mut auditor.clone(), everything()).await.expect("all places are free again");
    world.clock().advance(61);
    let summary = world.journal().entry("a summary", |seen| seen.entry.reason == "overload").await.entry;
    assert_eq!(summary.count, 2);
    gateway.stop().await;
}
