//! Two partners whose clauses overlap, over somebody else's real files: cases as CTDC publishes them and routes as the Human
//! Trafficking Initiative coded them, read where they lie through the shipped import maps. Where a file is absent, the test says so
//! and ends.
//!
//! Held: no pseudonym of one feed is in the other, though the same references are behind them; and for a sample of the records each
//! partner has exactly what Explain says: at that position, through that clause, and those fields of what was submitted.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use causeway_cli::import::ImportMap;
use causeway_crypto::pseudonym_is_well_formed;
use causeway_model::{AgreementId, Position};
use causeway_proto::v1;
use causeway_proto::v1::item::Content;
use serde_json::{Value, json};

use crate::feed::{ALBANIA, VIET_NAM, released_in, submit_all};
use crate::harness::calls::{items, raw_request, submit};
use crate::harness::{Gateway, Setup, World, documents};

/// Rows of each file, spread over the whole of it: the cases of one country stand together.
const ROWS: usize = 1_500;
/// One record in so many is explained.
const SAMPLED: usize = 11;

const CASES: &str = "ctdc/ctdc_kanon_2020_7col.csv";
const ROUTES: &str = "routes/routes_hti_2008_2016.csv";

const REASON: &str = "so that the clauses overlap in this test";

/// Both agreements with countries of their own and countries of both, children, linking, and a pseudonym of every reference.
fn overlapping(setup: &mut Setup) {
    setup.agreement(ALBANIA, |text| {
        let text = text.replace("nationalities = [\"AL\"]", "nationalities = [\"PH\", \"UA\", \"KH\", \"AL\", \"VN\"]");
        let text =
            text.replace("route_countries = [\"AL\", \"XK\"]", "route_countries = [\"TH\", \"IN\", \"US\", \"AL\"]");
        let text = text.replace("minimum_cell = 1\n", &format!("{}minimum_cell = 1\n", relaxed("children")));
        listing(&text, "\"subject_reference\" = \"pseudonym\"", &["nrm_reference"])
    });
    setup.agreement(VIET_NAM, |text| {
        let text = text.replace("nationalities = [\"VN\"]", "nationalities = [\"PH\", \"ID\", \"KH\", \"VN\"]");
        let text = text.replace("route_countries = [\"VN\"]", "route_countries = [\"TH\", \"CN\", \"IN\", \"VN\"]");
        let relaxations = format!("{}{}", relaxed("children"), relaxed("link_persons"));
        let text = text.replace("minimum_cell = 1\n", &format!("{relaxations}minimum_cell = 1\n"));
        let text = listing(&text, "\"gender\" = \"female-male\"", &["subject_reference", "nrm_reference"]);
        listing(&text, "\"route_status\" = \"exact\"", &["route_reference"])
    });
}

fn relaxed(key: &str) -> String {
    format!("{key} = true\n{key}_reason = \"{REASON}\"\n")
}

fn listing(text: &str, after: &str, fields: &[&str]) -> String {
    assert!(text.contains(after), "the agreement lists {after}");
    let listed: String = fields.iter().map(|field| format!("\n\"{field}\" = \"pseudonym\"")).collect();
    text.replacen(after, &format!("{after}{listed}"), 1)
}

/// Rows of a real file as the shipped map reads them, spread over all of it; none, and a line that says so, where it is absent.
fn rows(world: &World, file: &str, map: &str) -> Option<Vec<v1::SubmitRequest>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(file);
    let Ok(file_read) = File::open(&path) else {
        skipped(&format!("{file} is not beside the project, and its licence keeps it out"));
        return None;
    };
    let map = ImportMap::load(&world.path(map)).expect("the shipped map");
    let all = map.rows(BufReader::new(file_read)).expect("the map's columns");
    let all: Vec<_> = all.filter_map(|row| row.result.ok()).collect();
    let step = (all.len() / ROWS).max(1);
    let taken = all
        .into_iter()
        .step_by(step)
        .map(|mapped| raw_request(mapped.submission_id.expose(), mapped.schema.kind.as_str(), mapped.document));
    Some(taken.collect())
}

#[expect(clippy::print_stderr, reason = "a test that is skipped says why")]
fn skipped(why: &str) {
    eprintln!("skipped: {why}");
}

/// The sources name nobody. Each three cases get one made-up person, and each route a reference, so that there is something to join.
fn with_references(requests: &mut [v1::SubmitRequest]) -> Vec<Value> {
    let mut documents = Vec::new();
    for (number, request) in requests.iter_mut().enumerate() {
        let record = request.record.as_mut().expect("a record");
        let mut document: Value = serde_json::from_slice(&record.document).expect("the map writes JSON");
        let reference = format!("REFERENCE-{}", number / 3);
        if record.kind == "victim-profile" {
            let members = json!({ "subject_reference": reference, "nrm_reference": reference, "anonymous": false });
            document = documents::with(document, members);
        } else {
            // What the map reads is of the newest version.
            record.schema_version = "1.1".into();
            document = documents::with(document, json!({ "route_reference": reference }));
        }
        record.document = document.to_string().into_bytes();
        documents.push(document);
    }
    documents
}

/// What a partner has of a record.
struct Had {
    position: u64,
    clause: String,
    document: Value,
}

/// A whole feed, by the record that the log has at each position.
async fn had(world: &World, gateway: &Gateway, agreement: &str, reader: &str) -> BTreeMap<String, Had> {
    let id: AgreementId = agreement.parse().expect("an agreement");
    let mut by_record = BTreeMap::new();
    for item in items(&mut gateway.feed(reader).await).await {
        let Some(Content::Released(released)) = item.content else { panic!("nothing was withdrawn") };
        let record = world.journal().read(|state| {
            let feed = state.feed(&id).expect("it has items");
            feed.item(Position(item.position)).expect("it was served").record_id.to_string()
        });
        let document = serde_json::from_slice(&released.document).expect("a document is JSON");
        by_record.insert(record, Had { position: item.position, clause: released.clause, document });
    }
    by_record
}

#[tokio::test(flavor = "multi_thread")]
async fn partners_with_overlapping_clauses_have_what_explain_says_and_no_pseudonym_in_common() {
    let world = World::with(overlapping);
    let Some(mut requests) = rows(&world, CASES, "config/imports/ctdc.toml") else { return };
    let Some(routes) = rows(&world, ROUTES, "config/imports/hti-routes.toml") else { return };
    requests.extend(routes);
    let submitted = with_references(&mut requests);
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let receipts = submit_all(&mut ingest, requests).await;
    let last = submit(&mut ingest, "last", &documents::profile()).await.expect("accepted");
    let partners = [(ALBANIA, "al-police"), (VIET_NAM, "vn-police")];
    let mut feeds = Vec::new();
    for (agreement, agency) in partners {
        released_in(&world, agreement, &last).await;
        feeds.push(had(&world, &gateway, agreement, &format!("{agency}/feed")).await);
    }
    let in_both = feeds[0].keys().filter(|record| feeds[1].contains_key(*record)).count();
    assert!(in_both > 100, "the clauses overlap in {in_both} records only");
    assert!(feeds.iter().all(|feed| feed.len() > in_both + 20), "one feed is within the other");
    let [albania, viet_nam] = [&feeds[0], &feeds[1]].map(|feed| {
        let mut found = BTreeSet::new();
        feed.values().for_each(|had| pseudonyms(&had.document, &mut found));
        found
    });
    assert!(albania.len() > 100 && viet_nam.len() > 100, "there are {} and {}", albania.len(), viet_nam.len());
    assert_eq!(albania.intersection(&viet_nam).next(), None, "two feeds share a pseudonym");

    let (mut shown, mut kept) = (0, 0);
    for (receipt, document) in receipts.iter().zip(&submitted).step_by(SAMPLED) {
        for ((_, agency), feed) in partners.iter().zip(&feeds) {
            let request = v1::ExplainRequest {
                record_id: receipt.record_id.clone(),
                partner: (*agency).into(),
                ..v1::ExplainRequest::default()
            };
            let answer = ingest.explain(request).await.expect("the owner may ask").into_inner().explanations;
            let [explained] = &answer[..] else { panic!("{agency} has one agreement: {answer:?}") };
            assert_as_explained(explained, feed.get(&receipt.record_id), document);
            if explained.shown { shown += 1 } else { kept += 1 }
        }
    }
    assert!(shown > 50 && kept > 50, "the sample has {shown} that are shown and {kept} that are not");
    gateway.stop().await;
}

/// A partner has exactly what is explained: not the record, or these fields of it through this clause at this position.
fn assert_as_explained(explained: &v1::Explanation, had: Option<&Had>, submitted: &Value) {
    let Some(had) = had else {
        assert!(!explained.shown, "it is said to be shown, and is not there: {explained:?}");
        assert!(explained.position == 0 && explained.reason != "released", "{explained:?}");
        return;
    };
    assert!(explained.shown, "it is there, and said not to be shown: {explained:?}");
    assert_eq!((explained.position, explained.clause.as_str()), (had.position, had.clause.as_str()));
    let leaving: BTreeSet<String> =
        explained.fields.iter().filter(|field| field.leaves).map(|field| field.path.clone()).collect();
    let (mut of_submitted, mut of_shown) = (BTreeSet::new(), BTreeSet::new());
    paths(submitted, "", &mut of_submitted);
    paths(&had.document, "", &mut of_shown);
    let mut expected: BTreeSet<String> = of_submitted.intersection(&leaving).cloned().collect();
    if submitted["age_band"] == "unknown" && !of_shown.contains("age_band") {
        // Whether adult or child cannot be said of it.
        expected.remove("age_band");
    }
    assert_eq!(of_shown, expected, "{explained:?}");
}

/// The paths of all leaves, as agreements write them.
fn paths(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                paths(value, &below, found);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| paths(value, &format!("{path}[]"), found)),
        _ => drop(found.insert(path.to_owned())),
    }
}

/// Every pseudonym in a document.
fn pseudonyms(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => members.values().for_each(|value| pseudonyms(value, found)),
        Value::Array(values) => values.iter().for_each(|value| pseudonyms(value, found)),
        Value::String(text) if pseudonym_is_well_formed(text) => drop(found.insert(text.clone())),
        _ => {}
    }
}
