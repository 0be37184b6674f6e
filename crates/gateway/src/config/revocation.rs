//! The revocation lists of the settings: where they are, whose are asked for, and how old they may become.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use causeway_agreement::section::{Section, flag, parsed};
use causeway_model::AgencyId;

use super::read::{Files, number, stated};

/// Where the agencies' revocation lists are, and what follows where they are absent or old.
#[derive(Debug, Clone, Default)]
pub struct RevocationOptions {
    /// The folder with `<agency>.pem` for each agency; none where no list is looked at.
    pub folder: Option<PathBuf>,
    /// The terms of every agency that has none of its own.
    pub terms: RevocationTerms,
    /// Agencies with terms of their own.
    pub agencies: BTreeMap<AgencyId, RevocationTerms>,
}

/// What is asked of an agency's lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RevocationTerms {
    /// Whether the agency's systems get withdrawals only, without lists or with lists older than the budget.
    pub required: bool,
    /// How long after a list's `nextUpdate` its age is an alarm.
    pub warn: Duration,
    /// How long after a list's `nextUpdate` it is still gone by.
    pub budget: Duration,
}

impl Default for RevocationTerms {
    fn default() -> Self {
        Self { required: true, warn: hours(WARN_HOURS), budget: hours(BUDGET_HOURS) }
    }
}

/// A list that has just become due is on its way.
const WARN_HOURS: u64 = 1;

/// A day, in which somebody at the agency has come to work.
const BUDGET_HOURS: u64 = 24;

/// The longest budget: a month.
const LONGEST_HOURS: i64 = 31 * 24;

const fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours * 3600)
}

impl RevocationOptions {
    /// The terms of one agency. Where no list is looked at, none is required.
    pub fn terms_of(&self, agency: &AgencyId) -> RevocationTerms {
        let terms = self.agencies.get(agency).copied().unwrap_or(self.terms);
        RevocationTerms { required: terms.required && self.folder.is_some(), ..terms }
    }
}

pub(super) fn revocation(section: &mut Section<'_>, files: &mut Files<'_>) -> Option<RevocationOptions> {
    let folder = if section.has("folder") { files.folder(section, "folder").map(Some) } else { Some(None) };
    let terms = terms(section, RevocationTerms::default());
    let general = terms.unwrap_or_default();
    let own = section.children("agency", |own| {
        let id = own.required("id", parsed::<AgencyId>);
        let terms = self::terms(own, general);
        Some((id?, terms?))
    });
    let mut agencies = BTreeMap::new();
    for (id, terms) in own {
        if agencies.insert(id, terms).is_some() {
            section.fault("agency", "two of them have the same id");
        }
    }
    Some(RevocationOptions { folder: folder?, terms: terms?, agencies })
}

/// The terms that a section states, with those of `default` for what it does not.
fn terms(section: &mut Section<'_>, default: RevocationTerms) -> Option<RevocationTerms> {
    let required = stated(section, "required", default.required, flag);
    let mut hours_of = |key, least, default: Duration| {
        let default = i64::try_from(default.as_secs() / 3600).unwrap_or(LONGEST_HOURS);
        number::<u64>(section, key, least..=LONGEST_HOURS, default).map(hours)
    };
    let (warn, budget) = (hours_of("warn_hours", 0, default.warn), hours_of("budget_hours", 1, default.budget));
    if warn.zip(budget).is_some_and(|(warn, budget)| warn >= budget) {
        section.fault("budget_hours", "must be more than warn_hours");
    }
    Some(RevocationTerms { required: required?, warn: warn?, budget: budget? })
}
