//! Digests, keyed pseudonyms, sealing, signatures and keys; the only crate that knows ring and hpke
