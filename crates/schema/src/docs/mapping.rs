//! The page that says where each field stands in other standards, from the mapping file.

use serde_json::{Map, Value};

use super::{GENERATED, KindDocs};

/// Every field that the mapping lacks, and every one that it has too many.
pub(crate) fn faults(mapping: &Value, kinds: &[KindDocs<'_>]) -> Vec<String> {
    let mut faults = Vec::new();
    for docs in kinds {
        let rows = rows(mapping, docs);
        for field in docs.fields.iter().filter(|field| !rows.contains_key(field.path.as_str())) {
            faults.push(format!("the mapping: {}: has no row for {}", docs.kind, field.path));
        }
        let known = |name: &str| docs.fields.iter().any(|field| field.path.as_str() == name);
        for name in rows.keys().filter(|name| !known(name)) {
            faults.push(format!("the mapping: {}: {name} is no field", docs.kind));
        }
        let standard = |key: &str| standards(mapping).iter().any(|(known, ..)| *known == key);
        for key in rows.values().filter_map(Value::as_object).flat_map(Map::keys).filter(|key| !standard(key)) {
            faults.push(format!("the mapping: {}: {key} is no standard of the mapping", docs.kind));
        }
    }
    faults
}

pub(crate) fn page(mapping: &Value, kinds: &[KindDocs<'_>]) -> String {
    let about = mapping.get("about").and_then(Value::as_str).unwrap_or_default();
    let mut text = format!("{GENERATED}\n# Mapping to other standards\n\n{about}\n\n");
    let standards = standards(mapping);
    for (_, name, about) in &standards {
        text.push_str(&format!("- **{name}.** {about}\n"));
    }
    for docs in kinds {
        let names: Vec<&str> = standards.iter().map(|(_, name, _)| *name).collect();
        text.push_str(&format!("\n## {}\n\n| field | {} |\n", docs.kind, names.join(" | ")));
        text.push_str(&format!("|---|{}\n", "---|".repeat(names.len())));
        let rows = rows(mapping, docs);
        for field in &docs.fields {
            let row = rows.get(field.path.as_str());
            let cell = |key: &str| row.and_then(|row| row.get(key)).and_then(Value::as_str).unwrap_or("");
            let cells: Vec<&str> = standards.iter().map(|(key, ..)| cell(key)).collect();
            text.push_str(&format!("| `{}` | {} |\n", field.path, cells.join(" | ")));
        }
    }
    text
}

/// Key, name and remark of each standard, in the file's order.
fn standards(mapping: &Value) -> Vec<(&str, &str, &str)> {
    let listed = mapping.get("standards").and_then(Value::as_array).into_iter().flatten();
    listed
        .filter_map(|standard| {
            let text = |key| standard.get(key).and_then(Value::as_str);
            Some((text("key")?, text("name")?, text("about")?))
        })
        .collect()
}

fn rows<'m>(mapping: &'m Value, docs: &KindDocs<'_>) -> &'m Map<String, Value> {
    static EMPTY: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
    mapping.get(docs.kind.as_str()).and_then(Value::as_object).unwrap_or(&EMPTY)
}
