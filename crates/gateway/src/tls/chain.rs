//! Chains of certificates: reading them from PEM, checking them against roots, and how long a certificate holds.

use std::time::Duration;

use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::{CertificateError, Error};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, KeyUsage, VerifiedPath};

/// Certificates that a peer may send beside its own. webpki bounds the signatures that it checks as well.
pub(crate) const MAX_INTERMEDIATES: usize = 3;

/// A certificate and what its holder sent with it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chain<'a> {
    /// The holder's own certificate.
    pub end_entity: &'a CertificateDer<'a>,
    /// Those that lead to a root, in any order.
    pub intermediates: &'a [CertificateDer<'a>],
}

/// Checks signatures, validity, constraints and usage up to one of `roots`; `accept` has the last word on a path.
pub(crate) fn check(
    chain: Chain<'_>,
    roots: &[TrustAnchor<'static>],
    now: UnixTime,
    usage: KeyUsage,
    accept: &dyn Fn(&VerifiedPath<'_>) -> Result<(), webpki::Error>,
) -> Result<(), webpki::Error> {
    if chain.intermediates.len() > MAX_INTERMEDIATES {
        return Err(webpki::Error::MaximumPathDepthExceeded);
    }
    EndEntityCert::try_from(chain.end_entity)?.verify_for_usage(
        algorithms().all,
        roots,
        chain.intermediates,
        now,
        usage,
        None,
        Some(accept),
    )?;
    Ok(())
}

/// The one error, and so the one alert, of every certificate that is refused.
pub(crate) fn refusal() -> Error {
    Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure)
}

/// The signature algorithms that are taken in certificates, revocation lists and handshakes.
pub(crate) fn algorithms() -> WebPkiSupportedAlgorithms {
    rustls::crypto::ring::default_provider().signature_verification_algorithms
}

/// The last second at which a certificate holds.
///
/// webpki keeps a certificate's validity to itself and looks at it before anything else, so it is asked whether the
/// certificate holds at the end of time; its refusal says when it ends.
pub(crate) fn expiry(certificate: &CertificateDer<'_>) -> Result<UnixTime, webpki::Error> {
    let end_of_time = UnixTime::since_unix_epoch(Duration::from_secs(u64::MAX));
    let certificate = EndEntityCert::try_from(certificate)?;
    match certificate.verify_for_usage(&[], &[], &[], end_of_time, KeyUsage::client_auth(), None, None) {
        Err(webpki::Error::CertExpired { not_after, .. }) => Ok(not_after),
        Err(error) => Err(error),
        Ok(_) => Err(webpki::Error::BadDerTime),
    }
}

/// All certificates of a PEM text, in their order; an error says what is wrong, without the text.
pub(crate) fn read_pem(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match certificates {
        Ok(certificates) if certificates.is_empty() => Err("holds no certificate".into()),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(format!("is not PEM: {error}")),
    }
}

/// The roots of a PEM bundle: certificates that are their own issuers.
///
/// A certificate that another one issued is refused, since a bundle with it would trust what that other issuer signs.
pub(crate) fn read_roots(pem: &[u8]) -> Result<Vec<TrustAnchor<'static>>, String> {
    read_pem(pem)?
        .iter()
        .map(|certificate| {
            let parsed = EndEntityCert::try_from(certificate).map_err(|error| format!("does not parse: {error}"))?;
            if parsed.issuer() != parsed.subject() {
                return Err("holds a certificate that is not self-issued".into());
            }
            let anchor = webpki::anchor_from_trusted_cert(certificate);
            anchor.map(|anchor| anchor.to_owned()).map_err(|error| format!("does not parse: {error}"))
        })
        .collect()
}
