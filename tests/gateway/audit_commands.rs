//! The commands of auditors as processes of their own, against the real server: what they answer, what they write to files, what goes on after
//! it was cut off, and that both sides of a disclosure agree, or do not.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::harness::{Gateway, World, documents};

/// The arguments of the child process, one a line.
const ARGUMENTS: &str = "CAUSEWAY_TEST_COMMAND";

const AGREEMENT: &str = "ISA-AL-2026-014";

/// Records that are submitted; two of them come on a page.
const RECORDS: u64 = 6;

#[test]
#[ignore = "the child process of the tests below"]
fn runs() {
    let Ok(arguments) = std::env::var(ARGUMENTS) else { return };
    let code = causeway_cli::run(arguments.lines().map(Into::into));
    assert_eq!(format!("{code:?}"), format!("{:?}", std::process::ExitCode::SUCCESS));
}

/// What a command said, and whether it ended with code 0.
pub(crate) struct Said {
    pub(crate) success: bool,
    /// Lines of its answer, without those of the test around it.
    pub(crate) lines: Vec<String>,
    pub(crate) noted: String,
}

/// A gateway with records that were submitted, and pages that a partner pulled and kept.
pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) gateway: Gateway,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        let world = World::new();
        let gateway = world.start().await;
        let scene = Self { world, gateway };
        fs::write(scene.path("records.jsonl"), lines()).expect("writable");
        let (records, receipts) = (scene.text("records.jsonl"), format!("--receipts={}", scene.text("receipts.jsonl")));
        let submitted = scene.run("gb-nca/case-management", &["submit", &records, &receipts]).await;
        assert!(submitted.success, "{}", submitted.noted);
        scene.world.journal().settle(AGREEMENT, RECORDS).await;
        scene.pull().await;
        scene
    }

    /// Pulls what there is, and keeps it.
    async fn pull(&self) {
        let kept = [format!("--receipts={}", self.text("pages")), format!("--out={}", self.text("items.jsonl"))];
        let cursor = format!("--cursor={}", self.text("cursor"));
        let pulled = self.run("al-police/feed", &["pull", "--all", "--limit=2", &cursor, &kept[0], &kept[1]]).await;
        assert!(pulled.success, "{}", pulled.noted);
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.world.path(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).to_str().expect("UTF-8").to_owned()
    }

    /// Runs a command as this system.
    pub(crate) async fn run(&self, system: &str, arguments: &[&str]) -> Said {
        let who = [
            format!("--as={system}"),
            format!("--certs-dir={}", self.text("certs-dev")),
            format!("--gateway=https://{}", self.gateway.address()),
        ];
        let all: Vec<&str> = arguments.iter().copied().chain(who.iter().map(String::as_str)).collect();
        run(&all).await
    }

    /// Runs a command of the operator's auditor.
    pub(crate) async fn audit(&self, arguments: &[&str]) -> Said {
        let all: Vec<&str> = std::iter::once("audit").chain(arguments.iter().copied()).collect();
        self.run("gb-nca/audit", &all).await
    }

    /// The record at the feed's first position.
    pub(crate) fn first_record(&self) -> String {
        let agreement = AGREEMENT.parse().expect("an agreement");
        self.world.journal().read(|state| {
            let feed = state.feed(&agreement).expect("a feed");
            feed.item(causeway_model::Position(1)).expect("released").record_id.to_string()
        })
    }
}

/// Runs a command as a process of its own.
async fn run(arguments: &[&str]) -> Said {
    let all: Vec<&str> = std::iter::once("causeway").chain(arguments.iter().copied()).collect();
    let child = Command::new(std::env::current_exe().expect("this is a program"))
        .args(["audit_commands::runs", "--exact", "--ignored", "--nocapture"])
        .env(ARGUMENTS, all.join("\n"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a second process of this program");
    let output = tokio::task::spawn_blocking(move || child.wait_with_output()).await;
    let output = output.expect("no panic").expect("it has ended");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("what it says is UTF-8");
    let said = text(&output.stdout);
    let of_test = |line: &&str| !line.is_empty() && !line.starts_with("running ") && !line.starts_with("test ");
    let lines =
        said.lines().filter(of_test).map(|line| line.trim_start_matches("test audit_commands::runs ... ").to_owned());
    Said { success: output.status.success(), lines: lines.collect(), noted: text(&output.stderr) }
}

/// Submissions of persons whom the partner may be told of, one a line.
fn lines() -> String {
    let line = |number: u64| {
        let document = documents::with(documents::profile(), json!({"subject_reference": format!("SUBJECT-{number}")}));
        let line = json!({
            "submission_id": format!("s-{number}"), "kind": "victim-profile", "schema_version": "1.0", "document": document
        });
        line.to_string() + "\n"
    };
    (0..RECORDS).map(line).collect()
}

/// The lines of an answer that are JSON.
pub(crate) fn values(lines: &[String]) -> Vec<Value> {
    lines.iter().filter_map(|line| serde_json::from_str(&line[line.find('{')?..]).ok()).collect()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("readable")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_questions_of_auditors_are_answered() {
    let scene = Scene::new().await;
    let record = scene.first_record();
    let seen = scene.audit(&["who-saw", &record, "--json", "--prove"]).await;
    let seen_by: Vec<Value> = values(&seen.lines).into_iter().filter(|line| line["left"] == true).collect();
    assert_eq!(seen_by.len(), 1, "{:?} {}", seen.lines, seen.noted);
    let expected = json!(["al-police/feed", "development", "ISA-AL-2026-014 v1", 1]);
    let told = &seen_by[0];
    assert_eq!(json!([told["agency_system"], told["person"], told["under"], told["position"]]), expected);
    assert!(seen.noted.contains("its content left to al-police (1 pages)"), "{}", seen.noted);

    let span = ["--between", "2026-11-01", "2026-11-30", "--json"];
    let left = scene.audit(&[&["what-left", "al-police"], &span[..]].concat()).await;
    let total = values(&left.lines).pop().expect("a total");
    assert_eq!(json!([total["pages"], total["records"][0]["left"], total["not_shown"]]), json!([3, RECORDS, 0]));
    let partners = scene.run("al-police/audit", &[&["audit", "what-left", "al-police"], &span[..]].concat()).await;
    let total = values(&partners.lines).pop().expect("a total");
    assert_eq!(json!([total["pages"], total["not_shown"]]), json!([3, RECORDS]), "{}", partners.noted);

    let transfers = scene.audit(&[&["transfers"], &span[..]].concat()).await;
    let transfers = values(&transfers.lines);
    let facts = |line: &Value| {
        json!([line["when"], line["recipient"], line["transfer_condition"], line["category"], line["records"]])
    };
    let expected = json!(["2026-11-21", "al-police", "s75_instrument", "victim-profile", RECORDS]);
    assert_eq!(transfers.iter().map(facts).collect::<Vec<_>>(), [expected]);
    assert_eq!(transfers[0]["description"]["link"], json!(["subject_reference"]));

    let curious = scene.audit(&["query", "--record", &record, "--purpose", "investigation"]).await;
    assert!(!curious.success && curious.noted.contains("purpose-not-for-audit"), "{}", curious.noted);
    let denials = scene.audit(&["denials", "--json"]).await;
    let reasons: Vec<Value> = values(&denials.lines).iter().map(|line| line["reason"].clone()).collect();
    // The partner's auditor asked for items first.
    assert_eq!(reasons, ["items-for-operator", "purpose-not-for-audit"]);
    let person = scene.audit(&["by-person", "gb-nca", "development", "--json"]).await;
    assert!(values(&person.lines).len() as u64 >= RECORDS, "{:?}", person.lines);
    let unusual = scene.audit(&[&["unusual"], &span[..]].concat()).await;
    assert!(unusual.success, "{}", unusual.noted);
    let rules: BTreeSet<String> = values(&unusual.lines).iter().map(|line| line["rule"].to_string()).collect();
    // The day is a Saturday.
    assert_eq!(rules.into_iter().collect::<Vec<_>>(), ["\"hours\"", "\"off-purpose\""], "{:?}", unusual.lines);
    scene.gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_was_cut_off_goes_on_and_is_verified() {
    let scene = Scene::new().await;
    let (key, whole, cut) = (scene.text("key.txt"), scene.text("whole.jsonl"), scene.text("cut.jsonl"));
    assert!(scene.audit(&["checkpoint", "--key-out", &key]).await.success);
    let export = async |file: &str| {
        let what =
            ["export", "--format=jsonl", "--leaves=0..20", "--page=7", "--prove", "--openings", "--verifier-key", &key];
        scene.audit(&[&what[..], &["--out", file]].concat()).await
    };
    let made = export(&whole).await;
    assert!(made.success, "{}", made.noted);
    let verified = run(&["verify", &whole, "--key", &key]).await;
    assert!(verified.success, "{}", verified.noted);

    // The second page was being written when it was cut off.
    let text = read(Path::new(&whole));
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let first_page: String = lines[..9].concat();
    fs::write(&cut, format!("{first_page}{}", &lines[9][..40])).expect("writable");
    let page = scene.audit(&["query", "--leaves=0..20", "--limit=7"]).await;
    let cursor = page.noted.lines().find_map(|line| line.strip_prefix("there are more: --cursor ")).expect("a cursor");
    let mut state: Value = serde_json::from_str(&read(&scene.path("whole.jsonl.state"))).expect("JSON");
    let checkpoint: Value = serde_json::from_str(lines[1]).expect("JSON");
    for (member, value) in [
        ("bytes", json!(first_page.len())),
        ("rows", json!(7)),
        ("last_leaf", json!(6)),
        ("cursor", json!(cursor)),
        ("checkpoint", checkpoint["checkpoint"].clone()),
        ("complete", json!(false)),
    ] {
        state[member] = value;
    }
    fs::write(scene.path("cut.jsonl.state"), state.to_string()).expect("writable");
    let gone_on = export(&cut).await;
    assert!(gone_on.success && gone_on.noted.contains("goes on after 7 rows"), "{}", gone_on.noted);
    let verified = run(&["verify", &cut, "--key", &key]).await;
    assert!(verified.success, "{}", verified.noted);
    let leaves = |path: &Path| -> Vec<u64> {
        let lines: Vec<String> = read(path).lines().map(str::to_owned).collect();
        values(&lines)
            .iter()
            .filter(|line| line["type"] == "row")
            .filter_map(|line| line["leaf_index"].as_u64())
            .collect()
    };
    assert_eq!(leaves(Path::new(&cut)), (0..20).collect::<Vec<_>>());
    assert_eq!(leaves(Path::new(&whole)), leaves(Path::new(&cut)));
    assert!(export(&cut).await.noted.contains("is whole: 20 rows"));

    // What is shown beside an entry is found out where it is changed.
    let changed = read(Path::new(&whole)).replacen("\"allowed\"", "\"denied\"", 1);
    fs::write(&whole, changed).expect("writable");
    assert!(!run(&["verify", &whole, "--key", &key]).await.success);
    scene.gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_kept_and_the_journal_agree_or_say_where_not() {
    let scene = Scene::new().await;
    let (pages, receipts) = (scene.text("pages"), scene.text("receipts.jsonl"));
    for system in ["gb-nca/audit", "al-police/audit"] {
        let matched = scene.run(system, &["audit", "match", &pages]).await;
        assert!(matched.success && matched.noted.contains("3 agree on both sides, 0 do not"), "{}", matched.noted);
    }
    let matched = scene.audit(&["match", &receipts]).await;
    assert!(matched.success && matched.noted.contains("6 agree on both sides, 0 do not"), "{}", matched.noted);

    // One page is taken away, one is altered.
    let mut files: Vec<PathBuf> =
        fs::read_dir(&pages).expect("readable").map(|file| file.expect("readable").path()).collect();
    files.sort();
    let mut altered = fs::read(&files[2]).expect("readable");
    let at = altered.windows(12).position(|part| part == b"ForcedLabour").expect("the record");
    altered[at] ^= 1;
    fs::write(&files[2], altered).expect("writable");
    fs::remove_file(&files[1]).expect("it was there");
    let matched = scene.run("al-police/audit", &["audit", "match", &pages]).await;
    assert!(!matched.success && matched.noted.contains("1 agree on both sides, 2 do not"), "{}", matched.noted);
    assert!(matched.lines[0].contains("NOT KEPT: positions 3 to 4"), "{:?}", matched.lines);
    assert!(matched.lines[1].contains("DOES NOT HOLD"), "{:?}", matched.lines);

    let text = read(Path::new(&receipts));
    fs::write(&receipts, text.split_inclusive('\n').skip(1).collect::<String>()).expect("writable");
    let matched = scene.audit(&["match", &receipts]).await;
    assert!(!matched.success && matched.lines[0].contains("NOT KEPT: collection (accepted)"), "{:?}", matched.lines);
    scene.gateway.stop().await;
}
