//! Revocation lists: taking an agency's, and what follows from how old they are.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use causeway_exchange::Notice;
use causeway_model::AgencyId;
use rustls_pki_types::UnixTime;

use crate::accept::Acceptor;
use crate::config::RevocationOptions;
use crate::metrics::{RevocationMeasure, TrustMeasures};
use crate::peer::unix_time;
use crate::revocation::{self, Freshness, Lists};
use crate::trust::Authority;

/// Goes on by an agency's lists as its file in `folder` holds them now.
///
/// # Errors
/// What is wrong with them, after the file's name; then it is gone by those of before.
pub(super) fn take(folder: &Path, agency: &AgencyId, authority: &Authority, now: UnixTime) -> Result<(), String> {
    let path = revocation::file_of(folder, agency);
    let take = || {
        let bundle = authority.bundle_of(agency).ok_or("is of an agency that is not in force")?;
        let pem = revocation::read_file(&path)?;
        let lists = Lists::read(&pem, &bundle, authority.lists_of(agency).as_deref(), now)?;
        authority.take_lists(agency, lists);
        Ok(())
    };
    take().map_err(|what: String| format!("{}: {what}", path.display()))
}

/// Who gets withdrawals only, for want of lists that are fresh enough, and what has been said of that.
#[derive(Debug, Default)]
pub(super) struct Narrowing {
    said: BTreeMap<AgencyId, Freshness>,
    narrowed: BTreeSet<AgencyId>,
}

impl Narrowing {
    /// Narrows whoever's lists have become too old, and nobody else; says so once, and once that it is over.
    pub(super) async fn look(&mut self, options: &RevocationOptions, in_force: &Acceptor, measures: &TrustMeasures) {
        let Acceptor { authority, exchange, clock, .. } = in_force;
        let now = unix_time(clock);
        let mut found = BTreeMap::new();
        for (agency, bundle) in authority.bundles() {
            let lists = authority.lists_of(&agency).filter(|lists| lists.covers(&bundle));
            let next_update = lists.and_then(|lists| lists.next_update());
            let freshness = Freshness::at(now, next_update, &options.terms_of(&agency));
            found.insert(agency, RevocationMeasure { freshness, next_update });
        }
        let is_stale = |(agency, measure): (&AgencyId, &RevocationMeasure)| {
            (measure.freshness == Freshness::Stale).then(|| agency.clone())
        };
        let stale: BTreeSet<AgencyId> = found.iter().filter_map(is_stale).collect();
        // In force first: what is said of it takes its time.
        if stale != self.narrowed {
            exchange.narrow(stale.clone());
        }
        for (agency, RevocationMeasure { freshness, .. }) in &found {
            self.say(agency, *freshness);
        }
        self.said.retain(|agency, _| found.contains_key(agency));
        measures.revocation(found);
        for agency in stale.difference(&self.narrowed) {
            exchange.note(&Notice::RevocationStale(agency.clone())).await;
        }
        for agency in self.narrowed.difference(&stale) {
            exchange.note(&Notice::RevocationFresh(agency.clone())).await;
        }
        self.narrowed = stale;
    }

    fn say(&mut self, agency: &AgencyId, freshness: Freshness) {
        let before = self.said.insert(agency.clone(), freshness);
        let is_old = |freshness| matches!(freshness, Freshness::Old(_));
        match freshness {
            Freshness::Stale if before != Some(Freshness::Stale) => {
                tracing::warn!(%agency, "no revocation lists, or too old ones: the agency gets withdrawals only until there are newer ones");
            }
            Freshness::Old(age) if !before.is_some_and(is_old) => {
                let minutes = age.as_secs() / 60;
                tracing::warn!(%agency, minutes, "the agency's revocation lists are overdue");
            }
            Freshness::Fresh if before.is_some_and(|before| before != Freshness::Fresh) => {
                tracing::info!(%agency, "the agency's revocation lists are fresh again");
            }
            Freshness::NotAsked | Freshness::Fresh | Freshness::Old(_) | Freshness::Stale => {}
        }
    }
}
