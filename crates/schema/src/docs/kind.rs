//! The page of one kind: its fields by sense, and its rules.

use causeway_model::Kind;

use super::{FieldDocs, GENERATED, KindDocs, words};
use crate::ages;
use crate::keyword::CONDITIONAL_RULES;
use crate::{rules, summary};

/// The groups in the order of the page, each with its heading and what it is about. A schema's `x-group` names one.
const GROUPS: &[(&str, &str, &str)] = &[
    ("overview", "The route as a whole", "What it is, whom it concerns, and how sure the owner is of it."),
    ("legs", "The legs", "Each leg goes from one place to another; a leg begins where the one before it ends."),
    (
        "places",
        "The places of a leg",
        "Where a leg begins and where it ends. Ports and border points help partners stop a transport; a street or an \
         exact place of exploitation would lead to a person, so it stays sealed.",
    ),
    ("network", "The network", "Who moves people, by what means, with what, and for how much."),
    (
        "person",
        "The person",
        "Who the person is stays sealed or becomes a pseudonym; what leaves is what many people share.",
    ),
    ("referral", "Referral and decision", "How the case came to notice, and what was decided."),
    ("exploitation", "Exploitation", "What was done to the person."),
    ("recruitment", "Recruitment", "How it began."),
    ("place-and-time", "Where and when", "Countries and years leave; towns and days do not."),
    (
        "safety",
        "Safety",
        "What keeps the person safe, or would endanger them in the wrong hands. A partner can be hostile to a victim: \
         nearly all of this never leaves under any agreement.",
    ),
    ("links", "Links to other records", "Only as pseudonyms, and only within one feed."),
    ("free-text", "Free text", "Texts hold names whatever the form says, so they are sealed and never leave."),
    (
        "handling",
        "Handling and release",
        "How good the information is, who may have it, and for how long. Both kinds have the same fields.",
    ),
];

pub(crate) fn page(docs: &KindDocs<'_>) -> String {
    let compiled = docs.newest().compiled();
    let title = compiled.file.get("title").and_then(serde_json::Value::as_str).unwrap_or_default();
    let mut text = format!("{GENERATED}\n# {title}\n\n{}\n\n", words::about(compiled));
    text.push_str(&versions(docs));
    for (group, heading, about) in GROUPS {
        let fields: Vec<&FieldDocs> = docs.fields.iter().filter(|field| field.group == *group).collect();
        if !fields.is_empty() {
            text.push_str(&format!("## {heading}\n\n{about}\n\n{}\n", table(&fields)));
        }
    }
    let known = |field: &&FieldDocs| GROUPS.iter().any(|(group, ..)| field.group == *group);
    let others: Vec<&FieldDocs> = docs.fields.iter().filter(|field| !known(field)).collect();
    if !others.is_empty() {
        text.push_str(&format!("## Other fields\n\n{}\n", table(&others)));
    }
    text.push_str(&rules(docs));
    text
}

fn versions(docs: &KindDocs<'_>) -> String {
    let all: Vec<String> = docs.versions.iter().map(|schema| schema.id().version.to_string()).collect();
    let (first, newest) = (docs.versions.first(), docs.newest().id().version.to_string());
    let first = first.map(|schema| schema.id().version.to_string()).unwrap_or_default();
    let added = docs.fields.iter().filter(|field| field.since != first).map(|field| format!("`{}`", field.path));
    let added: Vec<String> = added.collect();
    let mut text = format!("In force: {}. The page shows {newest}; ", all.join(" and "));
    match added.is_empty() {
        true => text.push_str("no version added a field to the first."),
        false => text.push_str(&format!("what came after {first}: {}.", added.join(", "))),
    }
    text + " Fields in **bold** are required.\n\n"
}

fn table(fields: &[&FieldDocs]) -> String {
    let mut text =
        "| field | what it says | form | a partner gets, at most | since |\n|---|---|---|---|---|\n".to_owned();
    for field in fields {
        let name = if field.required { format!("**`{}`**", field.path) } else { format!("`{}`", field.path) };
        let FieldDocs { description, form, leaves, since, .. } = field;
        text.push_str(&format!("| {name} | {description} | {form} | {leaves} | {since} |\n"));
    }
    text
}

/// The rules that this kind's records are held to, by the names that a verdict gives.
fn rules(docs: &KindDocs<'_>) -> String {
    let mut text =
        "## Rules\n\nA record that breaks a rule is refused. The verdict names the field and the rule, never \
                    the value.\n\n| rule | why a record is refused |\n|---|---|\n"
            .to_owned();
    let stated = docs.newest().compiled().rules.iter().map(|(name, _)| *name).collect::<Vec<_>>();
    let conditional = CONDITIONAL_RULES.iter().filter(|(name, _)| stated.contains(name)).copied();
    let own = rules::RULES.iter().filter(|(kind, _)| kind.is_none_or(|kind: Kind| kind == docs.kind));
    let own = own.map(|(_, rule)| *rule);
    let ages = if docs.kind == Kind::VictimProfile { ages::RULES } else { &[] };
    let mut seen = Vec::new();
    for (name, reason) in conditional.chain(own).chain(ages.iter().copied()).chain(summary::RULES.iter().copied()) {
        if !seen.contains(&(name, reason)) {
            seen.push((name, reason));
            text.push_str(&format!("| `{name}` | {reason} |\n"));
        }
    }
    text
}
