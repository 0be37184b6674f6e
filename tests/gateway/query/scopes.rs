//! Who sees what: the operator's auditors with and without limits, and a partner's, also by guessing.

use causeway_agreement::AuditLimits;
use causeway_journal::v1::{Decision, Entry};
use causeway_model::{AgencyId, Date};
use causeway_proto::v1;
use tonic::{Code, Status};

use super::{Page, about, entry, leaves, page, pages, refused, some_life};
use crate::audit::{Auditor, everything};
use crate::feed::{ALBANIA, VIET_NAM};
use crate::harness::calls::{reason, submit};
use crate::harness::{Gateway, World, documents};
use crate::identity::shown;
use crate::rotation::agency::{activate, next};

/// Limits the operator's auditor, by a new version of its agency file.
pub(super) async fn limit(world: &World, gateway: &Gateway, limits: AuditLimits) {
    let mut file = next(world, "gb-nca");
    let auditor = file.systems.iter_mut().find(|system| system.name.as_str() == "audit").expect("an auditor");
    auditor.audit = limits;
    activate(world, gateway, &file).await.expect("in force");
}

fn concerns(entry: &Entry, agency: &str) -> bool {
    entry.actor.as_ref().is_some_and(|actor| actor.agency == agency)
        || entry.recipient.as_ref().is_some_and(|recipient| recipient.agency == agency)
}

/// The leaves before a question that an auditor may see.
fn expected(world: &World, asked: &Page, may_see: impl Fn(&Entry) -> bool) -> Vec<u64> {
    let all = world.journal().entries();
    let before = all.iter().filter(|seen| seen.leaf < asked.begin.asked_leaf_index);
    before.filter(|seen| may_see(&seen.entry)).map(|seen| seen.leaf).collect()
}

/// What guessing leaf numbers comes to: each leaf's entry, where it is given.
async fn guess(auditor: &mut Auditor, leaves: impl IntoIterator<Item = u64>) -> (Vec<u64>, Vec<Status>) {
    let (mut given, mut refusals) = (Vec::new(), Vec::new());
    for leaf_index in leaves {
        let request = v1::GetInclusionProofRequest { leaf_index, tree_size: 0 };
        match auditor.get_inclusion_proof(request).await {
            Ok(_) => given.push(leaf_index),
            Err(status) => refusals.push(status),
        }
    }
    (given, refusals)
}

fn one_answer(refusals: &[Status]) {
    let mut texts: Vec<_> =
        refusals.iter().map(|status| (status.code(), reason(status), status.message().to_owned())).collect();
    texts.dedup();
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert_eq!(texts[0].0, Code::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_who_is_limited_to_an_agency_sees_what_that_agency_did_and_received() {
    let world = World::new();
    let gateway = world.start().await;
    let [record, _] = some_life(&world, &gateway).await;
    let (_, pseudonym, _) = shown(&world, &gateway, "SUBJECT-A").await;
    let mut auditor = gateway.audit("gb-nca/audit").await;
    let viet_nam: AgencyId = "vn-police".parse().expect("an id");
    limit(&world, &gateway, AuditLimits { agencies: vec![viet_nam], ..AuditLimits::default() }).await;
    let asked = v1::QueryRequest { with_openings: true, with_texts: true, ..everything() };
    let answer = pages(&mut auditor, asked).await.expect("an answer");
    let seen = leaves(&answer);
    assert_eq!(seen, expected(&world, &answer[0], |entry| concerns(entry, "vn-police")));
    let items = v1::QueryRequest { with_items: true, ..everything() };
    refused(page(&mut auditor, items).await, Code::PermissionDenied, "items-for-operator");
    assert!(answer[0].rows.iter().all(|row| row.opened.is_none()), "texts are for those without limits");
    let record = pages(&mut auditor, about(&record.record_id)).await.expect("an answer");
    assert!(record[0].rows.iter().all(|row| concerns(&entry(row), "vn-police")) && !record[0].rows.is_empty());
    for recipient in ["al-police", "gb-nca"] {
        let query = v1::QueryRequest { recipient: recipient.into(), ..v1::QueryRequest::default() };
        assert!(page(&mut auditor, query).await.expect("an answer").rows.is_empty(), "{recipient}");
    }
    let size = world.journal().size();
    let (given, refusals) = guess(&mut auditor, (0..size).chain([1 << 40, u64::MAX])).await;
    assert_eq!(given, seen.into_iter().filter(|leaf| *leaf < size).collect::<Vec<_>>());
    one_answer(&refusals);
    let by_pseudonym = v1::QueryRequest { agreement: ALBANIA.into(), pseudonym, ..v1::QueryRequest::default() };
    refused(page(&mut auditor, by_pseudonym.clone()).await, Code::NotFound, "unknown-pseudonym");
    // The version without the limit gives back what was hidden, to the same connection.
    limit(&world, &gateway, AuditLimits::default()).await;
    let answer = pages(&mut auditor, everything()).await.expect("an answer");
    assert_eq!(leaves(&answer), expected(&world, &answer[0], |_| true));
    assert!(!page(&mut auditor, by_pseudonym).await.expect("an answer").rows.is_empty());
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_who_is_limited_to_days_sees_those_days() {
    let world = World::new();
    let gateway = world.start().await;
    let [record, _] = some_life(&world, &gateway).await;
    let mut auditor = gateway.audit("gb-nca/audit").await;
    let day = |day| Date::new(2026, 11, day);
    world.lasting("gb-nca/audit");
    limit(&world, &gateway, AuditLimits { from: day(22), to: day(22), ..AuditLimits::default() }).await;
    assert!(page(&mut auditor, everything()).await.expect("an answer").rows.is_empty(), "its day has not come");
    for hour in [13, 24] {
        world.clock().advance(hour * 3600);
        let mut ingest = gateway.ingest("gb-nca/case-management").await;
        submit(&mut ingest, &format!("after {hour}"), &documents::profile()).await.expect("accepted");
    }
    let answer = pages(&mut auditor, v1::QueryRequest { newest_first: true, ..everything() }).await.expect("an answer");
    let within = |entry: &Entry| causeway_model::Timestamp(entry.time_micros).date() == day(22).expect("a day");
    let mut wanted = expected(&world, &answer[0], within);
    wanted.reverse();
    assert_eq!(leaves(&answer), wanted);
    assert!(answer[0].rows.iter().any(|row| entry(row).reason == "accepted"));
    assert!(
        page(&mut auditor, about(&record.record_id)).await.expect("an answer").rows.is_empty(),
        "of the day before"
    );
    let (given, refusals) = guess(&mut auditor, 0..world.journal().size()).await;
    wanted.reverse();
    assert_eq!(given, wanted);
    one_answer(&refusals);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partners_auditor_is_given_nothing_beside_its_own() {
    let world = World::new();
    let gateway = world.start().await;
    let [record, _] = some_life(&world, &gateway).await;
    let (own, pseudonym, _) = shown(&world, &gateway, "SUBJECT-A").await;
    let mut partner = gateway.audit("al-police/audit").await;
    let mut owner = gateway.audit("gb-nca/audit").await;
    // Texts: of what its own agency did, and of nothing that somebody else did about it.
    let asked = v1::QueryRequest { with_openings: true, with_texts: true, ..everything() };
    let answer = pages(&mut partner, asked).await.expect("an answer");
    assert!(answer[0].rows.iter().any(|row| row.opened.is_some()));
    for row in &answer[0].rows {
        let acted = entry(row).actor.is_some_and(|actor| actor.agency == "al-police");
        assert_eq!(row.opened.is_some(), acted, "leaf {}", row.leaf_index);
        assert!(row.text.is_empty());
    }
    let size = world.journal().size();
    let items = v1::QueryRequest { with_items: true, ..everything() };
    refused(page(&mut partner, items).await, Code::PermissionDenied, "items-for-operator");
    let left = world.journal().entries_from(size);
    assert!(
        left.iter().any(|seen| seen.entry.reason == "items-for-operator" && seen.entry.decision() == Decision::Denied)
    );
    // A pseudonym is its own feed's, and still not its to resolve; another's, one that nobody has, and another's agreement look the same.
    let foreign = causeway_crypto::KeyRing::generate().feed_key(&ALBANIA.parse().expect("an id"), 1).expect("an epoch");
    let foreign = foreign.pseudonym(&causeway_crypto::InternalPseudonym([7; 32]), None);
    let ask = |agreement: &str, pseudonym: &str| v1::QueryRequest {
        agreement: agreement.into(),
        pseudonym: pseudonym.into(),
        ..v1::QueryRequest::default()
    };
    let mut answers = Vec::new();
    for query in
        [ask(ALBANIA, &pseudonym), ask(ALBANIA, &foreign), ask(VIET_NAM, &pseudonym), ask("ISA-XX-1", &pseudonym)]
    {
        answers.push(page(&mut partner, query).await.map(drop).expect_err("not its to know"));
    }
    for query in [ask(ALBANIA, &foreign), ask(VIET_NAM, &pseudonym), ask("ISA-XX-1", &pseudonym)] {
        answers.push(page(&mut owner, query).await.map(drop).expect_err("no such pseudonym"));
    }
    one_answer(&answers);
    refused(page(&mut owner, ask(ALBANIA, "mistyped")).await, Code::InvalidArgument, "pseudonym-malformed");
    // The owner's auditor gets the record's entries under the agreement, and with the record id, those of both.
    let answer = pages(&mut owner, ask(ALBANIA, &pseudonym)).await.expect("an answer");
    let under = v1::QueryRequest { agreement: ALBANIA.into(), ..about(&own.record_id) };
    let same = pages(&mut owner, under.clone()).await.expect("an answer");
    let question = answer[0].begin.asked_leaf_index;
    assert_eq!(leaves(&answer), leaves(&same).into_iter().filter(|leaf| *leaf < question).collect::<Vec<_>>());
    assert!(answer[0].rows.iter().any(|row| row.record_left));
    let both = v1::QueryRequest { pseudonym: pseudonym.clone(), ..under };
    assert_eq!(leaves(&pages(&mut owner, both).await.expect("an answer")), leaves(&answer));
    let another = v1::QueryRequest { pseudonym, agreement: ALBANIA.into(), ..about(&record.record_id) };
    assert!(page(&mut owner, another).await.expect("an answer").rows.is_empty(), "nothing is about both");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_to_an_agency_that_is_not_there_does_not_come_into_force() {
    let world = World::new();
    let gateway = world.start().await;
    let mut file = next(&world, "gb-nca");
    let unknown = AuditLimits { agencies: vec!["fr-ocriest".parse().expect("an id")], ..AuditLimits::default() };
    file.systems.iter_mut().find(|system| system.name.as_str() == "audit").expect("an auditor").audit = unknown;
    let status = activate(&world, &gateway, &file).await.expect_err("nothing would be shown");
    assert!(status.message().contains("audit_agencies: fr-ocriest has no agency file"), "{}", status.message());
    gateway.stop().await;
}
