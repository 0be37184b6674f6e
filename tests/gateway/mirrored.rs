//! The whole journal as an auditor mirrors it, and what the offline verifier says of it: what apply made of a real gateway's entries,
//! approvals and texts, recomputed from the mirror alone.

use std::path::Path;
use std::process::{Command, Stdio};

use causeway_journal::{VerifierKey, v1 as journal};
use causeway_proto::v1;
use causeway_verify::{MirrorWriter, Mirrored, Trust};
use prost::Message;
use tonic::Code;

use crate::feed::{ALBANIA, released_in, verifier_key};
use crate::harness::calls::{items, reason, submit};
use crate::harness::{Gateway, World, copy, documents, own_log_only};

/// The arguments of the child process, one a line, and the exit code that it has to end with.
const ARGUMENTS: &str = "CAUSEWAY_TEST_MIRROR";
const CODE: &str = "CAUSEWAY_TEST_MIRROR_CODE";

/// Brings a mirror to the journal's newest checkpoint, and verifies it.
pub(crate) async fn mirror(gateway: &Gateway, key: &VerifierKey, folder: &Path) -> Mirrored {
    let mut auditor = gateway.audit("gb-nca/audit").await;
    let newest = auditor.get_checkpoint(v1::GetCheckpointRequest::default()).await.expect("served").into_inner();
    let trust = Trust::new(None, std::slice::from_ref(key), None);
    let size = trust.check(&newest.checkpoint).expect("signed").checkpoint.size;
    let mut writer = MirrorWriter::open(folder, &trust).expect("opened");
    writer.begin(&newest.checkpoint).expect("begun");
    let range = v1::StreamEntriesRequest { from_leaf_index: writer.size(), to_leaf_index: size };
    let mut entries = auditor.stream_entries(range).await.expect("served").into_inner();
    while let Some(part) = entries.message().await.expect("streamed") {
        let notes = journal::BundleNotes::decode(part.notes.as_slice()).expect("notes");
        writer.take(part.from_leaf_index, part.entries, notes).expect("it holds");
    }
    writer.finish(&trust).expect("finished");
    causeway_verify::mirror(folder, &trust, None).expect("it holds")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_mirrors_everything_and_recomputes_it() {
    let world = World::new();
    let gateway = world.start().await;
    let key = verifier_key(&gateway).await.parse().expect("a verifier key");
    let folder = world.path("copy");
    let before = mirror(&gateway, &key, &folder).await;
    assert!(before.approvals.good >= 4 && before.texts > 2 && before.approvals.bad == 0, "{before:?}");
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    for number in 0..300 {
        let record = submit(&mut ingest, &format!("s-{number}"), &documents::profile()).await.expect("accepted");
        if number % 100 == 0 {
            released_in(&world, ALBANIA, &record).await;
            items(&mut gateway.feed("al-police/feed").await).await;
        }
    }
    let after = mirror(&gateway, &key, &folder).await;
    let seen = world.journal().entries();
    let size = usize::try_from(after.vouched.checkpoint.size).expect("small");
    let effective = seen[..size].iter().filter(|entry| entry.outcome.is_effective()).count();
    assert_eq!(after.outcomes["effective"], effective as u64);
    assert!(after.vouched.checkpoint.size > before.vouched.checkpoint.size + 300);
    let range = v1::StreamEntriesRequest { from_leaf_index: 0, to_leaf_index: 1 };
    for who in ["al-police/feed", "gb-nca/case-management"] {
        let refused = gateway.audit(who).await.stream_entries(range).await.expect_err("not an auditor");
        assert_eq!((refused.code(), reason(&refused)), (Code::PermissionDenied, "role-missing".to_owned()), "{who}");
    }
    gateway.stop().await;
}

#[test]
#[ignore = "the child process of the tests below"]
fn runs() {
    let (Ok(arguments), Ok(code)) = (std::env::var(ARGUMENTS), std::env::var(CODE)) else { return };
    let ended = causeway_cli::run(arguments.lines().map(Into::into));
    let code: u8 = code.parse().expect("a number");
    assert_eq!(format!("{ended:?}"), format!("{:?}", std::process::ExitCode::from(code)));
}

/// Runs a command as a process of its own, which has to end with this code. Gives what it said.
pub(crate) async fn run(code: u8, arguments: &str) -> String {
    let arguments: Vec<&str> = ["causeway"].into_iter().chain(arguments.split(' ')).collect();
    let child = Command::new(std::env::current_exe().expect("this is a program"))
        .args(["mirrored::runs", "--exact", "--ignored", "--nocapture"])
        .env(ARGUMENTS, arguments.join("\n"))
        .env(CODE, code.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a second process of this program");
    let output =
        tokio::task::spawn_blocking(move || child.wait_with_output()).await.expect("no panic").expect("it ends");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).expect("UTF-8");
    assert!(output.status.success(), "{} did not end with {code}: {said}", arguments.join(" "));
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_mirror_verify_and_convict_a_journal_that_was_put_back() {
    if !own_log_only("a node gets from the shared log what its own has lost") {
        return;
    }
    let mut world = World::new();
    let call = |world: &World, gateway: &Gateway| {
        let certs = world.path("certs-dev");
        format!("--as=gb-nca/audit --gateway=https://{} --certs-dir={}", gateway.address(), certs.display())
    };
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    submit(&mut ingest, "one", &documents::profile()).await.expect("accepted");
    let path = |name: &str| world.path(name).display().to_string();
    let (folder, key, old, new, proof) = (path("copy"), path("key"), path("old"), path("new"), path("proof"));
    let call_now = call(&world, &gateway);
    run(0, &format!("audit checkpoint --key-out {key} {call_now}")).await;
    let newest = gateway.audit("gb-nca/audit").await.get_checkpoint(v1::GetCheckpointRequest::default()).await;
    std::fs::write(&old, newest.expect("served").into_inner().checkpoint).expect("written");
    gateway.stop().await;
    copy(&world.path("data/journal"), &world.path("yesterday"));
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    for number in 0..5 {
        submit(&mut ingest, &format!("later-{number}"), &documents::profile()).await.expect("accepted");
    }
    let call_now = call(&world, &gateway);
    run(0, &format!("audit mirror {folder} --verifier-key {key} {call_now}")).await;
    let said = run(0, &format!("verify {folder} --key {key}")).await;
    assert!(said.contains("every entry, tile and outcome"), "{said}");
    run(2, &format!("verify {folder}")).await;
    run(0, &format!("audit consistency {old} --out {proof} --checkpoint-out {new} {call_now}")).await;
    run(0, &format!("verify {old} {new} {proof} --key {key}")).await;
    run(1, &format!("verify {old} {new} --key {key}")).await;
    let listed = run(0, &format!("audit checkpoints {call_now}")).await;
    assert!(listed.contains("running 1 test"), "{listed}");
    gateway.stop().await;
    std::fs::remove_dir_all(world.path("data/journal")).expect("removed");
    copy(&world.path("yesterday"), &world.path("data/journal"));
    world.forget_log();
    let gateway = world.start().await;
    let call_now = call(&world, &gateway);
    let said = run(4, &format!("audit mirror {folder} --verifier-key {key} {call_now}")).await;
    assert!(said.contains("both signed checkpoints are kept"), "{said}");
    assert_eq!(std::fs::read_dir(format!("{folder}.evidence")).expect("kept").count(), 2);
    run(0, &format!("verify {folder} --key {key}")).await;
    gateway.stop().await;
}
