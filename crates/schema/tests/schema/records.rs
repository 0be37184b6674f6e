//! Two valid records with a value in nearly every field, the compiled schemas, and small edits to records.

use std::sync::LazyLock;

use causeway_model::{Date, SchemaId};
use causeway_schema::{Document, Schema, Schemas, Violation, parse};
use serde_json::{Value, json};

pub(crate) const PROFILE_FILE: &str = include_str!("../../../../config/schemas/victim-profile-1.0.json");
pub(crate) const ROUTE_FILE: &str = include_str!("../../../../config/schemas/trafficking-route-1.0.json");

pub(crate) const PROFILE_1_1_FILE: &str = include_str!("../../../../config/schemas/victim-profile-1.1.json");
pub(crate) const ROUTE_1_1_FILE: &str = include_str!("../../../../config/schemas/trafficking-route-1.1.json");

/// The texts of the shipped code lists.
static LISTS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/schemas/codes");
    let paths = std::fs::read_dir(folder).expect("the code lists").map(|entry| entry.expect("readable").path());
    paths.map(|path| std::fs::read_to_string(path).expect("a text")).collect()
});

static SCHEMAS: LazyLock<Schemas> = LazyLock::new(|| {
    let files = [
        (id("victim-profile/1.0"), PROFILE_FILE),
        (id("victim-profile/1.1"), PROFILE_1_1_FILE),
        (id("trafficking-route/1.0"), ROUTE_FILE),
        (id("trafficking-route/1.1"), ROUTE_1_1_FILE),
    ];
    compile(&files).unwrap_or_else(|faults| panic!("{faults:#?}"))
});

/// Compiles with the shipped code lists.
pub(crate) fn compile(files: &[(SchemaId, &str)]) -> Result<Schemas, Vec<String>> {
    Schemas::compile(files, &lists())
}

pub(crate) fn lists() -> Vec<&'static str> {
    LISTS.iter().map(String::as_str).collect()
}

/// All four.
pub(crate) fn schemas() -> &'static Schemas {
    &SCHEMAS
}

pub(crate) fn id(text: &str) -> SchemaId {
    text.parse().expect("a schema id")
}

pub(crate) fn profiles() -> &'static Schema {
    SCHEMAS.get(id("victim-profile/1.0")).expect("compiled")
}

pub(crate) fn routes() -> &'static Schema {
    SCHEMAS.get(id("trafficking-route/1.0")).expect("compiled")
}

pub(crate) fn today() -> Date {
    "2026-11-21".parse().expect("a date")
}

/// The record as it is read, from a text that outlives the test.
pub(crate) fn document(value: &Value) -> Document<'static> {
    parse(value.to_string().into_bytes().leak()).expect("a record")
}

pub(crate) fn violations(schema: &Schema, value: &Value) -> Vec<Violation> {
    schema.validate(&document(value), today())
}

/// Sets the value at `pointer`; its container must be there.
pub(crate) fn set(record: &mut Value, pointer: &str, value: Value) {
    let (container, name) = pointer.rsplit_once('/').expect("a pointer");
    let container = record.pointer_mut(container).expect("the container is there");
    match container {
        Value::Array(items) => {
            let index: usize = name.parse().expect("an index");
            if index == items.len() { items.push(value) } else { items[index] = value }
        }
        _ => container[name] = value,
    }
}

pub(crate) fn unset(record: &mut Value, pointer: &str) {
    let (container, name) = pointer.rsplit_once('/').expect("a pointer");
    record.pointer_mut(container).and_then(Value::as_object_mut).expect("an object").remove(name);
}

/// Every leaf with its pointer.
pub(crate) fn leaves(value: &Value) -> Vec<(String, &Value)> {
    fn walk<'v>(value: &'v Value, place: &str, found: &mut Vec<(String, &'v Value)>) {
        match value {
            Value::Object(members) => members.iter().for_each(|(name, v)| walk(v, &format!("{place}/{name}"), found)),
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(index, v)| walk(v, &format!("{place}/{index}"), found));
            }
            leaf => found.push((place.to_owned(), leaf)),
        }
    }
    let mut found = Vec::new();
    walk(value, "", &mut found);
    found
}

/// The field path of a pointer: `/legs/0/from/country` is `legs[].from.country`.
pub(crate) fn field_path(pointer: &str) -> String {
    let mut path = String::new();
    for part in pointer.split('/').skip(1) {
        if part.bytes().all(|byte| byte.is_ascii_digit()) {
            path.push_str("[]");
        } else {
            path.push_str(if path.is_empty() { "" } else { "." });
            path.push_str(part);
        }
    }
    path
}

pub(crate) fn profile() -> Value {
    json!({
        "subject_reference": "SUBJ-REF-77123", "data_subject_category": "victim", "assertion_basis": "fact",
        "nrm_reference": "NRM-55-8841", "external_references": [
            {"scheme": "home_office", "value": "HO-REF-9911"}, {"scheme": "cid", "value": "CID-REF-3377"}],
        "given_name": "Givenquill", "middle_name": "Middlequill", "family_name": "Familyquill",
        "aliases": ["Aliasquill", "Otherquill"], "date_of_birth": "1999-04-17", "age_band": "27-29", "is_minor": "no",
        "was_minor_at_exploitation": "not_sure", "gender": "transgender_female", "nationalities": ["AL", "XK"],
        "birth_country": "AL", "birth_place": "Birthplacequill", "languages": ["sqi"], "marital_status": "Widowed",
        "number_of_children": 7, "education_level": "PrimaryEducation", "email": "mailquill@example.org",
        "phones": ["+355 69".replace(' ', "") + "1234567", "447700900123"],
        "address": {"street": "1 Streetquill", "city": "Cityquill", "state": "Statequill", "postcode": "QQ1 7QQ",
                    "country": "GB"},
        "current_location": {"region": "Regionquill", "city": "Herequill"},
        "identity_documents": [{"type": "passport", "number": "BA 77-1234", "issuing_country": "AL"}],
        "nrm_route": "nrm", "nrm_stage": "conclusive_grounds", "nrm_decision": "positive", "competent_authority": "SCA",
        "trafficking_status": "ActualVictimOfTrafficking", "referral_date": "2026-03-14",
        "first_responder": "Kent Police", "police_force": "Forcequill", "exploitation_types":
            ["SexualExploitation", "ForcedCriminality"], "sexual_exploitation_types": ["Prostitution"],
        "labour_sector": "A", "means_of_control": ["DebtBondage", "RestrictsMovement"],
        "recruiter_relationship": "intimate_partner", "recruitment_methods": ["AtWork"],
        "recruitment_platforms": ["Facebook"], "recruitment_country": "AL", "exploitation_countries": ["GB", "BE"],
        "exploitation_uk_places": [{"subdivision": "GB-KEN", "town": "Portquill"}, {"town": "Townquill"}],
        "exploitation_start": "2025-02-03", "exploitation_end": "2025-11", "duration_band": "0-12",
        "still_in_situation": "no", "last_contact_band": "over-a-year-ago", "vulnerabilities": ["Poverty"],
        "narrative": {"account": "Accountquill \"said\"\nso", "treatment": "Treatquill", "journey": "Journeyquill",
                      "exploiter": "Exploiterquill", "background": "Backquill", "reasons": "Reasonquill"},
        "sanitised_summary": "Summaryquill", "route_refs": ["ROUTE-REF-5501"], "consent_given": true,
        "anonymous": false, "contact_safety": {"safe_to_email": false, "safe_to_write": true}, "county_lines": false,
        "source_grade": "1", "info_grade": "A", "handling": "C", "action_code": "A2", "sanitisation_code": "S1",
        "europol_handling": ["H1", "H3"], "europol_handling_text": "Europolquill", "tlp": "AMBER",
        "releasable_to": ["al-police", "VN"], "transfer_condition": "s75_test", "onward_transfer": "forbidden",
        "purpose": "Purposequill", "retention_review_due": "2027-11-01", "retain_until": "2028-11-21",
        "processing_restricted": false
    })
}

pub(crate) fn route() -> Value {
    let place = |country: &str, more: Value| {
        let mut place = json!({"country": country});
        place.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        place
    };
    let tirana = place("AL", json!({"subdivision": "AL-11", "unlocode": "ALTIA", "name": "Tiranequill"}));
    let dover =
        place("GB", json!({"unlocode": "GBDVR", "latitude": 51.127_89, "longitude": 1.312_34, "precision_m": 50}));
    let house = place(
        "GB",
        json!({"street": "9 Housequill", "postal_code": "QQ9 9QQ", "latitude": 52.489_11,
                                   "longitude": -1.898_22}),
    );
    json!({
        "route_reference": "ROUTE-REF-5501", "route_status": "reported", "assertion_basis": "assessment",
        "legs": [
            {"seq": 1, "role": "Recruitment", "from": tirana, "to": place("BE", json!({"unlocode": "BEZEE"})),
             "mode": "road", "carrier": "Carrierquill", "service_number": "SN-4471", "depart_on": "2026-02-03",
             "arrive_on": "2026-02", "concealment": "false_documents"},
            {"seq": 4, "role": "Transit", "from": place("BE", json!({})), "to": dover, "mode": "sea",
             "depart_on": "2026-02-09", "border_crossing": {"unlocode": "GBDVR", "irregular": true}},
            {"seq": 9, "role": "Exploitation", "from": place("GB", json!({})), "to": house, "mode": "unknown"}],
        "origin_country": "AL", "destination_country": "GB", "transit_countries": ["BE"],
        "exploitation_types": ["ForcedLabour"], "means_of_recruitment": ["debt_bondage"],
        "means_of_control": ["WithholdsDocuments"], "labour_sector": "F",
        "victim_groups": [{"group": "men", "count": 4417}], "victim_refs": ["SUBJ-REF-77123"],
        "network_type": "organised_crime", "facilitators": [
            {"role": "Transporter", "name": "Drivequill", "alias": "Nickquill", "date_of_birth": "1980", "nationality":
             "RO", "phones": ["+40721000111"], "handles": ["@handlequill"], "emails": ["facilquill@example.org"]}],
        "vehicles": [{"registration": "QX 12 ABC", "country": "BE"}],
        "vessels": [{"imo": "9074729", "mmsi": "235012345", "flag": "PA"}],
        "documents_used": [{"type": "national_id", "issuing_country": "IT", "number": "DOC-NUM-8842"}],
        "fees": [{"amount": 7123.5, "currency": "EUR", "kind": "travel"}], "first_observed": "2026-01-19",
        "last_observed": "2026-02", "frequency": "regular", "confidence": 60, "description": "Descriptquill",
        "sanitised_summary": "Summaryquill", "source_grade": "2", "info_grade": "B", "handling": "P",
        "tlp": "GREEN", "releasable_to": ["AL"], "purpose": "Purposequill", "retain_until": "2030-01-01"
    })
}

#[test]
fn both_records_are_valid() {
    assert_eq!(violations(profiles(), &profile()), []);
    assert_eq!(violations(routes(), &route()), []);
}
