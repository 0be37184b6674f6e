//! The way to a gateway: its address, and the identities to connect with.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use causeway_cli::certs;
use causeway_crypto::{Digest, SigningKey};
use causeway_gateway::client::{Clients, Credentials, Statement};
use causeway_gateway::identity::SpiffeId;
use causeway_journal::{approval_message, v1};
use prost::Message;

use crate::Failed;

/// The agency that operates the gateway and owns the records.
pub const OWNER: &str = "gb-nca";
/// The two of its persons who approve.
pub const OWNER_PERSONS: [&str; 2] = ["director", "dpo"];

/// A cheap clone.
#[derive(Debug, Clone)]
pub struct Reach {
    address: SocketAddr,
    certs: PathBuf,
}

impl Reach {
    /// A gateway that listens at `address`, with the identities in `certs`.
    pub fn new(address: SocketAddr, certs: &Path) -> Self {
        Self { address, certs: certs.to_owned() }
    }

    /// A connection as a system, as `gb-nca/case-management`, that states this purpose.
    ///
    /// # Errors
    /// When there is no such identity, or nobody answers.
    pub async fn clients(&self, system: &str, purpose: &str) -> Result<Clients, Failed> {
        let at = |end: &str| self.certs.join(format!("{system}.{end}"));
        let credentials = Credentials::load(&at("pem"), &at("key"), &self.certs.join(OWNER).join("ca.pem"))?;
        let gateway: SpiffeId = "spiffe://gb-nca.causeway.example/gateway".parse().map_err(|_| "the gateway's id")?;
        let statement = Statement::new(purpose, "rig.operator")?;
        Ok(Clients::connect(&format!("https://{}", self.address), &credentials, &gateway, statement).await?)
    }

    /// The options of a command of `causeway` that calls as a system.
    pub fn words(&self, system: &str) -> Vec<OsString> {
        let address = format!("https://{}", self.address);
        let certs = self.certs.as_os_str().to_owned();
        vec!["--as".into(), system.into(), "--gateway".into(), address.into(), "--certs-dir".into(), certs]
    }

    /// A person's signature over what has this digest.
    ///
    /// # Errors
    /// When the person has no key.
    pub fn signature(&self, person: &str, digest: &Digest) -> Result<Vec<u8>, Failed> {
        Ok(self.key(person)?.sign(&approval_message(digest)).to_vec())
    }

    /// The owner's two approvals of a document with this digest, as they travel.
    ///
    /// # Errors
    /// When one of them has no key.
    pub fn approvals(&self, digest: &Digest) -> Result<Vec<Vec<u8>>, Failed> {
        let approval = |person: &str| {
            let key = self.key(person)?;
            let approval = v1::Approval {
                agency: OWNER.into(),
                person: person.into(),
                public_key: key.public_key().0.to_vec(),
                signature: key.sign(&approval_message(digest)).to_vec(),
            };
            Ok(approval.encode_to_vec())
        };
        OWNER_PERSONS.into_iter().map(approval).collect()
    }

    fn key(&self, person: &str) -> Result<SigningKey, Failed> {
        let agency = OWNER.parse().expect("a constant that is an agency's id");
        let named = person.parse().map_err(|_| "a person's name")?;
        certs::person_key(&self.certs, &agency, &named).map_err(|failure| failure.to_string().into())
    }
}

/// A digest that came over the wire.
///
/// # Errors
/// When it is not of 32 bytes.
pub fn digest_of(bytes: &[u8]) -> Result<Digest, Failed> {
    Digest::try_from(bytes).map_err(|_| "a digest that is not of 32 bytes".into())
}
