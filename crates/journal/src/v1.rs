//! The stored form as prost types, generated from `proto/causeway/journal/v1/journal.proto`.

use std::fmt;

include!(concat!(env!("OUT_DIR"), "/causeway.journal.v1.rs"));

impl fmt::Debug for Openings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Openings(..)")
    }
}

impl fmt::Debug for Shrouded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shrouded({}/{}, {} bytes)", self.page, self.slot, self.ciphertext.len())
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({})", self.schema)
    }
}

impl fmt::Debug for SealedBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedBody({} bytes)", self.ciphertext.len())
    }
}
