//! The stored form as prost types, generated from `proto/causeway/journal/v1/journal.proto`.

use std::fmt;

use causeway_crypto::{Sealed, SealingKeyId};

use crate::JournalError;

include!(concat!(env!("OUT_DIR"), "/causeway.journal.v1.rs"));

impl Entry {
    /// The agreements that the entry names, in any of the places where one may; one as often as it is named.
    pub fn agreements(&self) -> impl Iterator<Item = &str> {
        let document = self.document.as_ref().filter(|document| document.kind() == DocumentKind::Agreement);
        let named = [
            self.recipient.as_ref().map(|to| &to.agreement),
            self.releases.as_ref().map(|batch| &batch.feed),
            self.page.as_ref().map(|page| &page.feed),
            self.acknowledgement.as_ref().map(|taken| &taken.feed),
            self.table.as_ref().map(|table| &table.agreement),
            self.overdue.as_ref().map(|overdue| &overdue.feed),
            document.map(|document| &document.id),
        ];
        let withdrawn = self.withdrawals.iter().map(|withdrawal| &withdrawal.feed);
        named.into_iter().flatten().chain(withdrawn).map(String::as_str).filter(|agreement| !agreement.is_empty())
    }
}

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

impl From<Sealed> for SealedBody {
    fn from(sealed: Sealed) -> Self {
        Self {
            kem_id: sealed.kem_id.into(),
            kdf_id: sealed.kdf_id.into(),
            aead_id: sealed.aead_id.into(),
            key_id: sealed.key_id.0.to_vec(),
            encapsulation_id: sealed.encapsulation_id.to_vec(),
            ciphertext: sealed.ciphertext,
        }
    }
}

impl TryFrom<SealedBody> for Sealed {
    type Error = JournalError;

    /// What can be opened; an error where an id has another length than any suite's.
    fn try_from(body: SealedBody) -> Result<Self, JournalError> {
        let malformed = JournalError::Malformed("sealed body");
        let suite = |id: u32| u16::try_from(id).map_err(|_| malformed.clone());
        let id = |bytes: Vec<u8>| <[u8; 16]>::try_from(bytes).map_err(|_| malformed.clone());
        Ok(Self {
            kem_id: suite(body.kem_id)?,
            kdf_id: suite(body.kdf_id)?,
            aead_id: suite(body.aead_id)?,
            key_id: SealingKeyId(id(body.key_id)?),
            encapsulation_id: id(body.encapsulation_id)?,
            ciphertext: body.ciphertext,
        })
    }
}
