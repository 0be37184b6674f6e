//! Backups of a running gateway through the wire and the commands: what goes out is sealed and recorded first, what comes back is what was
//! acknowledged, erased stays erased, and a gateway that has moved on is halted.

use std::fs;
use std::path::Path;

use causeway_crypto::SealingPrivateKey;
use causeway_journal::v1::Decision;
use causeway_journal::{Erasure, Outcome};
use causeway_model::RecordId;
use causeway_proto::v1;
use causeway_proto::v1::backup_response::Content;
use causeway_store::{BackupFolder, BackupPlace, Restore, RestoreKeys, Restored, RootSource, StoreError};
use tonic::{Code, Status};

use crate::feed::{ALBANIA, released_in, submit_all};
use crate::harness::calls::{items, reason, released, request, submit, within};
use crate::harness::{Gateway, World, copy, documents, own_log_only};
use crate::identity::desk::signature;
use crate::mirrored;

const SYSTEM: &str = "gb-nca/case-management";
const OPERATOR: &str = "gb-nca/operations";

/// A world whose gateway seals backups, and who opens them.
fn world() -> (World, SealingPrivateKey) {
    let (mut world, recipient) = (World::new(), SealingPrivateKey::generate());
    world.config().backup_recipient = Some(recipient.public_key());
    (world, recipient)
}

fn asked(place: Option<&BackupPlace>) -> v1::BackupRequest {
    place.map_or_else(v1::BackupRequest::default, |newest| v1::BackupRequest {
        newest_header: newest.header(),
        newest_digest: newest.digest().0.to_vec(),
    })
}

/// Goes on with the backup in a folder; gives every byte that came.
async fn back_up(gateway: &Gateway, to: &Path) -> Result<Vec<u8>, Status> {
    let mut folder = BackupFolder::open(to).expect("a backup, or none yet");
    let mut answer = gateway.admin(OPERATOR).await.backup(asked(folder.newest())).await?.into_inner();
    let mut all = Vec::new();
    while let Some(message) = answer.message().await? {
        match message.content.expect("a header or chunks") {
            Content::Header(header) => {
                all.extend_from_slice(&header);
                folder.begin(&header).expect("it goes on");
            }
            Content::Sealed(sealed) => {
                all.extend_from_slice(&sealed);
                folder.write(&sealed).expect("written");
            }
        }
    }
    assert!(folder.newest().is_some_and(BackupPlace::is_complete));
    Ok(all)
}

fn restore(world: &World, recipient: &SealingPrivateKey, from: &Path, to: &Path) -> Result<Restored, StoreError> {
    let keys = RestoreKeys { keys_dir: world.path("data/keys"), mirror_dir: None, root: RootSource::File };
    let options = Restore {
        from: from.to_owned(),
        identity: recipient.clone(),
        to: to.to_owned(),
        origin: "gateway.causeway.example/journal".into(),
        trusted: Vec::new(),
        keys: Some(keys),
    };
    causeway_store::restore(&options, &mut |_| {})
}

async fn submit_some(gateway: &Gateway, from: usize, count: usize) -> Vec<v1::Receipt> {
    let requests = (from..from + count).map(|number| request(&format!("record-{number}"), &documents::profile()));
    submit_all(&mut gateway.ingest(SYSTEM).await, requests.collect()).await
}

async fn erase(world: &World, gateway: &Gateway, record_id: &str) {
    let mut office = gateway.protection("gb-nca/protection").await;
    let (record_ids, subject_reference) = (vec![record_id.to_owned()], String::new());
    let plan = v1::PlanErasureRequest { record_ids: record_ids.clone(), subject_reference: subject_reference.clone() };
    let plan = office.plan_erasure(plan).await.expect("planned").into_inner();
    let approvals = ["director", "dpo"].map(|person| signature(world, "gb-nca", person, &plan.digest)).to_vec();
    office.erase(v1::EraseRequest { record_ids, subject_reference, approvals }).await.expect("erased");
}

fn reasons(world: &World, from: u64) -> Vec<String> {
    world.journal().entries_from(from).into_iter().map(|seen| seen.entry.reason).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_recorded_first_is_read_by_its_recipient_only_and_holds_all_that_was_acknowledged() {
    if !own_log_only("a backup is restored alone") {
        return;
    }
    let (mut world, recipient) = world();
    let gateway = world.start().await;
    let (folder, restored) = (world.path("backup"), world.path("restored"));
    submit_some(&gateway, 0, 20).await;
    let before = world.journal().size();
    let sent = back_up(&gateway, &folder).await.expect("made");
    let left: Vec<_> = reasons(&world, before).into_iter().filter(|reason| reason.starts_with("backup")).collect();
    assert_eq!(left, ["backup-begun", "backup-made"]);
    for word in ["gb-nca", "backup-begun", "accepted", "causeway.example"] {
        assert!(!sent.windows(word.len()).any(|bytes| bytes == word.as_bytes()), "{word} can be read");
    }
    // While records flow, as often as anybody likes.
    let more = submit_some(&gateway, 20, 20);
    let (again, more) = tokio::join!(back_up(&gateway, &folder), more);
    assert!(again.expect("gone on with").len() < sent.len());
    back_up(&gateway, &folder).await.expect("gone on with");
    let newest = more.iter().map(|receipt| receipt.leaf_index).max().expect("receipts");
    gateway.stop().await;
    let found = restore(&world, &recipient, &folder, &restored).expect("restored");
    assert!(found.entries > newest && found.bodies == 40 && found.erased == 0, "{found:?}");

    // In the old one's place it goes on as if nothing had been.
    fs::remove_dir_all(world.path("data/journal")).expect("owned");
    fs::rename(&restored, world.path("data/journal")).expect("owned");
    world.forget_log();
    let gateway = world.start().await;
    let known = v1::GetReceiptRequest { submission_id: "record-39".into() };
    let kept = gateway.ingest(SYSTEM).await.get_receipt(known).await.expect("it is there").into_inner();
    assert_eq!(kept.receipt.expect("a receipt").leaf_index, receipt_of(&more, 39 - 20).leaf_index);
    submit_some(&gateway, 40, 3).await;
    back_up(&gateway, &folder).await.expect("the same journal: its backup goes on");
    gateway.stop().await;
}

fn receipt_of(receipts: &[v1::Receipt], number: usize) -> &v1::Receipt {
    &receipts[number]
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_have_a_backup_or_asks_for_what_cannot_be_is_refused_and_recorded() {
    let (mut world, _) = world();
    let gateway = world.start().await;
    let folder = world.path("backup");
    back_up(&gateway, &folder).await.expect("made");
    let place = BackupFolder::open(&folder).expect("opened").newest().cloned().expect("a part");
    let refused =
        |answer: Result<tonic::Response<tonic::Streaming<v1::BackupResponse>>, Status>, code, expected: &str| {
            let status = answer.map(drop).expect_err(expected);
            assert_eq!((status.code(), reason(&status).as_str()), (code, expected), "{}", status.message());
        };
    for (who, reason) in
        [("gb-nca/audit", "role-missing"), (SYSTEM, "role-missing"), ("al-police/feed", "role-missing")]
    {
        refused(gateway.admin(who).await.backup(asked(None)).await, Code::PermissionDenied, reason);
    }
    let mut operator = gateway.admin(OPERATOR).await;
    let strange = v1::BackupRequest { newest_header: vec![7; 1273], newest_digest: vec![7; 32] };
    refused(operator.backup(strange).await, Code::InvalidArgument, "field-malformed");
    // One at a time: the first is not read to its end. It may be over before the second is asked for, where nobody stops its sending.
    submit_some(&gateway, 0, 400).await;
    let refusal = within("a refusal", async {
        loop {
            let under_way = operator.backup(asked(None)).await;
            let second = gateway.admin(OPERATOR).await.backup(asked(None)).await;
            if let Some(refused) = [under_way.map(drop), second.map(drop)].into_iter().find_map(Result::err) {
                return refused;
            }
        }
    });
    refused(Err(refusal.await), Code::ResourceExhausted, "backup-under-way");
    // Of another history: one frame's id is another.
    let before = world.journal().size();
    let mut header = place.header();
    header[50] ^= 1;
    let other = v1::BackupRequest { newest_header: header, newest_digest: place.digest().0.to_vec() };
    let status = loop {
        let status = operator.backup(other.clone()).await.map(drop).expect_err("another history");
        // The one before has not been told yet that nobody reads it.
        if reason(&status) != "backup-under-way" {
            break status;
        }
    };
    assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "backup-not-ours"));
    assert!(status.message().contains("of another journal"), "{}", status.message());
    let mut denials =
        world.journal().entries_from(before).into_iter().filter(|seen| seen.entry.decision() == Decision::Denied);
    assert!(denials.next_back().is_some_and(|seen| seen.entry.reason == "backup-not-ours"));
    gateway.stop().await;
    world.config().backup_recipient = None;
    let gateway = world.start().await;
    refused(gateway.admin(OPERATOR).await.backup(asked(None)).await, Code::InvalidArgument, "no-backup-recipient");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_erased_since_a_backup_does_not_come_back_with_it() {
    let (mut world, recipient) = world();
    let gateway = world.start().await;
    let (folder, restored) = (world.path("backup"), world.path("restored"));
    let receipts = submit_some(&gateway, 0, 2).await;
    released_in(&world, ALBANIA, &receipts[1]).await;
    back_up(&gateway, &folder).await.expect("made");
    erase(&world, &gateway, &receipts[0].record_id).await;
    gateway.stop().await;

    let found = restore(&world, &recipient, &folder, &restored).expect("restored");
    assert_eq!((found.bodies, found.erased), (2, 1), "its ciphertext is there, and no key to it");
    fs::remove_dir_all(world.path("data/journal")).expect("owned");
    fs::rename(&restored, world.path("data/journal")).expect("owned");
    world.forget_log();
    let gateway = world.start().await;
    let id: RecordId = receipts[0].record_id.parse().expect("an id");
    let erasure = world.journal().read(|state| state.record(&id).map(|record| record.erasure));
    assert!(matches!(erasure, Some(Erasure::Complete(_))), "ordered again, before anything is served: {erasure:?}");
    let orders = world.journal().entries().into_iter().filter(|seen| seen.entry.reason == "erasure-ordered");
    assert_eq!(orders.map(|seen| seen.outcome).collect::<Vec<_>>(), [Outcome::Effective]);
    let shown = items(&mut gateway.feed("al-police/feed").await).await;
    assert_eq!(shown.iter().filter_map(released).count(), 1, "the neighbour is there");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_is_restored_onto_a_gateway_that_has_moved_on_is_halted_with_evidence() {
    let (mut world, recipient) = world();
    let gateway = world.start().await;
    let (folder, restored, newer) = (world.path("backup"), world.path("restored"), world.path("newer"));
    submit_some(&gateway, 0, 3).await;
    back_up(&gateway, &folder).await.expect("made");
    submit_some(&gateway, 3, 3).await;
    gateway.stop().await;
    let journal = world.path("data/journal");
    copy(&journal, &newer);
    let newest = fs::read_to_string(newer.join("checkpoint")).expect("read");
    let refused = restore(&world, &recipient, &folder, &journal).expect_err("it is in use").to_string();
    assert!(refused.contains("is not empty"), "{refused}");
    let found = restore(&world, &recipient, &folder, &restored).expect("restored");
    // What tells of the rest outlived the log.
    fs::remove_dir_all(&journal).expect("owned");
    fs::rename(&restored, &journal).expect("owned");
    fs::copy(newer.join("checkpoint"), journal.join("checkpoint")).expect("writable");
    world.forget_log();
    for _ in 0..2 {
        let gateway = world.start().await;
        assert_eq!(world.journal().size(), found.entries);
        let mut auditor = gateway.audit("gb-nca/audit").await;
        let shown = auditor.get_checkpoint(v1::GetCheckpointRequest::default()).await.expect("served").into_inner();
        assert_eq!(shown.checkpoint, newest);
        assert!(shown.halted.contains("an old copy was put back"), "{}", shown.halted);
        let status = submit(&mut gateway.ingest(SYSTEM).await, "new", &documents::profile()).await.expect_err("halted");
        assert_eq!(reason(&status), "journal-halted");
        gateway.stop().await;
        let evidence = fs::read_dir(journal.join("evidence")).expect("there is evidence");
        let kept = evidence.map(|file| fs::read_to_string(file.expect("an entry").path()).expect("a text"));
        assert!(kept.into_iter().any(|text| text == newest));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_back_up_go_on_and_restore() {
    if !own_log_only("a backup is restored alone") {
        return;
    }
    let (world, recipient) = world();
    let gateway = world.start().await;
    submit_some(&gateway, 0, 5).await;
    let path = |name: &str| world.path(name).display().to_string();
    let encoded = |bytes: &[u8]| base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes);
    let other = SealingPrivateKey::generate();
    for (name, key) in [("mine", &recipient), ("other", &other)] {
        fs::write(world.path(&format!("{name}.key")), encoded(&key.to_bytes())).expect("written");
        fs::write(world.path(&format!("{name}.pub")), encoded(&key.public_key().to_bytes())).expect("written");
    }
    let (to, mine, strange) = (path("backup"), path("mine"), path("other"));
    let call = format!("--as={OPERATOR} --gateway=https://{} --certs-dir={}", gateway.address(), path("certs-dev"));
    let said = mirrored::run(1, &format!("backup --to {to} --recipient {strange}.pub {call}")).await;
    assert!(said.contains("not written: the gateway seals to the key"), "{said}");
    let said = mirrored::run(0, &format!("backup --to {to} --recipient {mine}.pub {call}")).await;
    assert!(said.contains("in 1 parts (1 new)") && said.contains("docs/keys.md"), "{said}");
    submit_some(&gateway, 5, 5).await;
    let said = mirrored::run(0, &format!("backup --to {to} --json --quiet {call}")).await;
    assert!(said.contains("\"parts\":2,\"new_parts\":1") && said.contains("\"complete\":true"), "{said}");
    let auditor = call.replace(OPERATOR, "gb-nca/audit");
    mirrored::run(0, &format!("audit checkpoint --key-out {} {auditor}", path("vkey"))).await;
    gateway.stop().await;

    let config = path("config/gateway.toml");
    let (good, bad) = (path("restored"), path("never"));
    let said =
        mirrored::run(1, &format!("restore --from {to} --identity {strange}.key --to {bad} --config {config}")).await;
    assert!(said.contains("does not open") && !world.path("never").exists(), "{said}");
    let restore = format!("restore --from {to} --identity {mine}.key --to {good} --config {config}");
    let said = mirrored::run(0, &restore).await;
    for words in ["newest acknowledged entry: ", "; root ", "10 bodies; ", "0 erased", "carried out again"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let said = mirrored::run(1, &restore).await;
    assert!(said.contains("is not empty"), "{said}");
    let said = mirrored::run(
        0,
        &format!("restore --from {to} --identity {mine}.key --to {bad} --verifier-key {}", path("vkey")),
    )
    .await;
    assert!(said.contains("none was opened, since the gateway's keys are not here"), "{said}");
}
