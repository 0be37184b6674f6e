//! Reading a clause.

use causeway_model::{ActionCode, EuropolCode, FieldPath, Tlp};
use toml::Value;

use super::filter;
use crate::relaxation::Relaxations;
use crate::section::{Section, parsed, text};
use crate::{Clause, Form, HandlingCeiling};

pub(super) fn read(section: &mut Section<'_>) -> Option<Clause> {
    let id = section.required("id", parsed);
    let (kinds, filter) = filter::read(section, "missing means no");
    let ceiling = present(section, "ceiling", ceiling);
    let fields = present(section, "fields", fields);
    let Relaxations { release, link_persons, minimum_cell, children, copies_stay } = Relaxations::read(section);
    let child_fields = child_fields(section, children, fields.as_deref().unwrap_or_default());
    Some(Clause {
        id: id?,
        kinds: kinds?,
        filter,
        ceiling: ceiling?,
        fields: fields?,
        child_fields,
        release,
        link_persons,
        minimum_cell,
        children,
        copies_stay,
    })
}

/// A table that every clause has.
fn present<T>(section: &mut Section<'_>, key: &str, body: impl FnOnce(&mut Section<'_>) -> Option<T>) -> Option<T> {
    if !section.has(key) {
        section.fault(key, "is missing");
    }
    section.child(key, body)
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
    let sanitisation_codes = section.list("sanitisation_codes", parsed).unwrap_or_default();
    let europol_codes = section.list("europol_codes", parsed).unwrap_or_default();
    if europol_codes.iter().any(|code| !matches!(code, EuropolCode::H0 | EuropolCode::H1)) {
        section.fault("europol_codes", "H2 and H3 need the provider's permission for each record and cannot be agreed");
    }
    Some(HandlingCeiling {
        tlp: tlp?,
        source_grade: source_grade?,
        info_grade: info_grade?,
        action_codes,
        sanitisation_codes,
        europol_codes,
    })
}

fn fields(section: &mut Section<'_>) -> Option<Vec<(FieldPath, Form)>> {
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

/// What leaves of a child: nothing where children are not covered, else what is stated, else every field at its coarsest. Whether
/// a stated form is finer than the clause's own is checked against the schemas.
fn child_fields(section: &mut Section<'_>, children: bool, all: &[(FieldPath, Form)]) -> Vec<(FieldPath, Form)> {
    if section.has("child_fields") && !children {
        section.fault("child_fields", "states what leaves of a child, but children is not relaxed");
    }
    let stated = section.child("child_fields", |section| {
        let stated = fields(section)?;
        for (path, _) in &stated {
            if !all.is_empty() && !all.iter().any(|(listed, _)| listed == path) {
                section.fault(path.as_str(), "is not among the fields of the clause");
            }
        }
        Some(stated)
    });
    if children { stated.unwrap_or_else(|| Clause::coarsest_of(all)) } else { Vec::new() }
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
