//! A witness starts only where everything that it has ever signed for is there and verifies.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use causeway_crypto::SigningKey;
use causeway_journal::VerifierKey;
use causeway_witness::{LastCheckpoint, LogKeys};

use crate::client;
use crate::fake_log::{FakeLog, ORIGIN};
use crate::harness::{NAME, NOW, Place};

/// A place where this log has been cosigned up to this size.
fn held(log: &FakeLog, size: usize) -> Place {
    let place = Place::for_log(log);
    let witness = place.start();
    assert_eq!(witness.add(log, 0, size).status, 200);
    witness.stop();
    place
}

#[test]
fn any_changed_bit_of_what_is_held_stops_the_start() {
    let place = held(&FakeLog::new("a"), 4);
    let good = fs::read(place.file(ORIGIN)).expect("there");
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        fs::write(place.file(ORIGIN), &bad).expect("written");
        let faults = place.faults();
        assert_eq!(faults.len(), 1, "byte {at}: {faults:?}");
        assert!(faults[0].starts_with(&place.file(ORIGIN).display().to_string()), "byte {at}: {faults:?}");
    }
    fs::write(place.file(ORIGIN), &good).expect("written");
    place.start().stop();
}

#[test]
fn what_another_wrote_in_its_place_stops_the_start() {
    let log = FakeLog::new("a");
    let place = held(&log, 4);
    let good = fs::read_to_string(place.file(ORIGIN)).expect("there");
    let (without_own, _) = good.trim_end().rsplit_once('\n').expect("two signatures");
    let of_another_witness = held(&log, 3);
    let of_another_log = held(&FakeLog::named("other.example", "a", SigningKey::generate()), 4);
    for (bad, why) in [
        (String::new(), "no signatures"),
        (good[..good.len() / 2].to_owned(), "note"),
        (format!("{without_own}\n"), "not cosigned by this witness"),
        (fs::read_to_string(of_another_witness.file(ORIGIN)).expect("there"), "not cosigned by this witness"),
        (fs::read_to_string(of_another_log.file("other.example")).expect("there"), "another log"),
        ("x".repeat(200_000), "longer than"),
    ] {
        fs::write(place.file(ORIGIN), &bad).expect("written");
        let faults = place.faults();
        assert!(faults.len() == 1 && faults[0].contains(why), "{why}: {faults:?}");
    }
}

#[test]
fn a_witness_that_has_lost_its_memory_does_not_start() {
    let place = held(&FakeLog::new("a"), 4);
    let good = fs::read(place.file(ORIGIN)).expect("there");
    fs::remove_file(place.file(ORIGIN)).expect("removed");
    assert!(place.faults()[0].contains("forgotten what it signed"), "one log's file is gone");
    fs::write(place.file(ORIGIN), good).expect("written");

    let register = place.config.state_dir.join("register");
    let good = fs::read(&register).expect("there");
    fs::write(&register, "something else\n").expect("written");
    assert!(place.faults()[0].contains("not a witness's register"));
    fs::remove_file(&register).expect("removed");
    assert!(place.faults()[0].contains("forgotten what it signed"), "the register is gone");
    assert!(causeway_witness::begin(&place.config).is_err(), "nor does it begin in a folder that is used");
    fs::remove_dir_all(&place.config.state_dir).expect("removed");
    assert!(place.faults()[0].contains("--begin"), "the folder is gone, or its volume not mounted");
    assert!(!place.config.state_dir.exists(), "and is not made");
    // A power cut may leave this of a first beginning.
    fs::create_dir(&place.config.state_dir).expect("made");
    fs::write(place.config.state_dir.join("register.new"), "causeway").expect("written");
    assert!(place.faults()[0].contains("--begin"));
    causeway_witness::begin(&place.config).expect("begun");
    assert!(causeway_witness::begin(&place.config).is_err(), "once");
    fs::write(&register, good).expect("written");
    assert!(place.faults()[0].contains("forgotten what it signed"));
}

#[test]
fn two_witnesses_never_share_a_folder() {
    let log = FakeLog::new("a");
    let place = Place::for_log(&log);
    let witness = place.start();
    assert!(place.faults()[0].contains("another witness is running"));
    assert_eq!(witness.add(&log, 0, 4).status, 200, "the first goes on");
    assert_eq!(causeway_witness::last_held(&place.config).expect("shown meanwhile")[0].origin, ORIGIN);
    witness.stop();
    place.start().stop();
}

#[test]
fn a_logs_key_is_rotated_by_stating_both() {
    let old = FakeLog::new("a");
    let new = FakeLog::named(ORIGIN, "a", SigningKey::generate());
    let mut place = held(&old, 4);
    place.config.logs = vec![LogKeys { origin: ORIGIN.into(), keys: vec![new.verifier()] }];
    assert!(place.faults()[0].contains("state the one before as well"));
    place.config.logs = vec![LogKeys { origin: ORIGIN.into(), keys: vec![new.verifier(), old.verifier()] }];
    let witness = place.start();
    let mut request = new.request(4, 6);
    request.checkpoint = new.checkpoint(6).sign_with(&[&new.key, &old.key]);
    assert_eq!(client::add(witness.address, &request.to_string()).status, 200, "by both");
    assert_eq!(witness.shown(ORIGIN).body.matches('—').count(), 3);
    witness.stop();
    place.config.logs = vec![LogKeys { origin: ORIGIN.into(), keys: vec![new.verifier()] }];
    let witness = place.start();
    assert_eq!(witness.add(&old, 6, 7).status, 403, "the old key has ended");
    assert_eq!(witness.add(&new, 6, 7).status, 200);
    witness.stop();
}

#[test]
fn the_witnesss_own_key_is_changed_by_stating_the_former() {
    let log = FakeLog::new("a");
    let mut place = held(&log, 4);
    let former = SigningKey::generate();
    let next = SigningKey::generate();
    place.write_key(&next);
    assert!(place.faults()[0].contains("former_keys"));
    place.config.former_keys = vec![VerifierKey::cosigner(NAME, former.public_key()).expect("a name")];
    assert!(place.faults()[0].contains("former_keys"), "not that one");

    let place = Place::for_log(&log);
    place.write_key(&former);
    let witness = place.start();
    assert_eq!(witness.add(&log, 0, 4).status, 200);
    witness.stop();
    let mut place = place;
    place.write_key(&next);
    place.config.former_keys = vec![VerifierKey::cosigner(NAME, former.public_key()).expect("a name")];
    let witness = place.start();
    let reply = witness.add(&log, 4, 6);
    assert_eq!(witness.time_of(&reply, &log, 6), NOW, "by the new key");
    witness.stop();
}

#[test]
fn all_faults_of_a_start_are_listed_together() {
    let log = FakeLog::new("a");
    let mut place = held(&log, 4);
    fs::write(place.file(ORIGIN), "something else").expect("written");
    place
        .config
        .logs
        .push(LogKeys { origin: "b".into(), keys: vec![VerifierKey::new("b", log.key.public_key()).expect("a name")] });
    fs::write(place.config.state_dir.join(crate::harness::hex("b")), "something else").expect("written");
    assert_eq!(place.faults().len(), 2, "{:?}", place.faults());
    fs::set_permissions(&place.config.key, fs::Permissions::from_mode(0o644)).expect("set");
    let missing = |name: &str| place.folder.path().join(name);
    place.config.tls = Some(causeway_witness::Tls {
        certificate: missing("a.pem"),
        key: missing("a.key"),
        client_ca: Some(missing("ca.pem")),
    });
    let faults = place.faults();
    for about in ["a.pem", "a.key", "ca.pem", "chmod 600"] {
        assert!(faults.iter().any(|fault| fault.contains(about)), "{about}: {faults:?}");
    }
    place.write_key(&log.key);
    place.config.tls = None;
    assert!(place.faults()[0].contains("a log's key as well"));
}

#[test]
fn what_is_held_can_be_shown() {
    let log = FakeLog::new("a");
    let place = Place::for_keys(&[&[log.verifier()], &[VerifierKey::new("b", log.key.public_key()).expect("a name")]]);
    let witness = place.start();
    assert_eq!(witness.add(&log, 0, 4).status, 200);
    witness.stop();
    let shown = causeway_witness::last_held(&place.config).expect("in order");
    assert_eq!(shown.iter().map(|log| log.origin.as_str()).collect::<Vec<_>>(), [ORIGIN, "b"]);
    let last = LastCheckpoint { size: 4, root: log.checkpoint(4).root, time_seconds: NOW };
    assert_eq!((shown[0].checkpoint.clone(), shown[1].checkpoint.clone()), (Some(last), None));
    fs::write(place.file(ORIGIN), "something else").expect("written");
    assert!(causeway_witness::last_held(&place.config).is_err());
}
