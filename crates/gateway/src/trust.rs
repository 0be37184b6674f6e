//! Whose certificates speak for whom: each agency's roots speak for that agency's systems and for nobody else's.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use causeway_agreement::AgencyFile;
use causeway_model::{AgencyId, SystemId, SystemName};
use rustls_pki_types::{TrustAnchor, UnixTime};
use webpki::{KeyUsage, VerifiedPath};

use crate::identity::{SpiffeId, TrustSuffix};
use crate::tls::chain::{self, Chain};

/// The agencies in force, as far as authentication looks at them. They change while the gateway runs.
#[derive(Debug)]
pub(crate) struct Authority {
    suffix: TrustSuffix,
    known: RwLock<Arc<Known>>,
    /// Held from the reading of the files on, so that no earlier files take the place of later ones.
    renewing: Mutex<()>,
    renewals: AtomicU64,
}

/// The agencies of one moment.
#[derive(Debug, Default)]
struct Known {
    agencies: HashMap<AgencyId, Agency>,
    owners: HashMap<Vec<u8>, AgencyId>,
}

#[derive(Debug)]
struct Agency {
    roots: Vec<TrustAnchor<'static>>,
    systems: HashSet<SystemName>,
}

/// Why a certificate was refused: for the log alone, since the peer sees one and the same alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// No certificate, or not exactly one URI SAN with a SPIFFE ID in it.
    Identity,
    /// The trust domain's suffix is another gateway's.
    Suffix,
    /// No such agency is in force.
    Agency,
    /// The agency has no such system.
    System,
    /// The chain leads to none of that agency's roots, or does not hold.
    Chain,
    /// The chain would hold, but the certificate's time is over or has not come.
    Time,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Identity => "no-single-identity",
            Self::Suffix => "foreign-trust-domain",
            Self::Agency => "unknown-agency",
            Self::System => "unknown-system",
            Self::Chain => "chain-not-of-agency",
            Self::Time => "certificate-not-valid-now",
        })
    }
}

impl Authority {
    /// The authority of these agencies.
    ///
    /// # Errors
    /// All faults: a bundle that is empty, holds something else than roots, or shares a key with another agency's.
    pub(crate) fn new<'a>(
        suffix: TrustSuffix,
        agencies: impl IntoIterator<Item = &'a AgencyFile>,
    ) -> Result<Self, Vec<String>> {
        let known = RwLock::new(Arc::new(Known::of(agencies)?));
        Ok(Self { suffix, known, renewing: Mutex::new(()), renewals: AtomicU64::new(0) })
    }

    /// Goes on by the agency files that are in force when they are read here: their systems, and their trust bundles. Of several calls at
    /// a time the last one reads last.
    ///
    /// # Errors
    /// As [`Authority::new`]; then it goes on by what it had.
    pub(crate) fn renew(&self, files: impl FnOnce() -> Vec<Arc<AgencyFile>>) -> Result<(), Vec<String>> {
        let _alone = self.renewing.lock().unwrap_or_else(PoisonError::into_inner);
        let known = Arc::new(Known::of(files().iter().map(AsRef::as_ref))?);
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = known;
        // After the change, so that whoever sees the number sees the change.
        self.renewals.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// How often it has been renewed: what was found before is to be looked at again after.
    pub(crate) fn renewals(&self) -> u64 {
        self.renewals.load(Ordering::Acquire)
    }

    /// The system that a client's certificate speaks for at `now`.
    pub(crate) fn client(&self, chain: Chain<'_>, now: UnixTime) -> Result<SystemId, Refused> {
        self.verify(chain, now, KeyUsage::client_auth())
    }

    /// The system that a gateway's own certificate speaks for at `now`.
    pub(crate) fn server(&self, chain: Chain<'_>, now: UnixTime) -> Result<SystemId, Refused> {
        self.verify(chain, now, KeyUsage::server_auth())
    }

    fn verify(&self, chain: Chain<'_>, now: UnixTime, usage: KeyUsage) -> Result<SystemId, Refused> {
        let SpiffeId { system, suffix } = SpiffeId::of_certificate(chain.end_entity).map_err(|_| Refused::Identity)?;
        if suffix != self.suffix {
            return Err(Refused::Suffix);
        }
        let known = Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner));
        let agency = known.agencies.get(&system.agency).ok_or(Refused::Agency)?;
        if !agency.systems.contains(&system.system) {
            return Err(Refused::System);
        }
        let own_path = |path: &VerifiedPath<'_>| known.stays_within(&system.agency, path);
        chain::check(chain, &agency.roots, now, usage, &own_path).map_err(|error| match error {
            webpki::Error::CertExpired { .. } | webpki::Error::CertNotValidYet { .. } => Refused::Time,
            _ => Refused::Chain,
        })?;
        Ok(system)
    }
}

impl Known {
    fn of<'a>(agencies: impl IntoIterator<Item = &'a AgencyFile>) -> Result<Self, Vec<String>> {
        let (mut known, mut faults) = (Self::default(), Vec::new());
        for file in agencies {
            match chain::read_roots(file.trust_bundle_pem.as_bytes()) {
                Ok(roots) => known.add(file, roots, &mut faults),
                Err(what) => faults.push(format!("agency {}: its trust bundle {what}", file.id)),
            }
        }
        if faults.is_empty() { Ok(known) } else { Err(faults) }
    }

    fn add(&mut self, file: &AgencyFile, roots: Vec<TrustAnchor<'static>>, faults: &mut Vec<String>) {
        for root in &roots {
            let key = root.subject_public_key_info.to_vec();
            if let Some(other) = self.owners.insert(key, file.id.clone())
                && other != file.id
            {
                faults.push(format!("agencies {other} and {}: the same key is in both trust bundles", file.id));
            }
        }
        let systems = file.systems.iter().map(|system| system.name.clone()).collect();
        self.agencies.insert(file.id.clone(), Agency { roots, systems });
    }

    /// Refuses a path through another agency's root, which a cross-signed certificate would open.
    fn stays_within(&self, agency: &AgencyId, path: &VerifiedPath<'_>) -> Result<(), webpki::Error> {
        for intermediate in path.intermediate_certificates() {
            let der = intermediate.der();
            let key = webpki::anchor_from_trusted_cert(&der)?.subject_public_key_info;
            if self.owners.get(key.as_ref()).is_some_and(|owner| owner != agency) {
                return Err(webpki::Error::UnknownIssuer);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
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
        renew(&authority, agency("gb-nca", &["case-management"], "no certificate"))
            .expect_err("a bad one is not taken");
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
}
