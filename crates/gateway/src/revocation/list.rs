//! The revocation lists of one agency, as its file holds them: each signed by one of the agency's own authorities.

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime};
use webpki::{Cert, CertRevocationList, EndEntityCert, OwnedCertRevocationList, VerifiedPath};

use super::der::Fields;
use crate::tls::chain;

/// Largest file of an agency's lists, in bytes: some 100,000 revoked certificates. Looked at before anything is parsed.
pub(crate) const MAX_FILE_BYTES: u64 = 4 << 20;

/// Lists in one file: an agency has a few authorities.
const MAX_LISTS: usize = 16;

/// Certificates of authorities beside them.
const MAX_AUTHORITIES: usize = 16;

/// An authority: its name and its key, both as webpki has them.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Issuer {
    name: Vec<u8>,
    key: Vec<u8>,
}

impl Issuer {
    fn of(certificate: &CertificateDer<'_>) -> Result<Self, webpki::Error> {
        let anchor = webpki::anchor_from_trusted_cert(certificate)?;
        Ok(Self { name: anchor.subject.to_vec(), key: anchor.subject_public_key_info.to_vec() })
    }
}

/// One list, whose signature has been checked.
#[derive(Debug)]
struct List {
    issuer: Issuer,
    revoked: CertRevocationList<'static>,
    this_update: UnixTime,
    next_update: UnixTime,
}

/// The lists of one agency.
#[derive(Debug)]
pub(crate) struct Lists(Vec<List>);

/// What the lists say of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    /// No certificate in it is revoked, as far as there are lists.
    Nothing,
    /// One of its certificates is revoked.
    Revoked,
    /// An authority below the agency's roots has issued one of its certificates, and there is no list of that authority's.
    Uncovered,
}

impl Lists {
    /// Reads an agency's file: lists (`X509 CRL`), and where authorities below the agency's roots have lists of their own, those
    /// authorities' certificates. `roots` is the agency's bundle; `before` is what the file held before.
    ///
    /// # Errors
    /// What is wrong with it, in words that follow the file's name.
    pub(crate) fn read(
        pem: &[u8],
        roots: &[CertificateDer<'_>],
        before: Option<&Self>,
        now: UnixTime,
    ) -> Result<Self, String> {
        let not_pem = |error| format!("is not PEM: {error}");
        let lists: Vec<_> = CertificateRevocationListDer::pem_slice_iter(pem)
            .take(MAX_LISTS + 1)
            .collect::<Result<_, _>>()
            .map_err(not_pem)?;
        let below: Vec<CertificateDer<'_>> =
            CertificateDer::pem_slice_iter(pem).take(MAX_AUTHORITIES + 1).collect::<Result<_, _>>().map_err(not_pem)?;
        if lists.len() > MAX_LISTS || below.len() > MAX_AUTHORITIES {
            return Err(format!("holds more than {MAX_LISTS} lists, or more than {MAX_AUTHORITIES} certificates"));
        }
        let authorities: Vec<&CertificateDer<'_>> = roots.iter().chain(&below).collect();
        let read = lists.iter().map(|list| List::read(list, &authorities, now)).collect::<Result<Vec<_>, _>>()?;
        let read = Self(read);
        for list in &read.0 {
            let is_older = |known: &&List| known.issuer == list.issuer && known.this_update > list.this_update;
            if before.is_some_and(|before| before.0.iter().find(is_older).is_some()) {
                return Err("holds a list that is older than the one in force".into());
            }
        }
        if read.covers(roots) {
            Ok(read)
        } else {
            Err("holds no list of one of the roots in the agency's trust bundle".into())
        }
    }

    /// Whether each of these roots has a list.
    pub(crate) fn covers(&self, roots: &[CertificateDer<'_>]) -> bool {
        let has_list = |issuer: Issuer| self.0.iter().any(|list| list.issuer == issuer);
        roots.iter().all(|root| Issuer::of(root).is_ok_and(has_list))
    }

    /// When the first of the lists that are the newest of their issuers is due to be replaced.
    pub(crate) fn next_update(&self) -> Option<UnixTime> {
        let newest = |list: &List| {
            self.0.iter().filter(|other| other.issuer == list.issuer).map(|other| other.next_update).max()
        };
        self.0.iter().filter_map(newest).min()
    }

    /// What they say of a verified chain.
    pub(crate) fn say(&self, path: &VerifiedPath<'_>) -> Result<Said, webpki::Error> {
        let anchor = path.anchor();
        let root = Issuer { name: anchor.subject.to_vec(), key: anchor.subject_public_key_info.to_vec() };
        let below: Vec<&Cert<'_>> = path.intermediate_certificates().collect();
        let mut issuers = below.iter().map(|issuer| Issuer::of(&issuer.der())).collect::<Result<Vec<_>, _>>()?;
        issuers.push(root.clone());
        let certificates = std::iter::once::<&Cert<'_>>(path.end_entity()).chain(below);
        let mut said = Said::Nothing;
        for (certificate, issuer) in certificates.zip(&issuers) {
            let mut own = self.0.iter().filter(|list| list.issuer == *issuer).peekable();
            if own.peek().is_none() && *issuer != root {
                said = Said::Uncovered;
            }
            for list in own {
                if list.revoked.find_serial(certificate.serial())?.is_some() {
                    return Ok(Said::Revoked);
                }
            }
        }
        Ok(said)
    }
}

impl List {
    fn read(
        list: &CertificateRevocationListDer<'_>,
        authorities: &[&CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<Self, String> {
        let parsed = OwnedCertRevocationList::from_der(list)
            .map_err(|error| format!("holds a list that does not parse: {error}"))?;
        let fields = Fields::of(list).ok_or("holds a list without its times, or not of version 2")?;
        let revoked = CertRevocationList::from(parsed);
        if revoked.issuing_distribution_point().is_some() {
            return Err(
                "holds a partial list (with an issuing distribution point), which says nothing of the other parts"
                    .into(),
            );
        }
        if fields.this_update > now {
            return Err("holds a list of a time that has not come".into());
        }
        let signer = authorities.iter().find(|authority| is_signer(authority, &revoked, &fields));
        let signer = signer.ok_or("holds a list that none of the agency's authorities has signed")?;
        let issuer = Issuer::of(signer).map_err(|error| format!("holds a certificate that does not parse: {error}"))?;
        let Fields { this_update, next_update, .. } = fields;
        Ok(Self { issuer, revoked, this_update, next_update })
    }
}

/// Whether an authority has the list's name and has made its signature.
fn is_signer(authority: &CertificateDer<'_>, list: &CertRevocationList<'_>, fields: &Fields<'_>) -> bool {
    let Ok(certificate) = EndEntityCert::try_from(authority) else { return false };
    let mut algorithms =
        chain::algorithms().all.iter().filter(|algorithm| algorithm.signature_alg_id().as_ref() == fields.algorithm);
    certificate.subject() == list.issuer()
        && algorithms.any(|algorithm| certificate.verify_signature(*algorithm, fields.signed, fields.signature).is_ok())
}
