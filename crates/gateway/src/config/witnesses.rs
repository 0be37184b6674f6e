//! The witnesses of the settings: a policy file (C2SP tlog-policy), the roots of their certificates, and the times.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use causeway_agreement::section::{Section, text};
use causeway_exchange::WitnessTerms;
use causeway_journal::{JournalError, Policy};
use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use super::read::{number, stated};
use crate::witnesses::Address;

/// Which witnesses cosign the journal's checkpoints, and what follows where they do not.
#[derive(Debug, Clone)]
pub struct WitnessOptions {
    /// Who they are, and how many of them have to. Each has an address.
    pub policy: Policy,
    /// The roots of the certificates of those that are reached by https.
    pub roots: Arc<RootCertStore>,
    /// How often they are asked, where the journal has grown.
    pub period: Duration,
    /// After how long without a quorum what happens.
    pub terms: WitnessTerms,
}

impl WitnessOptions {
    /// Each witness by its name within the policy, with the host and port where it is reached.
    pub fn sockets(&self) -> Vec<(String, String, u16)> {
        let reached = self.policy.witnesses().iter().filter_map(|witness| {
            let address = Address::parse(witness.url.as_deref()?).ok()?;
            let (host, port) = address.socket();
            Some((witness.name.clone(), host.to_owned(), port))
        });
        reached.collect()
    }
}

/// The witnesses of a section; the outer none for a section with faults, the inner one where it states no policy. `origin` is the
/// journal's own.
pub(super) fn witnesses(
    section: &mut Section<'_>,
    folder: &Path,
    origin: Option<&str>,
) -> Option<Option<WitnessOptions>> {
    let period = number(section, "period_seconds", 1..=300, 30).map(Duration::from_secs);
    let alarm = number(section, "alarm_minutes", 1..=24 * 60, 10).map(|minutes: u64| Duration::from_secs(minutes * 60));
    let stop = number(section, "stop_hours", 1..=7 * 24, 4).map(|hours: u64| Duration::from_secs(hours * 3600));
    if alarm.zip(stop).is_some_and(|(alarm, stop)| alarm >= stop) {
        section.fault("stop_hours", "must come after the alarm");
    }
    let file = |value: &toml::Value| {
        let path = folder.join(text(value)?);
        std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))
    };
    let stated_policy = section.has("policy");
    let policy = stated(section, "policy", None, |value| file(value).map(Some)).flatten();
    let roots = stated(section, "ca", RootCertStore::empty(), |value| read_roots(&file(value)?));
    if !stated_policy {
        return roots.and(period).and(alarm).and(stop).map(|_| None);
    }
    let policy = policy.and_then(|text| read_policy(section, &text))?;
    let mut sound = true;
    for what in policy_faults(&policy, origin, roots.as_ref().is_none_or(|roots| !roots.is_empty())) {
        section.fault("policy", what);
        sound = false;
    }
    let terms = WitnessTerms { alarm: alarm?, stop: stop? };
    let options = WitnessOptions { policy, roots: Arc::new(roots?), period: period?, terms };
    sound.then_some(Some(options))
}

fn read_policy(section: &Section<'_>, text: &[u8]) -> Option<Policy> {
    let parsed = std::str::from_utf8(text).map(Policy::parse);
    match parsed {
        Ok(Ok(policy)) => return Some(policy),
        Ok(Err(JournalError::Policy(faults))) => {
            faults.iter().for_each(|fault| section.fault("policy", fault.to_string()));
        }
        Ok(Err(error)) => section.fault("policy", error.to_string()),
        Err(_) => section.fault("policy", "is not text"),
    }
    None
}

/// What is wrong with a policy as the gateway's own, beyond its form.
fn policy_faults(policy: &Policy, origin: Option<&str>, has_roots: bool) -> Vec<String> {
    let mut faults = Vec::new();
    if origin.is_some_and(|origin| policy.logs().iter().all(|log| log.key.name() != origin)) {
        faults.push("has no log line of this journal's origin".to_owned());
    }
    if !policy.asks_for_witnesses() {
        faults.push("asks for no witness: leave the policy out".to_owned());
    }
    for witness in policy.witnesses() {
        let name = &witness.name;
        match witness.url.as_deref().map(Address::parse) {
            None => faults.push(format!("witness {name}: has no URL to ask it at")),
            Some(Err(what)) => faults.push(format!("witness {name}: {what}")),
            Some(Ok(address)) if address.is_secure() && !has_roots => {
                faults.push(format!("witness {name}: is reached by https, and no ca is stated"));
            }
            Some(Ok(_)) => {}
        }
    }
    faults
}

/// Roots, PEM.
fn read_roots(pem: &[u8]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|_| "is not PEM")?;
        roots.add(certificate).map_err(|_| "holds a certificate that cannot be a root")?;
    }
    if roots.is_empty() { Err("holds no certificate".into()) } else { Ok(roots) }
}
