//! The checked form of an agreement: one recipient, one feed, and the clauses that grant.

use causeway_model::{
    AgencyId, AgreementId, ClauseId, Date, OnwardTransfer, PurposeCode, Timestamp, TransferCondition,
};

use crate::{Clause, Exclusion, Table, TableId};

/// An agreement. What it does not grant is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreement {
    /// Its id, as on paper; also the name of its feed.
    pub id: AgreementId,
    /// Its version; a greater one supersedes it.
    pub version: u32,
    /// The agency whose records it shares, and whose persons approve it.
    pub granting: AgencyId,
    /// The agency that pulls the feed.
    pub recipient: AgencyId,
    /// The first day (UTC) on which it is in force. A version that is activated before waits for it, and the earlier one goes on.
    pub valid_from: Date,
    /// The last day (UTC) on which it is in force.
    pub valid_until: Date,
    /// What makes the transfer lawful (DPA 2018 ss.73 to 76).
    pub transfer_condition: TransferCondition,
    /// The last day (UTC) on which the transfer condition holds; none where it holds for as long as the agreement does. After
    /// it nothing is released.
    pub transfer_condition_until: Option<Date>,
    /// What the recipient may pass on (DPA 2018 s.78); it travels in each item.
    pub onward_transfer: OnwardTransfer,
    /// The purposes for which the feed may be pulled.
    pub purposes: Vec<PurposeCode>,
    /// How much may leave.
    pub quota: Quota,
    /// Within how many hours of the entry that recalls the recipient has to acknowledge a withdrawal: 1 to 8760.
    pub acknowledge_hours: u32,
    /// What the recipient may ask of the persons behind the pseudonyms; none where it may not ask at all.
    pub identity: Option<IdentityTerms>,
    /// The clauses, in the order in which they are tried.
    pub clauses: Vec<Clause>,
    /// What never leaves, whatever the clauses grant.
    pub exclusions: Vec<Exclusion>,
    /// The tables of numbers that are published to the recipient.
    pub tables: Vec<Table>,
}

/// Bounds on what leaves under an agreement. A bound that is not stated does not limit; withdrawals are never limited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quota {
    /// Records disclosed in one day (UTC).
    pub records_per_day: Option<u64>,
    /// Requests answered in one second.
    pub requests_per_second: Option<u32>,
}

/// The terms on which the recipient may ask for the identity behind a pseudonym. Each request is approved by two persons of the
/// granting agency whatever is stated here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdentityTerms {
    /// Requests in one calendar month (UTC).
    pub monthly_cap: u32,
    /// Whether a person's identity may go to a country that the person comes from: by nationality, birth or recruitment.
    pub to_source_country: bool,
    /// For how many hours an approved release stands: 1 to 720.
    pub stands_hours: u32,
}

impl IdentityTerms {
    /// For how long an approved release stands where nothing is stated.
    pub const DEFAULT_STANDS_HOURS: u32 = 72;
    /// The longest time that can be stated.
    pub const MAX_STANDS_HOURS: u32 = 720;
}

impl Agreement {
    /// The hours within which a withdrawal is to be acknowledged where nothing is stated.
    pub const DEFAULT_ACKNOWLEDGE_HOURS: u32 = 72;
    /// The longest time that can be stated: a year of 365 days.
    pub const MAX_ACKNOWLEDGE_HOURS: u32 = 365 * 24;

    /// The clause with this id; an exclusion is none.
    pub fn clause(&self, id: &ClauseId) -> Option<&Clause> {
        self.clauses.iter().find(|clause| clause.id == *id)
    }

    /// The table with this id.
    pub fn table(&self, id: &TableId) -> Option<&Table> {
        self.tables.iter().find(|table| table.id == *id)
    }

    /// Whether `now` falls on a day of its validity, the last one included.
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        (self.valid_from..=self.valid_until).contains(&now.date())
    }

    /// Whether what makes the transfer lawful still does: until the end of the last day that is stated.
    pub fn transfer_condition_holds(&self, now: Timestamp) -> bool {
        self.transfer_condition_until.is_none_or(|last_day| now.date() <= last_day)
    }
}
