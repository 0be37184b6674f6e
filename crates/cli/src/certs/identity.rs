//! The files of one agency: its CA, its clients' certificates, its sealing key and its persons' keys; kept while they
//! are good for another two weeks.

use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use causeway_crypto::{SealingPrivateKey, SigningKey};
use causeway_model::{AgencyId, PersonId, SystemId, Timestamp};
use rustls_pki_types::{CertificateDer, UnixTime, pem::PemObject};
use webpki::{EndEntityCert, KeyUsage};

use super::authority::{Authority, Profile};
use super::{Made, folder, revocation};
use crate::Failure;

/// A certificate that ends sooner than this is issued again.
pub(super) const RENEW_BEFORE_SECONDS: u64 = 14 * 86_400;

/// One agency's folder below the identities' folder.
pub(super) struct AgencyFolder<'a> {
    /// The identities' folder.
    pub(super) dir: &'a Path,
    pub(super) path: PathBuf,
    pub(super) agency: &'a AgencyId,
    pub(super) now: Timestamp,
}

impl AgencyFolder<'_> {
    /// The agency's CA, made where there is none.
    pub(super) fn authority(&self, made: &mut Made) -> Result<Authority, Failure> {
        let (certificate, key) = (self.path.join("ca.pem"), self.path.join("ca.key"));
        if let (Some(certificate_pem), Some(key_pem)) = (folder::read(&certificate)?, folder::read(&key)?) {
            made.kept += 1;
            return Authority::from_pem(self.agency, certificate_pem, &key_pem);
        }
        let authority = Authority::generate(self.agency, self.now)?;
        folder::write_secret(&key, &authority.key_pem())?;
        folder::write_public(&certificate, authority.certificate_pem())?;
        made.note(certificate);
        Ok(authority)
    }

    /// The certificate and key of one system, issued where there is none that will do.
    pub(super) fn system(&self, authority: &Authority, system: &SystemId, made: &mut Made) -> Result<(), Failure> {
        let name = system.system.as_str();
        let (certificate, key) = (self.path.join(format!("{name}.pem")), self.path.join(format!("{name}.key")));
        let profile = match name {
            super::GATEWAY_SYSTEM => Profile::gateway(system, self.now),
            _ => Profile::client(system, self.now),
        };
        let present = folder::read(&certificate)?.filter(|_| key.exists());
        if let Some(pem) = present
            && will_do(&pem, authority, &profile, self.now)
            && !revocation::is_revoked(self.dir, self.agency, &pem)?
        {
            made.kept += 1;
            return Ok(());
        }
        let issued = authority.issue(&profile)?;
        folder::write_secret(&key, &issued.key_pem)?;
        folder::write_public(&certificate, &issued.certificate_pem)?;
        made.note(certificate);
        Ok(())
    }

    /// The agency's sealing key.
    pub(super) fn sealing_key(&self, made: &mut Made) -> Result<SealingPrivateKey, Failure> {
        let path = self.path.join("sealing.key");
        if let Some(text) = folder::read(&path)? {
            made.kept += 1;
            let bytes = STANDARD.decode(text.trim()).map_err(|_| damaged(&path))?;
            return SealingPrivateKey::from_bytes(&bytes).map_err(|_| damaged(&path));
        }
        let key = SealingPrivateKey::generate();
        folder::write_secret(&path, &format!("{}\n", STANDARD.encode(key.to_bytes())))?;
        made.note(path);
        Ok(key)
    }

    /// One person's approval key.
    pub(super) fn person(&self, person: &PersonId, made: &mut Made) -> Result<SigningKey, Failure> {
        let path = person_key(&self.path, person);
        if let Some(key) = read_person(&path)? {
            made.kept += 1;
            return Ok(key);
        }
        let key = SigningKey::generate();
        folder::write_secret(&path, &format!("{}\n", STANDARD.encode(*key.seed())))?;
        made.note(path);
        Ok(key)
    }
}

/// Where a person's key lies in an agency's folder.
pub(super) fn person_key(agency: &Path, person: &PersonId) -> PathBuf {
    agency.join("persons").join(format!("{person}.key"))
}

/// Reads a person's key; none where there is none.
pub(super) fn read_person(path: &Path) -> Result<Option<SigningKey>, Failure> {
    let Some(text) = folder::read(path)? else { return Ok(None) };
    let seed: [u8; 32] =
        STANDARD.decode(text.trim()).ok().and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| damaged(path))?;
    Ok(Some(SigningKey::from_seed(&seed)))
}

fn damaged(path: &Path) -> Failure {
    Failure::content(path, "this key file is damaged: delete it and run `causeway certs dev` again".into())
}

/// Whether the certificate is this CA's, says exactly what the profile says, and is good for another two weeks.
fn will_do(pem: &str, authority: &Authority, profile: &Profile, now: Timestamp) -> bool {
    let Ok(certificate) = CertificateDer::from_pem_slice(pem.as_bytes()) else { return false };
    let Ok(root) = CertificateDer::from_pem_slice(authority.certificate_pem().as_bytes()) else { return false };
    let (Ok(parsed), Ok(anchor)) = (EndEntityCert::try_from(&certificate), webpki::anchor_from_trusted_cert(&root))
    else {
        return false;
    };
    let usage = if profile.server { KeyUsage::server_auth() } else { KeyUsage::client_auth() };
    let then = UnixTime::since_unix_epoch(Duration::from_micros(now.plus_seconds(RENEW_BEFORE_SECONDS).0));
    let anchors = [anchor];
    let chain = parsed.verify_for_usage(webpki::ALL_VERIFICATION_ALGS, &anchors, &[], then, usage, None, None);
    chain.is_ok() && parsed.valid_uri_names().eq(profile.uris.iter().map(String::as_str))
}
