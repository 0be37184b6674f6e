//! Explain: what it says of each gate, to whom, and, over random agreements and records, that it says what the feeds deliver.

mod drawn;
mod fields;

use std::collections::BTreeMap;

use causeway_journal::v1::Decision;
use causeway_model::{Date, Position};
use causeway_proto::v1;
use causeway_proto::v1::ingest_service_client::IngestServiceClient;
use causeway_proto::v1::item::Content;
use serde_json::{Value, json};
use tonic::{Code, Status};

use crate::feed::records::Seeded;
use crate::feed::{ALBANIA, VIET_NAM, released_in, submit_all};
use crate::frozen::office::{activate, suspend};
use crate::harness::calls::{items, reason, request, send, submit, withdraw};
use crate::harness::{Gateway, Stated, World, documents};
use drawn::Drawn;
use fields::assert_fields;

/// Records of one round of the property.
const RECORDS: usize = 60;

/// Worlds of the property, each with agreements of its own.
const WORLDS: u64 = 4;

async fn explain(
    client: &mut IngestServiceClient<Stated>,
    record_id: &str,
    agreement: &str,
    field: &str,
) -> Result<v1::Explanation, Status> {
    let request = v1::ExplainRequest {
        record_id: record_id.into(),
        agreement: agreement.into(),
        field: field.into(),
        partner: String::new(),
    };
    let mut all = client.explain(request).await?.into_inner().explanations;
    assert_eq!(all.len(), 1, "one agreement was asked about");
    Ok(all.remove(0))
}

fn profile(members: Value) -> Value {
    documents::with(documents::profile(), members)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_gate_is_named() {
    let world = World::with(|setup| {
        // What is of a daily clause waits for its day.
        setup.agreement(VIET_NAM, |text| {
            text.replacen("release = \"immediate\"", "release = \"daily\"", 1).replacen(
                "release_reason",
                "# release",
                1,
            )
        });
    });
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let cases = [
        (json!({}), "released"),
        (json!({ "nationalities": ["RO"] }), "outside-filter"),
        (json!({ "tlp": "RED" }), "tlp-red"),
        (json!({ "tlp": "AMBER+STRICT" }), "tlp-above-ceiling"),
        (json!({ "releasable_to": ["VN"] }), "not-releasable-to-recipient"),
        (json!({ "is_minor": "yes" }), "child-not-covered"),
        (json!({ "info_grade": "D" }), "info-grade-above-ceiling"),
        (json!({ "processing_restricted": true }), "processing-restricted"),
    ];
    let mut receipts = Vec::new();
    for (index, (members, _)) in cases.iter().enumerate() {
        receipts.push(submit(&mut ingest, &format!("r-{index}"), &profile(members.clone())).await.expect("accepted"));
    }
    let last = submit(&mut ingest, "last", &profile(json!({}))).await.expect("accepted");
    released_in(&world, ALBANIA, &last).await;
    for ((_, expected), receipt) in cases.iter().zip(&receipts) {
        let said = explain(&mut ingest, &receipt.record_id, ALBANIA, "").await.expect("explained");
        assert_eq!(said.reason, *expected);
        let is_shown = *expected == "released";
        assert_eq!((said.shown, said.granted, said.fields.is_empty()), (is_shown, is_shown, !is_shown), "{expected}");
        assert_eq!(
            (said.position > 0, said.clause.as_str()),
            (is_shown, if is_shown { "ISA-AL-2026-014/c3.1" } else { "" })
        );
    }
    let shown = &receipts[0].record_id;
    let waits = explain(&mut ingest, shown, VIET_NAM, "").await.expect("explained");
    let midnight = Date::new(2026, 11, 22).expect("a day").start();
    assert_eq!((waits.reason.as_str(), waits.released_after_micros), ("awaits-release", midnight.0));
    assert_eq!((waits.shown, waits.granted, waits.clause.as_str()), (false, true, "ISA-VN-2026-021/c2.1"));
    for (field, leaves, form, why) in [
        ("gender", true, "female-male", "listed"),
        ("subject_reference", true, "pseudonym", "listed"),
        ("tlp", true, "exact", "listed"),
        ("given_name", false, "", "not-listed"),
    ] {
        let said = explain(&mut ingest, shown, ALBANIA, field).await.expect("explained");
        let expected = v1::ExplainedField { path: field.into(), leaves, form: form.into(), reason: why.into() };
        assert_eq!(said.fields, [expected]);
    }
    let said = explain(&mut ingest, &receipts[1].record_id, ALBANIA, "gender").await.expect("explained");
    assert_eq!((said.fields[0].leaves, said.fields[0].reason.as_str()), (false, "record-not-granted"));
    state_gates(&world, &gateway, &mut ingest, &receipts).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exclusion_that_covers_a_record_is_named() {
    let world = World::with(|setup| {
        let exclusion = |id: &str, types: &str| {
            format!(
                "\n[[exclusions]]\nid = \"{id}\"\nkinds = [\"victim-profile\"]\nreason = \"shared elsewhere\"\n\n[exclusions.filter]\nexploitation_types = [\"{types}\"]\n"
            )
        };
        let all = format!("{}{}", exclusion("c9.1", "OrganRemoval"), exclusion("c9.2", "Servitude"));
        setup.agreement(ALBANIA, |text| format!("{text}{all}"));
    });
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let servitude = profile(json!({ "exploitation_types": ["Servitude"] }));
    let record = submit(&mut ingest, "excluded", &servitude).await.expect("accepted").record_id;
    let said = explain(&mut ingest, &record, ALBANIA, "gender").await.expect("explained");
    assert_eq!((said.reason.as_str(), said.clause.as_str()), ("excluded", "ISA-AL-2026-014/c9.2"));
    assert_eq!((said.granted, said.shown, said.fields[0].reason.as_str()), (false, false, "record-not-granted"));
    gateway.stop().await;
}

/// What becomes of a record, or of the agreement, outside its text.
async fn state_gates(
    world: &World,
    gateway: &Gateway,
    ingest: &mut IngestServiceClient<Stated>,
    receipts: &[v1::Receipt],
) {
    let [one, two, three, ..] = receipts else { panic!("there are more") };
    withdraw(ingest, "gone", &one.record_id, 1).await.expect("withdrawn");
    let restrict = v1::RestrictRequest {
        submission_id: "restrict".into(),
        record_id: two.record_id.clone(),
        expected_version: 1,
        restricted: true,
    };
    ingest.restrict(restrict).await.expect("restricted");
    let flag = v1::FlagAtRiskRequest { submission_id: "flag".into(), record_id: three.record_id.clone() };
    ingest.flag_at_risk(flag).await.expect("flagged");
    for (receipt, expected) in [(one, "withdrawn"), (two, "restricted"), (three, "victim-at-risk")] {
        let said = explain(ingest, &receipt.record_id, ALBANIA, "").await.expect("explained");
        assert_eq!((said.shown, said.granted, said.reason.as_str()), (false, false, expected));
    }
    suspend(world, gateway, ("agreement", ALBANIA, 1)).await.expect("suspended");
    let said = explain(ingest, &receipts[4].record_id, ALBANIA, "").await.expect("explained");
    assert_eq!(said.reason, "agreement-suspended");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_ask_what_and_what_it_leaves() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let record = submit(&mut ingest, "one", &documents::profile()).await.expect("accepted").record_id;
    let none = "0".repeat(32);
    let size = world.journal().size();
    for (record, agreement, field, code, expected) in [
        (&none, ALBANIA, "", Code::NotFound, "unknown-record"),
        (&record, "ISA-XX-2026-999", "", Code::NotFound, "unknown-agreement"),
        (&record, ALBANIA, "shoe_size", Code::InvalidArgument, "unknown-field"),
        (&record, "", "", Code::InvalidArgument, "field-malformed"),
        (&record, ALBANIA, "Shoe Size", Code::InvalidArgument, "field-malformed"),
    ] {
        let refused = explain(&mut ingest, record, agreement, field).await.expect_err(expected);
        assert_eq!((refused.code(), reason(&refused).as_str()), (code, expected));
    }
    explain(&mut ingest, &record, ALBANIA, "").await.expect("explained");
    let by_partner =
        v1::ExplainRequest { record_id: record.clone(), partner: "vn-police".into(), ..v1::ExplainRequest::default() };
    let all = ingest.explain(by_partner).await.expect("explained").into_inner().explanations;
    assert_eq!(all.iter().map(|one| one.agreement.as_str()).collect::<Vec<_>>(), [VIET_NAM]);
    let said: Vec<_> = world.journal().entries_from(size).into_iter().map(|seen| seen.entry).collect();
    let said = said.iter().filter(|entry| entry.actor.as_ref().is_some_and(|actor| !actor.system.is_empty()));
    let said: Vec<_> = said.map(|entry| (entry.decision(), entry.reason.as_str(), entry.records.len())).collect();
    let (denied, allowed) = (Decision::Denied, Decision::Allowed);
    assert_eq!(
        said,
        [
            (denied, "unknown-record", 1),
            (denied, "unknown-agreement", 1),
            (denied, "unknown-field", 1),
            (allowed, "explained", 1),
            (allowed, "explained", 1)
        ]
    );

    let question = |record: &str| v1::AuditServiceExplainRequest {
        record_id: record.into(),
        agreement: ALBANIA.into(),
        ..v1::AuditServiceExplainRequest::default()
    };
    let mut auditor = gateway.audit("gb-nca/audit").await;
    let answer = auditor.explain(question(&record)).await.expect("the operator's auditors may ask").into_inner();
    assert_eq!(answer.explanations.len(), 1);
    let mut partners = gateway.audit("al-police/audit").await;
    let mut refusals = Vec::new();
    for record in [&record, &none] {
        let refused = partners.explain(question(record)).await.expect_err("a partner's auditor may not");
        refusals.push((refused.code(), reason(&refused), refused.message().to_owned()));
    }
    assert_eq!(refusals[0].1, "operator-auditors-only");
    assert_eq!(refusals[0], refusals[1], "a partner can tell whether a record is there");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_explained_is_what_is_delivered() {
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    for seed in 0..WORLDS {
        let mut drawn = Drawn::new(seed);
        let texts = [
            (ALBANIA, drawn.agreement(ALBANIA, "al-police", 1)),
            (VIET_NAM, drawn.agreement(VIET_NAM, "vn-police", 1)),
        ];
        let world = World::with(|setup| {
            for (id, text) in texts.clone() {
                setup.agreement(id, |_| text);
            }
        });
        let gateway = world.start().await;
        let mut round = Round::new(&world, &gateway, seed).await;
        round.submit_some(0).await;
        for (step, day) in [(0, 21), (1, 22), (2, 23), (3, 30)] {
            world.clock().set(Date::new(2026, 11, day).expect("a day").start().plus_seconds(12 * 3600));
            if step == 2 {
                let text = drawn.agreement(ALBANIA, "al-police", 2);
                activate(&world, &gateway, ("agreement", ALBANIA, 2), &text).await.expect("in force");
            }
            round.change_some(&mut drawn, step).await;
            round.settle(step).await;
            for (agreement, reader) in [(ALBANIA, "al-police/feed"), (VIET_NAM, "vn-police/feed")] {
                for said in round.compare(agreement, reader).await {
                    *reasons.entry(said.reason).or_default() += 1;
                }
            }
        }
        gateway.stop().await;
    }
    for reason in
        ["released", "outside-filter", "tlp-above-ceiling", "not-releasable-to-recipient", "withdrawn", "restricted"]
    {
        assert!(reasons.get(reason).is_some_and(|count| *count > 10), "too few are {reason}: {reasons:?}");
    }
}

/// A world of the property.
struct Round<'w> {
    world: &'w World,
    gateway: &'w Gateway,
    ingest: IngestServiceClient<Stated>,
    seeded: Seeded,
    /// By record id: the document and the version that are current.
    records: BTreeMap<String, (Value, u32)>,
}

impl<'w> Round<'w> {
    async fn new(world: &'w World, gateway: &'w Gateway, seed: u64) -> Self {
        let ingest = gateway.ingest("gb-nca/case-management").await;
        Self { world, gateway, ingest, seeded: Seeded::new(seed), records: BTreeMap::new() }
    }

    async fn submit_some(&mut self, step: usize) {
        let documents: Vec<Value> = (0..RECORDS).map(|_| self.seeded.record()).collect();
        let requests = documents.iter().enumerate().map(|(index, one)| request(&format!("{step}-{index}"), one));
        let receipts = submit_all(&mut self.ingest, requests.collect()).await;
        let made = receipts.into_iter().zip(documents).map(|(receipt, document)| (receipt.record_id, (document, 1)));
        self.records.extend(made);
    }

    /// Corrects, withdraws, restricts and flags a few records.
    async fn change_some(&mut self, drawn: &mut Drawn, step: usize) {
        let ids: Vec<String> = self.records.keys().cloned().collect();
        for (index, id) in ids.iter().enumerate() {
            let (document, version) = self.records[id].clone();
            let act = format!("act-{step}-{index}");
            // What cannot be, as changing what is withdrawn, is refused; that is not what is tested here.
            match drawn.below(24) {
                0 => drop(withdraw(&mut self.ingest, &act, id, version).await),
                1 => drop(self.restrict(&act, id, version, true).await),
                2 => drop(self.restrict(&act, id, version, false).await),
                3 => {
                    let flag = v1::FlagAtRiskRequest { submission_id: act, record_id: id.clone() };
                    drop(self.ingest.flag_at_risk(flag).await);
                }
                4 | 5 => {
                    let tlp = drawn.pick(&["GREEN", "AMBER", "RED"]);
                    let corrected = documents::with(document, json!({ "tlp": tlp, "releasable_to": ["AL", "VN"] }));
                    let correction = v1::SubmitRequest {
                        record_id: id.clone(),
                        expected_version: version,
                        ..request(&act, &corrected)
                    };
                    if send(&mut self.ingest, correction).await.is_ok() {
                        self.records.insert(id.clone(), (corrected, version + 1));
                    }
                }
                _ => {}
            }
        }
    }

    async fn restrict(&mut self, act: &str, id: &str, version: u32, restricted: bool) -> Result<(), Status> {
        let (submission_id, record_id) = (act.to_owned(), id.to_owned());
        let request = v1::RestrictRequest { submission_id, record_id, expected_version: version, restricted };
        self.ingest.restrict(request).await.map(drop)
    }

    /// Waits until the releaser has gone round twice after all that was done: the markers go to both feeds at once.
    async fn settle(&mut self, step: usize) {
        for marker in 0..2 {
            let record = drawn::marker();
            let receipt =
                submit(&mut self.ingest, &format!("marker-{step}-{marker}"), &record).await.expect("accepted");
            for agreement in [ALBANIA, VIET_NAM] {
                released_in(self.world, agreement, &receipt).await;
            }
            self.records.insert(receipt.record_id, (record, 1));
        }
    }

    /// Compares all that is explained with all that is delivered, while nothing moves in between.
    async fn compare(&mut self, agreement: &str, reader: &str) -> Vec<v1::Explanation> {
        loop {
            let before = self.world.journal().positions(agreement);
            let mut explained = BTreeMap::new();
            for id in self.records.keys() {
                explained.insert(id.clone(), explain(&mut self.ingest, id, agreement, "").await.expect("explained"));
            }
            let delivered = items(&mut self.gateway.feed(reader).await).await;
            if self.world.journal().positions(agreement) == before && delivered.len() as u64 == before {
                self.check(agreement, &explained, &delivered);
                return explained.into_values().collect();
            }
        }
    }

    fn check(&self, agreement: &str, explained: &BTreeMap<String, v1::Explanation>, delivered: &[v1::Item]) {
        let content = |item: &v1::Item| match &item.content {
            Some(Content::Released(record)) => Some((item.position, record.clone())),
            _ => None,
        };
        let mut shown: BTreeMap<u64, v1::ReleasedRecord> = delivered.iter().filter_map(content).collect();
        for (id, said) in explained {
            assert_eq!(said.shown, said.position > 0, "{said:?}");
            if !said.shown {
                assert_ne!(said.reason, "released");
                continue;
            }
            assert_eq!(said.reason, "released");
            let record =
                shown.remove(&said.position).unwrap_or_else(|| panic!("explained and not delivered: {said:?}"));
            assert_eq!(self.record_at(agreement, said.position), *id, "another record's position");
            assert_eq!(record.clause, said.clause);
            let served: Value = serde_json::from_slice(&record.document).expect("JSON");
            assert_fields(said, &self.records[id].0, &served);
        }
        assert!(shown.is_empty(), "{agreement} delivers what is not explained, at {:?}", shown.keys());
    }

    fn record_at(&self, agreement: &str, position: u64) -> String {
        let id = agreement.parse().expect("an agreement");
        self.world.journal().read(|state| {
            let item = state.feed(&id).and_then(|feed| feed.item(Position(position)));
            item.expect("there").record_id.to_string()
        })
    }
}
