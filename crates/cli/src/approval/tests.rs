//! A changed plan is refused, a signature is of what was shown, and lines of other things do not count.

use std::path::{Path, PathBuf};

use causeway_crypto::{Digest, SigningKey, sha256};
use causeway_journal::{erasure_digest, identity_digest};
use causeway_model::{AgencyId, EntryId, RecordId};

use super::*;

fn nca() -> AgencyId {
    "gb-nca".parse().expect("an agency id")
}

fn plan(records: &[u8]) -> ErasurePlan {
    let records: Vec<RecordId> = records.iter().map(|byte| RecordId::from_bytes([*byte; 16])).collect();
    let digest = erasure_digest(&nca(), &records);
    ErasurePlan {
        owner: nca(),
        by_person: false,
        records,
        held: Vec::new(),
        more: false,
        naming: Vec::new(),
        more_naming: false,
        digest,
    }
}

fn case() -> IdentityCase {
    let (request, requester) = (EntryId::from_bytes([7; 16]), "al-police".parse().expect("an agency id"));
    let sealed_body_digest = sha256(&[b"sealed"]);
    let digest = identity_digest(&request, &sealed_body_digest, &requester);
    IdentityCase {
        owner: nca(),
        identity_request_id: request,
        requester,
        record: RecordId::from_bytes([1; 16]),
        version: 2,
        purpose_code: "investigation".into(),
        purpose_text: "a witness".into(),
        case_reference: "case 7".into(),
        sealed_body_digest,
        digest,
    }
}

fn written(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("writable");
    path
}

#[test]
fn a_plan_reads_back_and_says_what_it_erases() {
    let folder = tempfile::tempdir().expect("a folder");
    let plan = ErasurePlan { held: vec![RecordId::from_bytes([2; 16])], ..plan(&[1, 2]) };
    let path = written(folder.path(), "plan.json", &plan.to_json());
    assert_eq!(read_plan(&path).expect("its own text"), plan);
    let said = Approvable::read(&path).expect("its own text").lines().join("\n");
    for part in ["2 records of gb-nca", &"01".repeat(16), "under a legal hold", &plan.digest.to_string()] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn a_plan_says_all_of_one_person_only_where_it_is_and_names_what_stays() {
    let said = |plan: ErasurePlan| Approvable::Erasure(plan).lines().join("\n");
    let all = "all that there are of one person";
    assert!(!said(plan(&[1])).contains(all));
    let whole = ErasurePlan { by_person: true, ..plan(&[1]) };
    assert!(said(whole.clone()).contains(&format!(", {all}:")));
    let part = said(ErasurePlan { more: true, ..whole.clone() });
    assert!(part.contains(&format!("not {all}: the rest needs another plan")), "{part}");
    let named = said(ErasurePlan { naming: vec![RecordId::from_bytes([9; 16])], ..whole.clone() });
    assert!(named.contains(&format!("route {} names the person and is not erased", "09".repeat(16))), "{named}");
    assert!(!named.contains("more routes"), "{named}");
    assert!(said(ErasurePlan { more_naming: true, ..whole }).contains("and more routes"));
}

#[test]
fn a_changed_plan_or_request_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let (honest, asked) = (plan(&[1, 2]), case());
    let changed = [
        ErasurePlan { records: vec![honest.records[0]], ..honest.clone() }.to_json(),
        ErasurePlan { owner: "vn-police".parse().expect("an agency id"), ..honest.clone() }.to_json(),
        ErasurePlan { digest: Digest([0; 32]), ..honest }.to_json(),
        IdentityCase { requester: "vn-police".parse().expect("an agency id"), ..asked.clone() }.to_json(),
        IdentityCase { sealed_body_digest: Digest([0; 32]), ..asked.clone() }.to_json(),
        IdentityCase { identity_request_id: EntryId::from_bytes([8; 16]), ..asked }.to_json(),
    ];
    for text in changed {
        let path = written(folder.path(), "changed.json", &text);
        let fault = Approvable::read(&path).expect_err("changed").to_string();
        assert!(fault.contains("do not sign it"), "{fault}");
    }
    let path = written(folder.path(), "odd.json", r#"{"causeway":"erasure-plan","owner":"gb-nca"}"#);
    assert!(Approvable::read(&path).is_err());
}

#[test]
fn a_request_says_who_asks_and_for_which_case() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = written(folder.path(), "request.json", &case().to_json());
    let said = Approvable::read(&path).expect("its own text").lines().join("\n");
    for part in ["to al-police, another agency", "investigation: a witness", "case case 7", "version 2"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let (signed, told) = said.split_once("the signature does not cover it").expect("it says what is not signed");
    assert!(signed.contains("al-police") && signed.contains(&case().sealed_body_digest.to_string()), "{signed}");
    assert!(["version 2", "a witness", "case 7"].iter().all(|part| told.contains(part)), "{told}");
}

#[test]
fn lines_count_for_what_they_sign_once_for_each_person_and_only_where_they_verify() {
    let folder = tempfile::tempdir().expect("a folder");
    let (wanted, other) = (Approvable::Erasure(plan(&[1])), Approvable::Erasure(plan(&[1, 2])));
    let key = SigningKey::generate();
    let sign = |what: &Approvable, person: &str| {
        let person = person.parse().expect("a person");
        Approval::sign(what, person, &key).expect("of the owner")
    };
    let line = |approval: &Approval| serde_json::to_string(approval).expect("JSON");
    let (dpo, again) = (sign(&wanted, "gb-nca/dpo"), sign(&wanted, "gb-nca/dpo"));
    let (director, stray) = (sign(&wanted, "gb-nca/director"), sign(&other, "gb-nca/director"));
    let text = [&dpo, &stray, &director, &again].map(line).join("\n");
    let path = written(folder.path(), "approvals", &text);
    let (digest, about) = (wanted.digest(), wanted.about());
    let found = approvals_of(&digest, &about, std::slice::from_ref(&path)).expect("two");
    assert_eq!(found, [dpo.clone(), director]);
    let unknown = approvals_of(&Digest([3; 32]), "something else", &[path]).expect_err("none").to_string();
    assert!(unknown.contains("the erasure of 2 records"), "{unknown}");
    let mut forged = dpo;
    forged.signature[0] ^= 1;
    let path = written(folder.path(), "forged", &line(&forged));
    assert!(approvals_of(&digest, &about, &[path]).expect_err("forged").to_string().contains("does not verify"));
}

#[test]
fn nobody_signs_for_another_agency() {
    let key = SigningKey::generate();
    let person = "al-police/chief".parse().expect("a person");
    let refused = Approval::sign(&Approvable::Erasure(plan(&[1])), person, &key).expect_err("not the owner's");
    assert!(refused.to_string().contains("only persons of gb-nca"), "{refused}");
}

#[test]
fn the_shipped_approvals_of_documents_are_read_and_documents_are_told_apart() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config");
    let now = causeway_model::Timestamp(1_795_219_200_000_000);
    crate::certs::issue(folder.path(), &config, now).expect("issued");
    let documents = [
        folder.path().join("agencies/al-police.toml"),
        config.join("agreements/ISA-AL-2026-014.toml"),
        config.join("schemas/victim-profile-1.0.json"),
        config.join("schemas/codes/country.json"),
    ];
    let kinds =
        ["agency file al-police", "agreement ISA-AL-2026-014", "schema victim-profile/1.0", "code list country"];
    for (path, kind) in documents.iter().zip(kinds) {
        let read = Approvable::read(path).expect("a document");
        assert!(read.about().contains(kind), "{}", read.about());
        let approvals = folder.path().join("approvals").join(format!("{}.toml", read.digest()));
        let approvals = approvals_of(&read.digest(), &read.about(), &[approvals]).expect("two");
        assert_eq!(approvals.len(), 2, "{kind}");
        assert!(approvals.iter().all(|approval| approval.to_journal().agency == "gb-nca"));
    }
}
