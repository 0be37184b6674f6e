//! Cursors of feeds and of questions: what is taken is spelt exactly as it was given out, and is of its feed or question alone.
#![no_main]

use causeway_crypto::MacKey;
use causeway_exchange::{Query, fuzzing};
use causeway_model::AgreementId;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    // The seeds are cursors of this key.
    let key = MacKey::new([7; 32]);
    let agreement = |id: &str| -> AgreementId { id.parse().expect("an agreement id") };
    if let Some(again) = fuzzing::feed_cursor(&key, &agreement("ISA-AL-2026-014"), text) {
        assert_eq!(again, text);
        assert_eq!(fuzzing::feed_cursor(&key, &agreement("ISA-VN-2026-021"), text), None);
        assert_eq!(fuzzing::feed_cursor(&MacKey::new([8; 32]), &agreement("ISA-AL-2026-014"), text), None);
    }
    let question = Query::default();
    if let Some(again) = fuzzing::query_cursor(&key, &question, text) {
        assert_eq!(again, text);
        let other = Query { newest_first: true, ..Query::default() };
        assert_eq!(fuzzing::query_cursor(&key, &other, text), None);
    }
});
