//! The decision: each gate and each limit of a clause, from both sides.

use causeway_agreement::{Agreement, Decision, DenyReason, Filter, Standing, decide};
use causeway_model::{
    ActionCode, AgencyId, Date, Handling, InfoGrade, Kind, RecordFacts, SanitisationCode, SourceGrade, Timestamp, Tlp,
};

use crate::sample;

fn owner() -> AgencyId {
    "gb-nca".parse().expect("an agency id")
}

fn on(date: &str) -> Timestamp {
    date.parse::<Date>().expect("a date").start()
}

fn profile() -> RecordFacts {
    RecordFacts {
        kind: Kind::VictimProfile,
        nationalities: vec!["AL".parse().expect("a country")],
        birth_country: None,
        recruitment_country: None,
        exploitation_countries: vec!["GB".parse().expect("a country")],
        route_countries: vec![],
        route_start: None,
        route_end: None,
        dates: None,
        exploitation_types: vec!["ForcedLabour".into()],
        tlp: Tlp::Amber,
        source_grade: SourceGrade::Untested,
        info_grade: InfoGrade::Indirect,
        handling: Handling::Permitted,
        action_code: None,
        sanitisation_code: None,
        releasable_to: vec!["AL".parse().expect("a party")],
        europol_codes: vec![],
        dissemination_permission_needed: false,
        child: false,
        anonymous: false,
        processing_restricted: false,
        retain_until: Some("2026-12-31".parse().expect("a date")),
    }
}

fn route() -> RecordFacts {
    RecordFacts {
        kind: Kind::TraffickingRoute,
        nationalities: vec![],
        route_countries: vec!["AL".parse().expect("a country"), "GB".parse().expect("a country")],
        tlp: Tlp::Green,
        source_grade: SourceGrade::Reliable,
        info_grade: InfoGrade::Corroborated,
        ..profile()
    }
}

/// The clause that grants, or the reason why none does.
fn answer(agreement: &Agreement, facts: &RecordFacts) -> Result<String, DenyReason> {
    match decide(agreement, Standing::InForce, &owner(), facts, on("2026-06-01")) {
        Decision::Grant(clause) => Ok(clause.id.to_string()),
        Decision::Deny(reason) => Err(reason),
    }
}

/// A record is granted as it is and denied once it is changed.
fn denied_once(mut facts: RecordFacts, change: impl FnOnce(&mut RecordFacts), reason: DenyReason) {
    assert!(answer(&sample(), &facts).is_ok(), "granted before the change to {reason}");
    change(&mut facts);
    assert_eq!(answer(&sample(), &facts), Err(reason));
}

#[test]
fn the_first_clause_that_grants_is_named() {
    assert_eq!(answer(&sample(), &profile()), Ok("c3.1".into()));
    assert_eq!(answer(&sample(), &route()), Ok("c3.2".into()));
    let mut twice = sample();
    let mut same = twice.clauses[0].clone();
    same.id = "c9".parse().expect("a clause id");
    twice.clauses.push(same);
    assert_eq!(answer(&twice, &profile()), Ok("c3.1".into()));
}

#[test]
fn no_clause_is_no_grant() {
    let mut empty = sample();
    empty.clauses.clear();
    assert_eq!(answer(&empty, &profile()), Err(DenyReason::NoClauseForKind));
}

#[test]
fn an_agreement_counts_from_its_first_day_to_its_last() {
    let agreement = sample();
    let mut facts = profile();
    facts.retain_until = Some("2030-01-01".parse().expect("a date"));
    let granted = |now| matches!(decide(&agreement, Standing::InForce, &owner(), &facts, now), Decision::Grant(_));
    let late = Decision::Deny(DenyReason::AgreementNotInForce);
    assert_eq!(decide(&agreement, Standing::InForce, &owner(), &facts, on("2025-12-31")), late);
    assert!(granted(on("2026-01-01")));
    assert!(granted(Timestamp(on("2028-01-01").0 - 1)), "the last microsecond of the last day");
    assert_eq!(decide(&agreement, Standing::InForce, &owner(), &facts, on("2028-01-01")), late);
}

#[test]
fn only_the_granting_agencys_records_leave() {
    let agreement = sample();
    let decide_for = |owner: &str| {
        decide(&agreement, Standing::InForce, &owner.parse().expect("an agency id"), &profile(), on("2026-06-01"))
    };
    assert_eq!(decide_for("vn-police"), Decision::Deny(DenyReason::OwnerNotGranting));
    assert_eq!(decide_for("al-police"), Decision::Deny(DenyReason::OwnerNotGranting));
    let mut to_itself = sample();
    to_itself.recipient = owner();
    let mut facts = profile();
    facts.releasable_to.push("GB".parse().expect("a party"));
    assert_eq!(answer(&to_itself, &facts), Err(DenyReason::RecipientIsOwner));
}

#[test]
fn gates_that_no_clause_opens() {
    denied_once(profile(), |facts| facts.processing_restricted = true, DenyReason::ProcessingRestricted);
    denied_once(profile(), |facts| facts.tlp = Tlp::Red, DenyReason::TlpRed);
    denied_once(profile(), |facts| facts.releasable_to.clear(), DenyReason::NotReleasableToRecipient);
    denied_once(
        profile(),
        |facts| facts.releasable_to = vec!["VN".parse().expect("a party"), "al-other".parse().expect("a party")],
        DenyReason::NotReleasableToRecipient,
    );
    denied_once(
        profile(),
        |facts| facts.retain_until = Some("2026-05-31".parse().expect("a date")),
        DenyReason::RetentionOver,
    );
    for facts in [profile(), route()] {
        denied_once(
            facts,
            |facts| facts.dissemination_permission_needed = true,
            DenyReason::DisseminationPermissionNeeded,
        );
    }
    let mut last_day = profile();
    last_day.retain_until = Some("2026-06-01".parse().expect("a date"));
    last_day.releasable_to = vec!["al-police".parse().expect("a party")];
    assert!(answer(&sample(), &last_day).is_ok(), "kept to the end of its last day, released to the agency by name");
}

#[test]
fn filters_cover_what_they_state_and_nothing_else() {
    let country = |code: &str| code.parse().expect("a country");
    denied_once(profile(), |facts| facts.nationalities = vec![country("VN")], DenyReason::OutsideFilter);
    denied_once(profile(), |facts| facts.nationalities.clear(), DenyReason::OutsideFilter);
    denied_once(route(), |facts| facts.route_countries = vec![country("VN")], DenyReason::OutsideFilter);

    let mut agreement = sample();
    agreement.clauses[0].filter.exploitation_types = Some(vec!["Servitude".into()]);
    assert_eq!(answer(&agreement, &profile()), Err(DenyReason::OutsideFilter), "every stated list must share a member");
    agreement.clauses[0].filter.exploitation_types = Some(vec!["Servitude".into(), "ForcedLabour".into()]);
    assert!(answer(&agreement, &profile()).is_ok());
    agreement.clauses[0].filter.birth_countries = Some(vec![country("AL")]);
    assert_eq!(
        answer(&agreement, &profile()),
        Err(DenyReason::OutsideFilter),
        "an unknown country of birth is no match"
    );
    agreement.clauses[0].filter = Filter::default();
    assert_eq!(answer(&agreement, &profile()), Err(DenyReason::OutsideFilter), "no filter is no grant");
    agreement.clauses[0].filter.route_countries = Some(vec![country("AL"), country("GB")]);
    assert_eq!(answer(&agreement, &profile()), Err(DenyReason::OutsideFilter), "a list for routes grants no profile");
}

#[test]
fn a_kind_without_a_clause_does_not_leave() {
    let mut agreement = sample();
    agreement.clauses.remove(1);
    assert_eq!(answer(&agreement, &route()), Err(DenyReason::NoClauseForKind));
    assert!(answer(&agreement, &profile()).is_ok());
}

#[test]
fn ceilings_hold() {
    denied_once(profile(), |facts| facts.tlp = Tlp::AmberStrict, DenyReason::TlpAboveCeiling);
    denied_once(profile(), |facts| facts.source_grade = SourceGrade::NotReliable, DenyReason::SourceGradeAboveCeiling);
    denied_once(profile(), |facts| facts.info_grade = InfoGrade::NotKnown, DenyReason::InfoGradeAboveCeiling);
    denied_once(profile(), |facts| facts.child = true, DenyReason::ChildNotCovered);
    let mut with_children = sample();
    with_children.clauses[0].children = true;
    assert!(answer(&with_children, &RecordFacts { child: true, ..profile() }).is_ok());
}

#[test]
fn conditions_need_a_listed_action_code() {
    let conditions = |action_code| RecordFacts {
        handling: Handling::Conditions,
        action_code,
        sanitisation_code: Some(SanitisationCode::S2),
        ..profile()
    };
    assert!(answer(&sample(), &conditions(Some(ActionCode::A2))).is_ok());
    assert_eq!(answer(&sample(), &conditions(Some(ActionCode::A3))), Err(DenyReason::ActionCodeNotListed));
    assert_eq!(answer(&sample(), &conditions(None)), Err(DenyReason::ActionCodeNotListed));
    let mut all_codes = sample();
    all_codes.clauses[0].ceiling.action_codes = vec![ActionCode::A1, ActionCode::A2, ActionCode::A3];
    assert!(answer(&all_codes, &conditions(Some(ActionCode::A3))).is_ok());
    assert_eq!(answer(&all_codes, &conditions(Some(ActionCode::A1))), Err(DenyReason::OriginatorPermissionNeeded));
}

#[test]
fn a_denial_names_the_clause_that_came_nearest() {
    let mut facts = profile();
    facts.tlp = Tlp::AmberStrict;
    assert_eq!(answer(&sample(), &facts), Err(DenyReason::TlpAboveCeiling), "not the last clause, which is for routes");
}

#[test]
fn reason_codes_are_stable_and_distinct() {
    let codes: std::collections::BTreeSet<_> = DenyReason::ALL.iter().map(|reason| reason.as_str()).collect();
    assert_eq!(codes.len(), DenyReason::ALL.len());
    assert!(codes.iter().all(|code| code.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')));
}
