//! From the TOML text of an agreement to the checked form.

use causeway_model::{ActionCode, Kind, Tlp};
use toml::Value;

use crate::relaxation::{Relaxations, relaxed};
use crate::section::{self, Section, date, parsed, positive, text};
use crate::{Agreement, Clause, Fault, Filter, Form, HandlingCeiling, IdentityTerms, Quota};

impl Agreement {
    /// Reads the text of an agreement. An error holds every fault found, each with its place.
    ///
    /// The fields that the clauses list are checked apart, against the schemas (`check_fields`).
    ///
    /// What is accepted here is a part of the journal's rules (`causeway_journal::RULES_VERSION`). The section `[identity]` came
    /// with version 2: no log of version 1 holds an agreement that has it, since none was accepted.
    pub fn parse(text: &str) -> Result<Self, Vec<Fault>> {
        section::read(text, agreement)
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
    if let (Some(from), Some(until)) = (valid_from, valid_until)
        && until < from
    {
        section.fault("valid_until", "is before valid_from");
    }
    let transfer_condition = section.required("transfer_condition", parsed);
    let onward_transfer = section.required("onward_transfer", parsed);
    let purposes = section.required_list("purposes", parsed);
    let quota =
        section.child("quota", |quota| Some(Quota { records_per_day: quota.optional("records_per_day", positive) }));
    let identity = section.child("identity", identity);
    let clauses = section.children("clauses", clause);
    if clauses.is_empty() {
        section.fault("clauses", "grants nothing: state at least one clause");
    }
    for (index, clause) in clauses.iter().enumerate() {
        if clauses[..index].iter().any(|earlier| earlier.id == clause.id) {
            section.fault("clauses", format!("two clauses have the id {}", clause.id));
        }
    }
    Some(Agreement {
        id: id?,
        version: version?,
        granting: granting?,
        recipient: recipient?,
        valid_from: valid_from?,
        valid_until: valid_until?,
        transfer_condition: transfer_condition?,
        onward_transfer: onward_transfer?,
        purposes: purposes?,
        quota: quota.unwrap_or_default(),
        identity,
        clauses,
    })
}

fn identity(section: &mut Section<'_>) -> Option<IdentityTerms> {
    let monthly_cap = section.required("monthly_cap", positive);
    let to_source_country = relaxed(section, "to_source_country");
    let stands_hours = section.optional("stands_hours", |value| {
        let hours = positive(value).ok().filter(|hours| *hours <= IdentityTerms::MAX_STANDS_HOURS);
        hours.ok_or_else(|| format!("is not a number of hours from 1 to {}", IdentityTerms::MAX_STANDS_HOURS))
    });
    let stands_hours = stands_hours.unwrap_or(IdentityTerms::DEFAULT_STANDS_HOURS);
    Some(IdentityTerms { monthly_cap: monthly_cap?, to_source_country, stands_hours })
}

fn clause(section: &mut Section<'_>) -> Option<Clause> {
    let id = section.required("id", parsed);
    let kinds = section.required_list("kinds", parsed);
    let filter = section.child("filter", filter).unwrap_or_default();
    check_filter(section, kinds.as_deref().unwrap_or_default(), &filter);
    let ceiling = present(section, "ceiling", ceiling);
    let fields = present(section, "fields", fields);
    let Relaxations { release, link_persons, minimum_cell, children } = Relaxations::read(section);
    Some(Clause {
        id: id?,
        kinds: kinds?,
        filter,
        ceiling: ceiling?,
        fields: fields?,
        release,
        link_persons,
        minimum_cell,
        children,
    })
}

/// A table that every clause has.
fn present<T>(section: &mut Section<'_>, key: &str, body: impl FnOnce(&mut Section<'_>) -> Option<T>) -> Option<T> {
    if !section.has(key) {
        section.fault(key, "is missing");
    }
    section.child(key, body)
}

fn filter(section: &mut Section<'_>) -> Option<Filter> {
    Some(Filter {
        nationalities: section.list("nationalities", parsed),
        birth_countries: section.list("birth_countries", parsed),
        route_countries: section.list("route_countries", parsed),
        exploitation_types: section.list("exploitation_types", |value| text(value).map(Into::into)),
    })
}

/// A kind that no list narrows would be granted whole; a list that narrows none of the kinds is a mistake.
fn check_filter(section: &Section<'_>, kinds: &[Kind], filter: &Filter) {
    if kinds.is_empty() {
        return;
    }
    for kind in kinds {
        if !filter.applies_to(*kind) {
            section.fault("filter", format!("states nothing that narrows {kind}: missing means no"));
        }
    }
    let of_profiles = filter.nationalities.is_some() || filter.birth_countries.is_some();
    if of_profiles && !kinds.contains(&Kind::VictimProfile) {
        section.fault("filter", "nationalities and birth_countries narrow victim-profile, which kinds does not list");
    }
    if filter.route_countries.is_some() && !kinds.contains(&Kind::TraffickingRoute) {
        section.fault("filter", "route_countries narrows trafficking-route, which kinds does not list");
    }
}

fn ceiling(section: &mut Section<'_>) -> Option<HandlingCeiling> {
    let tlp = section.required("tlp", parsed);
    if tlp == Some(Tlp::Red) {
        section.fault("tlp", "TLP:RED never leaves: state a lower ceiling");
    }
    let source_grade = section.required("source_grade", parsed);
    let info_grade = section.required("info_grade", parsed);
    let action_codes = section.list("action_codes", parsed).unwrap_or_default();
    if action_codes.contains(&ActionCode::A1) {
        section.fault("action_codes", "A1 needs the originator's permission for each record and cannot be agreed");
    }
    Some(HandlingCeiling { tlp: tlp?, source_grade: source_grade?, info_grade: info_grade?, action_codes })
}

fn fields(section: &mut Section<'_>) -> Option<Vec<(causeway_model::FieldPath, Form)>> {
    let mut fields = Vec::new();
    let stated: Vec<(String, Value)> = section.rest().collect();
    if stated.is_empty() {
        section.fault("*", "lists no field that leaves");
    }
    for (key, value) in stated {
        match (key.parse(), form(&value)) {
            (Ok(path), Ok(form)) => fields.push((path, form)),
            (path, form) => {
                if let Err(error) = path {
                    section.fault(&key, format!("is a {error}"));
                }
                if let Err(what) = form {
                    section.fault(&key, what);
                }
            }
        }
    }
    Some(fields)
}

fn form(value: &Value) -> Result<Form, String> {
    match value {
        Value::Table(_) => Err("is a table: put the whole path in quotes".into()),
        _ => match text(value)?.as_str() {
            "exact" => Ok(Form::AsIs),
            "pseudonym" => Ok(Form::Pseudonym),
            step => step.parse().map(Form::Step).map_err(|_| "is not \"exact\", \"pseudonym\" or a step".into()),
        },
    }
}
