//! Whom certificates speak for, and whom they do not.

use std::time::Duration;

use rcgen::{ExtendedKeyUsagePurpose, KeyPair};
use rustls_pki_types::CertificateDer;

use super::*;
use crate::tls::issue::{Ca, agency};

const NCA: &str = "spiffe://gb-nca.causeway.example/case-management";
const ALBANIA: &str = "spiffe://al-police.causeway.example/feed";

struct World {
    nca: Ca,
    albania: Ca,
    authority: Authority,
}

fn suffix() -> TrustSuffix {
    "causeway.example".parse().expect("a suffix")
}

fn world() -> World {
    let (nca, albania) = (Ca::new("NCA root"), Ca::new("Albania root"));
    let files = [agency("gb-nca", &["case-management"], &nca.pem), agency("al-police", &["feed"], &albania.pem)];
    let authority = Authority::new(suffix(), &files).expect("sound bundles");
    World { nca, albania, authority }
}

/// The first second of a year from 2000 on, leap days left out: exact enough for certificates of whole years.
fn year(year: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs((year - 1970) * 31_557_600))
}

fn renew(authority: &Authority, file: AgencyFile) -> Result<(), Vec<String>> {
    authority.renew(|| vec![Arc::new(file)])
}

fn ask(authority: &Authority, certificate: &CertificateDer<'_>, at: UnixTime) -> Result<String, Refused> {
    authority.client(Chain { end_entity: certificate, intermediates: &[] }, at).map(|system| system.to_string())
}

#[test]
fn an_agencys_ca_speaks_for_that_agency_only() {
    let World { nca, albania, authority } = world();
    assert_eq!(ask(&authority, &nca.leaf(&[NCA]).certificate, year(2026)), Ok("gb-nca/case-management".into()));
    assert_eq!(ask(&authority, &albania.leaf(&[ALBANIA]).certificate, year(2026)), Ok("al-police/feed".into()));
    assert_eq!(ask(&authority, &albania.leaf(&[NCA]).certificate, year(2026)), Err(Refused::Chain));
    assert_eq!(ask(&authority, &nca.leaf(&[ALBANIA]).certificate, year(2026)), Err(Refused::Chain));
    assert_eq!(ask(&authority, &Ca::new("NCA root").leaf(&[NCA]).certificate, year(2026)), Err(Refused::Chain));
}

#[test]
fn exactly_one_uri_names_a_known_system() {
    let World { nca, authority, .. } = world();
    let refused = |uris: &[&str]| ask(&authority, &nca.leaf(uris).certificate, year(2026)).expect_err("refused");
    assert_eq!(refused(&[]), Refused::Identity, "the common name is no identity");
    assert_eq!(refused(&[NCA, ALBANIA]), Refused::Identity);
    assert_eq!(refused(&[NCA, NCA]), Refused::Identity);
    assert_eq!(refused(&["https://gb-nca.causeway.example/case-management"]), Refused::Identity);
    assert_eq!(refused(&["spiffe://gb-nca.other.example/case-management"]), Refused::Suffix);
    assert_eq!(refused(&["spiffe://gb-met.causeway.example/case-management"]), Refused::Agency);
    assert_eq!(refused(&["spiffe://gb-nca.causeway.example/stranger"]), Refused::System);
}

#[test]
fn an_agencys_systems_and_roots_are_those_of_its_newest_file() {
    let World { nca, authority, .. } = world();
    let leaf = nca.leaf(&[NCA]);
    let ask_now = || ask(&authority, &leaf.certificate, year(2026));
    assert!(ask_now().is_ok());
    renew(&authority, agency("gb-nca", &["other"], &nca.pem)).expect("sound");
    assert_eq!(ask_now(), Err(Refused::System));
    let second = Ca::new("NCA root");
    renew(&authority, agency("gb-nca", &["case-management"], &second.pem)).expect("sound");
    assert_eq!(ask_now(), Err(Refused::Chain));
    assert!(ask(&authority, &second.leaf(&[NCA]).certificate, year(2026)).is_ok());
    renew(&authority, agency("gb-nca", &["case-management"], "no certificate")).expect_err("a bad one is not taken");
    assert!(ask(&authority, &second.leaf(&[NCA]).certificate, year(2026)).is_ok(), "and the old one stays");
    renew(&authority, agency("gb-nca", &["case-management"], &nca.pem)).expect("sound");
    assert!(ask_now().is_ok());
}

#[test]
fn a_certificate_holds_within_its_time_and_for_its_use() {
    let World { nca, authority, .. } = world();
    let leaf = nca.leaf_until(&[NCA], 2025, &[ExtendedKeyUsagePurpose::ClientAuth]);
    assert!(ask(&authority, &leaf.certificate, year(2024)).is_ok());
    assert_eq!(ask(&authority, &leaf.certificate, year(2026)), Err(Refused::Time));
    assert_eq!(ask(&authority, &leaf.certificate, year(2019)), Err(Refused::Time));
    let server = nca.leaf_until(&[NCA], 2040, &[ExtendedKeyUsagePurpose::ServerAuth]);
    assert_eq!(ask(&authority, &server.certificate, year(2026)), Err(Refused::Chain));
    let expiry = chain::expiry(&leaf.certificate).expect("it has an end");
    assert!(year(2025).as_secs().abs_diff(expiry.as_secs()) < 2 * 86_400, "{}", expiry.as_secs());
}

#[test]
fn a_peer_is_refused_once_its_certificate_has_ended() {
    use crate::peer::Peer;
    let World { nca, authority, .. } = world();
    let leaf = nca.leaf_until(&[NCA], 2027, &[ExtendedKeyUsagePurpose::ClientAuth]);
    let address = "127.0.0.1:1".parse().expect("an address");
    let peer = Peer::admit(&authority, vec![leaf.certificate], address, year(2026)).expect("admitted");
    assert_eq!(peer.still_holds(&authority, year(2026)), Ok(()));
    assert_eq!(peer.still_holds(&authority, year(2028)), Err(Refused::Time));
    let next = UnixTime::since_unix_epoch(Duration::from_secs(year(2026).as_secs() + 1));
    assert_eq!(peer.still_holds(&authority, next), Ok(()));
    // Looked at again at once, and not only with the next second.
    renew(&authority, agency("gb-nca", &["other"], &nca.pem)).expect("sound");
    assert_eq!(peer.still_holds(&authority, next), Err(Refused::System));
    renew(&authority, agency("gb-nca", &["case-management"], &Ca::new("NCA root").pem)).expect("sound");
    assert_eq!(peer.still_holds(&authority, next), Err(Refused::Chain));
}

#[test]
fn a_path_through_another_agencys_key_is_refused() {
    let nca = Ca::new("NCA root");
    let key = KeyPair::generate().expect("a key");
    let crossed = nca.cross("Albania root", &key);
    let albania = Ca::with_key("Albania root", key);
    let leaf = albania.leaf(&[NCA]);
    let chain = Chain { end_entity: &leaf.certificate, intermediates: &[crossed] };
    let own = agency("gb-nca", &["case-management"], &nca.pem);
    let alone = Authority::new(suffix(), [&own]).expect("sound");
    assert!(alone.client(chain, year(2026)).is_ok(), "a sub-CA of the agency's own");
    let both = [own, agency("al-police", &["feed"], &albania.pem)];
    let both = Authority::new(suffix(), &both).expect("sound");
    assert_eq!(both.client(chain, year(2026)), Err(Refused::Chain));
}

#[test]
fn faulty_bundles_stop_the_start_and_are_all_listed() {
    let World { nca, albania, .. } = world();
    let leaf = nca.leaf(&[NCA]).pem;
    let files = [
        agency("gb-nca", &[], &nca.pem),
        agency("al-police", &[], &format!("{}{}", albania.pem, nca.pem)),
        agency("vn-police", &[], ""),
        agency("fr-ocriest", &[], &leaf),
    ];
    let faults = Authority::new(suffix(), &files).expect_err("three faults");
    assert_eq!(
        faults,
        [
            "agencies gb-nca and al-police: the same key is in both trust bundles",
            "agency vn-police: its trust bundle holds no certificate",
            "agency fr-ocriest: its trust bundle holds a certificate that is not self-issued",
        ]
    );
    assert!(nca.certificate.len() > 100, "a real certificate");
}
