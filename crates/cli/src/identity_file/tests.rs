//! The owner opens with the right one of its keys, seals again for the partner, and nobody else opens either.

use super::*;

const IDENTITY: &[u8] = br#"{"family_name":"EXACT"}"#;

fn agency(id: &str) -> AgencyId {
    id.parse().expect("an agency id")
}

/// The partner as its owner knows it.
fn known(agency: Option<&str>, key: &SealingPrivateKey) -> Recipient {
    Recipient { agency: agency.map(self::agency), key: key.public_key() }
}

/// A file as the gateway releases it for al-police, sealed to `owner`.
fn released(owner: &SealingPrivateKey, partner: &SealingPrivateKey) -> IdentityFile {
    let (nca, record) = (agency("gb-nca"), RecordId::from_bytes([5; 16]));
    let window = SealingWindow::new(&owner.public_key(), &nca);
    let sealed = window.seal(&context(&nca, record, 3, Kind::VictimProfile), IDENTITY);
    let body = SealedBody::from(sealed);
    let wire = SealedIdentity {
        agency: "gb-nca".into(),
        context_id: record.to_string(),
        version: 3,
        kind: "victim-profile".into(),
        sealed_body: body.encode_to_vec(),
        encapsulation: window.encapsulation().to_vec(),
    };
    let asked = Partner::of_release("al-police", partner.public_key().to_bytes()).expect("well formed");
    IdentityFile::from_wire(EntryId::from_bytes([9; 16]), Some(wire), asked).expect("well formed")
}

#[test]
fn the_key_is_picked_by_its_id_and_a_file_reads_back() {
    let (old, new, partner) =
        (SealingPrivateKey::generate(), SealingPrivateKey::generate(), SealingPrivateKey::generate());
    let file = released(&old, &partner);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("identity.json");
    std::fs::write(&path, file.to_json()).expect("writable");
    let file = IdentityFile::read(&path).expect("its own text");
    assert!(!file.to_json().contains("EXACT"));
    assert_eq!(file.open(&[new.clone(), old]).expect("the second").as_ref(), IDENTITY);
    let fault = file.open(std::slice::from_ref(&new)).err().expect("another key").to_string();
    assert!(fault.contains(&new.public_key().key_id().to_string()), "{fault}");
    assert!(file.open(&[]).is_err());
}

#[test]
fn what_is_sealed_again_opens_for_the_partner_alone_and_only_for_this_request() {
    let (owner, partner) = (SealingPrivateKey::generate(), SealingPrivateKey::generate());
    let file = released(&owner, &partner);
    assert_eq!(file.partner(), Some(&agency("al-police")));
    let again = file.reseal(std::slice::from_ref(&owner), &known(None, &partner)).expect("sealed again");
    assert_eq!(again.context_id.as_bytes(), file.request().as_bytes());
    assert_eq!((again.sealed_to().as_str(), again.partner()), ("al-police", None));
    assert_eq!(again.open(std::slice::from_ref(&partner)).expect("the partner's").as_ref(), IDENTITY);
    assert!(again.open(std::slice::from_ref(&owner)).is_err(), "the owner has its own copy");
    let moved = IdentityFile { context_id: RecordId::from_bytes([1; 16]), ..again.clone() };
    assert!(moved.open(std::slice::from_ref(&partner)).is_err(), "bound to the request");
    let recipient = known(Some("al-police"), &partner);
    assert!(again.reseal(&[partner], &recipient).is_err(), "there is nobody further");
}

#[test]
fn nothing_is_sealed_to_a_key_that_the_gateway_alone_names() {
    let (owner, partner, gateways) =
        (SealingPrivateKey::generate(), SealingPrivateKey::generate(), SealingPrivateKey::generate());
    let keys = std::slice::from_ref(&owner);
    // A gateway that would read along names a key of its own as the partner's.
    let false_release = released(&owner, &gateways);
    let fault = false_release.reseal(keys, &known(Some("al-police"), &partner)).expect_err("another key").to_string();
    assert!(fault.contains(&partner.public_key().key_id().to_string()) && fault.contains("al-police"), "{fault}");
    assert!(false_release.reseal(keys, &known(None, &partner)).is_err());
    let fault =
        released(&owner, &partner).reseal(keys, &known(Some("vn-police"), &partner)).expect_err("another agency");
    assert!(fault.to_string().contains("vn-police"), "{fault}");
    released(&owner, &partner).reseal(keys, &known(Some("al-police"), &partner)).expect("the one that is meant");
}

#[test]
fn an_altered_file_does_not_open() {
    let (owner, partner) = (SealingPrivateKey::generate(), SealingPrivateKey::generate());
    let mut file = released(&owner, &partner);
    let last = file.sealed_body.len() - 1;
    file.sealed_body[last] ^= 1;
    assert!(file.open(std::slice::from_ref(&owner)).is_err());
    file.sealed_body.truncate(3);
    assert!(file.open(&[owner]).is_err());
}
