//! Victim profiles of the sample.

use serde_json::{Map, Value, json};

use super::person::Person;
use super::places::{RESPONDERS, TOWNS, date, day};
use super::random::Random;

/// Adults who do not consent, so that reports under the duty to notify are 5,598 beside 19,125 referrals.
const DUTY_TO_NOTIFY_PERCENT: u32 = 40;
/// Profiles that continue an earlier person's story: the next stage of the same case.
const SAME_PERSON_PERCENT: u32 = 15;
/// How far back an earlier person may lie.
const SAME_PERSON_REACH: usize = 50;
const TYPES: &[(&str, u32)] = &[
    ("ForcedLabour", 32),
    ("ForcedCriminality", 26),
    ("SexualExploitation", 20),
    ("Servitude", 8),
    ("ForcedBegging", 1),
    ("OrganRemoval", 1),
    ("NotSpecified", 12),
];
const MEANS: &[&str] = &[
    "DebtBondage",
    "FalsePromises",
    "PhysicalThreats",
    "PsychologicalAbuse",
    "RestrictsMovement",
    "TakesEarnings",
    "ThreatensChildrenFamily",
    "WithholdsDocuments",
];
const ACCOUNT: &str = "Synthetic record: describes nobody. The person says that work was promised, that papers were \
                       taken on arrival, and that what was earned was kept against a debt.";

/// The profile with `number`. A `whole` one names an adult, with everything that a fault may spoil.
pub(crate) fn profile(seed: u64, number: usize, whole: bool, random: &mut Random) -> Map<String, Value> {
    let earlier = number > 0 && !whole && random.chance(SAME_PERSON_PERCENT);
    let about = if earlier { number - 1 - random.index(number.min(SAME_PERSON_REACH)) } else { number };
    let mut person = Person::new(seed, about);
    if whole && person.child {
        (person.child, person.birth_year, person.age_band) = (false, 1997, "27-29");
    }
    let anonymous = !whole && !earlier && !person.child && random.chance(DUTY_TO_NOTIFY_PERCENT);
    let mut record = Map::new();
    if anonymous {
        add(&mut record, json!({"anonymous": true, "nrm_route": "duty_to_notify", "consent_given": false}));
    } else {
        identity(&mut record, &person, number, random);
        add(&mut record, json!({"anonymous": false, "nrm_route": "nrm", "consent_given": true}));
    }
    traits(&mut record, &person, random);
    referral(&mut record, earlier, random);
    exploitation(&mut record, &person, random);
    if person.child {
        add(&mut record, json!({"child_detail": {"local_authority_informed": "yes", "missing_from_care": "no"}}));
    }
    add(&mut record, handling(person.nationality, random));
    record
}

/// Grades, codes and limits of a record; the people of which country it concerns decides who may have it.
pub(crate) fn handling(country: &str, random: &mut Random) -> Value {
    let to = match (random.below(100), country) {
        (0..10, _) => json!([]),
        (10..18, _) => json!(["al-police", "vn-police"]),
        (_, "AL") => json!(["al-police"]),
        (_, "VN") => json!(["vn-police"]),
        (50.., "GB") => json!([]),
        (_, "GB") => json!(["AL", "VN"]),
        (_, other) => json!([other]),
    };
    let mut block = json!({
        "source_grade": random.weighted(&[("1", 55), ("2", 38), ("3", 7)]),
        "info_grade": random.weighted(&[("A", 45), ("B", 25), ("C", 20), ("D", 8), ("E", 2)]),
        "handling": "P",
        "tlp": random.weighted(&[("GREEN", 40), ("AMBER", 35), ("AMBER+STRICT", 12), ("RED", 8), ("CLEAR", 5)]),
        "releasable_to": to,
        "assertion_basis": random.pick(&["fact", "assessment"]),
        "transfer_condition": "s75_instrument",
        "onward_transfer": "with_originator_authorisation",
        "purpose": "synthetic: preventing trafficking and protecting those affected",
        "retention_review_due": "2034-01-01",
        "retain_until": "2039-12-31",
        "processing_restricted": random.chance(3)
    });
    if random.chance(20) {
        block["handling"] = json!("C");
        block["action_code"] = json!(random.weighted(&[("A1", 20), ("A2", 40), ("A3", 40)]));
        block["sanitisation_code"] = json!(random.pick(&["S1", "S2"]));
    }
    block
}

/// Adds the members of an object.
pub(crate) fn add(record: &mut Map<String, Value>, members: Value) {
    if let Value::Object(members) = members {
        record.extend(members);
    }
}

fn identity(record: &mut Map<String, Value>, person: &Person, number: usize, random: &mut Random) {
    let serial = random.below(900_000) + 100_000;
    add(
        record,
        json!({
            "subject_reference": person.reference,
            "nrm_reference": format!("SYN-NRM-{number:07}"),
            "given_name": person.given_name,
            "family_name": person.family_name,
            "date_of_birth": format!("{}-{:02}", person.birth_year, random.below(12) + 1),
            "birth_place": format!("Sampletown {}", random.below(90) + 10),
            // Ofcom keeps 07700 900000 to 900999 for drama.
            "phones": [format!("+447700900{:03}", random.below(1000))],
            "current_location": {"region": "Greater London", "city": "synthetic"},
            "identity_documents": [{
                "type": random.pick(&["passport", "national_id"]),
                "number": format!("SYN{serial}"),
                "issuing_country": person.nationality
            }],
            "external_references": [{"scheme": "home_office", "value": format!("SYN-HO-{serial}")}]
        }),
    );
    if random.chance(10) {
        add(record, json!({"route_refs": [format!("SYN-R-{:07}", random.index(number + 1))]}));
    }
}

fn traits(record: &mut Map<String, Value>, person: &Person, random: &mut Random) {
    let second = random.chance(3) && person.nationality == "AL";
    let nationalities = if second { json!(["AL", "XK"]) } else { json!([person.nationality]) };
    add(
        record,
        json!({
            "data_subject_category": "victim",
            "gender": person.gender,
            "nationalities": nationalities,
            "birth_country": person.nationality,
            "is_minor": if person.child { "yes" } else { "no" },
            "was_minor_at_exploitation": if person.child { "yes" } else { random.pick(&["no", "no", "not_sure"]) },
            "age_band": person.age_band,
            "vulnerabilities": [random.pick(&["Poverty", "Migration", "MentalHealth", "Homelessness"])],
            "still_in_situation": random.weighted(&[("no", 85), ("not_sure", 12), ("yes", 3)]),
            "last_contact_band": random.pick(&["within-the-last-month", "within-the-last-3-month", "over-a-year-ago"])
        }),
    );
}

fn referral(record: &mut Map<String, Value>, later: bool, random: &mut Random) {
    let (stage, decision) = if later {
        random.pick(&[("reasonable_grounds", "positive"), ("conclusive_grounds", "positive")])
    } else {
        random.weighted(&[(("referred", "pending"), 70), (("reasonable_grounds", "positive"), 30)])
    };
    let status =
        if stage == "conclusive_grounds" { "ActualVictimOfTrafficking" } else { "PossibleVictimOfTrafficking" };
    add(
        record,
        json!({
            "nrm_stage": stage,
            "nrm_decision": decision,
            "competent_authority": random.weighted(&[("SCA", 79), ("IECA", 21)]),
            "trafficking_status": status,
            "referral_date": date(day(random)),
            "first_responder": random.weighted(RESPONDERS),
            "police_force": random.pick(&["Kent Police", "Metropolitan Police Service", "Greater Manchester Police"])
        }),
    );
}

fn exploitation(record: &mut Map<String, Value>, person: &Person, random: &mut Random) {
    let kind = random.weighted(TYPES);
    let first = random.index(MEANS.len() - 1);
    let year = 2019 + random.below(5);
    let (town, subdivision) = random.pick(TOWNS);
    let abroad =
        if matches!(person.nationality, "ER" | "SD" | "SO" | "ET") { json!(["LY", "GB"]) } else { json!(["GB"]) };
    add(
        record,
        json!({
            "exploitation_types": [kind],
            "means_of_control": [MEANS[first], MEANS[first + 1]],
            "recruiter_relationship": random.pick(&["friend", "family", "intimate_partner", "other", "unknown"]),
            "recruitment_methods": [random.pick(&["ThroughFriendsOrSocialEvents", "ThroughOnlineSocialNetworks"])],
            "recruitment_platforms": [random.pick(&["Facebook", "TikTok", "Telegram", "Other"])],
            "recruitment_country": person.nationality,
            "exploitation_countries": abroad,
            "exploitation_uk_places": [{"town": town, "subdivision": subdivision}],
            "exploitation_start": format!("{year}-{:02}", random.below(12) + 1),
            "exploitation_end": format!("{}", year + 1),
            "duration_band": random.pick(&["0-12", "13-24", "unknown"]),
            "narrative": {"account": ACCOUNT}
        }),
    );
    if kind == "ForcedLabour" {
        add(record, json!({"labour_sector": random.pick(&["A", "C", "F", "G", "I", "S"])}));
    }
    if kind == "SexualExploitation" {
        add(record, json!({"sexual_exploitation_types": ["Prostitution"]}));
    }
    if kind == "ForcedCriminality" {
        add(record, json!({"county_lines": person.nationality == "GB"}));
    }
}
