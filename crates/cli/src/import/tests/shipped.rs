//! The shipped maps: on their real sources, read where they lie, and on rows in the source's form that are made up here.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;

use causeway_model::{Date, Kind, SchemaId};
use causeway_schema::Schemas;
use serde_json::{Value, json};

use super::{ImportMap, Row, reject, rows, workspace};

/// The schemas of both kinds as they are shipped.
fn schemas() -> Schemas {
    let mut documents = Vec::new();
    for kind in [Kind::VictimProfile, Kind::TraffickingRoute] {
        for version in ["1.0", "1.1"] {
            let id: SchemaId = format!("{kind}/{version}").parse().expect("well formed");
            let path = workspace(&format!("config/schemas/{kind}-{version}.json"));
            documents.push((id, fs::read_to_string(path).expect("the schema is there")));
        }
    }
    let lists = crate::certs::code_lists(&workspace("config/schemas")).expect("the code lists are there");
    let lists: Vec<&str> = lists.iter().map(|(_, text)| text.as_str()).collect();
    let documents: Vec<(SchemaId, &str)> = documents.iter().map(|(id, text)| (*id, text.as_str())).collect();
    Schemas::compile(&documents, &lists).expect("the schemas compile")
}

fn map(name: &str) -> ImportMap {
    ImportMap::load(&workspace(&format!("config/imports/{name}.toml"))).expect("the shipped map is well formed")
}

/// A real file, or none and a line that says so. Straight to standard error: what a passing test prints by the macros is
/// never seen.
fn real(name: &str) -> Option<File> {
    let path = workspace("../shared/data").join(name);
    let file = File::open(&path).ok();
    if file.is_none() {
        let skipped = format!("skipped: {} is not here, and its licence keeps it out of the project", path.display());
        writeln!(std::io::stderr(), "{skipped}").expect("standard error takes a line");
    }
    file
}

/// What becomes of a whole file: documents that the schema accepts, and the rest by rule and place.
#[derive(Default)]
struct Outcome {
    rows: u64,
    accepted: u64,
    refused: BTreeMap<String, u64>,
    documents: Vec<Value>,
}

fn outcome(schemas: &Schemas, rows: impl Iterator<Item = Row>) -> Outcome {
    let today = Date::new(2026, 11, 21).expect("a date");
    let mut outcome = Outcome::default();
    for row in rows {
        outcome.rows += 1;
        let mapped = match row.result {
            Ok(mapped) => mapped,
            Err(rejects) => {
                for reject in rejects {
                    *outcome.refused.entry(format!("{} {}", reject.rule, reject.pointer)).or_default() += 1;
                }
                continue;
            }
        };
        let parsed = causeway_schema::parse(&mapped.document).expect("JSON within the limits");
        let violations = schemas.get(mapped.schema).expect("shipped").validate(&parsed, today);
        assert!(violations.is_empty(), "row {}: what the map makes, the schema takes: {violations:?}", row.number);
        outcome.accepted += 1;
        outcome.documents.push(serde_json::from_slice(&mapped.document).expect("JSON"));
    }
    outcome
}

#[test]
fn every_row_of_ctdc_is_a_valid_record() {
    let Some(file) = real("ctdc/ctdc_kanon_2020_7col.csv") else { return };
    let outcome = outcome(&schemas(), map("ctdc").rows(file).expect("the header is as the map says"));
    assert_eq!((outcome.rows, outcome.accepted), (48_773, 48_773), "{:?}", outcome.refused);
    let count = |is: fn(&Value) -> bool| outcome.documents.iter().filter(|document| is(document)).count();
    let albanian = count(|document| document["nationalities"] == json!(["AL"]));
    let adults = count(|document| document["is_minor"] == "no");
    let no_citizenship = count(|document| document.get("nationalities").is_none());
    assert_eq!((albanian, adults, no_citizenship), (22, 26_224, 9_136), "counted in the file by other means");
}

#[test]
fn routes_of_reports_keep_their_regions() {
    let Some(file) = real("routes/routes_hti_2008_2016.csv") else { return };
    let outcome = outcome(&schemas(), map("hti-routes").rows(file).expect("the header is as the map says"));
    assert_eq!(outcome.rows, 22_240);
    assert!(outcome.accepted * 100 >= outcome.rows * 99, "{} {:?}", outcome.accepted, outcome.refused);
    let count = |is: fn(&Value) -> bool| outcome.documents.iter().filter(|document| is(document)).count();
    let from_region = count(|document| document["legs"][0]["from"].get("region").is_some());
    let from_south_africa = count(|document| document["legs"][0]["from"]["country"] == "ZA");
    let perpetrators =
        count(|document| document["traveller"] == "perpetrator" && document.get("origin_country").is_none());
    assert_eq!((from_region, from_south_africa, perpetrators), (2_414, 57, 230), "counted in the file by other means");
}

#[test]
fn the_form_of_the_home_office_becomes_one_profile() {
    let Some(file) = real("nrm/example_payload.json") else { return };
    let outcome = outcome(&schemas(), map("nrm-referral").rows(file).expect("opened"));
    assert_eq!((outcome.rows, outcome.accepted), (1, 1), "{:?}", outcome.refused);
    let document = &outcome.documents[0];
    assert_eq!(document["nationalities"], json!(["AU"]));
    assert_eq!(document["exploitation_types"], json!(["ForcedLabour"]));
    assert_eq!(document["exploitation_countries"], json!(["GB"]));
    assert_eq!((&document["is_minor"], &document["consent_given"]), (&json!("no"), &json!(true)));
    assert_eq!(document["releasable_to"], json!([]), "nobody, until a person decides");
    assert!(document["narrative"]["background"].as_str().is_some_and(|text| text.starts_with("PVFamily: ")));
    assert!(document.get("external_references").is_none() && document.get("phones").is_none());
}

/// A referral as the form writes it, made up.
fn referral(changes: &Value) -> Value {
    let mut referral = json!({
        "NRMOrDuty": "NRM", "ExternalId": "made-up-1", "AdultOrChild": "Adult", "Customer.Forename1": "Aaa",
        "Customer.Surname": "Bbb", "Customer.Nationality": "Vietnamese", "Customer.Custom11": "Citizen of the Dominican Republic",
        "Customer.Custom17": "Female", "Customer.DOB": "3/11/1990", "Customer.Phone": "020 7946 0991",
        "PoliceForceCRN": "", "CIDReference": "REF 7", "ExploitationLocationPresented": "uk-and-overseas",
        "Country1": "Libya", "ComponentForcedCrime": "Yes", "ComponentFraud": "Yes", "ExploitationOther": "",
        "VictimAccount": "What was said.", "Customer.Custom14": "Vietnamese", "City1": "Leeds", "City2": "", "City3": "Hull",
    });
    let members = referral.as_object_mut().expect("an object");
    members.extend(changes.as_object().expect("an object").clone());
    referral
}

fn referred(changes: &Value) -> Value {
    let text = referral(changes).to_string();
    let mut outcome = outcome(&schemas(), map("nrm-referral").rows(text.as_bytes()).expect("opened"));
    assert_eq!(outcome.accepted, 1, "{:?}", outcome.refused);
    outcome.documents.remove(0)
}

#[test]
fn a_referral_is_read_by_its_answers() {
    let document = referred(&json!({}));
    assert_eq!(document["nationalities"], json!(["VN", "DO"]));
    assert_eq!(document["phones"], json!(["+442079460991"]));
    assert_eq!(document["date_of_birth"], "1990-11-03");
    assert_eq!(document["external_references"], json!([{"scheme": "home_office", "value": "REF 7"}]));
    assert_eq!(document["exploitation_countries"], json!(["GB", "LY"]));
    assert_eq!(document["exploitation_types"], json!(["ForcedCriminality"]));
    assert_eq!(document["exploitation_uk_places"], json!([{"town": "Leeds"}, {"town": "Hull"}]));
    assert_eq!(document["interpreter_language"], "vie");
    let child = referred(&json!({"AdultOrChild": "Child", "Customer.DOB": "3/11/2014",
                                 "LocalAuthority": "Kent County Council"}));
    assert_eq!((&child["is_minor"], child.get("consent_given")), (&json!("yes"), None));
    assert_eq!(child["child_detail"]["local_authority"], "Kent County Council");
    let adult = referred(&json!({"LocalAuthority": "Kent County Council"}));
    assert!(adult.get("child_detail").is_none());
}

#[test]
fn a_duty_to_notify_is_anonymous_whatever_the_form_holds() {
    let document = referred(&json!({"NRMOrDuty": "Duty to Notify"}));
    assert_eq!((&document["nrm_route"], &document["anonymous"]), (&json!("duty_to_notify"), &json!(true)));
    for identifying in
        ["subject_reference", "given_name", "family_name", "date_of_birth", "phones", "external_references"]
    {
        assert!(document.get(identifying).is_none(), "{identifying}");
    }
    let text = referral(&json!({"NRMOrDuty": "Duty to Notify", "Customer.DOB": "no date"})).to_string();
    assert!(rows(map("nrm-referral"), &text)[0].result.is_ok(), "what is left out is not read");
}

/// The rules by which the schema refuses what the map makes of a referral.
fn refused_for(changes: &Value) -> Vec<String> {
    let mapped = rows(map("nrm-referral"), &referral(changes).to_string()).remove(0).result.expect("the map reads it");
    let parsed = causeway_schema::parse(&mapped.document).expect("JSON within the limits");
    let today = Date::new(2026, 11, 21).expect("a date");
    let schemas = schemas();
    let violations = schemas.get(mapped.schema).expect("shipped").validate(&parsed, today);
    violations.into_iter().map(|violation| violation.rule).collect()
}

#[test]
fn a_child_whose_answer_is_adult_is_refused_or_treated_as_a_child() {
    assert_eq!(refused_for(&json!({"Customer.DOB": "3/11/2014"})), ["birth-date-minor"]);
    assert_eq!(refused_for(&json!({"AdultOrChild": "Child"})), ["birth-date-minor"], "born in 1990");
    assert_eq!(refused_for(&json!({"Customer.DOB": "3/11/2014", "AdultOrChild": "Child"})), Vec::<String>::new());
    // A duty to notify has no date of birth that could contradict the answer.
    let notified = referred(&json!({"NRMOrDuty": "DTN", "Customer.DOB": "3/11/2014"}));
    assert_eq!((&notified["is_minor"], notified.get("date_of_birth")), (&json!("not_sure"), None));
    assert_eq!(referred(&json!({"NRMOrDuty": "DTN", "Customer.DOB": ""}))["is_minor"], "no");
}

#[test]
fn a_new_question_of_the_form_is_noticed() {
    let text = referral(&json!({"SomethingNew": "answer"})).to_string();
    let refused = rows(map("nrm-referral"), &text).remove(0).result.expect_err("nothing is lost in silence");
    assert_eq!(refused, [reject("", "unknown-member")]);
}

#[test]
fn a_table_of_the_case_data_standard_becomes_profiles() {
    let table = "Id,prs_FirstName,prs_SecondName,prs_Birthdate,prs_Gender,prs_Citizenship,prs_PrimaryLanguage,prs_MobilePhone,\
                 vic_AgeWhenTrafficked,vic_TypeOfExploitation,vic_MethodsOfControl,vic_ForcedLabourIndustry,hte_Type,hte_Country,\
                 hte_Date,con_Consent,prs_Deceased,hte_Description\n\
                 c-1,Aaa,Bbb,12 March 1991,Feminine,ALB;Kosovo,sqi,+355 69 123 4567,16,ForcedLabour;ForcedBegging,\
                 DebtBondage;TakesEarnings,A_AgricultureForestryAndFishing,Exploitation,Greece,2014-06,TRUE,0,\"It says, here\"\n\
                 c-2,Ccc,Ddd,2012-02-30,Masculine,Europe,,,12,,,,Transit,GRC,,,,\n\
                 c-3,,,,,,,,,,,,Recruitment,NGA,,,,\n";
    let outcome = outcome(&schemas(), map("htcds").rows(table.as_bytes()).expect("a column may be absent"));
    assert_eq!((outcome.rows, outcome.accepted), (3, 2), "{:?}", outcome.refused);
    let rules: Vec<&str> = outcome.refused.keys().map(String::as_str).collect();
    assert_eq!(rules, ["not-a-country /nationalities", "not-a-date /date_of_birth"]);
    let first = &outcome.documents[0];
    assert_eq!(first["nationalities"], json!(["AL", "XK"]));
    assert_eq!((&first["is_minor"], &first["was_minor_at_exploitation"]), (&json!("no"), &json!("yes")));
    assert_eq!((&first["languages"], &first["phones"]), (&json!(["alb"]), &json!(["+355691234567"])));
    assert_eq!((&first["labour_sector"], &first["exploitation_countries"]), (&json!("A"), &json!(["GR"])));
    assert_eq!((&first["exploitation_start"], first.get("recruitment_country")), (&json!("2014-06"), None));
    assert_eq!((&first["consent_given"], &first["deceased"]), (&json!(true), &json!(false)));
    let second = &outcome.documents[1];
    assert_eq!((&second["is_minor"], &second["recruitment_country"]), (&json!("not_sure"), &json!("NG")));
    assert_eq!(second["exploitation_types"], json!(["NotSpecified"]));
}
