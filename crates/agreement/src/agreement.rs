//! The checked form of an agreement: one recipient, one feed, and the clauses that grant.

use causeway_model::{
    ActionCode, AgencyId, AgreementId, ClauseId, Country, Date, FieldPath, InfoGrade, Kind, OnwardTransfer,
    PurposeCode, RecordFacts, SourceGrade, Step, Timestamp, Tlp, TransferCondition,
};

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
    /// The first day (UTC) on which it is in force.
    pub valid_from: Date,
    /// The last day (UTC) on which it is in force.
    pub valid_until: Date,
    /// What makes the transfer lawful (DPA 2018 ss.73 to 76).
    pub transfer_condition: TransferCondition,
    /// What the recipient may pass on (DPA 2018 s.78).
    pub onward_transfer: OnwardTransfer,
    /// The purposes for which the feed may be pulled.
    pub purposes: Vec<PurposeCode>,
    /// How much may leave.
    pub quota: Quota,
    /// What the recipient may ask of the persons behind the pseudonyms; none where it may not ask at all.
    pub identity: Option<IdentityTerms>,
    /// The clauses, in the order in which they are tried.
    pub clauses: Vec<Clause>,
}

/// Bounds on what leaves under an agreement. A bound that is not stated does not limit; withdrawals are never limited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quota {
    /// Records disclosed in one day (UTC).
    pub records_per_day: Option<u64>,
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

/// One grant: which records, which of their fields, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    /// Its id, as on paper.
    pub id: ClauseId,
    /// The kinds of record that it covers.
    pub kinds: Vec<Kind>,
    /// Which records of those kinds.
    pub filter: Filter,
    /// How sensitive a record may be at most.
    pub ceiling: HandlingCeiling,
    /// The fields that leave, each with its form. What is not listed does not leave.
    pub fields: Vec<(FieldPath, Form)>,
    /// When what becomes releasable is released.
    pub release: ReleasePeriod,
    /// Whether one person's records may be linked within the feed.
    pub link_persons: bool,
    /// How many persons a combination of released values must stand for.
    pub minimum_cell: u32,
    /// Whether records of children are covered.
    pub children: bool,
}

/// Which records a clause covers. Every stated list that applies to a record's kind must share a member with the
/// record, and at least one must apply; a list that is not stated says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Nationalities of the person (victim profiles).
    pub nationalities: Option<Vec<Country>>,
    /// Countries of birth (victim profiles).
    pub birth_countries: Option<Vec<Country>>,
    /// Countries that a route touches (routes).
    pub route_countries: Option<Vec<Country>>,
    /// Types of exploitation, as the schema spells them (both kinds).
    pub exploitation_types: Option<Vec<Box<str>>>,
}

/// How sensitive a record may be at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandlingCeiling {
    /// The strictest Traffic Light Protocol code; never RED.
    pub tlp: Tlp,
    /// The least reliable source.
    pub source_grade: SourceGrade,
    /// The weakest information.
    pub info_grade: InfoGrade,
    /// The action codes under which a record shared with conditions may leave; empty means none. Never A1.
    pub action_codes: Vec<ActionCode>,
}

/// The form in which a field leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As it is recorded; written `exact`.
    AsIs,
    /// At this step of its ladder.
    Step(Step),
    /// As this feed's own pseudonym.
    Pseudonym,
}

/// When what becomes releasable is released.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReleasePeriod {
    /// In daily batches, shuffled, so that the time of a release tells nothing about the time of a submission.
    Daily,
    /// As soon as it is known.
    Immediate,
}

impl Agreement {
    /// The clause with this id.
    pub fn clause(&self, id: &ClauseId) -> Option<&Clause> {
        self.clauses.iter().find(|clause| clause.id == *id)
    }

    /// Whether `now` falls on a day of its validity, the last one included.
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        (self.valid_from..=self.valid_until).contains(&now.date())
    }
}

impl Filter {
    /// Whether a list is stated that applies to records of `kind`.
    pub fn applies_to(&self, kind: Kind) -> bool {
        self.exploitation_types.is_some()
            || match kind {
                Kind::VictimProfile => self.nationalities.is_some() || self.birth_countries.is_some(),
                Kind::TraffickingRoute => self.route_countries.is_some(),
            }
    }

    /// Whether a record with these facts is covered.
    pub fn covers(&self, facts: &RecordFacts) -> bool {
        let by_kind = match facts.kind {
            Kind::VictimProfile => {
                shares(self.nationalities.as_deref(), &facts.nationalities)
                    && shares(self.birth_countries.as_deref(), facts.birth_country.as_slice())
            }
            Kind::TraffickingRoute => shares(self.route_countries.as_deref(), &facts.route_countries),
        };
        self.applies_to(facts.kind) && by_kind && shares(self.exploitation_types.as_deref(), &facts.exploitation_types)
    }
}

/// Whether a list that may be stated shares a member with what a record has.
fn shares<T: PartialEq>(stated: Option<&[T]>, present: &[T]) -> bool {
    stated.is_none_or(|stated| stated.iter().any(|wanted| present.contains(wanted)))
}
