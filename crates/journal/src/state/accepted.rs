//! How many records a log with several writers has accepted on the newest day: nobody else can count them all before they are there.

use std::collections::BTreeMap;

use crate::saved::saved_fields;
use crate::v1;

/// Of one day, versions of records counted each.
#[derive(Debug, Clone, Default)]
pub(crate) struct Accepted {
    /// The day, since 1970-01-01.
    day: u64,
    agencies: BTreeMap<Box<str>, u64>,
    /// By agency and system.
    systems: BTreeMap<(Box<str>, Box<str>), u64>,
}

saved_fields!(Accepted { day, agencies, systems });

impl Accepted {
    /// How many were accepted on a day from an agency, and from one of its systems. Only of the newest day it is known.
    pub(crate) fn on(&self, day: u64, agency: &str, system: &str) -> (u64, u64) {
        if day > self.day {
            return (0, 0);
        }
        let of_system = self.systems.get(&(agency.into(), system.into()));
        (self.agencies.get(agency).copied().unwrap_or(0), of_system.copied().unwrap_or(0))
    }

    /// Whether one more on this day would be more than may be.
    pub(crate) fn is_full(&self, day: u64, actor: &v1::Actor, limits: v1::DailyLimits) -> bool {
        let (of_agency, of_system) = self.on(day, &actor.agency, &actor.system);
        let is_full = |count: u64, most: u64| most > 0 && count >= most;
        is_full(of_agency, limits.of_agency) || is_full(of_system, limits.of_system)
    }

    pub(crate) fn count(&mut self, day: u64, actor: &v1::Actor) {
        if day > self.day {
            *self = Self { day, ..Self::default() };
        }
        *self.agencies.entry(actor.agency.as_str().into()).or_default() += 1;
        *self.systems.entry((actor.agency.as_str().into(), actor.system.as_str().into())).or_default() += 1;
    }
}
