//! What of the journal an auditor may see: the one place that says so, for answers, proofs and whole ranges alike.

use causeway_agreement::AuditLimits;
use causeway_journal::{State, v1};
use causeway_model::{AgencyId, Date, SystemId, Timestamp};
use causeway_store::Term;

use crate::{Caller, Class, Error, Exchange};

/// Seconds of a day (UTC).
const DAY_SECONDS: u64 = 86_400;

/// What an auditor may see, by the agency files in force at the moment it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The auditor's agency.
    agency: AgencyId,
    /// Whether that agency operates the gateway: then what follows limits it, else it sees its own entries at most.
    is_operators: bool,
    limits: AuditLimits,
}

impl Exchange {
    /// What this caller may see now. A later version of its agency file may say otherwise: to be asked for by each call, and again by
    /// one that lasts.
    pub fn scope(&self, caller: &Caller) -> Scope {
        self.journal().read(|state| Scope::of(caller, state))
    }

    /// Refuses what is of the journal as a whole to whoever may not see all of it: the one check of every method that gives more than
    /// entries and their proofs.
    pub(crate) fn unrestricted(&self, caller: &Caller, reason: &'static str, message: &str) -> Result<(), Error> {
        if self.scope(caller).is_unrestricted() { Ok(()) } else { Err(Error::new(Class::Denied, reason, message)) }
    }
}

impl Scope {
    /// What a caller may see as this state has it. Of a system that no agency file in force names any more, an agency's own at most;
    /// the gate lets none through.
    pub(crate) fn of(caller: &Caller, state: &State) -> Self {
        let SystemId { agency, system } = &caller.system;
        let known = state.agency(agency).and_then(|file| file.system(system));
        Self {
            agency: agency.clone(),
            is_operators: known.is_some() && state.operator() == Some(agency),
            limits: known.map(|known| known.audit.clone()).unwrap_or_default(),
        }
    }

    /// Whether every entry may be seen.
    pub const fn is_unrestricted(&self) -> bool {
        self.is_operators && self.limits.is_none()
    }

    /// Whether its agency file limits this auditor, whatever its agency may see.
    pub const fn is_limited(&self) -> bool {
        !self.limits.is_none()
    }

    /// Where the entries are that may be seen, as the index finds them: each has one of the terms of each group. No groups where that does
    /// not narrow it.
    pub(crate) fn within(&self) -> Vec<Vec<Term>> {
        let concern = |agency: &AgencyId| [Term::Agency(agency.to_string()), Term::Recipient(agency.to_string())];
        let own = (!self.is_operators).then(|| concern(&self.agency).to_vec());
        let limited = self.limits.agencies.iter().flat_map(concern).collect::<Vec<_>>();
        own.into_iter().chain((!limited.is_empty()).then_some(limited)).collect()
    }

    /// The first moment that may be seen, and the first after all that may be; none where there is no such limit.
    pub(crate) fn period(&self) -> (Option<Timestamp>, Option<Timestamp>) {
        let AuditLimits { from, to, .. } = &self.limits;
        (from.map(Date::start), to.map(|to| to.start().plus_seconds(DAY_SECONDS)))
    }

    /// Whether any text may be shown of what persons of this agency did.
    pub(crate) fn opens_any_of(&self, agency: &AgencyId) -> bool {
        self.is_unrestricted() || (!self.is_operators && *agency == self.agency)
    }

    /// Whether the auditor is of the agency that operates the gateway.
    pub const fn is_operators(&self) -> bool {
        self.is_operators
    }

    /// Whether this entry may be seen: by a partner's auditor where the partner acted or received, and no record id is shown that the
    /// partner does not know; and by nobody outside the limits that its agency file states.
    pub fn covers(&self, entry: &v1::Entry) -> bool {
        (self.is_operators || owns(entry, self.agency.as_str()))
            && self.limits.covers(Timestamp(entry.time_micros))
            && (self.limits.agencies.is_empty() || self.limits.agencies.iter().any(|agency| concerns(entry, agency)))
    }

    /// Whether the texts that an entry commits to may be shown: to the operator's unrestricted auditors those of all, to a partner's
    /// those of what its own agency did.
    pub fn opens(&self, entry: &v1::Entry) -> bool {
        self.is_unrestricted() || (!self.is_operators && acted(entry, self.agency.as_str()) && self.covers(entry))
    }
}

/// Whether an agency acted or received.
fn concerns(entry: &v1::Entry, agency: &AgencyId) -> bool {
    acted(entry, agency.as_str()) || received(entry, agency.as_str())
}

/// Whether an entry is a partner's own to see.
fn owns(entry: &v1::Entry, agency: &str) -> bool {
    (acted(entry, agency) && !asks_of_anothers(entry, agency)) || (received(entry, agency) && !names_records(entry))
}

fn acted(entry: &v1::Entry, agency: &str) -> bool {
    entry.actor.as_ref().is_some_and(|actor| actor.agency == agency)
}

fn received(entry: &v1::Entry, agency: &str) -> bool {
    entry.recipient.as_ref().is_some_and(|recipient| recipient.agency == agency)
}

/// Whether an agency asks, under an agreement, for an identity of another's record: the entry names that record by its id, though
/// the agency knows a pseudonym only. Its later steps on the request name none, and are its auditors' to see.
fn asks_of_anothers(entry: &v1::Entry, agency: &str) -> bool {
    let under_agreement = entry.recipient.as_ref().is_some_and(|recipient| !recipient.agreement.is_empty());
    received(entry, agency) && under_agreement && names_records(entry)
}

/// Whether an entry names records by their ids, as the releaser's do: those ids are the same for every partner, so an entry that
/// holds one would join two partners' feeds.
fn names_records(entry: &v1::Entry) -> bool {
    entry.releases.is_some() || !entry.withdrawals.is_empty() || !entry.records.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(actor: &str, recipient: &str) -> v1::Entry {
        v1::Entry {
            time_micros: 1_800_000_000_000_000,
            actor: Some(v1::Actor { agency: actor.into(), ..v1::Actor::default() }),
            recipient: Some(v1::Recipient { agency: recipient.into(), ..v1::Recipient::default() }),
            ..v1::Entry::default()
        }
    }

    fn scope(agency: &str, is_operators: bool, limits: AuditLimits) -> Scope {
        Scope { agency: agency.parse().expect("an id"), is_operators, limits }
    }

    #[test]
    fn each_limit_narrows() {
        let open = scope("gb-nca", true, AuditLimits::default());
        assert!(open.is_unrestricted() && open.covers(&v1::Entry::default()) && open.opens(&v1::Entry::default()));
        let agencies = AuditLimits { agencies: vec!["al-police".parse().expect("an id")], ..AuditLimits::default() };
        let one = scope("gb-nca", true, agencies.clone());
        assert!(!one.is_unrestricted() && one.is_operators());
        assert!(one.covers(&entry("al-police", "")) && one.covers(&entry("gb-nca", "al-police")));
        assert!(!one.covers(&entry("gb-nca", "vn-police")) && !one.covers(&v1::Entry::default()));
        assert!(!one.opens(&entry("al-police", "")) && !one.opens(&entry("gb-nca", "al-police")));
        let day = Timestamp(1_800_000_000_000_000).date();
        let before = AuditLimits { to: Some(causeway_model::Date::new(2026, 12, 31).expect("a day")), ..agencies };
        assert!(!scope("gb-nca", true, before).covers(&entry("al-police", "")), "{day} is after it");
    }

    #[test]
    fn a_partner_sees_its_own_and_no_record_ids() {
        let partner = scope("al-police", false, AuditLimits::default());
        assert!(partner.covers(&entry("al-police", "")) && partner.covers(&entry("gb-nca", "al-police")));
        assert!(!partner.covers(&entry("gb-nca", "vn-police")) && !partner.is_unrestricted());
        let records = vec![v1::RecordRef::default()];
        assert!(!partner.covers(&v1::Entry { records: records.clone(), ..entry("gb-nca", "al-police") }));
        assert!(partner.covers(&v1::Entry { records: records.clone(), ..entry("al-police", "") }), "its own record");
        let mut asked = v1::Entry { records, ..entry("al-police", "al-police") };
        assert!(partner.covers(&asked));
        asked.recipient.as_mut().expect("set").agreement = "ISA-AL-2026-014".into();
        assert!(!partner.covers(&asked), "the record is another's");
        assert!(partner.opens(&entry("al-police", "")) && !partner.opens(&entry("gb-nca", "al-police")));
        let other = AuditLimits { agencies: vec!["vn-police".parse().expect("an id")], ..AuditLimits::default() };
        assert!(!scope("al-police", false, other).covers(&entry("al-police", "")), "a limit never widens");
    }
}
