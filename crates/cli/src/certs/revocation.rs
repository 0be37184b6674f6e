//! Development revocation lists: one an agency, of what its development CA has revoked.

use std::path::{Path, PathBuf};

use causeway_gateway::expiry;
use causeway_model::{AgencyId, SystemId, Timestamp};
use causeway_verify::hex::{hex, unhex};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use webpki::EndEntityCert;

use super::authority::{Authority, IDENTITY_DAYS, Validity};
use super::identity::RENEW_BEFORE_SECONDS;
use super::{Made, folder};
use crate::Failure;

/// The folder of the lists, below the identities' folder.
pub(super) const FOLDER: &str = "crls";

/// Makes an agency's list where there is none that will do.
pub(super) fn list(
    dir: &Path,
    agency: &AgencyId,
    authority: &Authority,
    now: Timestamp,
    made: &mut Made,
) -> Result<(), Failure> {
    let path = path_of(dir, agency);
    if let Some(pem) = folder::read(&path)? {
        let due = expiry::lists_due(pem.as_bytes(), authority.certificate_pem().as_bytes(), now);
        if due.is_ok_and(|due| due > now.plus_seconds(RENEW_BEFORE_SECONDS)) {
            made.kept += 1;
            return Ok(());
        }
    }
    folder::write_public(&path, &made_of(dir, agency, authority, now)?)?;
    made.note(path);
    Ok(())
}

/// Revokes the certificate that a system has now, and writes its agency's list anew.
pub(super) fn revoke(dir: &Path, system: &SystemId, authority: &Authority, now: Timestamp) -> Result<PathBuf, Failure> {
    let certificate = dir.join(system.agency.as_str()).join(format!("{}.pem", system.system));
    let pem = folder::read(&certificate)?
        .ok_or_else(|| Failure::content(&certificate, "no such certificate: run `causeway certs dev`".into()))?;
    let serial = serial(&pem).ok_or_else(|| Failure::content(&certificate, "does not parse".into()))?;
    let mut serials = revoked(dir, &system.agency)?;
    if !serials.contains(&serial) {
        serials.push(serial);
        let lines: String = serials.iter().map(|serial| format!("{}\n", hex(serial))).collect();
        folder::write_public(&register(dir, &system.agency), &lines)?;
    }
    let path = path_of(dir, &system.agency);
    folder::write_public(&path, &made_of(dir, &system.agency, authority, now)?)?;
    Ok(path)
}

/// Whether an agency has revoked a certificate.
pub(super) fn is_revoked(dir: &Path, agency: &AgencyId, pem: &str) -> Result<bool, Failure> {
    let revoked = revoked(dir, agency)?;
    Ok(serial(pem).is_some_and(|serial| revoked.contains(&serial)))
}

fn made_of(dir: &Path, agency: &AgencyId, authority: &Authority, now: Timestamp) -> Result<String, Failure> {
    authority.list(&revoked(dir, agency)?, Validity::days(now, IDENTITY_DAYS), now)
}

fn path_of(dir: &Path, agency: &AgencyId) -> PathBuf {
    dir.join(FOLDER).join(format!("{agency}.pem"))
}

/// The serial numbers that an agency has revoked, one a line in hexadecimal: its list is made of them.
fn register(dir: &Path, agency: &AgencyId) -> PathBuf {
    dir.join(agency.as_str()).join("revoked.txt")
}

fn revoked(dir: &Path, agency: &AgencyId) -> Result<Vec<Vec<u8>>, Failure> {
    let path = register(dir, agency);
    let text = folder::read(&path)?.unwrap_or_default();
    let damaged = || Failure::content(&path, "holds something else than serial numbers".into());
    text.lines().map(|line| unhex(line).ok_or_else(damaged)).collect()
}

fn serial(pem: &str) -> Option<Vec<u8>> {
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).ok()?;
    let serial = EndEntityCert::try_from(&certificate).ok()?.serial().to_vec();
    Some(serial)
}
