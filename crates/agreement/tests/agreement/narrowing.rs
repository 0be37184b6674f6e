//! Random agreements and records from a fixed seed. Two properties hold for all of them:
//! a grant names a clause of the agreement, without which there is one grant less to be had, and no exclusion covers it,
//! whatever the order; and narrowing the agreement or the record in any one way never turns a denial into a grant.

use causeway_agreement::{
    Agreement, Clause, Decision, DenyReason, Exclusion, Filter, HandlingCeiling, Standing, decide, excluded_by,
};
use causeway_model::{
    ActionCode, AgencyId, Country, Date, EuropolCode, Handling, InfoGrade, Kind, RecordFacts, SanitisationCode,
    SourceGrade, Timestamp, Tlp,
};

use crate::sample;

const ROUNDS: u64 = 40_000;
const TLPS: [Tlp; 5] = [Tlp::Clear, Tlp::Green, Tlp::Amber, Tlp::AmberStrict, Tlp::Red];
const SOURCES: [SourceGrade; 3] = [SourceGrade::Reliable, SourceGrade::Untested, SourceGrade::NotReliable];
const INFOS: [InfoGrade; 5] =
    [InfoGrade::Direct, InfoGrade::Corroborated, InfoGrade::Indirect, InfoGrade::NotKnown, InfoGrade::SuspectedFalse];
const ACTIONS: [ActionCode; 3] = [ActionCode::A1, ActionCode::A2, ActionCode::A3];
const SANITISATIONS: [SanitisationCode; 2] = [SanitisationCode::S1, SanitisationCode::S2];
const EUROPOL: [EuropolCode; 2] = [EuropolCode::H0, EuropolCode::H1];

/// SplitMix64: a sequence that a failure's round number repeats.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % u64::try_from(bound).expect("small")).expect("below a usize")
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }

    fn some<T: Clone>(&mut self, from: &[T]) -> Vec<T> {
        from.iter().filter(|_| self.below(2) == 0).cloned().collect()
    }
}

fn countries() -> Vec<Country> {
    ["AL", "VN", "GB"].iter().map(|code| code.parse().expect("a country")).collect()
}

fn types() -> Vec<Box<str>> {
    vec!["ForcedLabour".into(), "Servitude".into()]
}

fn day(offset: usize) -> Date {
    Date::new(2026, 6, u8::try_from(10 + offset).expect("small")).expect("a date")
}

fn random_filter(random: &mut Random) -> Filter {
    let list = |random: &mut Random| (!random.one_in(3)).then(|| random.some(&countries()));
    Filter {
        nationalities: list(random),
        birth_countries: if random.one_in(4) { list(random) } else { None },
        route_countries: list(random),
        route_starts: if random.one_in(4) { list(random) } else { None },
        route_ends: if random.one_in(4) { list(random) } else { None },
        exploitation_types: random.one_in(4).then(|| random.some(&types())),
        dates_from: random.one_in(4).then(|| day(random.below(5))),
        dates_until: random.one_in(4).then(|| day(4 + random.below(5))),
    }
}

fn random_exclusion(random: &mut Random, index: usize) -> Exclusion {
    let id = format!("c9.{index}").parse().expect("a clause id");
    Exclusion { id, kinds: random.some(&Kind::ALL), filter: random_filter(random) }
}

fn random_clause(random: &mut Random, template: &Clause) -> Clause {
    let filter = random_filter(random);
    let ceiling = HandlingCeiling {
        // The weaker of two, against the stricter of two in a record: else hardly anything is granted.
        tlp: random.pick(&TLPS).max(random.pick(&TLPS)),
        source_grade: random.pick(&SOURCES).max(random.pick(&SOURCES)),
        info_grade: random.pick(&INFOS).max(random.pick(&INFOS)),
        action_codes: random.some(&ACTIONS),
        sanitisation_codes: random.some(&SANITISATIONS),
        europol_codes: random.some(&EUROPOL),
    };
    Clause { kinds: random.some(&Kind::ALL), filter, ceiling, children: random.one_in(2), ..template.clone() }
}

fn random_agreement(random: &mut Random) -> Agreement {
    let template = sample();
    let clauses = (0..random.below(5))
        .map(|index| Clause {
            id: format!("c{index}").parse().expect("a clause id"),
            ..random_clause(random, &template.clauses[0])
        })
        .collect();
    let exclusions = (0..random.below(2)).map(|index| random_exclusion(random, index)).collect();
    let from = random.below(4);
    let transfer_condition_until = random.one_in(4).then(|| day(random.below(10)));
    Agreement {
        valid_from: day(from),
        valid_until: day(from + random.below(8)),
        transfer_condition_until,
        clauses,
        exclusions,
        ..template
    }
}

fn random_facts(random: &mut Random) -> RecordFacts {
    let strictest = if random.one_in(4) { TLPS.len() } else { 3 };
    RecordFacts {
        kind: random.pick(&Kind::ALL),
        nationalities: random.some(&countries()),
        birth_country: random.one_in(2).then(|| random.pick(&countries())),
        recruitment_country: None,
        exploitation_countries: vec![],
        route_countries: random.some(&countries()),
        route_start: random.one_in(2).then(|| random.pick(&countries())),
        route_end: random.one_in(2).then(|| random.pick(&countries())),
        route_has_unknown_stop: random.one_in(3),
        dates: random.one_in(2).then(|| day(random.below(5))).map(|first| (first, day(4 + random.below(5)))),
        exploitation_types: random.some(&types()),
        tlp: random.pick(&TLPS[..strictest]),
        source_grade: random.pick(&SOURCES).min(random.pick(&SOURCES)),
        info_grade: random.pick(&INFOS).min(random.pick(&INFOS)),
        handling: random.pick(&[Handling::Permitted, Handling::Conditions]),
        action_code: random.one_in(3).then(|| random.pick(&ACTIONS)),
        sanitisation_code: random.one_in(2).then(|| random.pick(&SANITISATIONS)),
        releasable_to: if random.one_in(5) { vec![] } else { vec!["AL".parse().expect("a party")] },
        europol_codes: if random.one_in(4) { random.some(&EUROPOL) } else { vec![] },
        dissemination_permission_needed: random.one_in(8),
        child: random.one_in(3),
        anonymous: false,
        processing_restricted: random.one_in(8),
        retain_until: (!random.one_in(8)).then(|| day(random.below(10))),
    }
}

/// One change that leaves the agreement granting no more than it did.
fn narrow(random: &mut Random, agreement: &mut Agreement) {
    match random.below(4) {
        0 => agreement.valid_until = day(0),
        1 => agreement.valid_from = day(9),
        2 => agreement.exclusions.push(random_exclusion(random, 9)),
        _ => {}
    }
    if agreement.clauses.is_empty() {
        return;
    }
    let index = random.below(agreement.clauses.len());
    let clause = &mut agreement.clauses[index];
    match random.below(13) {
        0 => {
            agreement.clauses.remove(index);
        }
        1 => {
            clause.kinds.pop();
        }
        2 => clause.children = false,
        3 => clause.ceiling.tlp = clause.ceiling.tlp.min(random.pick(&TLPS)),
        4 => clause.ceiling.source_grade = clause.ceiling.source_grade.min(random.pick(&SOURCES)),
        5 => clause.ceiling.info_grade = clause.ceiling.info_grade.min(random.pick(&INFOS)),
        6 => {
            clause.ceiling.action_codes.pop();
        }
        7 => narrow_lists(random, &mut clause.filter),
        8 => drop(clause.ceiling.sanitisation_codes.pop()),
        9 => drop(clause.ceiling.europol_codes.pop()),
        10 => {
            clause.filter.dates_from = clause.filter.dates_from.max(Some(day(random.below(10))));
            clause.filter.dates_until =
                Some(clause.filter.dates_until.unwrap_or_else(|| day(9)).min(day(random.below(10))));
        }
        11 => {
            let sooner = agreement.transfer_condition_until.unwrap_or_else(|| day(9)).min(day(random.below(10)));
            agreement.transfer_condition_until = Some(sooner);
        }
        _ => add_list(random, clause),
    }
}

fn narrow_lists(random: &mut Random, filter: &mut Filter) {
    let lists = [
        &mut filter.nationalities,
        &mut filter.birth_countries,
        &mut filter.route_countries,
        &mut filter.route_starts,
        &mut filter.route_ends,
    ];
    for list in lists.into_iter().flatten() {
        if random.one_in(2) {
            list.pop();
        }
    }
    if let Some(types) = &mut filter.exploitation_types {
        types.pop();
    }
}

/// A list more narrows only where the kinds were narrowed already: a clause without a filter covers nothing.
fn add_list(random: &mut Random, clause: &mut Clause) {
    let kinds = &clause.kinds;
    if kinds.iter().all(|kind| clause.filter.applies_to(*kind)) {
        let filter = &mut clause.filter;
        filter.route_starts.get_or_insert_with(|| random.some(&countries()));
        filter.birth_countries.get_or_insert_with(|| random.some(&countries()));
        filter.exploitation_types.get_or_insert_with(|| random.some(&types()));
    }
}

/// One change that makes a record stricter.
fn restrict(random: &mut Random, facts: &mut RecordFacts) {
    match random.below(13) {
        0 => facts.processing_restricted = true,
        1 => facts.tlp = facts.tlp.max(random.pick(&TLPS)),
        2 => facts.releasable_to.clear(),
        3 => facts.retain_until = Some(day(0)),
        4 => facts.child = true,
        5 => facts.source_grade = facts.source_grade.max(random.pick(&SOURCES)),
        7 => facts.dates = None,
        8 => facts.europol_codes = EUROPOL.to_vec(),
        9 => facts.handling = Handling::Conditions,
        10 => (facts.route_start, facts.route_end) = (None, None),
        11 => (facts.nationalities, facts.birth_country) = (vec![], None),
        6 => facts.info_grade = facts.info_grade.max(random.pick(&INFOS)),
        _ => facts.action_code = Some(ActionCode::A1),
    }
}

#[test]
fn nothing_narrower_grants_more() {
    let owner: AgencyId = "gb-nca".parse().expect("an agency id");
    let (mut granted, mut lost, mut excluded) = (0u32, 0u32, 0u32);
    for round in 0..ROUNDS {
        let mut random = Random(round.wrapping_mul(0x2545_f491_4f6c_dd1d));
        let agreement = random_agreement(&mut random);
        let facts = random_facts(&mut random);
        let now: Timestamp = day(random.below(10)).start();
        let before = decide(&agreement, Standing::InForce, &owner, &facts, now);

        let mut reversed = agreement.clone();
        reversed.clauses.reverse();
        reversed.exclusions.reverse();
        if excluded_by(&agreement, &facts).is_some() {
            excluded += u32::from(before == Decision::Deny(DenyReason::Excluded));
            let after = decide(&reversed, Standing::InForce, &owner, &facts, now);
            assert!(matches!(before, Decision::Deny(_)) && after == before, "round {round}: an exclusion is opened");
        }

        let (mut narrower, mut stricter) = (agreement.clone(), facts.clone());
        if random.one_in(2) {
            narrow(&mut random, &mut narrower);
        } else {
            restrict(&mut random, &mut stricter);
        }
        let after = decide(&narrower, Standing::InForce, &owner, &stricter, now);

        match before {
            Decision::Deny(_) => assert!(
                matches!(after, Decision::Deny(_)),
                "round {round}: {agreement:?} denies {facts:?}, but {narrower:?} grants {stricter:?}"
            ),
            Decision::Grant(clause) => {
                granted += 1;
                lost += u32::from(matches!(after, Decision::Deny(_)));
                assert!(agreement.clauses.contains(clause), "round {round}: grants by a clause that is not there");
                let without = Agreement { clauses: vec![], ..agreement.clone() };
                assert!(
                    matches!(decide(&without, Standing::InForce, &owner, &facts, now), Decision::Deny(_)),
                    "round {round}"
                );
            }
        }
    }
    assert!(
        granted > 200 && lost > 50 && excluded > 200,
        "the draw reaches all sides: {granted} granted, {lost} of them lost, {excluded} excluded"
    );
}
