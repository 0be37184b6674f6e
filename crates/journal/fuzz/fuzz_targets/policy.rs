//! Policies: of what is read, all witnesses are a quorum, and nobody is one where witnesses are asked for.
#![no_main]

use causeway_journal::{JournalError, Policy};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| match Policy::parse(text) {
    Ok(policy) => {
        let names: Vec<&str> = policy.witnesses().iter().map(|witness| witness.name.as_str()).collect();
        assert!(policy.is_quorum(names));
        assert!(!policy.asks_for_witnesses() || !policy.is_quorum([]));
        assert!(policy.check(text).is_err(), "a policy is no note");
    }
    Err(JournalError::Policy(faults)) => assert!(!faults.is_empty()),
    Err(_) => {}
});
