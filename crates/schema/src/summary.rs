//! The scan of a record's sanitised summary: what would say who the person is refuses the record, by the rule's name.
//!
//! A summary is written by a person to be shared, and people slip. The scan finds what has a form (e-mail, telephone,
//! postcode, document number) and what the record itself says of its people, in any spelling. It finds no name that the
//! record does not hold: reading stays the approvers' work.

mod birthday;
mod own;
mod pattern;
mod phone;
mod token;

use causeway_model::Kind;

use crate::facts::{ADULT_GROUPS, CHILD_EXPLOITATION, CHILD_RECRUITMENT};
use crate::fold::readable;
use crate::shape::Shape;
use crate::value::Value;
use crate::violation::Violation;

use self::token::tokens;

const FIELD: &str = "sanitised_summary";
const PLACE: &str = "/sanitised_summary";
const CHILD: (&str, &str) = ("summary-child", "a record that may be of a child has no summary");
const EMAIL: (&str, &str) = ("summary-email", "holds an e-mail address");
const PHONE: (&str, &str) = ("summary-phone", "holds a telephone number");
const POSTCODE: (&str, &str) = ("summary-postcode", "holds a postcode");
const DOCUMENT: (&str, &str) = ("summary-document-number", "holds what looks like the number of a document");
const OWN: (&str, &str) = ("summary-own-identifier", "holds an identifying value of its own record");

/// Every rule of the scan.
pub(crate) const RULES: &[(&str, &str)] = &[CHILD, EMAIL, PHONE, POSTCODE, DOCUMENT, OWN];

/// Adds to `found` every rule that the record's summary breaks.
pub(crate) fn check(kind: Kind, shape: &Shape, root: &Value<'_>, found: &mut Vec<Violation>) {
    let Some(summary) = root.get(FIELD).and_then(Value::as_str) else { return };
    let text = readable(summary);
    let tokens = tokens(&text);
    let broken = [
        (CHILD, may_be_of_a_child(kind, root)),
        (EMAIL, pattern::has_email(&text)),
        (PHONE, phone::has_phone(&text)),
        (POSTCODE, pattern::has_postcode(&tokens)),
        (DOCUMENT, pattern::has_document_number(&tokens)),
        (OWN, own::has_own_identifier(shape, root, &tokens)),
    ];
    let broken = broken.into_iter().filter(|(_, is_broken)| *is_broken);
    found.extend(broken.map(|(rule, _)| Violation::new(PLACE, rule)));
}

/// By the same signs as a release decision: who is not known to be an adult is a child.
fn may_be_of_a_child(kind: Kind, root: &Value<'_>) -> bool {
    let codes = |name: &str| root.get(name).and_then(Value::as_array).into_iter().flatten();
    match kind {
        Kind::VictimProfile => matches!(root.get("is_minor").and_then(Value::as_str), Some("yes" | "not_sure")),
        Kind::TraffickingRoute => {
            let listed = |name, known: &[&str]| codes(name).filter_map(Value::as_str).any(|code| known.contains(&code));
            let groups = codes("victim_groups").filter_map(|group| group.get("group")?.as_str());
            listed("exploitation_types", CHILD_EXPLOITATION)
                || listed("means_of_recruitment", CHILD_RECRUITMENT)
                || groups.into_iter().any(|group| !ADULT_GROUPS.contains(&group))
        }
    }
}
