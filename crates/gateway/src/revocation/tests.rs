//! What a file of lists has to be, and what an agency's lists say of its chains and of nobody else's.

use std::time::Duration;

use rcgen::KeyPair;
use rustls_pki_types::{CertificateDer, UnixTime};

use super::*;
use crate::tls::chain::Chain;
use crate::tls::issue::{Ca, agency};
use crate::trust::{Authority, Refused};

const NCA: &str = "spiffe://gb-nca.causeway.example/case-management";
const ALBANIA: &str = "spiffe://al-police.causeway.example/feed";

/// The first second of a year from 2000 on, leap days left out.
fn year(year: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs((year - 1970) * 31_557_600))
}

fn pem(list: &rcgen::CertificateRevocationList) -> String {
    list.pem().expect("encoded")
}

fn read(pem: &str, root: &Ca) -> Result<Lists, String> {
    Lists::read(pem.as_bytes(), std::slice::from_ref(&root.certificate), None, year(2026))
}

fn fault(pem: &str, root: &Ca) -> String {
    read(pem, root).expect_err("a bad file")
}

#[test]
fn a_file_has_a_list_of_each_root_that_the_root_has_signed() {
    let (nca, albania) = (Ca::new("NCA root"), Ca::new("Albania root"));
    let good = pem(&nca.list(&[], 2025, 2027));
    let lists = read(&good, &nca).expect("in order");
    assert!(year(2027).as_secs().abs_diff(lists.next_update().expect("due").as_secs()) < 2 * 86_400);

    let foreign = pem(&albania.list(&[], 2025, 2027));
    assert!(fault(&foreign, &nca).contains("none of the agency's authorities has signed"));
    // A namesake's, which has the name and not the key.
    let forged = pem(&Ca::new("NCA root").list(&[], 2025, 2027));
    assert!(fault(&forged, &nca).contains("none of the agency's authorities has signed"));
    assert!(fault(&format!("{good}{foreign}"), &nca).contains("none of the agency's authorities has signed"));
    assert!(fault("", &nca).contains("no list of one of the roots"));
    assert!(fault(&good[..good.len() / 2], &nca).contains("is not PEM"), "half written");
    assert!(fault(&nca.pem, &nca).contains("no list of one of the roots"));
    assert!(fault(&pem(&nca.partial_list(2025, 2027)), &nca).contains("partial"));
    assert!(fault(&pem(&nca.list(&[], 2027, 2028)), &nca).contains("has not come"));
    assert!(fault(&good.repeat(17), &nca).contains("more than"));
    let both = [nca.certificate.clone(), Ca::new("NCA second root").certificate];
    let one_of_two = Lists::read(good.as_bytes(), &both, None, year(2026)).expect_err("one root is without");
    assert!(one_of_two.contains("no list of one of the roots"), "{one_of_two}");
}

#[test]
fn a_changed_byte_of_a_list_is_seen() {
    let nca = Ca::new("NCA root");
    let good = nca.list(&[&nca.leaf(&[NCA]).certificate], 2025, 2027);
    let der = good.der().to_vec();
    let spelt = |der: &[u8]| {
        use base64::Engine as _;
        let text = base64::engine::general_purpose::STANDARD.encode(der);
        format!("-----BEGIN X509 CRL-----\n{text}\n-----END X509 CRL-----\n")
    };
    read(&spelt(&der), &nca).expect("in order");
    for index in 0..der.len() {
        let mut changed = der.clone();
        changed[index] ^= 1;
        assert!(read(&spelt(&changed), &nca).is_err(), "byte {index}");
    }
}

#[test]
fn an_older_list_does_not_take_a_newer_ones_place() {
    let nca = Ca::new("NCA root");
    let roots = [nca.certificate.clone()];
    let newer = read(&pem(&nca.list(&[], 2025, 2027)), &nca).expect("in order");
    let older = pem(&nca.list(&[], 2024, 2028));
    let fault = Lists::read(older.as_bytes(), &roots, Some(&newer), year(2026)).expect_err("older");
    assert!(fault.contains("older than the one in force"), "{fault}");
    assert!(read(&older, &nca).is_ok(), "where there was none before, it is taken");
}

fn ask(
    authority: &Authority,
    end_entity: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
) -> Result<(), Refused> {
    authority.client(Chain { end_entity, intermediates }, year(2026)).map(|_| ())
}

#[test]
fn a_revoked_certificate_speaks_for_nobody_and_the_agencys_others_do() {
    let (nca, albania) = (Ca::new("NCA root"), Ca::new("Albania root"));
    let files = [agency("gb-nca", &["case-management"], &nca.pem), agency("al-police", &["feed"], &albania.pem)];
    let authority = Authority::new("causeway.example".parse().expect("a suffix"), &files).expect("sound");
    let (lost, kept) = (nca.leaf(&[NCA]).certificate, nca.leaf(&[NCA]).certificate);
    let other = albania.leaf(&[ALBANIA]).certificate;
    let before = authority.renewals();
    let lists = read(&pem(&nca.list(&[&lost, &other], 2025, 2027)), &nca).expect("in order");
    authority.take_lists(&"gb-nca".parse().expect("an id"), lists);
    assert_ne!(authority.renewals(), before, "open streams are looked at again");
    assert_eq!(ask(&authority, &lost, &[]), Err(Refused::Revoked));
    assert_eq!(ask(&authority, &kept, &[]), Ok(()));
    assert_eq!(ask(&authority, &other, &[]), Ok(()), "one agency's list says nothing of another's certificates");
    authority.keep_lists(|_| false);
    assert_eq!(ask(&authority, &lost, &[]), Ok(()));
}

#[test]
fn the_whole_chain_is_looked_at() {
    let nca = Ca::new("NCA root");
    let key = KeyPair::generate().expect("a key");
    let below = nca.cross("NCA issuing", &key);
    let issuing = Ca::with_key("NCA issuing", key);
    let leaf = issuing.leaf(&[NCA]).certificate;
    let files = [agency("gb-nca", &["case-management"], &nca.pem)];
    let authority = Authority::new("causeway.example".parse().expect("a suffix"), &files).expect("sound");
    let asked = |file: &str| {
        authority.take_lists(&"gb-nca".parse().expect("an id"), read(file, &nca).expect("in order"));
        ask(&authority, &leaf, std::slice::from_ref(&below))
    };
    let of_root = pem(&nca.list(&[], 2025, 2027));
    assert_eq!(asked(&of_root), Err(Refused::Uncovered), "no list of who issued the leaf");
    let spelt = |revoked: &[&CertificateDer<'_>]| {
        format!("{of_root}{}{}", pem(&issuing.list(revoked, 2025, 2027)), issuing.pem)
    };
    assert_eq!(asked(&spelt(&[])), Ok(()));
    assert_eq!(asked(&spelt(&[&leaf])), Err(Refused::Revoked));
    let root_revokes = pem(&nca.list(&[&below], 2025, 2027));
    assert_eq!(
        asked(&format!("{root_revokes}{}{}", pem(&issuing.list(&[], 2025, 2027)), issuing.pem)),
        Err(Refused::Revoked)
    );
}

#[test]
fn a_file_that_is_too_large_is_not_parsed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("gb-nca.pem");
    let write =
        |bytes: u64| std::fs::write(&path, vec![b' '; usize::try_from(bytes).expect("small")]).expect("written");
    write(MAX_FILE_BYTES);
    assert!(read_file(&path).is_ok());
    write(MAX_FILE_BYTES + 1);
    assert!(read_file(&path).expect_err("too large").contains("larger"));
}
