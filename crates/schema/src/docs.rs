//! The pages that say what the schemas mean, made from the schemas, the code lists and the mapping file themselves.
//!
//! Nothing is written twice: a field's sentence is its `description`, its group its `x-group`, and how far it may leave
//! its class, ladder and floor.

mod kind;
mod lists;
mod mapping;
mod words;

use causeway_model::{FieldPath, Kind, SchemaId};

use crate::codes::CodeList;
use crate::document::read;
use crate::schema::{Schema, Schemas};

/// The greatest size and nesting of the mapping file.
const MAX_MAPPING: (usize, usize) = (128 * 1024, 4);

/// One page: the name of its file and its text in Markdown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocsPage {
    /// `README.md` and the like.
    pub name: &'static str,
    /// The whole text.
    pub text: String,
}

/// All pages, from the texts of the schemas, of the code lists and of the mapping to other standards.
///
/// # Errors
/// Every fault of the schemas and lists, every field without a description or group, and every field that the mapping does
/// not know or that it names and no schema has.
pub fn docs(schemas: &[(SchemaId, &str)], lists: &[&str], mapping: &str) -> Result<Vec<DocsPage>, Vec<String>> {
    let compiled = Schemas::compile(schemas, lists)?;
    let mut lists: Vec<CodeList> = lists.iter().filter_map(|text| CodeList::parse(text).ok()).collect();
    lists.sort_by(|a, b| a.name.cmp(&b.name));
    let (limit, depth) = MAX_MAPPING;
    let mapping = read(mapping.as_bytes(), limit, depth).map_err(|fault| vec![format!("the mapping: {fault}")])?;
    let mut faults = Vec::new();
    let kinds: Vec<KindDocs<'_>> =
        Kind::ALL.into_iter().filter_map(|kind| KindDocs::of(kind, &compiled, &mut faults)).collect();
    faults.extend(mapping::faults(&mapping, &kinds));
    if !faults.is_empty() {
        return Err(faults);
    }
    let mut pages = vec![DocsPage { name: "README.md", text: readme(&kinds) }];
    for docs in &kinds {
        let name = match docs.kind {
            Kind::VictimProfile => "victim-profile.md",
            Kind::TraffickingRoute => "trafficking-route.md",
        };
        pages.push(DocsPage { name, text: kind::page(docs) });
    }
    pages.push(DocsPage { name: "codes.md", text: lists::page(&lists) });
    pages.push(DocsPage { name: "mapping.md", text: mapping::page(&mapping, &kinds) });
    Ok(pages)
}

/// A kind with what its pages say of each field.
pub(crate) struct KindDocs<'s> {
    pub(crate) kind: Kind,
    /// All versions, oldest first.
    pub(crate) versions: Vec<&'s Schema>,
    /// The newest version's fields, in the order of their numbers.
    pub(crate) fields: Vec<FieldDocs>,
}

/// What the pages say of a field.
pub(crate) struct FieldDocs {
    pub(crate) path: FieldPath,
    pub(crate) number: u16,
    pub(crate) group: String,
    pub(crate) description: String,
    /// What a value looks like, in Markdown.
    pub(crate) form: String,
    /// How it is stored and in what form a partner gets it at most.
    pub(crate) leaves: String,
    /// The first version that has it.
    pub(crate) since: String,
    pub(crate) required: bool,
}

impl<'s> KindDocs<'s> {
    fn of(kind: Kind, schemas: &'s Schemas, faults: &mut Vec<String>) -> Option<Self> {
        let versions: Vec<&Schema> =
            schemas.ids().filter(|id| id.kind == kind).filter_map(|id| schemas.get(id).map(AsRef::as_ref)).collect();
        let newest = versions.last()?;
        let mut fields = Vec::new();
        for leaf in &newest.compiled().shape.leaves {
            match words::field(newest, leaf, &versions) {
                Ok(field) => fields.push(field),
                Err(what) => faults.push(format!("{}: {}: {what}", newest.id(), leaf.spec.path)),
            }
        }
        fields.sort_by_key(|field| field.number);
        Some(Self { kind, versions, fields })
    }

    /// The newest version.
    pub(crate) fn newest(&self) -> &'s Schema {
        self.versions.last().expect("a kind has a version, or it has no pages")
    }
}

/// Says of every page that it must not be edited.
pub(crate) const GENERATED: &str = "<!-- Made by `causeway schemas docs --out docs/schema`. Change the schema files, \
                                    the code lists or the mapping under config/schemas/, not this page. -->\n";

fn readme(kinds: &[KindDocs<'_>]) -> String {
    let mut text = format!("{GENERATED}\n# The common schema\n\n");
    text.push_str(README_HEAD);
    text.push_str("\n| kind | what it holds | fields | versions |\n|---|---|---|---|\n");
    for docs in kinds {
        let versions: Vec<String> = docs.versions.iter().map(|schema| schema.id().version.to_string()).collect();
        let about = words::about(docs.newest().compiled());
        let (kind, fields) = (docs.kind, docs.fields.len());
        text.push_str(&format!("| [{kind}]({kind}.md) | {about} | {fields} | {} |\n", versions.join(", ")));
    }
    text.push_str(README_TAIL);
    text
}

const README_HEAD: &str = "\
Two kinds of record go through the gateway, and these pages say what each may hold, what a partner agency can get of it at
most, and how it stands to other standards.

- **Where the words come from.** The terms and pick lists of persons, exploitation and control are those of the *Human
  Trafficking Case Data Standard* (HTCDS) 2.0 of the International Organization for Migration (IOM), used under the
  [Creative Commons Attribution 4.0](https://creativecommons.org/licenses/by/4.0/) licence and changed where a page says so.
  **No endorsement by IOM is implied.**
- **What is new here.** HTCDS has no forced criminality, a large category in the United Kingdom; it is added.
  And **no standard has a type for a route**: HTCDS and NIEM know events, STIX knows places. The trafficking route is this
  schema's contribution.
";

const README_TAIL: &str = "
[The code lists](codes.md) say which codes there are and under which licence each list stands; [the mapping](mapping.md)
gives each field's counterpart in HTCDS, CTDC, the UK's referral form, NIEM and STIX.

## How a field is protected

The schema decides, and no agreement can ask for more than it allows.

| class | how the gateway keeps it | what a partner can get |
|---|---|---|
| open | readable by the gateway | the value, where the agreement lists the field |
| coarse | readable at its floor only; the exact value is sealed | a coarser form: a month for a day, a region for a country |
| link | as a keyed pseudonym; the value is sealed | a pseudonym that is of that partner's feed alone |
| sealed | encrypted to the agency that owns the record | nothing |

\"At most\" on the pages is the floor: the finest form that *any* agreement may ask for. What an agreement does not list does
not leave at all, and a minimum number of persons holds back what would single somebody out.

## Versions

A submitter may use any version that is in force. A minor version takes whatever an earlier one took, under the same field
numbers, with the same protection or more; the gateway does not start with one that does not. Partners always get the newest
form: a record that came in as 1.0 leaves as the newest 1.x.

Codes that stand in a list are checked against it. Languages (ISO 639-2), currencies (ISO 4217), subdivisions (ISO 3166-2)
and UN/LOCODE places are checked by their form, and places against the country stated beside them. A record may tell of years
ago, when another currency or part of a country had the code; and the open table of subdivisions, which is UN/LOCODE's, lacks
codes of ISO 3166-2 such as GB-ENG and FR-IDF, so that it would refuse what is right. A UN/LOCODE may be a port's, an airport's
or a border point's, and may be a town's: its floor, \"the UN/LOCODE\", is then as fine as that town. Where people are exploited
it is therefore stored sealed, as coordinates are, and a record that was stored by an earlier version leaves without it.
";
