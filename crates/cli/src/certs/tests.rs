//! Identities are made once and kept; approvals verify; bad certificates can be minted.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use causeway_crypto::PublicKey;
use causeway_journal::{approval_message, document_digest};
use causeway_model::Date;

use super::*;

/// 2026-11-21.
const NOW: Timestamp = Timestamp(1_795_219_200_000_000);
const DAY_SECONDS: u64 = 86_400;

fn config() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config")
}

fn every_file(dir: &Path) -> BTreeMap<std::path::PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(dir).expect("a folder") {
        let path = entry.expect("readable").path();
        match path.is_dir() {
            true => files.extend(every_file(&path)),
            false => drop(files.insert(path.clone(), fs::read(&path).expect("readable"))),
        }
    }
    files
}

#[test]
fn a_second_run_keeps_every_file_until_certificates_near_their_end() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let first = issue(dir.path(), &config(), NOW).expect("issued");
    let files = every_file(dir.path());
    assert_eq!(first.written.len(), first.written.iter().filter(|path| path.exists()).count());
    assert!(files.len() > first.written.len(), "a key lies beside each certificate");

    let second = issue(dir.path(), &config(), NOW).expect("issued");
    assert!(second.written.is_empty(), "{:?}", second.written);
    assert_eq!(every_file(dir.path()), files);

    let late = issue(dir.path(), &config(), NOW.plus_seconds(80 * DAY_SECONDS)).expect("issued");
    let renewed: Vec<_> = late.written.iter().map(|path| path.extension().expect("a name").to_owned()).collect();
    assert!(!renewed.is_empty() && renewed.iter().all(|extension| extension == "pem"), "{:?}", late.written);
    let untouched = |name: &str| fs::read(dir.path().join(name)).expect("readable") == files[&dir.path().join(name)];
    assert!(untouched("gb-nca/ca.pem") && untouched("gb-nca/sealing.key") && untouched("agencies/gb-nca.toml"));
    assert!(!untouched("gb-nca/case-management.pem"));
}

#[test]
fn keys_are_for_their_owner_alone() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    issue(dir.path(), &config(), NOW).expect("issued");
    for path in every_file(dir.path()).into_keys().filter(|path| path.extension().is_some_and(|e| e == "key")) {
        let mode = fs::metadata(&path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", path.display());
    }
    assert_eq!(fs::metadata(dir.path().join("gb-nca")).expect("there").permissions().mode() & 0o777, 0o700);
}

#[test]
fn two_rostered_persons_approve_every_document() {
    #[derive(serde::Deserialize)]
    struct Row {
        agency: String,
        person: String,
        public_key: String,
        signature: String,
    }
    #[derive(serde::Deserialize)]
    struct File {
        approval: Vec<Row>,
    }
    let dir = tempfile::tempdir().expect("a temporary folder");
    issue(dir.path(), &config(), NOW).expect("issued");
    let read = |path: &Path| fs::read_to_string(path).expect("readable");
    let operator = AgencyFile::parse(&read(&dir.path().join("agencies/gb-nca.toml"))).expect("valid");

    let mut documents = vec![];
    for path in folder::list(&dir.path().join("agencies"), "toml").expect("a folder") {
        let file = AgencyFile::parse(&read(&path)).expect("valid");
        documents.push((DocumentKind::Agency, file.id.to_string(), file.version, path));
    }
    for path in folder::list(&config().join("agreements"), "toml").expect("a folder") {
        let agreement = Agreement::parse(&read(&path)).expect("valid");
        documents.push((DocumentKind::Agreement, agreement.id.to_string(), agreement.version, path));
    }
    for path in folder::list(&config().join("schemas"), "json").expect("a folder") {
        documents.push((DocumentKind::Schema, schema_id(&path).expect("named so").to_string(), 1, path));
    }
    for (path, text) in code_lists(&config().join("schemas")).expect("a folder") {
        let list = CodeList::parse(&text).expect("valid");
        documents.push((DocumentKind::CodeList, list.name, list.version, path));
    }
    assert!(documents.len() >= 15, "three agencies, four schemas and their code lists at least");
    for (kind, id, version, path) in documents {
        let digest = document_digest(kind, &id, version, read(&path).as_bytes());
        let file: File =
            toml::from_str(&read(&dir.path().join("approvals").join(format!("{digest}.toml")))).expect("valid");
        assert_eq!(file.approval.len(), 2, "{id}");
        assert_ne!(file.approval[0].person, file.approval[1].person);
        for row in file.approval {
            assert_eq!(row.agency, OPERATOR);
            let person = operator.persons.iter().find(|p| p.id.as_str() == row.person).expect("rostered");
            let decode = |text: &str| STANDARD.decode(text).expect("base64");
            assert_eq!(decode(&row.public_key), person.public_key);
            assert!(PublicKey(person.public_key).verify(&approval_message(&digest), &decode(&row.signature)), "{id}");
        }
    }
}

#[test]
fn a_bad_certificate_is_minted_as_asked_and_not_kept_by_the_next_run() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    issue(dir.path(), &config(), NOW).expect("issued");
    let system: SystemId = "gb-nca/case-management".parse().expect("well formed");
    let good = Profile::client(&system, NOW);
    let day = |year| Date::new(year, 1, 1).expect("a day");
    let own = authority(dir.path(), &system.agency).expect("issued above");
    let foreign = authority(dir.path(), &"al-police".parse().expect("well formed")).expect("issued above");
    let uri = spiffe_uri(&system);
    let bad = [
        own.issue(&Profile { validity: Validity { from: day(2020), until: day(2021) }, ..good.clone() }),
        foreign.issue(&good),
        own.issue(&Profile { uris: vec![uri.clone(), format!("{uri}-2")], ..good.clone() }),
        own.issue(&Profile { uris: vec![format!("{uri}-2")], ..good }),
    ];
    let path = dir.path().join("gb-nca/case-management.pem");
    for issued in bad {
        let issued = issued.expect("any profile can be minted");
        fs::write(&path, &issued.certificate_pem).expect("writable");
        issue(dir.path(), &config(), NOW).expect("issued");
        assert_ne!(fs::read_to_string(&path).expect("readable"), issued.certificate_pem);
    }
}

#[test]
fn a_revoked_certificate_is_on_its_agencys_list_and_the_next_run_issues_another() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    issue(dir.path(), &config(), NOW).expect("issued");
    let read = |name: &str| fs::read_to_string(dir.path().join(name)).expect("readable");
    let due = |pem: &str| {
        let root = read("al-police/ca.pem");
        causeway_gateway::expiry::lists_due(pem.as_bytes(), root.as_bytes(), NOW).expect("in order")
    };
    let (empty, certificate, other) =
        (read("crls/al-police.pem"), read("al-police/feed.pem"), read("crls/vn-police.pem"));
    assert!(due(&empty) > NOW.plus_seconds(80 * DAY_SECONDS));
    let system: SystemId = "al-police/feed".parse().expect("well formed");
    let path = revoke(dir.path(), &system, NOW).expect("revoked");
    assert_eq!(path, dir.path().join("crls/al-police.pem"));
    let one = read("crls/al-police.pem");
    assert_ne!(one, empty);
    due(&one);
    revoke(dir.path(), &system, NOW).expect("again");
    assert_eq!(read("al-police/revoked.txt").lines().count(), 1, "once");
    let made = issue(dir.path(), &config(), NOW).expect("issued");
    assert_eq!(made.written, [dir.path().join("al-police/feed.pem")]);
    assert_ne!(read("al-police/feed.pem"), certificate);
    assert_eq!(read("crls/vn-police.pem"), other, "nobody else's list changes");
    revoke(dir.path(), &system, NOW).expect("the new one too");
    assert_eq!(read("al-police/revoked.txt").lines().count(), 2, "and the old one stays revoked");
    let stranger: SystemId = "al-police/stranger".parse().expect("well formed");
    revoke(dir.path(), &stranger, NOW).expect_err("it has no certificate");
}
