//! What of the journal an auditor's system may read, where its agency file says less than all that its agency may.

use causeway_model::{AgencyId, Date, Timestamp};
use toml::{Table, Value};

use crate::Role;
use crate::section::{Section, date, parsed};

/// The key of the agencies whose entries may be read.
const AGENCIES: &str = "audit_agencies";

/// The key of the first day.
const FROM: &str = "audit_from";

/// The key of the last day.
const TO: &str = "audit_to";

/// Limits of one auditor. Each that is stated narrows what its agency may see; none of them widens it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditLimits {
    /// Entries in which one of these agencies acted or received; empty for no such limit.
    pub agencies: Vec<AgencyId>,
    /// The first day (UTC) whose entries may be read.
    pub from: Option<Date>,
    /// The last one.
    pub to: Option<Date>,
}

impl AuditLimits {
    /// Whether nothing is limited.
    pub const fn is_none(&self) -> bool {
        self.agencies.is_empty() && self.from.is_none() && self.to.is_none()
    }

    /// Whether entries of this moment may be read.
    pub fn covers(&self, at: Timestamp) -> bool {
        let day = at.date();
        self.from.is_none_or(|from| from <= day) && self.to.is_none_or(|to| day <= to)
    }

    /// Takes the limits of a system with these roles.
    pub(crate) fn read(system: &mut Section<'_>, roles: &[Role]) -> Self {
        let stated = [AGENCIES, FROM, TO].into_iter().filter(|key| system.has(key)).collect::<Vec<_>>();
        let agencies = system.list(AGENCIES, parsed).unwrap_or_default();
        let (from, to) = (system.optional(FROM, date), system.optional(TO, date));
        if !roles.contains(&Role::Auditor) {
            for key in stated {
                system.fault(key, "is for systems with the role auditor");
            }
        }
        if from.zip(to).is_some_and(|(from, to)| to < from) {
            system.fault(TO, format!("is before {FROM}"));
        }
        Self { agencies, from, to }
    }

    pub(crate) fn render(&self, table: &mut Table) {
        if !self.agencies.is_empty() {
            let agencies: Vec<Value> = self.agencies.iter().map(|agency| agency.as_str().into()).collect();
            table.insert(AGENCIES.into(), agencies.into());
        }
        for (key, day) in [(FROM, self.from), (TO, self.to)] {
            if let Some(day) = day {
                table.insert(key.into(), local_date(day));
            }
        }
    }
}

fn local_date(day: Date) -> Value {
    let (year, month, day) = day.parts();
    Value::Datetime(toml::value::Datetime {
        date: Some(toml::value::Date { year, month, day }),
        time: None,
        offset: None,
    })
}
