//! Cursors of answers: bound to the auditor and to the question, unforgeable, and stable while the journal grows.

use causeway_proto::v1;
use tonic::Code;

use super::{about, leaves, page, pages, refused, some_life};
use crate::audit::everything;
use crate::feed::ALBANIA;
use crate::harness::calls::{submit, without_request_id};
use crate::harness::{World, documents};

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_of_another_auditor_or_question_is_refused() {
    let world = World::new();
    let gateway = world.start().await;
    let [record, _] = some_life(&world, &gateway).await;
    let mut auditor = gateway.audit("gb-nca/audit").await;
    let mut partner = gateway.audit("al-police/audit").await;
    let asked = v1::QueryRequest { limit: 2, ..everything() };
    let good = page(&mut auditor, asked.clone()).await.expect("a page").end.next_cursor;
    let theirs =
        page(&mut partner, v1::QueryRequest { limit: 1, ..asked.clone() }).await.expect("a page").end.next_cursor;
    assert!(!good.is_empty() && !theirs.is_empty() && good != theirs);
    let with = |change: fn(&mut v1::QueryRequest)| {
        let mut query = v1::QueryRequest { cursor: good.clone(), ..asked.clone() };
        change(&mut query);
        query
    };
    let mut wrong = vec![
        v1::QueryRequest { cursor: theirs.clone(), ..asked.clone() },
        v1::QueryRequest { cursor: good.clone(), ..about(&record.record_id) },
        with(|query| query.to_leaf_index -= 1),
        with(|query| query.from_leaf_index = 1),
        with(|query| query.from_micros = 1),
        with(|query| query.to_micros = u64::MAX),
        with(|query| query.newest_first = true),
        with(|query| query.operation = "disclosure".into()),
        with(|query| query.decision = "allowed".into()),
        with(|query| query.agency = "gb-nca".into()),
        with(|query| query.recipient = "al-police".into()),
        with(|query| query.agreement = ALBANIA.into()),
        with(|query| query.purpose = "lawfulness".into()),
        with(|query| query.outcome = "effective".into()),
        with(|query| query.reason = "disclosed".into()),
        with(|query| query.request_id = "0".repeat(32)),
    ];
    let forged = [
        "x".to_owned(),
        format!("{good} "),
        format!("{good}0"),
        good.to_uppercase(),
        good.replacen("1.2.", "1.02.", 1),
        good.replacen("1.2.", "1.3.", 1),
        good.replacen("1.2.", "1.0.", 1),
        "9".repeat(1_000),
        "\u{1F511}".repeat(20),
    ];
    let mut changed: Vec<String> = forged.into();
    for at in (0..good.len()).step_by(5) {
        let mut bytes = good.clone().into_bytes();
        bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
        changed.push(String::from_utf8(bytes).expect("ASCII"));
    }
    changed.retain(|cursor| *cursor != good);
    wrong.extend(changed.into_iter().map(|cursor| v1::QueryRequest { cursor, ..asked.clone() }));
    let mut messages = std::collections::BTreeSet::new();
    for query in wrong {
        let status = refused(page(&mut auditor, query).await, Code::InvalidArgument, "cursor-not-yours");
        messages.insert(without_request_id(&status));
    }
    let stolen = v1::QueryRequest { cursor: good.clone(), ..asked.clone() };
    let status = refused(page(&mut partner, stolen.clone()).await, Code::InvalidArgument, "cursor-not-yours");
    messages.insert(without_request_id(&status));
    assert_eq!(messages.len(), 1, "a refusal tells how a cursor was wrong");
    // What is beside the rows, and how many there are, may change from page to page.
    let other = v1::QueryRequest { limit: 5, prove: true, with_openings: true, ..stolen };
    let next = page(&mut auditor, other).await.expect("the true one");
    assert_eq!(next.rows.iter().map(|row| row.leaf_index).collect::<Vec<_>>(), [2, 3, 4, 5, 6]);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_of_an_answer_are_those_of_its_first_moment() {
    let world = World::new();
    let gateway = world.start().await;
    some_life(&world, &gateway).await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let mut auditor = gateway.audit("gb-nca/audit").await;
    for newest_first in [false, true] {
        let query = v1::QueryRequest { newest_first, limit: 6, ..everything() };
        let mut next = page(&mut auditor, query.clone()).await.expect("a page");
        let asked = next.begin.asked_leaf_index;
        let mut read = Vec::new();
        let mut number = 0;
        loop {
            read.extend(next.rows.iter().map(|row| row.leaf_index));
            if next.end.next_cursor.is_empty() {
                break;
            }
            // The log grows between two pages, by this submission and by the next page's question.
            let name = format!("between-{newest_first}-{number}");
            submit(&mut ingest, &name, &documents::profile()).await.expect("accepted");
            number += 1;
            let cursor = next.end.next_cursor.clone();
            next = page(&mut auditor, v1::QueryRequest { cursor, ..query.clone() }).await.expect("a page");
        }
        let mut expected: Vec<u64> = (0..asked).collect();
        if newest_first {
            expected.reverse();
        }
        assert_eq!(read, expected);
    }
    // A page can be read again, also after a restart.
    let query = v1::QueryRequest { limit: 3, newest_first: true, ..everything() };
    let first = page(&mut auditor, query.clone()).await.expect("a page");
    let query = v1::QueryRequest { cursor: first.end.next_cursor, ..query };
    let second = page(&mut auditor, query.clone()).await.expect("a page").rows;
    gateway.stop().await;
    let gateway = world.start().await;
    let mut auditor = gateway.audit("gb-nca/audit").await;
    assert_eq!(page(&mut auditor, query).await.expect("the same page").rows, second);
    let none = v1::QueryRequest { from_leaf_index: 5, to_leaf_index: 5, ..v1::QueryRequest::default() };
    assert_eq!(leaves(&pages(&mut auditor, none).await.expect("an answer")), Vec::<u64>::new());
    gateway.stop().await;
}
