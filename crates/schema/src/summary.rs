//! The scan of a record's sanitised summary: what would say who the person is refuses the record, by the rule's name.
//!
//! A summary is written by a person to be shared, and people slip. The scan finds what has a form (e-mail, telephone,
//! postcode, document number) and what the record itself says of its people, in any spelling. It finds no name that the
//! record does not hold: reading stays the approvers' work.

mod pattern;

use causeway_model::{Class, Kind, PartialDate};
use serde_json::Value;

use crate::facts::{ADULT_GROUPS, CHILD_EXPLOITATION, CHILD_RECRUITMENT};
use crate::fold::{folded, plain};
use crate::shape::{Leaf, Shape};
use crate::violation::Violation;

use self::pattern::{Token, tokens};

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

/// Sealed texts that tell of the case and identify nobody by themselves: a word of theirs in the summary is no slip.
const TEXTS: &[&str] = &["narrative.", "description", "purpose", "europol_handling_text", FIELD];
/// A value with fewer letters and digits than this is not looked for: two letters are in every text.
const SHORTEST: usize = 3;
/// A value of at least this many letters and digits is found inside longer words too; a shorter one, such as the name
/// Ali, only as whole words, or every Italian would be one.
const DISTINCT: usize = 8;
/// The same for a value with a digit in it.
const DISTINCT_NUMBER: usize = 5;
/// A part of a name is looked for by itself from this length on.
const NAME_PART: usize = 4;
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// Adds to `found` every rule that the record's summary breaks.
pub(crate) fn check(kind: Kind, shape: &Shape, root: &Value, found: &mut Vec<Violation>) {
    let Some(summary) = root.get(FIELD).and_then(Value::as_str) else { return };
    let text = plain(summary);
    let tokens = tokens(&text);
    let broken = [
        (CHILD, may_be_of_a_child(kind, root)),
        (EMAIL, pattern::has_email(&text)),
        (PHONE, pattern::has_phone(&text, &tokens)),
        (POSTCODE, pattern::has_postcode(&tokens)),
        (DOCUMENT, pattern::has_document_number(&tokens)),
        (OWN, has_own_identifier(shape, root, &tokens)),
    ];
    let broken = broken.into_iter().filter(|(_, is_broken)| *is_broken);
    found.extend(broken.map(|(rule, _)| Violation::new(PLACE, rule)));
}

/// By the same signs as a release decision: who is not known to be an adult is a child.
fn may_be_of_a_child(kind: Kind, root: &Value) -> bool {
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

fn has_own_identifier(shape: &Shape, root: &Value, tokens: &[Token]) -> bool {
    let words = Words::of(tokens);
    let mut found = false;
    shape.visit(root, &mut |met| {
        let leaf = &shape.leaves[met.leaf];
        if let (false, true, Some(value)) = (found, identifies(leaf), met.value.as_str()) {
            found = spellings(leaf, value).iter().any(|spelling| words.hold(spelling));
        }
    });
    found
}

fn identifies(leaf: &Leaf) -> bool {
    let path = leaf.spec.path.as_str();
    matches!(leaf.spec.class, Class::Link | Class::Sealed) && !TEXTS.iter().any(|text| path.starts_with(text))
}

/// The ways in which a value may be written, each folded.
fn spellings(leaf: &Leaf, value: &str) -> Vec<String> {
    let path = leaf.spec.path.as_str();
    let mut spellings = match value.parse::<PartialDate>() {
        Ok(date) if leaf.past => dates(date),
        _ => vec![folded(value)],
    };
    if path.contains("name") || path.contains("alias") {
        let parts = value.split(|c: char| !c.is_alphanumeric()).map(folded);
        spellings.extend(parts.filter(|part| part.chars().count() >= NAME_PART));
    }
    spellings.retain(|spelling| spelling.chars().count() >= SHORTEST);
    spellings
}

/// A day or month as people write it. A year alone is in many texts and names nobody.
fn dates(PartialDate { year, month, day }: PartialDate) -> Vec<String> {
    let Some(month) = month else { return Vec::new() };
    let name = MONTHS.get(usize::from(month).wrapping_sub(1)).copied().unwrap_or_default();
    let Some(day) = day else {
        return vec![format!("{year:04}{month:02}"), format!("{month:02}{year:04}"), format!("{name}{year:04}")];
    };
    vec![
        format!("{year:04}{month:02}{day:02}"),
        format!("{day:02}{month:02}{year:04}"),
        format!("{month:02}{day:02}{year:04}"),
        format!("{day}{month}{year:04}"),
        format!("{day}{name}{year:04}"),
        format!("{name}{day}{year:04}"),
    ]
}

/// The summary's words, one after the other without what stands between them.
struct Words {
    joined: String,
    /// Where in `joined` a word begins or ends.
    bounds: Vec<usize>,
}

impl Words {
    fn of(tokens: &[Token]) -> Self {
        let (mut joined, mut bounds) = (String::new(), vec![0]);
        for token in tokens {
            joined.push_str(&folded(&token.raw));
            bounds.push(joined.len());
        }
        Self { joined, bounds }
    }

    /// Whether the spelling stands there: as whole words, or anywhere if it is distinct enough.
    fn hold(&self, spelling: &str) -> bool {
        let length = spelling.chars().count();
        let has_digit = spelling.chars().any(char::is_numeric);
        let distinct = length >= DISTINCT || (has_digit && length >= DISTINCT_NUMBER);
        let bound = |at: usize| self.bounds.binary_search(&at).is_ok();
        self.places(spelling).any(|at| distinct || (bound(at) && bound(at + spelling.len())))
    }

    /// Every place, overlapping ones too.
    fn places<'w>(&'w self, spelling: &'w str) -> impl Iterator<Item = usize> + 'w {
        let starts = self.joined.char_indices().map(|(at, _)| at);
        starts.filter(move |at| self.joined[*at..].starts_with(spelling))
    }
}
