//! The page of the code lists: where each comes from, under which licence, and its codes.

use super::GENERATED;
use crate::codes::{Code, CodeList};

/// A group with more codes than this is not printed but pointed to.
const PRINTED: usize = 60;

/// The anchor of a list or group on the page.
pub(crate) fn anchor(list: &str) -> String {
    list.replace('/', "-")
}

pub(crate) fn page(lists: &[CodeList]) -> String {
    let mut text = format!(
        "{GENERATED}\n# Code lists\n\nEach list is a file under `config/schemas/codes/` and a governed document: two \
         persons of the operator approve it, as they do a schema. A list without a licence or provenance stops the start.\n\n| list | what it is | codes | licence |\n|---|---|---|---|\n"
    );
    for CodeList { name, title, codes, licence, .. } in lists {
        text.push_str(&format!("| [{name}](#{name}) | {title} | {} | {licence} |\n", codes.len()));
    }
    for list in lists {
        text.push_str(&section(list));
    }
    text
}

fn section(list: &CodeList) -> String {
    let CodeList { name, version, title, source, licence, provenance, .. } = list;
    let mut text = format!(
        "\n<a id=\"{name}\"></a>\n\n## {name}: {title}\n\n- Source: {source}\n- Licence: {licence}\n- Made: {provenance}\n- \
         Version: {version}\n"
    );
    for group in list.groups() {
        if let Some(group) = group {
            text.push_str(&format!("\n<a id=\"{name}-{group}\"></a>\n\n### {name}/{group}\n"));
        }
        let codes: Vec<&Code> = list.group(group).collect();
        if codes.len() > PRINTED {
            let file = format!("[`{name}.json`](../../config/schemas/codes/{name}.json)");
            text.push_str(&format!("\n{} codes, in {file}.\n", codes.len()));
            continue;
        }
        text.push_str("\n| code | what it means |\n|---|---|\n");
        for code in codes {
            let added = code.text("added").map(|why| format!(" *(added: {why})*")).unwrap_or_default();
            text.push_str(&format!("| `{}` | {}{added} |\n", code.code, code.name.replace('|', "\\|")));
        }
    }
    text
}
