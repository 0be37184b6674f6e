//! When certificates end and revocation lists are due: what metrics and the operator are told, in time to do something.

use std::time::Duration;

use causeway_agreement::AgencyFile;
use causeway_model::{AgencyId, SystemId, SystemName, Timestamp};
use rustls_pki_types::{CertificateDer, UnixTime};

use crate::accept::Acceptor;
use crate::config::Config;
use crate::metrics::TrustMeasures;
use crate::revocation::{self, Lists};
use crate::tls::chain;

/// From so many days before its end on, a certificate is warned of.
pub const WARN_DAYS: u64 = 30;

/// What ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The gateway's own certificate, or one of its chain.
    Gateway,
    /// A root in an agency's trust bundle: the one that ends first.
    Root,
    /// An agency's revocation lists: when the first of them is to be replaced.
    RevocationLists,
    /// A system's certificate, as it last connected.
    Client,
}

impl Ending {
    /// It in a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Root => "root",
            Self::RevocationLists => "revocation-lists",
            Self::Client => "client",
        }
    }
}

/// Something that ends, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expiry {
    /// What it is.
    pub ending: Ending,
    /// Whose it is.
    pub agency: AgencyId,
    /// The system that it speaks for; none for what is the agency's.
    pub system: Option<SystemName>,
    /// Its last second, or for revocation lists the first at which they are overdue.
    pub ends: Timestamp,
}

impl Expiry {
    /// Whole days from `now` to the end; 0 on its last day, none once it is over.
    pub fn days_left(&self, now: Timestamp) -> Option<u64> {
        const DAY_MICROS: u64 = 86_400_000_000;
        self.ends.0.checked_sub(now.0).map(|left| left / DAY_MICROS)
    }

    pub(crate) fn of_agency(ending: Ending, agency: AgencyId, ends: UnixTime) -> Self {
        Self { ending, agency, system: None, ends: Timestamp(ends.as_secs().saturating_mul(1_000_000)) }
    }

    pub(crate) fn of_system(ending: Ending, system: SystemId, ends: UnixTime) -> Self {
        Self { system: Some(system.system), ..Self::of_agency(ending, system.agency, ends) }
    }

    /// Of the root that ends first; none where there is none that has an end.
    pub(crate) fn of_roots(agency: &AgencyId, roots: &[CertificateDer<'_>]) -> Option<Self> {
        let first = roots.iter().filter_map(|root| chain::expiry(root).ok()).min()?;
        Some(Self::of_agency(Ending::Root, agency.clone(), first))
    }
}

/// When an agency's revocation lists are due to be replaced, by its file in the configured folder; none where there is no folder, or no file
/// and none is required.
///
/// # Errors
/// What is wrong with the file, after its name: a list that another has signed, none of one of the agency's roots.
pub fn agency_lists(config: &Config, agency: &AgencyFile, now: Timestamp) -> Option<Result<Timestamp, String>> {
    let path = revocation::file_of(config.revocation.folder.as_deref()?, &agency.id);
    if !path.exists() && !config.revocation.terms_of(&agency.id).required {
        return None;
    }
    let lists = revocation::read_file(&path);
    let due = lists.and_then(|lists| lists_due(&lists, agency.trust_bundle_pem.as_bytes(), now));
    Some(due.map_err(|what| format!("{}: {what}", path.display())))
}

/// When the revocation lists of a file are due to be replaced: lists of each of the roots in `roots` (both PEM), judged at `now`.
///
/// # Errors
/// What is wrong with the lists or the roots, in words.
pub fn lists_due(lists: &[u8], roots: &[u8], now: Timestamp) -> Result<Timestamp, String> {
    let now = UnixTime::since_unix_epoch(Duration::from_micros(now.0));
    let due = Lists::read(lists, &chain::read_pem(roots)?, None, now)?.next_update();
    due.map(|due| Timestamp(due.as_secs().saturating_mul(1_000_000))).ok_or_else(|| "holds no list".into())
}

/// Says once a day what ends soon.
#[derive(Debug, Default)]
pub(crate) struct DailyWarning {
    said_on: Option<u64>,
}

impl DailyWarning {
    pub(crate) fn look(&mut self, in_force: &Acceptor, measures: &TrustMeasures) {
        let now = in_force.clock.now();
        if self.said_on.replace(now.day()) == Some(now.day()) {
            return;
        }
        for expiry in measures.expiries() {
            // Lists are replaced every few days as a rule; what is overdue there is said on its own.
            let is_far = expiry.days_left(now).is_some_and(|days| days >= WARN_DAYS);
            if is_far || expiry.ending == Ending::RevocationLists {
                continue;
            }
            let (kind, agency) = (expiry.ending.as_str(), &expiry.agency);
            let system = expiry.system.as_ref().map_or("", |system| system.as_str());
            match expiry.days_left(now) {
                Some(days_left) => tracing::warn!(kind, %agency, system, days_left, "a certificate ends soon"),
                None => tracing::warn!(kind, %agency, system, "a certificate has ended"),
            }
        }
    }
}
