//! A sealed identity as a file: what the gateway hands out and takes in. It opens only with the private key of the agency that
//! it is sealed to, on that agency's machine.

use std::path::Path;

use causeway_crypto::{SealContext, Sealed, SealingPrivateKey, SealingPublicKey, SealingWindow};
use causeway_journal::v1::SealedBody;
use causeway_model::{AgencyId, EntryId, Kind, RecordId, RecordVersion};
use causeway_proto::v1::SealedIdentity;
use prost::Message;
use serde::{Deserialize, Serialize};

use crate::{Failure, as_text};

/// The version that a partner's copy is bound to.
const PARTNERS_VERSION: u32 = 1;

/// A sealed identity, and of which request it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IdentityFile {
    /// The request.
    #[serde(with = "as_text")]
    identity_request_id: EntryId,
    /// The agency whose private key opens it.
    #[serde(with = "as_text")]
    sealed_to: AgencyId,
    /// The place it is bound to: the record for its owner, the request for a partner.
    #[serde(with = "as_text")]
    context_id: RecordId,
    /// The version it is bound to.
    version: u32,
    /// The record's kind.
    #[serde(with = "as_text")]
    kind: Kind,
    /// A serialised causeway.journal.v1.SealedBody.
    #[serde(with = "as_text::bytes")]
    sealed_body: Vec<u8>,
    /// The encapsulated key that it refers to.
    #[serde(with = "as_text::bytes")]
    encapsulation: Vec<u8>,
    /// To whom it is to be sealed again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    for_partner: Option<Partner>,
}

/// The agency that asked, where it is not the owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Partner {
    #[serde(with = "as_text")]
    agency: AgencyId,
    /// Its public sealing key, from its agency file in force.
    #[serde(with = "as_text::bytes")]
    sealing_key: Vec<u8>,
}

impl Partner {
    /// The partner as a release names it; none where the owner asked for itself.
    ///
    /// # Errors
    /// An agency id that is none.
    pub(crate) fn of_release(agency: &str, sealing_key: Vec<u8>) -> Result<Option<Self>, Failure> {
        if agency.is_empty() || sealing_key.is_empty() {
            return Ok(None);
        }
        let agency = agency.parse().map_err(|_| Failure::does_not_hold("the requester's id is malformed"))?;
        Ok(Some(Self { agency, sealing_key }))
    }
}

/// Whom the owner means to seal to: the partner's public key as the owner has it, from elsewhere than this gateway.
#[derive(Debug, Clone)]
pub(crate) struct Recipient {
    /// Which agency's it is, where what it was read from says so.
    pub(crate) agency: Option<AgencyId>,
    /// The key.
    pub(crate) key: SealingPublicKey,
}

impl Recipient {
    /// Whether this is the partner that the release names, with the key that it names.
    fn is(&self, partner: &Partner) -> Result<(), Failure> {
        if let Some(agency) = self.agency.as_ref().filter(|agency| **agency != partner.agency) {
            let asked = &partner.agency;
            return Err(Failure::does_not_hold(format!(
                "{asked} asked for this identity, and the agency file is that of {agency}: nothing is sealed"
            )));
        }
        if self.key.to_bytes() == partner.sealing_key {
            return Ok(());
        }
        let (asked, own) = (&partner.agency, self.key.key_id());
        Err(Failure::does_not_hold(format!(
            "the gateway names another key of {asked} than the one given, {own}: nothing is sealed; ask {asked} itself which \
             key it has, and take the gateway for false until it is explained"
        )))
    }
}

impl IdentityFile {
    /// What the gateway sent.
    ///
    /// # Errors
    /// An answer without it, or one that is malformed.
    pub(crate) fn from_wire(
        request: EntryId,
        sealed: Option<SealedIdentity>,
        for_partner: Option<Partner>,
    ) -> Result<Self, Failure> {
        let sealed = sealed.ok_or_else(|| Failure::does_not_hold("the gateway answered without a sealed identity"))?;
        let malformed = |_| Failure::does_not_hold("the sealed identity that the gateway sent is malformed");
        Ok(Self {
            identity_request_id: request,
            sealed_to: sealed.agency.parse().map_err(malformed)?,
            context_id: sealed.context_id.parse().map_err(malformed)?,
            version: sealed.version,
            kind: sealed.kind.parse().map_err(malformed)?,
            sealed_body: sealed.sealed_body,
            encapsulation: sealed.encapsulation,
            for_partner,
        })
    }

    /// As it is handed in.
    pub(crate) fn to_wire(&self) -> SealedIdentity {
        SealedIdentity {
            agency: self.sealed_to.to_string(),
            context_id: self.context_id.to_string(),
            version: self.version,
            kind: self.kind.to_string(),
            sealed_body: self.sealed_body.clone(),
            encapsulation: self.encapsulation.clone(),
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// A file of another form.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let text = std::fs::read(path).map_err(|error| Failure::file(path, error))?;
        let wrong = |error| Failure::content(path, format!("no sealed identity: {error}"));
        serde_json::from_slice(&text).map_err(wrong)
    }

    /// The file's text.
    pub(crate) fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("texts and numbers are JSON");
        text.push('\n');
        text
    }

    /// The request that it answers.
    pub(crate) const fn request(&self) -> EntryId {
        self.identity_request_id
    }

    /// Whose private key opens it.
    pub(crate) const fn sealed_to(&self) -> &AgencyId {
        &self.sealed_to
    }

    /// The agency it is to be sealed to again; none where there is none.
    pub(crate) fn partner(&self) -> Option<&AgencyId> {
        self.for_partner.as_ref().map(|partner| &partner.agency)
    }

    /// Opens it with the one of the keys that it is sealed to, and gives what was sealed: the JSON of an identity.
    ///
    /// # Errors
    /// None of the keys, or a file that was altered.
    pub(crate) fn open(&self, keys: &[SealingPrivateKey]) -> Result<impl AsRef<[u8]> + use<>, Failure> {
        let sealed = self.sealed()?;
        let key = keys.iter().find(|key| key.public_key().key_id() == sealed.key_id).ok_or_else(|| {
            let given: Vec<String> = keys.iter().map(|key| key.public_key().key_id().to_string()).collect();
            let (agency, wanted, given) = (&self.sealed_to, sealed.key_id, given.join(", "));
            Failure::usage(format!(
                "it is sealed to the key {wanted} of {agency}, and not to {given}: give that one with --key (it may be an earlier one)"
            ))
        })?;
        let context = context(&self.sealed_to, self.context_id, self.version, self.kind);
        let opened = causeway_crypto::open_sealed(key, &self.encapsulation, &context, &sealed);
        opened.map(Opened).map_err(|error| Failure::does_not_hold(format!("the sealed identity: {error}")))
    }

    /// Opens it and seals it again to the partner that asked, bound to the request. The partner's key is the one that the owner
    /// itself has, `recipient`: whatever key the gateway's answer names, nothing is sealed to another.
    ///
    /// # Errors
    /// As [`IdentityFile::open`]; no partner, or one that is not the recipient or has another key.
    pub(crate) fn reseal(&self, keys: &[SealingPrivateKey], recipient: &Recipient) -> Result<Self, Failure> {
        let none = || Failure::usage("nobody else asked for this one: `causeway identity open` opens it");
        let partner = self.for_partner.as_ref().ok_or_else(none)?;
        recipient.is(partner)?;
        let opened = self.open(keys)?;
        let context_id = RecordId::from_bytes(*self.identity_request_id.as_bytes());
        let window = SealingWindow::new(&recipient.key, &partner.agency);
        let context = context(&partner.agency, context_id, PARTNERS_VERSION, self.kind);
        let sealed = window.seal(&context, opened.as_ref());
        let sealed_body = SealedBody::from(sealed);
        Ok(Self {
            identity_request_id: self.identity_request_id,
            sealed_to: partner.agency.clone(),
            context_id,
            version: PARTNERS_VERSION,
            kind: self.kind,
            sealed_body: sealed_body.encode_to_vec(),
            encapsulation: window.encapsulation().to_vec(),
            for_partner: None,
        })
    }

    fn sealed(&self) -> Result<Sealed, Failure> {
        let malformed = "the sealed identity is malformed";
        let body = SealedBody::decode(self.sealed_body.as_slice()).map_err(|_| Failure::does_not_hold(malformed))?;
        Sealed::try_from(body).map_err(|_| Failure::does_not_hold(malformed))
    }
}

/// What was sealed: wiped when it is dropped.
struct Opened<T>(T);

impl<T: std::ops::Deref<Target = Vec<u8>>> AsRef<[u8]> for Opened<T> {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

fn context(owner: &AgencyId, record_id: RecordId, version: u32, kind: Kind) -> SealContext<'_> {
    SealContext { owner, record_id, version: RecordVersion(version), kind }
}

#[cfg(test)]
mod tests;
