//! Records with a canary in every field that holds an identifier, a link or free text; and records that are wrong in
//! every way there is, with a canary wherever the fault is.

use serde_json::{Value, json};

use super::scanner::Canaries;
use crate::harness::documents;

/// A valid profile that both partners' agreements cover.
pub(crate) fn profile(canaries: &mut Canaries) -> Value {
    let (number, summary) = (canaries.number(), canaries.summary());
    let mut word = || canaries.word();
    let mut record = documents::with(
        documents::profile(),
        json!({
            "subject_reference": word(),
            "nrm_reference": word(),
            "external_references": [{ "scheme": "cid", "value": word() }, { "scheme": "partner_case", "value": word() }],
            "given_name": word(),
            "middle_name": word(),
            "family_name": word(),
            "aliases": [word(), word()],
            "birth_place": word(),
            "email": format!("{}@example.org", word()),
            "address": { "street": word(), "city": word(), "state": word(), "postcode": word() },
            "current_location": { "region": word(), "city": word() },
            "identity_documents": [{ "type": "passport", "number": word(), "issuing_country": "AL" }],
            "first_responder": format!("Council of {}", word()),
            "police_force": word(),
            "exploitation_uk_places": [{ "subdivision": "GB-KEN", "town": word() }],
            "narrative": {
                "account": format!("he told {} of it", word()),
                "treatment": word(),
                "journey": word(),
                "exploiter": word(),
                "background": word(),
                "reasons": word(),
            },
            "route_refs": [word()],
            "europol_handling": ["H1"],
            "europol_handling_text": word(),
            "purpose": word(),
            "sanitised_summary": summary,
        }),
    );
    record["phones"] = json!([canaries.phone(), format!("+{number}")]);
    record
}

/// A valid route that both partners' agreements cover.
pub(crate) fn route(canaries: &mut Canaries) -> Value {
    let (number, summary) = (canaries.number(), canaries.summary());
    let mut word = || canaries.word();
    let mut record = documents::with(
        documents::route(),
        json!({
            "route_reference": word(),
            "victim_refs": [word(), word()],
            "facilitators": [{
                "role": "Transporter",
                "name": word(),
                "alias": word(),
                "handles": [format!("@{}", word())],
                "emails": [format!("{}@example.org", word())],
            }],
            "vehicles": [{ "registration": word(), "country": "AL" }],
            "vessels": [{ "mmsi": number }],
            "documents_used": [{ "type": "visa", "number": word() }],
            "description": word(),
            "purpose": word(),
            "sanitised_summary": summary,
        }),
    );
    for leg in record["legs"].as_array_mut().expect("legs") {
        leg["carrier"] = word().into();
        leg["service_number"] = word().into();
        for end in ["from", "to"] {
            leg[end]["street"] = word().into();
            leg[end]["name"] = word().into();
            leg[end]["postal_code"] = word().into();
        }
    }
    record["facilitators"][0]["phones"] = json!([canaries.phone()]);
    record
}

/// What is wrong, the kind, and the bytes.
pub(crate) fn faulty(canaries: &mut Canaries) -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let mut all: Vec<(&'static str, &'static str, Vec<u8>)> = Vec::new();
    let number = canaries.number();
    for (what, members) in [
        ("an unknown member", json!({ canaries.word(): canaries.word() })),
        ("an unknown member within", json!({ "address": { canaries.word(): canaries.word() } })),
        ("a value that is not listed", json!({ "gender": canaries.word(), "tlp": canaries.word() })),
        ("a value of another type", json!({ "family_name": [canaries.word()], "is_minor": { "x": canaries.word() } })),
        ("a text that is too long", json!({ "family_name": canaries.word().repeat(20) })),
        ("a text of another form", json!({ "email": canaries.word(), "phones": [canaries.word()] })),
        ("a date that is none", json!({ "date_of_birth": canaries.word(), "retain_until": canaries.word() })),
        (
            "a summary that names the person",
            json!({ "family_name": "Kq9Canary", "sanitised_summary": canaries.summary() }),
        ),
        ("a summary with a number", json!({ "sanitised_summary": canaries.word() })),
        ("a number for a text", json!({ "given_name": number.parse::<u64>().expect("digits") })),
        ("two of the same", json!({ "nationalities": [canaries.word(), canaries.word(), canaries.word()] })),
        ("an identifier in an anonymous record", json!({ "anonymous": true, "given_name": canaries.word() })),
    ] {
        let record = documents::with(profile(canaries), members);
        all.push((what, "victim-profile", record.to_string().into_bytes()));
    }
    let broken = documents::with(route(canaries), json!({ "origin_country": "RO", "confidence": 101 }));
    all.push(("a rule of the legs", "trafficking-route", broken.to_string().into_bytes()));
    all.push(("a route as a profile", "victim-profile", route(canaries).to_string().into_bytes()));
    let good = profile(canaries).to_string();
    let open = good.strip_suffix('}').expect("an object");
    let word = canaries.word();
    let mut bytes = |what, text: String| all.push((what, "victim-profile", text.into_bytes()));
    bytes("cut short", open.to_owned());
    bytes("a second document", format!("{good} {good}"));
    bytes("a member twice", format!("{open},\"family_name\":\"{word}\"}}"));
    bytes("an unknown member twice", format!("{open},\"{word}\":1,\"{word}\":2}}"));
    bytes("a stray word", format!("{open},\"family_name\":{word}}}"));
    bytes("not an object", format!("\"{word}\""));
    bytes("nothing but a word", word.clone());
    bytes("too deep", format!("{open},\"{word}\":{}\"{word}\"{}}}", "[".repeat(40), "]".repeat(40)));
    bytes("a number out of range", format!("{open},\"{word}\":1e999}}"));
    bytes("too large", format!("{open},\"{word}\":\"{}\"}}", word.repeat(9_000)));
    let mut invalid = format!("{open},\"family_name\":\"{word}").into_bytes();
    invalid.extend_from_slice(b"\xff\xfe\"}");
    all.push(("not UTF-8", "victim-profile", invalid));
    all
}
