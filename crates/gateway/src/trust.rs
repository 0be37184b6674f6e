//! Whose certificates speak for whom: each agency's roots speak for that agency's systems and for nobody else's, except for those
//! that the agency has revoked.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use causeway_agreement::AgencyFile;
use causeway_model::{AgencyId, SystemId, SystemName};
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use webpki::{KeyUsage, VerifiedPath};

use crate::identity::{SpiffeId, TrustSuffix};
use crate::live::Live;
use crate::revocation::{Lists, Said};
use crate::tls::chain::{self, Chain};

/// The agencies in force, as far as authentication looks at them. They change while the gateway runs.
#[derive(Debug)]
pub(crate) struct Authority {
    suffix: TrustSuffix,
    known: RwLock<Arc<Known>>,
    lists: Live<HashMap<AgencyId, Arc<Lists>>>,
    /// Held from the reading of the files on, so that no earlier files take the place of later ones.
    renewing: Mutex<()>,
    renewals: AtomicU64,
    renewed: Notify,
    /// When the certificates end with which systems have connected.
    seen: Mutex<BTreeMap<SystemId, UnixTime>>,
}

/// An agency's roots, as its file has them.
pub(crate) type Bundle = Arc<[CertificateDer<'static>]>;

/// The agencies of one moment.
#[derive(Debug, Default)]
struct Known {
    agencies: HashMap<AgencyId, Agency>,
    owners: HashMap<Vec<u8>, AgencyId>,
}

#[derive(Debug)]
struct Agency {
    roots: Vec<TrustAnchor<'static>>,
    bundle: Bundle,
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
    /// The agency has revoked a certificate of the chain.
    Revoked,
    /// The agency's lists say nothing of what an authority below its roots has issued.
    Uncovered,
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
            Self::Revoked => "certificate-revoked",
            Self::Uncovered => "no-revocation-list-of-issuer",
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
        Ok(Self {
            suffix,
            known,
            lists: Live::new(HashMap::new()),
            renewing: Mutex::new(()),
            renewals: AtomicU64::new(0),
            renewed: Notify::new(),
            seen: Mutex::default(),
        })
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
        self.say_renewed();
        Ok(())
    }

    /// Goes on by these lists of one agency.
    pub(crate) fn take_lists(&self, agency: &AgencyId, lists: Lists) {
        let _alone = self.renewing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = HashMap::clone(&self.lists.now());
        all.insert(agency.clone(), Arc::new(lists));
        self.lists.replace(all);
        self.say_renewed();
    }

    /// Goes on without the lists of agencies that are not among these; all of them where none is.
    pub(crate) fn keep_lists(&self, of: impl Fn(&AgencyId) -> bool) {
        let _alone = self.renewing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = HashMap::clone(&self.lists.now());
        let before = all.len();
        all.retain(|agency, _| of(agency));
        if all.len() != before {
            self.lists.replace(all);
            self.say_renewed();
        }
    }

    /// The lists of one agency that are gone by.
    pub(crate) fn lists_of(&self, agency: &AgencyId) -> Option<Arc<Lists>> {
        self.lists.now().get(agency).cloned()
    }

    /// The agencies in force, with their roots.
    pub(crate) fn bundles(&self) -> Vec<(AgencyId, Bundle)> {
        let known = Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner));
        known.agencies.iter().map(|(id, agency)| (id.clone(), Arc::clone(&agency.bundle))).collect()
    }

    /// The roots of one agency; none where it is not in force.
    pub(crate) fn bundle_of(&self, agency: &AgencyId) -> Option<Bundle> {
        let known = Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner));
        known.agencies.get(agency).map(|agency| Arc::clone(&agency.bundle))
    }

    fn say_renewed(&self) {
        // After the change, so that whoever sees the number sees the change.
        self.renewals.fetch_add(1, Ordering::Release);
        self.renewed.notify_waiters();
    }

    /// Wakes when it has been renewed.
    pub(crate) fn renewed(&self) -> Notified<'_> {
        self.renewed.notified()
    }

    /// How often it has been renewed: what was found before is to be looked at again after.
    pub(crate) fn renewals(&self) -> u64 {
        self.renewals.load(Ordering::Acquire)
    }

    /// Notes until when the certificate holds with which a system has connected.
    pub(crate) fn saw(&self, system: &SystemId, expires: UnixTime) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(system.clone(), expires);
    }

    /// The same, of each system as it connected last.
    pub(crate) fn last_seen(&self) -> BTreeMap<SystemId, UnixTime> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
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
        let lists = self.lists_of(&system.agency);
        let accept = |path: &VerifiedPath<'_>| {
            known.stays_within(&system.agency, path)?;
            match lists.as_ref().map_or(Ok(Said::Nothing), |lists| lists.say(path))? {
                Said::Nothing => Ok(()),
                Said::Revoked => Err(webpki::Error::CertRevoked),
                Said::Uncovered => Err(webpki::Error::UnknownRevocationStatus),
            }
        };
        chain::check(chain, &agency.roots, now, usage, &accept).map_err(|error| match error {
            webpki::Error::CertExpired { .. } | webpki::Error::CertNotValidYet { .. } => Refused::Time,
            webpki::Error::CertRevoked => Refused::Revoked,
            webpki::Error::UnknownRevocationStatus => Refused::Uncovered,
            _ => Refused::Chain,
        })?;
        Ok(system)
    }
}

impl Known {
    fn of<'a>(agencies: impl IntoIterator<Item = &'a AgencyFile>) -> Result<Self, Vec<String>> {
        let (mut known, mut faults) = (Self::default(), Vec::new());
        for file in agencies {
            let pem = file.trust_bundle_pem.as_bytes();
            match chain::read_roots(pem).and_then(|roots| Ok((roots, chain::read_pem(pem)?))) {
                Ok((roots, bundle)) => known.add(file, roots, bundle.into(), &mut faults),
                Err(what) => faults.push(format!("agency {}: its trust bundle {what}", file.id)),
            }
        }
        if faults.is_empty() { Ok(known) } else { Err(faults) }
    }

    fn add(&mut self, file: &AgencyFile, roots: Vec<TrustAnchor<'static>>, bundle: Bundle, faults: &mut Vec<String>) {
        for root in &roots {
            let key = root.subject_public_key_info.to_vec();
            if let Some(other) = self.owners.insert(key, file.id.clone())
                && other != file.id
            {
                faults.push(format!("agencies {other} and {}: the same key is in both trust bundles", file.id));
            }
        }
        let systems = file.systems.iter().map(|system| system.name.clone()).collect();
        self.agencies.insert(file.id.clone(), Agency { roots, bundle, systems });
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
mod tests;
