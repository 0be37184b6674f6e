//! The number of a node in its certificate.

use causeway_model::Malformed;
use causeway_store::NodeNumber;
use rustls_pki_types::CertificateDer;

/// What stands before the number in the certificate's single URI SAN.
const SCHEME: &str = "causeway-node:";

/// The node that a certificate is of: one URI SAN, `causeway-node:3`.
///
/// # Errors
/// `Malformed` where the certificate does not parse, or says anything else.
pub(super) fn of_certificate(certificate: &CertificateDer<'_>) -> Result<NodeNumber, Malformed> {
    let malformed = Malformed("node certificate");
    let parsed = webpki::EndEntityCert::try_from(certificate).map_err(|_| malformed)?;
    let mut names = parsed.valid_uri_names();
    match (names.next(), names.next()) {
        (Some(name), None) => number(name).ok_or(malformed),
        _ => Err(malformed),
    }
}

/// One spelling for each number, which is at least 1.
fn number(name: &str) -> Option<NodeNumber> {
    let digits = name.strip_prefix(SCHEME)?;
    let number: u16 = digits.parse().ok()?;
    (number > 0 && number.to_string() == digits).then_some(NodeNumber(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_one_spelling() {
        assert_eq!(number("causeway-node:1"), Some(NodeNumber(1)));
        assert_eq!(number("causeway-node:65535"), Some(NodeNumber(u16::MAX)));
        for other in
            ["causeway-node:0", "causeway-node:01", "causeway-node:+1", "causeway-node:65536", "causeway-node:", "1"]
        {
            assert_eq!(number(other), None, "{other}");
        }
        assert_eq!(number("spiffe://gb-nca.causeway.example/1"), None);
    }
}
