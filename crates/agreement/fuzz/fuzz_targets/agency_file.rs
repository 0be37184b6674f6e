//! Agency files and their templates: what is read renders to a text that reads as the same.
#![no_main]

use causeway_agreement::{AgencyFile, AgencyTemplate};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(file) = AgencyFile::parse(text) {
        assert_eq!(AgencyFile::parse(&file.render()).as_ref(), Ok(&file));
        assert!(!file.trust_bundle_pem.contains("PRIVATE KEY"));
    }
    if let Err(faults) = AgencyTemplate::parse(text) {
        assert!(!faults.is_empty());
    }
});
