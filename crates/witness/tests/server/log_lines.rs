//! What log lines say, and what they must never hold.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use causeway_crypto::SigningKey;
use tracing_subscriber::fmt::MakeWriter;

use crate::client;
use crate::fake_log::FakeLog;
use crate::harness::Place;

/// All lines of this process.
#[derive(Debug, Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;
    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[test]
fn growth_refusals_and_second_histories_are_said_without_the_requests_words() {
    let lines = Lines::default();
    tracing_subscriber::fmt().with_writer(lines.clone()).with_ansi(false).init();
    // Other tests write lines too: this log has a name of its own.
    let key = SigningKey::generate();
    let log = FakeLog::named("lines.example", "a", key.clone());
    let other = FakeLog::named("lines.example", "b", key);
    let place = Place::for_log(&log);
    let witness = place.start();
    assert_eq!(witness.add(&log, 0, 4).status, 200);
    assert_eq!(witness.add(&other, 4, 4).status, 409);
    assert_eq!(client::add(witness.address, "old 0\n\nhostile-marker\n1\n\u{1b}[2J\n\n— a b\n").status, 400);
    let stranger = FakeLog::named("hostile-marker.example", "a", SigningKey::generate());
    assert_eq!(witness.add(&stranger, 0, 4).status, 404);
    let path = "/hostile-marker?hostile-marker";
    assert_eq!(client::request(witness.address, "GET", path, b"hostile-marker").status, 404);
    witness.stop();
    let said = String::from_utf8(lines.0.lock().expect("written").clone()).expect("text");
    let of_log: Vec<&str> = said.lines().filter(|line| line.contains("lines.example")).collect();
    let has = |level: &str, words: &str| of_log.iter().any(|line| line.contains(level) && line.contains(words));
    assert!(has("INFO", "cosigned"), "{of_log:#?}");
    assert!(has("ERROR", "two histories") && has("ERROR", "-4-b.note"), "{of_log:#?}");
    assert!(!said.contains("hostile-marker") && !said.contains('\u{1b}'), "{said}");
}
