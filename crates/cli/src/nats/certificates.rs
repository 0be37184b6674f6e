//! Certificates for the servers and their clients, made for one run.

use std::fs;
use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

use super::Failed;

/// Writes `ca.pem`, a certificate and key of the servers at these addresses, and one of each client.
pub(super) fn issue<'a>(folder: &Path, hosts: &[String], clients: impl Iterator<Item = &'a str>) -> Result<(), Failed> {
    let mut params = CertificateParams::new(Vec::<String>::new())?;
    params.distinguished_name = named("log ca");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate()?;
    fs::write(folder.join("ca.pem"), params.self_signed(&key)?.pem())?;
    let issuer = Issuer::new(params, key);
    // A server is a client of the others too.
    let both = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    leaf(folder, &issuer, "server", hosts, both)?;
    for name in clients {
        leaf(folder, &issuer, name, &[], vec![ExtendedKeyUsagePurpose::ClientAuth])?;
    }
    Ok(())
}

fn leaf(
    folder: &Path,
    issuer: &Issuer<'_, KeyPair>,
    name: &str,
    hosts: &[String],
    purposes: Vec<ExtendedKeyUsagePurpose>,
) -> Result<(), Failed> {
    let mut params = CertificateParams::new(hosts.to_vec())?;
    params.distinguished_name = named(name);
    params.extended_key_usages = purposes;
    let key = KeyPair::generate()?;
    fs::write(folder.join(format!("{name}.pem")), params.signed_by(&key, issuer)?.pem())?;
    Ok(fs::write(folder.join(format!("{name}.key")), key.serialize_pem())?)
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}
