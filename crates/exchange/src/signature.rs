//! Persons' signatures: what one approves by, and what an entry holds of it where it is of a person on the roster in force.

use causeway_crypto::{Digest, PublicKey};
use causeway_journal::{approval_message, v1};
use causeway_model::{AgencyId, PersonId};

use crate::Exchange;

/// One person's signature over what is approved.
#[derive(Debug, Clone)]
pub struct PersonSignature {
    /// The person, as on the owner's roster.
    pub person: PersonId,
    /// Ed25519 signature over the digest under the approval domain.
    pub signature: [u8; 64],
}

impl Exchange {
    /// The approval that an entry holds; none where the person is not on the agency's roster in force, or did not sign this digest.
    /// `apply` looks again.
    pub(crate) fn approval(
        &self,
        agency: &AgencyId,
        digest: &Digest,
        signature: &PersonSignature,
    ) -> Option<v1::Approval> {
        let file = self.journal().read(|state| state.agency(agency).cloned())?;
        let person = file.persons.iter().find(|person| person.id == signature.person)?;
        let is_theirs = PublicKey(person.public_key).verify(&approval_message(digest), &signature.signature);
        is_theirs.then(|| v1::Approval {
            agency: agency.to_string(),
            person: person.id.to_string(),
            public_key: person.public_key.to_vec(),
            signature: signature.signature.to_vec(),
        })
    }
}
