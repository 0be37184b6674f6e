//! Identities of systems: the one parser that the verifier, the authoriser and the client side share.
//!
//! An identity is a SPIFFE ID in the single URI SAN of a certificate: `spiffe://<agency>.<suffix>/<system>`.

use std::fmt;
use std::str::FromStr;

use causeway_model::{Malformed, SystemId, SystemName};
use rustls_pki_types::CertificateDer;

/// The part of the trust domain that all agencies of one gateway share, as in `causeway.example`: DNS labels in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TrustSuffix(Box<str>);

impl TrustSuffix {
    /// The suffix as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TrustSuffix {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Self, Malformed> {
        let label = |label: &str| {
            let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(inner)
        };
        if text.len() <= MAX_SUFFIX_BYTES && text.split('.').all(label) {
            Ok(Self(text.into()))
        } else {
            Err(Malformed("trust domain suffix"))
        }
    }
}

/// The identity of one system, with one spelling: no port, query, escape, trailing slash or second path segment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SpiffeId {
    /// The system.
    pub system: SystemId,
    /// The suffix under which it was named.
    pub suffix: TrustSuffix,
}

impl SpiffeId {
    /// The identity in a certificate's single URI SAN. The common name is never looked at.
    ///
    /// # Errors
    /// `Malformed` where the certificate does not parse, has no URI SAN or more than one, or holds another kind of URI.
    pub fn of_certificate(certificate: &CertificateDer<'_>) -> Result<Self, Malformed> {
        let malformed = Malformed("identity certificate");
        let parsed = webpki::EndEntityCert::try_from(certificate).map_err(|_| malformed)?;
        let mut names = parsed.valid_uri_names();
        match (names.next(), names.next()) {
            (Some(name), None) => name.parse(),
            _ => Err(malformed),
        }
    }
}

impl FromStr for SpiffeId {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Self, Malformed> {
        let malformed = Malformed("SPIFFE ID");
        let rest = text.strip_prefix("spiffe://").ok_or(malformed)?;
        let (domain, system) = rest.split_once('/').ok_or(malformed)?;
        let (agency, suffix) = domain.split_once('.').ok_or(malformed)?;
        let system: SystemName = system.parse().map_err(|_| malformed)?;
        let agency = agency.parse().map_err(|_| malformed)?;
        Ok(Self { system: SystemId { agency, system }, suffix: suffix.parse().map_err(|_| malformed)? })
    }
}

impl fmt::Display for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "spiffe://{}.{}/{}", self.system.agency, self.suffix.as_str(), self.system.system)
    }
}

/// A DNS name has at most 253 bytes; an agency id and its dot take up to 33 of them.
const MAX_SUFFIX_BYTES: usize = 253 - 33;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_reads_back_as_it_was_written() {
        let id: SpiffeId = "spiffe://gb-nca.causeway.example/case-management".parse().expect("well formed");
        assert_eq!(id.system.to_string(), "gb-nca/case-management");
        assert_eq!(id.suffix.as_str(), "causeway.example");
        assert_eq!(id.to_string(), "spiffe://gb-nca.causeway.example/case-management");
    }

    #[test]
    fn every_other_spelling_is_refused() {
        for bad in [
            "",
            "spiffe://",
            "https://gb-nca.causeway.example/feed",
            "SPIFFE://gb-nca.causeway.example/feed",
            "spiffe://gb-nca.causeway.example",
            "spiffe://gb-nca.causeway.example/",
            "spiffe://gb-nca.causeway.example/feed/",
            "spiffe://gb-nca.causeway.example/feed/other",
            "spiffe://gb-nca.causeway.example/../feed",
            "spiffe://gb-nca.causeway.example/fe%65d",
            "spiffe://gb-nca.causeway.example/feed?x=1",
            "spiffe://gb-nca.causeway.example/feed#x",
            "spiffe://gb-nca.causeway.example:8443/feed",
            "spiffe://user@gb-nca.causeway.example/feed",
            "spiffe://GB-NCA.causeway.example/feed",
            "spiffe://gb-nca.causeway.Example/feed",
            "spiffe://gb-nca/feed",
            "spiffe://gb-nca./feed",
            "spiffe://gb-nca..example/feed",
            "spiffe://gb-nca.causeway.example./feed",
            "spiffe://.causeway.example/feed",
            "spiffe://gb-nca.causeway.example/Feed",
            " spiffe://gb-nca.causeway.example/feed",
            "spiffe://gb-nca.causeway.example/feed\n",
        ] {
            assert!(bad.parse::<SpiffeId>().is_err(), "{bad:?}");
        }
        let long = format!("spiffe://gb-nca.{}example/feed", "a.".repeat(130));
        assert!(long.parse::<SpiffeId>().is_err());
    }
}
