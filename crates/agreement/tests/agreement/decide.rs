//! The decision: each gate and each limit of a clause, from both sides.

use causeway_agreement::{Agreement, Decision, DenyReason, Filter, Standing, decide};
use causeway_model::{
    ActionCode, AgencyId, Country, Date, EuropolCode, Handling, InfoGrade, Kind, RecordFacts, SanitisationCode,
    SourceGrade, Timestamp, Tlp,
};

use crate::sample;

pub(crate) fn owner() -> AgencyId {
    "gb-nca".parse().expect("an agency id")
}

pub(crate) fn on(date: &str) -> Timestamp {
    date.parse::<Date>().expect("a date").start()
}

pub(crate) fn profile() -> RecordFacts {
    RecordFacts {
        kind: Kind::VictimProfile,
        nationalities: vec!["AL".parse().expect("a country")],
        birth_country: None,
        recruitment_country: None,
        exploitation_countries: vec!["GB".parse().expect("a country")],
        route_countries: vec![],
        route_start: None,
        route_end: None,
        route_has_unknown_stop: false,
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

pub(crate) fn route() -> RecordFacts {
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
fn conditions_need_a_listed_sanitisation_code() {
    let conditions = |code| RecordFacts {
        handling: Handling::Conditions,
        action_code: Some(ActionCode::A2),
        sanitisation_code: code,
        ..profile()
    };
    assert!(answer(&sample(), &conditions(Some(SanitisationCode::S2))).is_ok());
    let not_listed = Err(DenyReason::SanitisationCodeNotListed);
    assert_eq!(answer(&sample(), &conditions(Some(SanitisationCode::S1))), not_listed);
    assert_eq!(answer(&sample(), &conditions(None)), not_listed);
    let mut none = sample();
    none.clauses[0].ceiling.sanitisation_codes.clear();
    assert_eq!(answer(&none, &conditions(Some(SanitisationCode::S2))), not_listed, "none is listed");
    assert!(answer(&none, &profile()).is_ok(), "nothing is asked of what is shared without conditions");
}

#[test]
fn europols_codes_are_admitted_by_the_ceiling() {
    let with = |codes: &[EuropolCode]| RecordFacts { europol_codes: codes.to_vec(), ..profile() };
    let (h0, h1) = (EuropolCode::H0, EuropolCode::H1);
    let not_listed = Err(DenyReason::EuropolCodeNotListed);
    assert!(answer(&sample(), &with(&[])).is_ok());
    assert_eq!(answer(&sample(), &with(&[h0])), not_listed, "no list, no code");
    let mut one = sample();
    one.clauses[0].ceiling.europol_codes = vec![h0];
    assert!(answer(&one, &with(&[h0])).is_ok() && answer(&one, &with(&[])).is_ok());
    assert_eq!(answer(&one, &with(&[h0, h1])), not_listed, "every code of the record is listed");
}

#[test]
fn a_suspended_agreement_grants_nothing() {
    let agreement = sample();
    let decided = |standing, date| decide(&agreement, standing, &owner(), &profile(), on(date));
    assert!(matches!(decided(Standing::InForce, "2026-06-01"), Decision::Grant(_)));
    assert_eq!(decided(Standing::Suspended, "2026-06-01"), Decision::Deny(DenyReason::AgreementSuspended));
    assert_eq!(decided(Standing::Suspended, "2028-01-01"), Decision::Deny(DenyReason::AgreementNotInForce));
}

#[test]
fn nothing_leaves_after_the_last_day_of_the_transfer_condition() {
    let mut agreement = sample();
    agreement.transfer_condition_until = Some("2026-06-01".parse().expect("a date"));
    assert!(answer(&agreement, &profile()).is_ok(), "it is that day");
    agreement.transfer_condition_until = Some("2026-05-31".parse().expect("a date"));
    assert_eq!(answer(&agreement, &profile()), Err(DenyReason::TransferConditionOver));
    agreement.transfer_condition_until = None;
    assert!(answer(&agreement, &profile()).is_ok(), "it holds as long as the agreement does");
}

#[test]
fn routes_are_covered_by_where_they_start_and_end() {
    let country = |code: &str| -> Country { code.parse().expect("a country") };
    let from_to = |start: Option<&str>, end: Option<&str>| RecordFacts {
        route_start: start.map(country),
        route_end: end.map(country),
        ..route()
    };
    let mut agreement = sample();
    agreement.clauses[1].filter =
        Filter { route_starts: Some(vec![country("AL"), country("XK")]), ..Filter::default() };
    assert!(answer(&agreement, &from_to(Some("AL"), None)).is_ok());
    let outside = Err(DenyReason::OutsideFilter);
    assert_eq!(answer(&agreement, &from_to(Some("GB"), Some("AL"))), outside, "it ends there, and touches it");
    assert_eq!(answer(&agreement, &from_to(None, Some("AL"))), outside, "an unknown start is no match");
    agreement.clauses[1].filter.route_ends = Some(vec![country("GB")]);
    assert!(answer(&agreement, &from_to(Some("AL"), Some("GB"))).is_ok());
    assert_eq!(answer(&agreement, &from_to(Some("AL"), Some("BE"))), outside);
    assert_eq!(answer(&agreement, &from_to(Some("AL"), None)), outside);
    agreement.clauses[1].filter.route_countries = Some(vec![country("BE")]);
    assert_eq!(answer(&agreement, &from_to(Some("AL"), Some("GB"))), outside, "every stated list must match");
}

#[test]
fn a_profile_is_covered_where_all_days_that_it_may_be_of_are() {
    let mut agreement = sample();
    let covered = |agreement: &Agreement, dates: Option<(&str, &str)>| {
        let dates = dates.map(|(first, last)| (first.parse().expect("a date"), last.parse().expect("a date")));
        answer(agreement, &RecordFacts { dates, ..profile() }).is_ok()
    };
    let quarter = Some(("2026-01-01", "2026-03-31"));
    assert!(covered(&agreement, None) && covered(&agreement, quarter), "no dates are stated");
    agreement.clauses[0].filter.dates_from = Some("2026-01-01".parse().expect("a date"));
    assert!(covered(&agreement, quarter), "from its first day on");
    assert!(!covered(&agreement, None), "missing means no");
    assert!(!covered(&agreement, Some(("2025-01-01", "2025-12-31"))));
    assert!(!covered(&agreement, Some(("2025-10-01", "2026-09-30"))), "it may be of a day before");
    agreement.clauses[0].filter.dates_until = Some("2026-03-31".parse().expect("a date"));
    assert!(covered(&agreement, quarter), "to its last day");
    assert!(!covered(&agreement, Some(("2026-01-01", "2026-12-31"))), "of a year it may be any day");
    agreement.clauses[0].filter.dates_from = None;
    assert!(covered(&agreement, Some(("2001-01-01", "2001-12-31"))));
    agreement.clauses[0].filter.nationalities = None;
    assert!(!covered(&agreement, quarter), "dates alone are no filter");
}

#[test]
fn a_route_is_covered_where_it_was_in_use_on_a_stated_day() {
    let mut agreement = sample();
    let filter = &mut agreement.clauses[1].filter;
    filter.dates_from = Some("2026-02-15".parse().expect("a date"));
    filter.dates_until = Some("2026-03-31".parse().expect("a date"));
    let covered = |dates: Option<(&str, &str)>| {
        let dates = dates.map(|(first, last)| (first.parse().expect("a date"), last.parse().expect("a date")));
        answer(&agreement, &RecordFacts { dates, ..route() }).is_ok()
    };
    assert!(covered(Some(("2024-01-01", "2026-12-31"))), "the stated days lie within its own");
    assert!(covered(Some(("2025-12-01", "2026-02-28"))) && covered(Some(("2026-03-01", "2027-01-31"))), "they overlap");
    assert!(!covered(Some(("2025-12-01", "2026-02-14"))) && !covered(Some(("2026-04-01", "2027-01-31"))));
    assert!(!covered(None), "missing means no");
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
