//! What auditors are told of re-identifications, of unusual days and of a journal with two histories, by the commands as processes of
//! their own.

use std::fs;
use std::path::Path;

use causeway_crypto::SigningKey;
use causeway_journal::{Checkpoint, JournalError, Tree, inclusion_proof, leaf_hash};
use causeway_model::LeafIndex;
use causeway_proto::v1;
use prost::Message;
use serde_json::{Value, json};

use crate::audit_commands::{Said, Scene, values};

const SPAN: [&str; 4] = ["--between", "2026-11-01", "2026-11-30", "--json"];

/// Questions about one record that one person asks.
const QUESTIONS: usize = 6;

impl Scene {
    /// The findings by rules of the test's own.
    async fn unusual(&self, rules: &str) -> Said {
        fs::write(self.path("rules.toml"), rules).expect("writable");
        let rules = self.text("rules.toml");
        self.audit(&[&["unusual", "--rules", &rules], &SPAN[..]].concat()).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_re_identification_is_listed_with_what_became_of_it() {
    let scene = Scene::new().await;
    let record_id = scene.first_record();
    let mut office = scene.gateway.protection("gb-nca/protection").await;
    let case_reference = "OP-FINCH-7".to_owned();
    let question = v1::RequestIdentityRequest { record_id: record_id.clone(), case_reference, ..Default::default() };
    let asked = office.request_identity(question).await.expect("it may ask").into_inner();
    let identity_request_id = asked.identity_request_id;
    let reason = "there are no grounds".to_owned();
    let refusal = v1::RefuseIdentityRequest { identity_request_id: identity_request_id.clone(), reason };
    office.refuse_identity(refusal).await.expect("it may refuse");

    let listed = scene.audit(&[&["releases"], &SPAN[..]].concat()).await;
    assert!(listed.success, "{}", listed.noted);
    let requests = values(&listed.lines);
    assert_eq!(requests.len(), 1, "{:?}", listed.lines);
    let request = &requests[0];
    assert_eq!(json!([request["request"], request["record"]]), json!([identity_request_id, record_id]));
    let step = |step: &Value| json!([step["reason"], step["agency_system"], step["person"], step["outcome"]]);
    let steps: Vec<Value> = request["steps"].as_array().expect("steps").iter().map(step).collect();
    let by = |reason: &str| json!([reason, "gb-nca/protection", "test.operator", "effective"]);
    assert_eq!(steps, [by("identity-requested"), by("identity-refused")]);
    assert_eq!(request["steps"][0]["case_reference"], "OP-FINCH-7");
    assert!(listed.noted.contains("1 requests that this auditor may see: 0 collected, 1 refused"), "{}", listed.noted);
    // Before the day there was none.
    let none = scene.audit(&["releases", "--between", "2026-11-01", "2026-11-20", "--json"]).await;
    assert_eq!(values(&none.lines), Vec::<Value>::new(), "{:?}", none.lines);
    // A partner's auditor sees nothing of an owner's own.
    let partners = scene.run("al-police/audit", &[&["audit", "releases"], &SPAN[..]].concat()).await;
    assert_eq!(values(&partners.lines), Vec::<Value>::new(), "{:?}", partners.lines);
    scene.gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_after_one_record_and_a_busy_day_are_found() {
    let scene = Scene::new().await;
    let record_id = scene.first_record();
    let mut auditor = scene.gateway.audit("gb-nca/audit").await;
    for _ in 0..QUESTIONS {
        let question = v1::QueryRequest { record_id: record_id.clone(), limit: 1, ..Default::default() };
        let mut answer = auditor.query(question).await.expect("an answer").into_inner();
        while answer.message().await.expect("it goes on").is_some() {}
    }
    let same_subject = |times: usize| format!("[same_subject]\nhours = 24\ntimes = {times}\nrefused = 10\n");
    let found = scene.unusual(&same_subject(QUESTIONS)).await;
    assert!(found.success, "{}", found.noted);
    let findings = values(&found.lines);
    assert_eq!(findings.len(), 1, "{:?}", found.lines);
    assert_eq!(json!([findings[0]["rule"], findings[0]["who"]]), json!(["same-subject", "gb-nca: test.operator"]));
    let fewer = scene.unusual(&same_subject(QUESTIONS + 1)).await;
    assert_eq!(values(&fewer.lines), Vec::<Value>::new(), "{:?}", fewer.lines);

    let volume = |absolute: usize| {
        let operations = "operations = [\"consultation\"]";
        format!("[volume]\n{operations}\ntimes_median = 5\ndays = 5\nminimum = 100\nabsolute = {absolute}\n")
    };
    let found = scene.unusual(&volume(QUESTIONS - 1)).await;
    let findings = values(&found.lines);
    let who = |finding: &Value| json!([finding["rule"], finding["who"], finding["when"]]);
    let of = |who: &str| json!(["volume", who, "2026-11-21"]);
    let told: Vec<Value> = findings.iter().map(who).collect();
    assert!(told.contains(&of("gb-nca: test.operator")) && told.contains(&of("gb-nca/audit")), "{told:?}");
    let calm = scene.unusual(&volume(10_000)).await;
    assert_eq!(values(&calm.lines), Vec::<Value>::new(), "{:?}", calm.lines);
    scene.gateway.stop().await;
}

/// A page's evidence as a gateway with two histories would have given it: the same entry at the same place, under a root that the
/// journal never had.
fn of_another_history(page: &Path) {
    let mut kept = v1::Page::decode(fs::read(page).expect("kept").as_slice()).expect("a page");
    let evidence = kept.evidence.as_mut().expect("it came with evidence");
    let leaf = evidence.inclusion_proof.as_ref().expect("and its proof").leaf_index;
    let mut tree = Tree::new();
    (0..leaf).for_each(|other| drop(tree.push(leaf_hash(&other.to_be_bytes()))));
    tree.push(leaf_hash(&evidence.entry));
    let no_tile = |level, index| Err(JournalError::Tile { level, index });
    let (size, root) = (tree.size(), tree.root());
    let proof = inclusion_proof(&tree, LeafIndex(leaf), size, &no_tile).expect("in range");
    let hashes = proof.iter().map(|hash| hash.0.to_vec()).collect();
    evidence.inclusion_proof = Some(v1::InclusionProof { leaf_index: leaf, tree_size: size, hashes });
    let origin = evidence.checkpoint.lines().next().expect("its first line").to_owned();
    evidence.checkpoint = Checkpoint { origin, size, root }.sign(&SigningKey::generate());
    fs::write(page, kept.encode_to_vec()).expect("writable");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kept_checkpoint_is_held_to_the_journal_not_only_the_first_and_the_last() {
    let scene = Scene::new().await;
    let pages = scene.text("pages");
    let matched = scene.run("al-police/audit", &["audit", "match", &pages]).await;
    assert!(matched.success, "{}", matched.noted);
    let folder = fs::read_dir(&pages).expect("kept");
    let mut files: Vec<_> = folder.map(|file| file.expect("readable").path()).collect();
    files.sort();
    assert_eq!(files.len(), 3);
    of_another_history(&files[1]);
    let matched = scene.run("al-police/audit", &["audit", "match", &pages]).await;
    assert!(!matched.success, "the page between was of another history: {:?} {}", matched.lines, matched.noted);
    scene.gateway.stop().await;
}
