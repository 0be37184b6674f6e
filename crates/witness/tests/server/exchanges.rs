//! The published exchanges of another witness, through the real server.

use causeway_crypto::PublicKey;
use causeway_journal::VerifierKey;
use serde_json::Value;

use crate::client;
use crate::harness::Place;

/// Provenance and licence beside it.
const EXCHANGES: &str = include_str!("../../../journal/tests/vectors/witness-add-checkpoint.json");

/// Those exchanges are older than tlog-witness v1.0.0, which answers an unknown origin with 404.
const UNKNOWN_BEFORE: u64 = 403;
const UNKNOWN_NOW: u64 = 404;

/// The second exchange's bad signature also has stray bits at the end of its base64, and only canonical base64 is read
/// here: as it stands it is a bad request, and forbidden with the bits gone.
const STRAY: &str = "6gx=\n";
const CANONICAL: &str = "6gw=\n";

#[test]
fn litewitness_exchanges_have_the_status_of_the_specification() {
    let vectors: Value = serde_json::from_str(EXCHANGES).expect("JSON");
    let origin = vectors["log_origin"].as_str().expect("an origin");
    let hex = vectors["log_ed25519_pub_hex"].as_str().expect("a key");
    let public = std::array::from_fn(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).expect("hexadecimal"));
    let key = VerifierKey::new(origin, PublicKey(public)).expect("a key");
    let mut place = Place::for_keys(&[&[key]]);
    place.config.name = "example.com/witness".into();
    let witness = place.start();
    let cases = vectors["cases"].as_array().expect("cases");
    assert_eq!(cases.len(), 9);
    let mut held = 0;
    for (number, case) in cases.iter().enumerate() {
        let request = case["request"].as_str().expect("a request");
        if request.ends_with(STRAY) {
            assert_eq!(client::add(witness.address, request).status, 400);
        }
        let reply = client::add(witness.address, &request.replace(STRAY, CANONICAL));
        let texts: Vec<&str> =
            case["body_contains"].as_array().expect("texts").iter().filter_map(Value::as_str).collect();
        let mut status = case["status"].as_u64().expect("a status");
        if texts == ["unknown log"] {
            assert_eq!(status, UNKNOWN_BEFORE);
            status = UNKNOWN_NOW;
        }
        assert_eq!(u64::from(reply.status), status, "case {number}: {reply:?}");
        match status {
            200 => {
                assert!(reply.body.starts_with(texts[0]) && reply.body.ends_with('\n'), "case {number}: {reply:?}");
                held = [1, 3, 5][[0, 5, 7].iter().position(|case| *case == number).expect("one of three")];
            }
            409 => {
                assert_eq!(reply.body, format!("{held}\n"), "case {number}");
                assert!(reply.has_header("content-type: text/x.tlog.size"), "case {number}: {reply:?}");
            }
            _ => assert!(!reply.body.contains('—'), "case {number}: {reply:?}"),
        }
    }
    witness.stop();
}

#[test]
fn an_old_size_above_the_checkpoint_is_a_bad_request_whatever_is_held() {
    let log = crate::fake_log::FakeLog::new("a");
    let place = Place::for_log(&log);
    let witness = place.start();
    let mut request = log.request(0, 3);
    request.old_size = 4;
    assert_eq!(client::add(witness.address, &request.to_string()).status, 400);
    assert_eq!(witness.add(&log, 0, 3).status, 200);
    assert_eq!(client::add(witness.address, &request.to_string()).status, 400);
    witness.stop();
}
