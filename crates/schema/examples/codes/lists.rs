//! The derived lists, each from its data file. The test of the code lists includes this file and compares.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value, json};

/// Says of the tables that were made from ISO's and the UN's by an open project.
const OPEN_COUNTRIES: &str = "datasets/country-codes (from ISO 3166-1, ISO 4217 and UN M49)";
const PUBLIC_DOMAIN: &str = "Open Data Commons Public Domain Dedication and License (PDDL) 1.0";
const IOM: &str = "Human Trafficking Case Data Standard (HTCDS) 2.0, International Organization for Migration (IOM); no \
                   endorsement by IOM is implied";
const CC_BY: &str = "Creative Commons Attribution 4.0 International (CC BY 4.0)";

/// HTCDS pick lists by the name that the group has here.
const HTCDS: &[(&str, &str)] = &[
    ("exploitation", "vic_TypeOfExploitation"),
    ("sexual-exploitation", "vic_TypeOfSexExploitation"),
    ("means-of-control", "vic_MethodsOfControl"),
    ("recruitment-method", "vic_MethodOfRecruitment"),
    ("platform", "vic_RecruitmentWebsitesAndApps"),
    ("trafficking-status", "vic_TraffickingStatus"),
    ("status-decided-by", "vic_TraffickingStatusDecisionMakingOrg"),
    ("marital-status", "prs_MaritalStatus"),
    ("education", "prs_HighestLevelOfEducation"),
    ("vulnerability", "vic_Vulnerabilities"),
    ("facilitator-role", "per_RoleInProcess"),
    ("leg-role", "hte_Type"),
    ("organisation-type", "org_Type"),
];
/// Codes that HTCDS lacks and this schema adds: group, code, name.
const ADDED: &[(&str, &str, &str)] = &[
    ("exploitation", "ForcedCriminality", "Forced criminality"),
    ("exploitation", "NotSpecified", "Not specified"),
    ("means-of-control", "RestrictsMovement", "Restricts movement"),
    ("leg-role", "Return", "Return"),
];
/// Gender, in the words of the UK's form and of CTDC, with the HTCDS code for each.
const GENDER: &[(&str, &str, &str)] = &[
    ("female", "Female", "Feminine"),
    ("male", "Male", "Masculine"),
    ("transgender_female", "Transgender female", "TransgenderFeminine"),
    ("transgender_male", "Transgender male", "TransgenderMasculine"),
    ("non_conforming", "Non-conforming", "NonConforming"),
    ("unknown", "Not known", "NonSpecifiedUnknown"),
];
/// Regions that reports name and M49 does not have.
const OTHER_REGIONS: &[&str] = &[
    "Balkans",
    "Caucasus",
    "Central Europe",
    "European Union",
    "Former Soviet Union",
    "Gulf States",
    "Horn of Africa",
    "Middle East",
    "Neighbouring countries",
];

type Rows = Vec<BTreeMap<String, String>>;

/// Each derived list: its name and the text of its file.
pub(crate) fn derived(data: &Path) -> Result<Vec<(&'static str, String)>, String> {
    let countries = rows(&data.join("codes/country-codes.csv"))?;
    let htcds = rows(&data.join("htcds/htcds_codelists.csv"))?;
    let crosswalks = Crosswalks {
        exploitation: rows(&data.join("codes/crosswalk_exploitation.csv"))?,
        means: rows(&data.join("codes/crosswalk_means_of_control.csv"))?,
    };
    Ok(vec![
        ("country", country(&countries)),
        ("region", region(&countries)),
        ("htcds", pick_lists(&htcds, &crosswalks)),
        ("isic", sections(&htcds)),
    ])
}

fn rows(path: &Path) -> Result<Rows, String> {
    let fault = |error: csv::Error| format!("{}: {error}", path.display());
    let mut reader = csv::Reader::from_path(path).map_err(fault)?;
    reader.deserialize().collect::<Result<Rows, _>>().map_err(fault)
}

fn cell<'r>(row: &'r BTreeMap<String, String>, column: &str) -> &'r str {
    row.get(column).map_or("", |cell| cell.trim())
}

/// A list's file: what it is, then a line for each code.
fn file(head: &[(&str, Value)], codes: impl Iterator<Item = Value>) -> String {
    let head: Vec<String> = head.iter().map(|(key, value)| format!("  \"{key}\": {value}")).collect();
    let codes: Vec<String> = codes.map(|code| format!("    {code}")).collect();
    format!("{{\n{},\n  \"codes\": [\n{}\n  ]\n}}\n", head.join(",\n"), codes.join(",\n"))
}

fn head(name: &str, title: &str, source: &str, licence: &str, derived: &str) -> Vec<(&'static str, Value)> {
    vec![
        ("name", json!(name)),
        ("version", json!(1)),
        ("title", json!(title)),
        ("source", json!(source)),
        ("licence", json!(licence)),
        ("derived", json!(derived)),
    ]
}

fn country(rows: &Rows) -> String {
    let mut codes: Vec<Value> = rows.iter().map(known_country).collect();
    let kosovo = json!({"code": "XK", "name": "Kosovo", "alpha3": "XKX", "region": "Southern Europe",
                        "added": "user-assigned; neither in ISO 3166-1 nor in M49"});
    codes.push(kosovo);
    codes.sort_by_key(|code| code["code"].as_str().map(str::to_owned));
    let derived = "from country-codes.csv; the region is the intermediate region of M49 where there is one, else the \
                   sub-region; Antarctica has none";
    file(&head("country", "Countries (ISO 3166-1)", OPEN_COUNTRIES, PUBLIC_DOMAIN, derived), codes.into_iter())
}

fn known_country(row: &BTreeMap<String, String>) -> Value {
    let first = |columns: [&str; 2]| {
        let named = columns.into_iter().map(|column| cell(row, column)).find(|cell| !cell.is_empty());
        named.unwrap_or_default().to_owned()
    };
    let mut code = Map::new();
    code.insert("code".into(), json!(cell(row, "ISO3166-1-Alpha-2")));
    code.insert("name".into(), json!(first(["official_name_en", "CLDR display name"])));
    code.insert("alpha3".into(), json!(cell(row, "ISO3166-1-Alpha-3")));
    // The file has lost the leading zeros.
    code.insert("numeric".into(), json!(format!("{:0>3}", cell(row, "ISO3166-1-numeric"))));
    let region = first(["Intermediate Region Name", "Sub-region Name"]);
    if !region.is_empty() {
        code.insert("region".into(), json!(region));
    }
    Value::Object(code)
}

fn region(rows: &Rows) -> String {
    let mut regions: BTreeMap<String, Value> = BTreeMap::new();
    for row in rows {
        let levels = [("Region", ""), ("Sub-region", "Region"), ("Intermediate Region", "Sub-region")];
        for (level, above) in levels {
            let name = cell(row, &format!("{level} Name")).to_owned();
            if !name.is_empty() {
                let within = cell(row, &format!("{above} Name"));
                let m49 = format!("{:0>3}", cell(row, &format!("{level} Code")));
                let mut code = json!({"code": name, "name": name, "m49": m49});
                if !within.is_empty() {
                    code["within"] = json!(within);
                }
                regions.insert(name, code);
            }
        }
    }
    for name in OTHER_REGIONS {
        regions.insert((*name).into(), json!({"code": name, "name": name, "added": "not in M49"}));
    }
    let derived = "from country-codes.csv, with regions that reports name and M49 does not have";
    file(&head("region", "Regions (UN M49)", OPEN_COUNTRIES, PUBLIC_DOMAIN, derived), regions.into_values())
}

/// What other collections call an HTCDS code.
struct Crosswalks {
    exploitation: Rows,
    means: Rows,
}

impl Crosswalks {
    fn add(&self, group: &str, code: &str, to: &mut Value) {
        let (rows, columns): (&Rows, &[(&str, &str)]) = match group {
            "exploitation" => (&self.exploitation, &[("ctdc", "ctdc_2020"), ("hti", "hti_code")]),
            "means-of-control" => (&self.means, &[("ctdc", "ctdc_2020_column"), ("ctdc_group", "ctdc_synthetic_v2")]),
            _ => return,
        };
        let named = |row: &&BTreeMap<String, String>| match code {
            "ForcedCriminality" => cell(row, "home_office_nrm_stat") == "Criminal",
            "RestrictsMovement" => cell(row, "ctdc_2020_column") == "meansOfControlRestrictsMovement",
            code => cell(row, "htcds") == code,
        };
        let Some(row) = rows.iter().find(named) else { return };
        for (key, column) in columns {
            let stated = cell(row, column);
            if !stated.is_empty() && !stated.starts_with('(') {
                to[*key] = json!(stated);
            }
        }
    }
}

fn pick_lists(rows: &Rows, crosswalks: &Crosswalks) -> String {
    let mut codes = Vec::new();
    for (group, list) in HTCDS {
        for row in rows.iter().filter(|row| cell(row, "code_list") == *list) {
            let mut code = json!({"group": group, "code": cell(row, "value"), "name": cell(row, "label")});
            crosswalks.add(group, cell(row, "value"), &mut code);
            codes.push(code);
        }
        for (_, code, name) in ADDED.iter().filter(|(of, _, _)| of == group) {
            let mut added = json!({"group": group, "code": code, "name": name, "added": "not in HTCDS"});
            crosswalks.add(group, code, &mut added);
            codes.push(added);
        }
    }
    let gender =
        GENDER.iter().map(|(code, name, htcds)| json!({"group": "gender", "code": code, "name": name, "htcds": htcds}));
    codes.extend(gender);
    let mut head = head("htcds", "Pick lists of HTCDS", IOM, CC_BY, "from htcds_codelists.csv, HTCDS at 3c2f6537");
    let changes = "Codes marked as added are not HTCDS's. Gender has this schema's codes, with HTCDS's beside them. The \
                   names that other collections use are added from crosswalks.";
    head.push(("changes", json!(changes)));
    file(&head, codes.into_iter())
}

/// HTCDS writes `A_AgricultureForestryAndFishing`; the letter is the section.
fn sections(rows: &Rows) -> String {
    let sections = rows.iter().filter(|row| cell(row, "code_list") == "vic_ForcedLabourIndustry");
    let codes = sections.map(|row| {
        let value = cell(row, "value");
        json!({"code": &value[..1], "name": cell(row, "label"), "htcds": value})
    });
    let source = format!("Sections of ISIC revision 4 (United Nations), as spelt by {IOM}");
    let mut head = head("isic", "Industries (ISIC revision 4)", &source, CC_BY, "from htcds_codelists.csv");
    head.push(("changes", json!("The code is the section's letter alone.")));
    file(&head, codes)
}
