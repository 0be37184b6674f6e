//! From the TOML text of an agreement to the checked form.

mod clause;
mod exclusion;
mod filter;
mod table;

use causeway_model::Date;
use toml::Value;

use crate::relaxation::relaxed;
use crate::section::{self, Section, date, parsed, positive};
use crate::{Agreement, Clause, Exclusion, Fault, IdentityTerms, Lines, Quota};

impl Agreement {
    /// Reads the text of an agreement. An error holds every fault found, each with its place and line.
    ///
    /// The fields that the clauses list are checked apart, against the schemas (`check_fields`).
    ///
    /// What is accepted here is a part of the journal's rules (`causeway_journal::RULES_VERSION`). The section `[identity]` came
    /// with version 2: no log of version 1 holds an agreement that has it, since none was accepted. With version 3 came in the
    /// same way `transfer_condition_until`, `acknowledge_hours`, `quota.requests_per_second` and `[[tables]]`; in a clause
    /// `child_fields`, `copies_stay`, `release = "weekly"` and a minimum cell above 1; in its filter `route_starts`, `route_ends`,
    /// `dates_from` and `dates_until`; in its ceiling `sanitisation_codes` and `europol_codes`; and `[[exclusions]]`. Everything that
    /// was accepted before still is.
    pub fn parse(text: &str) -> Result<Self, Vec<Fault>> {
        section::read(text, agreement)
    }

    /// All faults of a text: those that `parse` finds and those that `check` finds in what could be made out, each with its line, in the
    /// order of the lines. Says whether `check` was asked at all: it is not where terms are missing, or where a clause, an exclusion or a
    /// table could not be read.
    pub fn faults(text: &str, check: impl FnOnce(&Self) -> Vec<Fault>) -> (Vec<Fault>, bool) {
        let whole = |section: &mut Section<'_>| {
            let lists = ["clauses", "exclusions", "tables"];
            let stated = lists.map(|list| section.count(list));
            // Places count what stands in the text: with one left out, those behind it would be named wrongly.
            let counted = |read: &Self| [read.clauses.len(), read.exclusions.len(), read.tables.len()] == stated;
            agreement(section).filter(counted)
        };
        let (read, mut faults) = match section::read_partly(text, whole) {
            Ok(found) => found,
            Err(faults) => return (faults, false),
        };
        let checked = read.is_some();
        faults.extend(Lines::of(text).locate(read.as_ref().map(check).unwrap_or_default()));
        faults.sort_by_key(|fault| fault.line);
        (faults, checked)
    }
}

fn agreement(section: &mut Section<'_>) -> Option<Agreement> {
    let id = section.required("id", parsed);
    let version = section.required("version", positive);
    let granting = section.required("granting", parsed);
    let recipient = section.required("recipient", parsed);
    if granting.is_some() && granting == recipient {
        section.fault("recipient", "is the granting agency itself");
    }
    let valid_from = section.required("valid_from", date);
    let valid_until = section.required("valid_until", date);
    in_order(section, ("valid_from", valid_from), ("valid_until", valid_until));
    let transfer_condition = section.required("transfer_condition", parsed);
    let transfer_condition_until = section.optional("transfer_condition_until", date);
    in_order(section, ("valid_from", valid_from), ("transfer_condition_until", transfer_condition_until));
    let onward_transfer = section.required("onward_transfer", parsed);
    let purposes = section.required_list("purposes", parsed);
    let quota = section.child("quota", quota);
    let acknowledge_hours = section.optional("acknowledge_hours", hours(Agreement::MAX_ACKNOWLEDGE_HOURS));
    let identity = section.child("identity", identity);
    let stated = section.count("clauses");
    let clauses = clauses(section);
    let exclusions = exclusions(section, &clauses);
    // Where a clause could not be read, it may be the very one that a table names.
    let tables = table::read(section, (clauses.len() == stated).then_some(&clauses));
    Some(Agreement {
        id: id?,
        version: version?,
        granting: granting?,
        recipient: recipient?,
        valid_from: valid_from?,
        valid_until: valid_until?,
        transfer_condition: transfer_condition?,
        transfer_condition_until,
        onward_transfer: onward_transfer?,
        purposes: purposes?,
        quota: quota.unwrap_or_default(),
        acknowledge_hours: acknowledge_hours.unwrap_or(Agreement::DEFAULT_ACKNOWLEDGE_HOURS),
        identity,
        clauses,
        exclusions,
        tables,
    })
}

fn clauses(section: &mut Section<'_>) -> Vec<Clause> {
    let stated = section.count("clauses");
    let clauses = section.children("clauses", clause::read);
    if stated == 0 {
        section.fault("clauses", "grants nothing: state at least one clause");
    }
    section.distinct("clauses", "id", clauses.iter().map(|clause| &clause.id));
    clauses
}

/// The exclusions; an id names one clause or one exclusion.
fn exclusions(section: &mut Section<'_>, clauses: &[Clause]) -> Vec<Exclusion> {
    let exclusions = section.children("exclusions", exclusion::read);
    let ids = || exclusions.iter().map(|exclusion| &exclusion.id);
    section.distinct("exclusions", "id", ids());
    for id in ids().filter(|id| clauses.iter().any(|clause| clause.id == **id)) {
        section.fault("exclusions", format!("{id} is the id of a clause too"));
    }
    exclusions
}

/// A fault where the second of two dates is before the first.
fn in_order(section: &Section<'_>, first: (&str, Option<Date>), second: (&str, Option<Date>)) {
    if let (Some(from), Some(until)) = (first.1, second.1)
        && until < from
    {
        section.fault(second.0, format!("is before {}", first.0));
    }
}

fn quota(section: &mut Section<'_>) -> Option<Quota> {
    let records_per_day = section.optional("records_per_day", positive);
    let requests_per_second = section.optional("requests_per_second", positive);
    Some(Quota { records_per_day, requests_per_second })
}

fn identity(section: &mut Section<'_>) -> Option<IdentityTerms> {
    let monthly_cap = section.required("monthly_cap", positive);
    let to_source_country = relaxed(section, "to_source_country");
    let stands_hours = section.optional("stands_hours", hours(IdentityTerms::MAX_STANDS_HOURS));
    let stands_hours = stands_hours.unwrap_or(IdentityTerms::DEFAULT_STANDS_HOURS);
    Some(IdentityTerms { monthly_cap: monthly_cap?, to_source_country, stands_hours })
}

fn hours(most: u32) -> impl Fn(&Value) -> Result<u32, String> {
    move |value| {
        let hours = positive(value).ok().filter(|hours| *hours <= most);
        hours.ok_or_else(|| format!("is not a number of hours from 1 to {most}"))
    }
}
