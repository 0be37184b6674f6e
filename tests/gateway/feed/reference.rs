//! What an agreement grants, worked out a second time and as plainly as can be: straight from the agreement's text and
//! the submitted document, with no code of the gateway's.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Stands for any pseudonym in an expected document.
pub(crate) const PSEUDONYM: &str = "<pseudonym>";

/// An agreement, as its text reads.
#[derive(Debug)]
pub(crate) struct Paper {
    pub(crate) id: String,
    recipient: String,
    clauses: Vec<PaperClause>,
}

#[derive(Debug, Default)]
struct PaperClause {
    values: BTreeMap<String, Value>,
    fields: BTreeMap<String, String>,
}

impl Paper {
    /// Reads the lines `key = value` of an agreement; a value is read as JSON, which is what TOML and JSON share.
    pub(crate) fn read(text: &str) -> Self {
        let mut head = BTreeMap::new();
        let mut clauses: Vec<PaperClause> = Vec::new();
        let mut section = "";
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if line == "[identity]" {
                // Whom the partner may ask for does not say what its feed shows.
                continue;
            }
            if line == "[[clauses]]" {
                clauses.push(PaperClause::default());
                section = "";
                continue;
            }
            if let Some(name) = line.strip_prefix("[clauses.").and_then(|rest| rest.strip_suffix(']')) {
                section = name;
                continue;
            }
            let (key, value) = line.split_once(" = ").expect("a line of an agreement is a key and its value");
            let key = key.trim_matches('"');
            let value = serde_json::from_str(value).unwrap_or(Value::Null);
            match (clauses.last_mut(), section) {
                (None, _) => drop(head.insert(key.to_owned(), value)),
                (Some(clause), "fields") => {
                    drop(clause.fields.insert(key.to_owned(), value.as_str().expect("a form").to_owned()));
                }
                (Some(clause), _) => drop(clause.values.insert(key.to_owned(), value)),
            }
        }
        let text = |key: &str| head[key].as_str().expect("a text").to_owned();
        Self { id: text("id"), recipient: text("recipient"), clauses }
    }

    /// What the partner is to see of a record of `gb-nca`, and under which clause; nothing where no clause grants it.
    pub(crate) fn grants(&self, kind: &str, document: &Value) -> Option<(String, Value)> {
        let clause = self.granting(kind, document)?;
        let id = format!("{}/{}", self.id, clause.text("id"));
        let document = without_places_of_exploitation(document);
        Some((id, clause.project(&document, "").unwrap_or_else(|| Value::Object(Map::new()))))
    }

    /// Whether the partner is to have a record of `gb-nca`.
    pub(crate) fn covers(&self, kind: &str, document: &Value) -> bool {
        self.granting(kind, document).is_some()
    }

    fn granting(&self, kind: &str, document: &Value) -> Option<&PaperClause> {
        let is = |key: &str, value: &str| document[key] == value;
        let country = self.recipient[..2].to_uppercase();
        let named = list(&document["releasable_to"]).iter().any(|party| *party == self.recipient || *party == country);
        let europol = list(&document["europol_handling"]);
        if europol.contains(&"H2") || europol.contains(&"H3") {
            return None;
        }
        if document["processing_restricted"] == true || is("tlp", "RED") || !named || is("action_code", "A1") {
            return None;
        }
        self.clauses.iter().find(|clause| clause.covers(kind, document))
    }
}

/// A UN/LOCODE may be a town's, so where people are exploited nobody gets it.
fn without_places_of_exploitation(document: &Value) -> Value {
    let mut document = document.clone();
    let legs = document.get_mut("legs").and_then(Value::as_array_mut).into_iter().flatten();
    for leg in legs.filter(|leg| leg["role"] == "Exploitation") {
        for end in ["from", "to"] {
            leg[end].as_object_mut().expect("a place").remove("unlocode");
        }
    }
    document
}

impl PaperClause {
    fn text(&self, key: &str) -> &str {
        self.values[key].as_str().expect("a text")
    }

    fn covers(&self, kind: &str, document: &Value) -> bool {
        let stated = |key: &str, found: &[&str]| match self.values.get(key) {
            Some(wanted) => list(wanted).iter().any(|one| found.contains(one)),
            None => true,
        };
        let is_route = kind == "trafficking-route";
        let child = if is_route {
            let mut groups = array(&document["victim_groups"]).iter();
            groups.any(|group| group["group"] != "women" && group["group"] != "men")
                || list(&document["exploitation_types"]).contains(&"ChildLabour")
        } else {
            document["is_minor"] != "no"
        };
        let ends = array(&document["legs"]).iter().flat_map(|leg| [&leg["from"]["country"], &leg["to"]["country"]]);
        let on_route: Vec<&str> = ends.filter_map(Value::as_str).collect();
        let filtered = if is_route {
            stated("route_countries", &on_route)
        } else {
            stated("nationalities", &list(&document["nationalities"]))
        };
        let tlp = ["CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED"];
        let rank = |code: &str| tlp.iter().position(|known| *known == code);
        let code = |key: &str| document[key].as_str().expect("every record states its codes");
        let conditions = document["handling"] == "P"
            || self.values.get("action_codes").is_some_and(|codes| list(codes).contains(&code("action_code")));
        list(&self.values["kinds"]).contains(&kind)
            && filtered
            && stated("exploitation_types", &list(&document["exploitation_types"]))
            && (!child || self.values.get("children") == Some(&Value::Bool(true)))
            && rank(code("tlp")) <= rank(self.text("tlp"))
            && code("source_grade") <= self.text("source_grade")
            && code("info_grade") <= self.text("info_grade")
            && conditions
    }

    /// The listed leaves below `path`, each in its form; nothing where none is left.
    fn project(&self, value: &Value, path: &str) -> Option<Value> {
        match value {
            Value::Object(members) => {
                let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
                let kept = members.iter().filter_map(|(name, value)| {
                    self.project(value, &below(name)).map(|projected| (name.clone(), projected))
                });
                let kept: Map<String, Value> = kept.collect();
                (!kept.is_empty()).then_some(Value::Object(kept))
            }
            Value::Array(items) => {
                let path = format!("{path}[]");
                let kept: Vec<Value> = items.iter().filter_map(|item| self.project(item, &path)).collect();
                (!kept.is_empty()).then_some(Value::Array(kept))
            }
            leaf => form(self.fields.get(path)?, leaf),
        }
    }
}

/// A leaf in the form that the clause asks for.
fn form(step: &str, leaf: &Value) -> Option<Value> {
    let text = || leaf.as_str().expect("a ladder is of texts");
    let coarse = match step {
        "exact" | "band" | "country" | "subdivision" | "port" => return Some(leaf.clone()),
        "pseudonym" => PSEUDONYM.to_owned(),
        "year" => text()[..4].to_owned(),
        "month" => text()[..text().len().min(7)].to_owned(),
        "quarter" => match text().get(5..7) {
            Some(month) => format!("{}-Q{}", &text()[..4], month.parse::<u32>().expect("a month").div_ceil(3)),
            None => text().to_owned(),
        },
        "female-male" => if matches!(text(), "female" | "male") { text() } else { "unknown" }.to_owned(),
        "adult-child" => match text() {
            "unknown" => return None,
            "0-8" | "9-17" => "child".to_owned(),
            _ => "adult".to_owned(),
        },
        "region" => match text() {
            "AL" | "XK" => "Southern Europe",
            "VN" => "South-eastern Asia",
            "RO" => "Eastern Europe",
            "GB" => "Northern Europe",
            "NG" => "Western Africa",
            other => panic!("the reference has no region for {other}"),
        }
        .to_owned(),
        other => panic!("the reference does not know the form {other}"),
    };
    Some(coarse.into())
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn list(value: &Value) -> Vec<&str> {
    array(value).iter().filter_map(Value::as_str).collect()
}

/// Whether a served document is what was expected, any well-formed pseudonym standing for the mark; notes those met.
pub(crate) fn matches(expected: &Value, served: &Value, pseudonyms: &mut Vec<String>) -> bool {
    match (expected, served) {
        (Value::String(mark), Value::String(text)) if mark == PSEUDONYM => {
            pseudonyms.push(text.clone());
            causeway_crypto::pseudonym_is_well_formed(text)
        }
        (Value::Object(expected), Value::Object(served)) => {
            expected.len() == served.len()
                && expected
                    .iter()
                    .all(|(name, value)| served.get(name).is_some_and(|found| matches(value, found, pseudonyms)))
        }
        (Value::Array(expected), Value::Array(served)) => {
            expected.len() == served.len()
                && expected.iter().zip(served).all(|(value, found)| matches(value, found, pseudonyms))
        }
        (expected, served) => expected == served,
    }
}
