//! Certificates for this crate's tests: one CA an agency, issued at run time.

use causeway_agreement::{AgencyFile, AuditLimits, System};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationList, CertificateRevocationListParams,
    CrlDistributionPoint, CrlIssuingDistributionPoint, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod,
    KeyPair, KeyUsagePurpose, RevokedCertParams, SanType, SerialNumber, date_time_ymd,
};
use rustls_pki_types::CertificateDer;
use webpki::EndEntityCert;

/// The years in which leaves of these tests hold, both whole: 2020 to 2039.
const FROM_YEAR: i32 = 2020;
const UNTIL_YEAR: i32 = 2040;

/// A CA with its key.
pub(crate) struct Ca {
    pub(crate) issuer: Issuer<'static, KeyPair>,
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) pem: String,
}

/// A certificate, as PEM too.
pub(crate) struct Leaf {
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) pem: String,
}

fn ca_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

impl Ca {
    /// A self-signed CA.
    pub(crate) fn new(name: &str) -> Self {
        Self::with_key(name, KeyPair::generate().expect("a key"))
    }

    pub(crate) fn with_key(name: &str, key: KeyPair) -> Self {
        let params = ca_params(name);
        let certificate = params.self_signed(&key).expect("signed");
        let (pem, certificate) = (certificate.pem(), certificate.der().clone());
        Self { issuer: Issuer::new(params, key), certificate, pem }
    }

    /// Its list of what it has revoked, made on the first day of one year and due on that of another.
    pub(crate) fn list(&self, revoked: &[&CertificateDer<'_>], from: i32, until: i32) -> CertificateRevocationList {
        self.list_params(revoked, from, until).signed_by(&self.issuer).expect("signed")
    }

    /// The same, of a part of what it issues.
    pub(crate) fn partial_list(&self, from: i32, until: i32) -> CertificateRevocationList {
        let uris = vec!["http://lists.example/1".to_owned()];
        let part = CrlIssuingDistributionPoint { distribution_point: CrlDistributionPoint { uris }, scope: None };
        let params = self.list_params(&[], from, until);
        let params = CertificateRevocationListParams { issuing_distribution_point: Some(part), ..params };
        params.signed_by(&self.issuer).expect("signed")
    }

    fn list_params(&self, revoked: &[&CertificateDer<'_>], from: i32, until: i32) -> CertificateRevocationListParams {
        let row = |certificate: &&CertificateDer<'_>| RevokedCertParams {
            serial_number: serial(certificate),
            revocation_time: date_time_ymd(from, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        CertificateRevocationListParams {
            this_update: date_time_ymd(from, 1, 1),
            next_update: date_time_ymd(until, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: revoked.iter().map(row).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        }
    }

    /// Another CA's name and key, signed by this one: a cross-certificate.
    pub(crate) fn cross(&self, name: &str, key: &KeyPair) -> CertificateDer<'static> {
        ca_params(name).signed_by(key, &self.issuer).expect("signed").der().clone()
    }

    /// A leaf with these URI SANs, for client and server use, within its years.
    pub(crate) fn leaf(&self, uris: &[&str]) -> Leaf {
        self.leaf_until(uris, UNTIL_YEAR, &[ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth])
    }

    pub(crate) fn leaf_until(&self, uris: &[&str], year: i32, usages: &[ExtendedKeyUsagePurpose]) -> Leaf {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "spiffe://gb-nca.causeway.example/case-management");
        let san = |uri: &&str| SanType::URI((*uri).try_into().expect("ASCII"));
        params.subject_alt_names = uris.iter().map(san).collect();
        params.extended_key_usages = usages.to_vec();
        params.not_before = date_time_ymd(FROM_YEAR, 1, 1);
        params.not_after = date_time_ymd(year, 1, 1);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("signed");
        Leaf { pem: certificate.pem(), certificate: certificate.der().clone() }
    }
}

fn serial(certificate: &CertificateDer<'_>) -> SerialNumber {
    SerialNumber::from_slice(EndEntityCert::try_from(certificate).expect("it parses").serial())
}

/// An agency file with these systems and this bundle.
pub(crate) fn agency(id: &str, systems: &[&str], bundle: &str) -> AgencyFile {
    let system =
        |name: &&str| System { name: name.parse().expect("a name"), roles: Vec::new(), audit: AuditLimits::default() };
    AgencyFile {
        id: id.parse().expect("an id"),
        version: 1,
        name: id.to_owned(),
        systems: systems.iter().map(system).collect(),
        persons: Vec::new(),
        sealing_public_key: Vec::new(),
        trust_bundle_pem: bundle.to_owned(),
    }
}
