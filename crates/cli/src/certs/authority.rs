//! An agency's development CA, and the certificates it issues, good ones and (for tests) bad ones.

use std::net::IpAddr;

use causeway_model::{AgencyId, Date, SystemId, Timestamp};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertificateRevocationListParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
    RevokedCertParams, SanType, SerialNumber, date_time_ymd,
};

use crate::Failure;

/// The SPIFFE trust domains of development identities end in this; `.example` is reserved (RFC 2606).
pub const DEVELOPMENT_SUFFIX: &str = "causeway.example";

const DAY_SECONDS: u64 = 86_400;
const AUTHORITY_DAYS: u64 = 3_650;
pub(super) const IDENTITY_DAYS: u64 = 90;

/// The first and the last day of a certificate (both at 00:00 UTC).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// Valid from the start of this day.
    pub from: Date,
    /// Valid until the start of this day.
    pub until: Date,
}

impl Validity {
    /// From yesterday, so that a peer's clock may be behind, for `days` days.
    pub fn days(now: Timestamp, days: u64) -> Self {
        let yesterday = Timestamp(now.0.saturating_sub(DAY_SECONDS * 1_000_000));
        Self { from: yesterday.date(), until: now.plus_seconds(days * DAY_SECONDS).date() }
    }
}

/// What a certificate says. Nothing here is checked: tests issue what no honest CA would.
#[derive(Debug, Clone)]
pub struct Profile {
    /// The URI subject alternative names; an honest certificate has one.
    pub uris: Vec<String>,
    /// DNS names, for a server.
    pub names: Vec<String>,
    /// IP addresses, for a server.
    pub addresses: Vec<IpAddr>,
    /// Whether it is for a server; otherwise for a client.
    pub server: bool,
    /// When it is valid.
    pub validity: Validity,
}

impl Profile {
    /// A client's certificate: one SPIFFE URI, 90 days.
    pub fn client(system: &SystemId, now: Timestamp) -> Self {
        Self {
            uris: vec![spiffe_uri(system)],
            names: Vec::new(),
            addresses: Vec::new(),
            server: false,
            validity: Validity::days(now, IDENTITY_DAYS),
        }
    }

    /// The gateway's own certificate: one SPIFFE URI, and the names by which this machine reaches itself.
    pub fn gateway(system: &SystemId, now: Timestamp) -> Self {
        Self {
            names: vec!["localhost".into()],
            addresses: vec![IpAddr::from([127, 0, 0, 1]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])],
            server: true,
            ..Self::client(system, now)
        }
    }
}

/// The SPIFFE URI of a system under the development suffix.
pub fn spiffe_uri(system: &SystemId) -> String {
    format!("spiffe://{}.{DEVELOPMENT_SUFFIX}/{}", system.agency, system.system)
}

/// A certificate with its private key, both PEM. Debug prints neither.
pub struct Issued {
    /// The certificate.
    pub certificate_pem: String,
    /// The private key (PKCS#8).
    pub key_pem: String,
}

impl std::fmt::Debug for Issued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Issued(..)")
    }
}

/// One agency's CA. Its subject follows from the agency's id, so that key and certificate are all there is to keep.
pub struct Authority {
    certificate_pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authority(..)")
    }
}

impl Authority {
    /// A new CA with a fresh P-256 key.
    pub fn generate(agency: &AgencyId, now: Timestamp) -> Result<Self, Failure> {
        let key = generate_key()?;
        let params = authority_params(agency, Validity::days(now, AUTHORITY_DAYS))?;
        let certificate = params.self_signed(&key).map_err(Failure::certificate)?;
        Ok(Self { certificate_pem: certificate.pem(), issuer: Issuer::new(params, key) })
    }

    /// A CA from its two files.
    pub fn from_pem(agency: &AgencyId, certificate_pem: String, key_pem: &str) -> Result<Self, Failure> {
        let key = KeyPair::from_pem(key_pem).map_err(Failure::certificate)?;
        // Only the subject and the key usages of these matter to an issuer, not the days.
        let params = authority_params(agency, Validity::days(Timestamp(0), 0))?;
        Ok(Self { certificate_pem, issuer: Issuer::new(params, key) })
    }

    /// Its certificate: the agency's trust bundle.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// Its private key (PKCS#8 PEM).
    pub fn key_pem(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    /// Issues what `profile` says, under a fresh P-256 key.
    pub fn issue(&self, profile: &Profile) -> Result<Issued, Failure> {
        let key = generate_key()?;
        let certificate = self.sign(profile, &key)?;
        Ok(Issued { certificate_pem: certificate.pem(), key_pem: key.serialize_pem() })
    }

    /// The list of what it has revoked, by serial number: PEM, due at the end of `validity`.
    pub fn list(&self, revoked: &[Vec<u8>], validity: Validity, now: Timestamp) -> Result<String, Failure> {
        let row = |serial: &Vec<u8>| RevokedCertParams {
            serial_number: SerialNumber::from_slice(serial),
            revocation_time: start(validity.from, date_time_ymd),
            reason_code: None,
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: start(validity.from, date_time_ymd),
            next_update: start(validity.until, date_time_ymd),
            // Numbers have to grow (RFC 5280 section 5.2.3), as seconds do.
            crl_number: SerialNumber::from(now.0 / 1_000_000),
            issuing_distribution_point: None,
            revoked_certs: revoked.iter().map(row).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let list = params.signed_by(&self.issuer).map_err(Failure::certificate)?;
        list.pem().map_err(Failure::certificate)
    }

    fn sign(&self, profile: &Profile, key: &KeyPair) -> Result<Certificate, Failure> {
        let mut params = CertificateParams::new(profile.names.clone()).map_err(Failure::certificate)?;
        params.subject_alt_names.extend(profile.addresses.iter().copied().map(SanType::IpAddress));
        for uri in &profile.uris {
            let uri = uri.as_str().try_into().map_err(Failure::certificate)?;
            params.subject_alt_names.push(SanType::URI(uri));
        }
        // The subject is empty: identity is the URI and nothing else (RFC 5280 section 4.2.1.6).
        params.distinguished_name = DistinguishedName::new();
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![match profile.server {
            true => ExtendedKeyUsagePurpose::ServerAuth,
            false => ExtendedKeyUsagePurpose::ClientAuth,
        }];
        params.use_authority_key_identifier_extension = true;
        set_validity(&mut params, profile.validity);
        params.signed_by(key, &self.issuer).map_err(Failure::certificate)
    }
}

fn generate_key() -> Result<KeyPair, Failure> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(Failure::certificate)
}

fn authority_params(agency: &AgencyId, validity: Validity) -> Result<CertificateParams, Failure> {
    let mut params = CertificateParams::new(Vec::new()).map_err(Failure::certificate)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, format!("{agency} development CA"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    set_validity(&mut params, validity);
    Ok(params)
}

fn set_validity(params: &mut CertificateParams, validity: Validity) {
    params.not_before = start(validity.from, date_time_ymd);
    params.not_after = start(validity.until, date_time_ymd);
}

/// The start of a day, as the library of certificates has it.
fn start<T>(date: Date, of: impl Fn(i32, u8, u8) -> T) -> T {
    let (year, month, day) = date.parts();
    of(i32::from(year), month, day)
}
