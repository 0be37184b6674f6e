//! Agreements: every text is read or refused with its faults, and whatever is read grants nothing that a clause does not list, to
//! nobody else, and nothing that it excludes.
//!
//! The first sixteen bytes make the record that is decided about; the rest is the text.
#![no_main]

use causeway_agreement::{Agreement, Change, Clause, Decision, Standing, decide, difference, excluded_by};
use causeway_model::{
    ActionCode, AgencyId, Country, Date, EuropolCode, Handling, InfoGrade, Kind, RecordFacts, SanitisationCode,
    SourceGrade, Timestamp, Tlp,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((made_of, text)) = input.split_first_chunk::<16>() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let (faults, _) = Agreement::faults(text, |_| Vec::new());
    match Agreement::parse(text) {
        Ok(agreement) => {
            assert!(faults.is_empty());
            decided(&agreement, made_of);
        }
        Err(found) => {
            assert!(!found.is_empty());
            assert_eq!(found.len(), faults.len());
        }
    }
});

fn decided(agreement: &Agreement, made_of: &[u8; 16]) {
    let (facts, now) = (facts(made_of), now(agreement, made_of[15]));
    let stranger: AgencyId = "xx-other".parse().expect("an agency id");
    let decision = |agreement, standing, owner| decide(agreement, standing, owner, &facts, now);
    let refused = |decision: Decision<'_>| assert!(matches!(decision, Decision::Deny(_)));
    refused(decision(agreement, Standing::Suspended, &agreement.granting));
    if stranger != agreement.granting {
        refused(decision(agreement, Standing::InForce, &stranger));
    }
    let mut empty = agreement.clone();
    empty.clauses.clear();
    refused(decision(&empty, Standing::InForce, &agreement.granting));
    if let Decision::Grant(clause) = decision(agreement, Standing::InForce, &agreement.granting) {
        granted(agreement, clause, &facts, now);
    }
    let version = Some((agreement, Standing::InForce));
    assert_eq!(difference(version, version, &agreement.granting, &facts, now), Change::Same);
}

/// What must hold of whatever is granted.
fn granted(agreement: &Agreement, clause: &Clause, facts: &RecordFacts, now: Timestamp) {
    assert!(agreement.clauses.contains(clause));
    assert!((agreement.valid_from..=agreement.valid_until).contains(&now.date()));
    assert!(excluded_by(agreement, facts).is_none());
    assert!(clause.kinds.contains(&facts.kind) && clause.filter.applies_to(facts.kind));
    assert!(facts.tlp != Tlp::Red && facts.tlp <= clause.ceiling.tlp);
    assert!(facts.source_grade <= clause.ceiling.source_grade && facts.info_grade <= clause.ceiling.info_grade);
    assert!(facts.releasable_to.iter().any(|party| party.includes(&agreement.recipient)));
    assert!(!facts.processing_restricted && !facts.dissemination_permission_needed);
    assert!(facts.action_code != Some(ActionCode::A1));
    assert!(facts.retain_until.is_none_or(|last| now.date() <= last));
    assert!(!facts.child || clause.children);
}

/// A moment in the agreement's time for most choices, and one just outside for the others.
fn now(agreement: &Agreement, choice: u8) -> Timestamp {
    match choice % 8 {
        0 => Timestamp(agreement.valid_from.start().0.saturating_sub(1)),
        1 => agreement.valid_until.start(),
        2 => Timestamp(agreement.valid_until.start().0.saturating_add(86_400_000_000)),
        _ => agreement.valid_from.start(),
    }
}

fn facts(bytes: &[u8; 16]) -> RecordFacts {
    let country = |byte: u8| -> Country { ["AL", "VN", "GB", "XK"][usize::from(byte % 4)].parse().expect("a country") };
    let some = |byte: u8| (byte & 4 != 0).then(|| country(byte));
    let pick = |byte: u8, of: usize| usize::from(byte) % of;
    let tlp = [Tlp::Clear, Tlp::Green, Tlp::Amber, Tlp::AmberStrict, Tlp::Red];
    let source = [SourceGrade::Reliable, SourceGrade::Untested, SourceGrade::NotReliable];
    let info = [InfoGrade::Direct, InfoGrade::Corroborated, InfoGrade::Indirect, InfoGrade::NotKnown];
    let action = [None, Some(ActionCode::A1), Some(ActionCode::A2), Some(ActionCode::A3)];
    let date = |byte: u8| -> Date { format!("20{:02}-06-01", 20 + byte % 20).parse().expect("a date") };
    RecordFacts {
        kind: [Kind::VictimProfile, Kind::TraffickingRoute][pick(bytes[0], 2)],
        nationalities: some(bytes[1]).into_iter().collect(),
        birth_country: some(bytes[2]),
        recruitment_country: some(bytes[2] >> 3),
        exploitation_countries: some(bytes[3]).into_iter().collect(),
        route_countries: some(bytes[4]).into_iter().collect(),
        route_start: some(bytes[4] >> 3),
        route_end: some(bytes[5]),
        route_has_unknown_stop: bytes[5] & 64 != 0,
        dates: (bytes[6] & 128 != 0).then(|| (date(bytes[6]), date(bytes[6] + 1))),
        exploitation_types: (bytes[7] & 1 != 0).then(|| "ForcedLabour".into()).into_iter().collect(),
        tlp: tlp[pick(bytes[8], tlp.len())],
        source_grade: source[pick(bytes[9], source.len())],
        info_grade: info[pick(bytes[10], info.len())],
        handling: [Handling::Permitted, Handling::Conditions][pick(bytes[11], 2)],
        action_code: action[pick(bytes[11] >> 1, action.len())],
        sanitisation_code: (bytes[11] & 64 != 0).then_some(SanitisationCode::S2),
        releasable_to: ["AL", "VN", "al-police", "GB"][..pick(bytes[12], 5)]
            .iter()
            .map(|party| party.parse().expect("a party"))
            .collect(),
        europol_codes: (bytes[12] & 64 != 0).then_some(EuropolCode::H1).into_iter().collect(),
        dissemination_permission_needed: bytes[13] & 7 == 7,
        child: bytes[13] & 8 != 0,
        anonymous: bytes[13] & 16 != 0,
        processing_restricted: bytes[14] & 7 == 7,
        retain_until: (bytes[14] & 8 != 0).then(|| date(bytes[14] >> 4)),
    }
}
