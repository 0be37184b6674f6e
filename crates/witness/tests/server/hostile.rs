//! Requests that are malformed, oversized or slow, and clients that hang: refused in words, and nobody else waits for them.

use std::io::Write;
use std::time::Duration;

use causeway_journal::witness::MAX_ADD_CHECKPOINT_BYTES;

use crate::client::{self, Reply};
use crate::fake_log::{FakeLog, ORIGIN};
use crate::harness::{Place, hex};

#[test]
fn other_paths_and_methods_lead_nowhere() {
    let place = Place::for_log(&FakeLog::new("a"));
    let witness = place.start();
    let shown = format!("/{}/checkpoint", hex(ORIGIN));
    for (method, path, status) in [
        ("GET", "/", 404),
        ("GET", "/checkpoint", 404),
        ("POST", "/add-checkpoints", 404),
        ("POST", "/add-checkpoint/", 404),
        ("GET", "/../witness.key", 404),
        ("GET", "/evidence", 404),
        ("GET", &format!("/{}/checkpoint", hex("x")), 404),
        ("GET", &format!("/{}/checkpoint", hex(ORIGIN).to_uppercase()), 404),
        ("GET", "/add-checkpoint", 405),
        ("PUT", "/add-checkpoint", 405),
        ("POST", &shown, 405),
        ("DELETE", &shown, 405),
    ] {
        let reply = client::request(witness.address, method, path, b"");
        assert_eq!(reply.status, status, "{method} {path}: {reply:?}");
        let allow = if path == shown { "allow: GET" } else { "allow: POST" };
        assert_eq!(reply.has_header(allow), status == 405, "{method} {path}: {reply:?}");
    }
    witness.stop();
}

#[test]
fn malformed_requests_are_refused_and_change_nothing() {
    let log = FakeLog::new("a");
    let place = Place::for_log(&log);
    let witness = place.start();
    assert_eq!(witness.add(&log, 0, 4).status, 200);
    let good = log.request(4, 6).to_string();
    let hash = good.lines().nth(1).expect("a hash");
    let many = format!("{hash}\n").repeat(63);
    for bad in [
        String::new(),
        "\n".into(),
        "old 4".into(),
        good.replacen("old 4", "old 04", 1),
        good.replacen("old 4", "old -4", 1),
        good.replacen("old 4", "old 99999999999999999999", 1),
        good.replacen("old 4", "old 4\r", 1),
        good.replacen("old 4\n", "", 1),
        good.replacen("\n\n", "\n", 1),
        good.replacen(hash, &hash[1..], 1),
        good.replacen(hash, &format!("{hash}A"), 1),
        good.replacen("old 4\n", &format!("old 4\n{many}"), 1),
        good.trim_end().to_owned(),
        good.replace('—', "-"),
        good.replacen(ORIGIN, "\u{0}", 1),
        good.replacen("\n6\n", "\n4611686018427387905\n", 1),
    ] {
        let reply = client::add(witness.address, &bad);
        assert_eq!(reply.status, 400, "{bad:?}: {reply:?}");
        assert!(!reply.body.contains('—') && reply.body.len() < 200, "{reply:?}");
    }
    let not_text = client::request(witness.address, "POST", "/add-checkpoint", &[0xff; 64]);
    assert_eq!(not_text.status, 400);
    assert_eq!(client::add(witness.address, &good).status, 200, "{good}");
    witness.stop();
}

#[test]
fn nothing_longer_than_a_request_is_taken() {
    let place = Place::for_log(&FakeLog::new("a"));
    let witness = place.start();
    let too_long = MAX_ADD_CHECKPOINT_BYTES + 1;
    // The longest there may be is read, and malformed.
    assert_eq!(client::add(witness.address, &"x".repeat(MAX_ADD_CHECKPOINT_BYTES)).status, 400);
    // A length that is announced is refused before a byte of the body has come.
    for announced in [too_long.to_string(), u64::MAX.to_string()] {
        let head = format!("POST /add-checkpoint HTTP/1.1\r\nhost: w\r\ncontent-length: {announced}\r\n\r\n");
        let mut stream = client::connect(witness.address);
        stream.write_all(head.as_bytes()).expect("sent");
        let reply = client::parse(&client::read_all(&mut stream)).expect("an answer");
        // The largest number of all is refused by hyper, as a head that says nothing sensible.
        assert!(matches!(reply.status, 413 | 431), "{announced}: {reply:?}");
    }
    // One that is not, once the limit is passed.
    let head =
        format!("POST /add-checkpoint HTTP/1.1\r\nhost: w\r\ntransfer-encoding: chunked\r\n\r\n{too_long:x}\r\n");
    let mut stream = client::connect(witness.address);
    stream.write_all(head.as_bytes()).expect("sent");
    stream.write_all(&vec![b'x'; too_long]).expect("sent");
    assert_eq!(client::parse(&client::read_all(&mut stream)).map(|reply: Reply| reply.status), Some(413));
    // A head that is longer than any.
    let head = format!("POST /add-checkpoint HTTP/1.1\r\nx: {}\r\n\r\n", "x".repeat(20_000));
    assert_eq!(client::raw(witness.address, head.as_bytes()).map_or(431, |reply| reply.status), 431);
    witness.stop();
}

#[test]
fn who_is_slow_is_cut_and_who_hangs_keeps_nobody_waiting() {
    let log = FakeLog::new("a");
    let mut place = Place::for_log(&log);
    // As many places as hanging clients, of which the loopback may take all, and one more.
    place.config.limits.connections = 9;
    place.config.limits.requests = 1;
    let witness = place.start();
    let begun = "POST /add-checkpoint HTTP/1.1\r\nhost: w\r\ncontent-length: 100\r\n\r\nold ";
    let hanging: Vec<_> = (0..8)
        .map(|number| {
            let mut stream = client::connect(witness.address);
            stream.write_all(if number % 2 == 0 { begun } else { "POST /add" }.as_bytes()).expect("sent");
            stream
        })
        .collect();
    assert_eq!(witness.add(&log, 0, 4).status, 200, "nobody waits for a body that does not come");
    drop(hanging);
    witness.stop();

    place.config.limits.head = Duration::from_millis(200);
    place.config.limits.body = Duration::from_millis(200);
    let witness = place.start();
    let cut = |bytes: &str| {
        let mut stream = client::connect(witness.address);
        stream.write_all(bytes.as_bytes()).expect("sent");
        client::parse(&client::read_all(&mut stream)).map(|reply| reply.status)
    };
    assert_eq!(cut(begun), Some(408));
    assert!(cut("POST /add").is_none_or(|status| status == 408));
    assert_eq!(cut(""), None, "a connection without a request");
    witness.stop();
}

#[test]
fn a_connection_over_the_limit_is_closed_and_a_place_that_is_left_is_free_again() {
    let mut place = Place::for_log(&FakeLog::new("a"));
    place.config.limits.connections = 1;
    let witness = place.start();
    let mut first = client::connect(witness.address);
    first.write_all(b"GET /x HTTP/1.1\r\nhost: w\r\n\r\n").expect("sent");
    let mut some = [0; 12];
    std::io::Read::read_exact(&mut first, &mut some).expect("answered, and kept open");
    let mut second = client::connect(witness.address);
    assert_eq!(client::read_all(&mut second), b"", "closed");
    drop(first);
    // The place is given back once the server has seen it.
    let again = std::iter::repeat_with(|| {
        client::raw(witness.address, b"GET /x HTTP/1.1\r\nhost: w\r\nconnection: close\r\n\r\n")
    });
    assert!(again.take(1000).flatten().any(|reply| reply.status == 404));
    witness.stop();
}

#[test]
fn idle_connections_do_not_hold_up_a_stop() {
    let log = FakeLog::new("a");
    let place = Place::for_log(&log);
    let witness = place.start();
    let mut idle = client::connect(witness.address);
    idle.write_all(b"GET /x HTTP/1.1\r\nhost: w\r\n\r\n").expect("sent");
    let mut some = [0; 12];
    std::io::Read::read_exact(&mut idle, &mut some).expect("answered, and kept open");
    witness.stop();
    assert!(client::read_all(&mut idle).len() < 1000, "closed by the witness");
}

#[test]
fn where_all_places_are_taken_others_are_told_to_come_back() {
    let log = FakeLog::new("a");
    let mut place = Place::for_log(&log);
    // As if that many requests were being decided: nobody finds a place.
    place.config.limits.requests = 0;
    let witness = place.start();
    let shown = client::request(witness.address, "GET", &format!("/{}/checkpoint", hex(ORIGIN)), b"");
    for reply in [witness.add(&log, 0, 4), shown] {
        assert_eq!((reply.status, reply.body.as_str()), (503, "busy: come back in a second\n"), "{reply:?}");
        assert!(reply.has_header("retry-after: 1"), "{reply:?}");
    }
    assert_eq!(client::request(witness.address, "GET", "/", b"").status, 404, "what needs no place is answered");
    witness.stop();
    place.config.limits.requests = 1;
    let witness = place.start();
    assert_eq!(witness.add(&log, 0, 4).status, 200, "nothing was held against anybody");
    witness.stop();
}
