//! What trust rests on, and how long it lasts: the ends of certificates, the age of revocation lists, and the files that were taken or
//! refused while the gateway ran. Labels name agencies in force and their systems.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use causeway_model::{AgencyId, SystemId};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::registry::Registry;
use rustls_pki_types::UnixTime;

use super::gauge;
use crate::expiry::{Ending, Expiry};
use crate::revocation::Freshness;
use crate::trust::Authority;

/// What is reloaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reloaded {
    /// The settings file.
    Settings,
    /// The gateway's own certificate and key.
    Certificate,
    /// An agency's revocation lists.
    RevocationLists,
}

impl Reloaded {
    const ALL: [Self; 3] = [Self::Settings, Self::Certificate, Self::RevocationLists];

    /// It in a word.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Settings => "settings",
            Self::Certificate => "certificate",
            Self::RevocationLists => "revocation-lists",
        }
    }
}

/// What is known of an agency's revocation lists.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RevocationMeasure {
    pub(crate) freshness: Freshness,
    pub(crate) next_update: Option<UnixTime>,
}

/// The measures.
#[derive(Debug)]
pub(crate) struct TrustMeasures {
    authority: Arc<Authority>,
    own: Mutex<(SystemId, UnixTime)>,
    revocation: Mutex<BTreeMap<AgencyId, RevocationMeasure>>,
    taken: [AtomicU64; 3],
    refused: [AtomicU64; 3],
    refused_now: [AtomicU64; 3],
}

impl TrustMeasures {
    /// Of a gateway with this certificate.
    pub(crate) fn new(authority: Arc<Authority>, own: SystemId, expires: UnixTime) -> Self {
        let none = || [AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0)];
        Self {
            authority,
            own: Mutex::new((own, expires)),
            revocation: Mutex::default(),
            taken: none(),
            refused: none(),
            refused_now: none(),
        }
    }

    /// Shows them beside others.
    pub(crate) fn register(self: &Arc<Self>, registry: &mut Registry) {
        registry.register_collector(Box::new(Shown(Arc::clone(self))));
    }

    /// Another certificate of the gateway's own is in force.
    pub(crate) fn own_certificate(&self, system: SystemId, expires: UnixTime) {
        *locked(&self.own) = (system, expires);
    }

    /// How the lists of all agencies stand.
    pub(crate) fn revocation(&self, found: BTreeMap<AgencyId, RevocationMeasure>) {
        *locked(&self.revocation) = found;
    }

    /// Counts changed files that were taken.
    pub(crate) fn taken(&self, what: Reloaded) {
        self.taken[what as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Counts changed files that were not.
    pub(crate) fn refused(&self, what: Reloaded) {
        self.refused[what as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How many of each are not taken as they are now: settings, certificate, revocation lists.
    pub(crate) fn refused_now(&self, numbers: [usize; 3]) {
        for (shown, number) in self.refused_now.iter().zip(numbers) {
            shown.store(u64::try_from(number).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }

    /// When what ends does: the gateway's own certificate, the agencies' roots and lists, and the certificates with which systems have
    /// connected, as last seen.
    pub(crate) fn expiries(&self) -> Vec<Expiry> {
        let (own, expires) = locked(&self.own).clone();
        let mut expiries = vec![Expiry::of_system(Ending::Gateway, own, expires)];
        for (agency, bundle) in self.authority.bundles() {
            expiries.extend(Expiry::of_roots(&agency, &bundle));
        }
        for (agency, measure) in locked(&self.revocation).iter() {
            let of_lists = |ends| Expiry::of_agency(Ending::RevocationLists, agency.clone(), ends);
            expiries.extend(measure.next_update.map(of_lists));
        }
        let seen = self.authority.last_seen().into_iter();
        expiries.extend(seen.map(|(system, ends)| Expiry::of_system(Ending::Client, system, ends)));
        expiries
    }
}

#[derive(Debug)]
struct Shown(Arc<TrustMeasures>);

impl Collector for Shown {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let Self(measures) = self;
        let (name, help) = ("causeway_certificate_expiry_timestamp_seconds", "When it ends, in seconds since 1970");
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for Expiry { ending, agency, system, ends } in measures.expiries() {
            let system = system.as_ref().map_or("", |system| system.as_str());
            let labels = [("kind", ending.as_str()), ("agency", agency.as_str()), ("system", system)];
            gauge(ends.0 / 1_000_000).encode(family.encode_family(&labels)?)?;
        }
        measures.encode_narrowed(&mut encoder)?;
        let help = "Changed files of the gateway's own that are not taken as they are now";
        let mut family = encoder.encode_descriptor("causeway_reload_faults", help, None, MetricType::Gauge)?;
        for what in Reloaded::ALL {
            let number = measures.refused_now[what as usize].load(Ordering::Relaxed);
            gauge(number).encode(family.encode_family(&[("files", what.as_str())])?)?;
        }
        measures.encode_reloads(&mut encoder)
    }
}

impl TrustMeasures {
    fn encode_narrowed(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let help = "Whether the agency gets withdrawals only, for want of fresh revocation lists: 1, or 0";
        let mut family = encoder.encode_descriptor("causeway_revocation_stale", help, None, MetricType::Gauge)?;
        for (agency, measure) in locked(&self.revocation).iter() {
            let is_stale = u64::from(measure.freshness == Freshness::Stale);
            gauge(is_stale).encode(family.encode_family(&[("agency", agency.as_str())])?)?;
        }
        let help = "Seconds since the agency's revocation lists should have been replaced, where that is an alarm";
        let mut family =
            encoder.encode_descriptor("causeway_revocation_overdue_seconds", help, None, MetricType::Gauge)?;
        for (agency, measure) in locked(&self.revocation).iter() {
            let seconds = match measure.freshness {
                Freshness::Old(age) => age.as_secs(),
                Freshness::NotAsked | Freshness::Fresh | Freshness::Stale => 0,
            };
            gauge(seconds).encode(family.encode_family(&[("agency", agency.as_str())])?)?;
        }
        Ok(())
    }

    fn encode_reloads(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let help = "Changed files of the gateway's own that were judged while it ran";
        let mut family = encoder.encode_descriptor("causeway_reloads", help, None, MetricType::Counter)?;
        for what in Reloaded::ALL {
            for (outcome, numbers) in [("taken", &self.taken), ("refused", &self.refused)] {
                let labels = [("files", what.as_str()), ("outcome", outcome)];
                let number = numbers[what as usize].load(Ordering::Relaxed);
                ConstCounter::new(number).encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
