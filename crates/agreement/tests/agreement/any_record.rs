//! Any record under any agreement: it is granted exactly where everything that the paper asks for holds, said here a second time in
//! other words; and whatever protects more never grants more.

use std::sync::LazyLock;

use causeway_agreement::{Agreement, Clause, Decision, DenyReason, Exclusion, Filter, Standing, decide};
use causeway_model::{
    ActionCode, AgencyId, Country, Date, EuropolCode, Handling, InfoGrade, Kind, RecordFacts, SanitisationCode,
    SourceGrade, Timestamp, Tlp,
};

use crate::decide::{on, owner};
use crate::sample;

/// Agreements and records of each run.
const DRAWS: u64 = 12_000;

/// What every agreement begins from, read once.
static SAMPLE: LazyLock<Agreement> = LazyLock::new(sample);

/// Numbers drawn from a seed, the same for ever (splitmix64).
struct Draw(u64);

impl Draw {
    fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn one_in(&mut self, many: u64) -> bool {
        self.number().is_multiple_of(many)
    }

    fn of<T: Clone>(&mut self, all: &[T]) -> T {
        let at = self.number() % all.len() as u64;
        all[usize::try_from(at).expect("within the list")].clone()
    }

    fn some_of<T: Clone>(&mut self, all: &[T]) -> Vec<T> {
        all.iter().filter(|_| self.one_in(2)).cloned().collect()
    }

    fn country(&mut self) -> Country {
        self.of(&["AL", "VN", "GB", "XK"]).parse().expect("a country")
    }

    fn countries(&mut self) -> Vec<Country> {
        (0..1 + self.number() % 3).skip(usize::from(self.one_in(5))).map(|_| self.country()).collect()
    }

    fn date(&mut self) -> Date {
        self.of(&["2024-05-05", "2026-01-01", "2026-06-01", "2026-06-02", "2027-12-31", "2029-01-01"])
            .parse()
            .expect("a date")
    }

    fn filter(&mut self) -> Filter {
        let mut countries = || self.one_in(2).then(|| self.countries());
        let (nationalities, birth_countries, route_countries) = (countries(), countries(), countries());
        let (route_starts, route_ends) = (countries(), countries());
        Filter {
            nationalities,
            birth_countries: birth_countries.filter(|_| self.one_in(3)),
            route_countries,
            route_starts: route_starts.filter(|_| self.one_in(3)),
            route_ends: route_ends.filter(|_| self.one_in(3)),
            exploitation_types: self.one_in(3).then(|| self.some_of(&["ForcedLabour".into(), "Servitude".into()])),
            dates_from: self.one_in(4).then(|| self.date()),
            dates_until: self.one_in(4).then(|| self.date()),
        }
    }

    fn clause(&mut self, like: &Clause, number: u64) -> Clause {
        let mut clause = like.clone();
        clause.id = format!("c{number}").parse().expect("a clause id");
        clause.kinds = self.some_of(&[Kind::VictimProfile, Kind::TraffickingRoute]);
        clause.filter = self.filter();
        clause.children = self.one_in(2);
        clause.ceiling.tlp = self.of(&[Tlp::Clear, Tlp::Green, Tlp::Amber, Tlp::AmberStrict]);
        clause.ceiling.source_grade =
            self.of(&[SourceGrade::Reliable, SourceGrade::Untested, SourceGrade::NotReliable]);
        clause.ceiling.info_grade = self.of(&[InfoGrade::Direct, InfoGrade::Indirect, InfoGrade::SuspectedFalse]);
        clause.ceiling.action_codes = self.some_of(&[ActionCode::A2, ActionCode::A3]);
        clause.ceiling.sanitisation_codes = self.some_of(&[SanitisationCode::S1, SanitisationCode::S2]);
        clause.ceiling.europol_codes = self.some_of(&[EuropolCode::H0, EuropolCode::H1]);
        clause
    }

    fn agreement(&mut self) -> Agreement {
        let mut agreement = SAMPLE.clone();
        let like = agreement.clauses[0].clone();
        agreement.clauses = (0..self.number() % 4).map(|number| self.clause(&like, number)).collect();
        agreement.exclusions = (0..(self.number() % 6).saturating_sub(4))
            .map(|number| Exclusion {
                id: format!("c9.{number}").parse().expect("an id"),
                kinds: self.some_of(&[Kind::VictimProfile, Kind::TraffickingRoute]),
                filter: self.filter(),
            })
            .collect();
        agreement.transfer_condition_until = self.one_in(6).then(|| self.date());
        agreement
    }

    fn facts(&mut self) -> RecordFacts {
        RecordFacts {
            kind: self.of(&[Kind::VictimProfile, Kind::TraffickingRoute]),
            nationalities: self.countries(),
            birth_country: self.one_in(2).then(|| self.country()),
            recruitment_country: self.one_in(2).then(|| self.country()),
            exploitation_countries: self.countries(),
            route_countries: self.countries(),
            route_start: self.one_in(2).then(|| self.country()),
            route_end: self.one_in(2).then(|| self.country()),
            route_has_unknown_stop: self.one_in(4),
            dates: self.one_in(2).then(|| (self.date(), self.date())).map(|(a, b)| (a.min(b), a.max(b))),
            exploitation_types: self.some_of(&["ForcedLabour".into(), "Servitude".into(), "NotSpecified".into()]),
            tlp: self.of(&[Tlp::Clear, Tlp::Green, Tlp::Green, Tlp::Amber, Tlp::AmberStrict, Tlp::Red]),
            source_grade: self.of(&[SourceGrade::Reliable, SourceGrade::Untested, SourceGrade::NotReliable]),
            info_grade: self.of(&[
                InfoGrade::Direct,
                InfoGrade::Corroborated,
                InfoGrade::Indirect,
                InfoGrade::NotKnown,
            ]),
            handling: self.of(&[Handling::Permitted, Handling::Permitted, Handling::Conditions]),
            action_code: self.of(&[
                None,
                None,
                Some(ActionCode::A2),
                Some(ActionCode::A2),
                Some(ActionCode::A3),
                Some(ActionCode::A1),
            ]),
            sanitisation_code: self.of(&[None, Some(SanitisationCode::S1), Some(SanitisationCode::S2)]),
            releasable_to: ["AL", "VN", "al-police", "vn-police"]
                .iter()
                .filter(|_| self.one_in(2))
                .map(|party| party.parse().expect("a party"))
                .collect(),
            europol_codes: if self.one_in(4) { vec![self.of(&[EuropolCode::H0, EuropolCode::H1])] } else { vec![] },
            dissemination_permission_needed: self.one_in(12),
            child: self.one_in(4),
            anonymous: self.one_in(4),
            processing_restricted: self.one_in(12),
            retain_until: self.one_in(4).then(|| self.date()),
        }
    }

    fn case(&mut self) -> Case {
        Case {
            agreement: self.agreement(),
            standing: if self.one_in(12) { Standing::Suspended } else { Standing::InForce },
            owner: if self.one_in(12) {
                self.of(&["vn-police", "al-police"]).parse().expect("an agency id")
            } else {
                owner()
            },
            facts: self.facts(),
            now: if self.one_in(12) { self.date().start() } else { on("2026-06-01") },
        }
    }
}

/// A record that is decided about.
#[derive(Debug)]
struct Case {
    agreement: Agreement,
    standing: Standing,
    owner: AgencyId,
    facts: RecordFacts,
    now: Timestamp,
}

impl Case {
    fn decision(&self) -> Decision<'_> {
        decide(&self.agreement, self.standing, &self.owner, &self.facts, self.now)
    }

    fn is_granted(&self) -> bool {
        matches!(self.decision(), Decision::Grant(_))
    }

    /// Whether no gate stops it, in the words of the design: restricted, RED, not releasable, over its retention or of another owner
    /// never leaves; and nothing leaves without an agreement in force.
    fn passes_gates(&self) -> bool {
        let (agreement, facts, today) = (&self.agreement, &self.facts, self.now.date());
        let to_recipient = facts.releasable_to.iter().any(|party| party.includes(&agreement.recipient));
        self.standing == Standing::InForce
            && agreement.valid_from <= today
            && today <= agreement.valid_until
            && agreement.transfer_condition_until.is_none_or(|last| today <= last)
            && self.owner == agreement.granting
            && self.owner != agreement.recipient
            && !facts.processing_restricted
            && facts.tlp != Tlp::Red
            && to_recipient
            && facts.retain_until.is_none_or(|last| today <= last)
            && facts.action_code != Some(ActionCode::A1)
            && !facts.dissemination_permission_needed
    }

    /// Whether one clause lists the record's kind, covers it, and is high enough.
    fn is_within(&self, clause: &Clause) -> bool {
        let (facts, ceiling) = (&self.facts, &clause.ceiling);
        let conditions_listed = facts.handling == Handling::Permitted
            || (facts.action_code.is_some_and(|code| ceiling.action_codes.contains(&code))
                && facts.sanitisation_code.is_some_and(|code| ceiling.sanitisation_codes.contains(&code)));
        clause.kinds.contains(&facts.kind)
            && clause.filter.covers(facts)
            && (clause.children || !facts.child)
            && facts.tlp <= ceiling.tlp
            && facts.source_grade <= ceiling.source_grade
            && facts.info_grade <= ceiling.info_grade
            && conditions_listed
            && facts.europol_codes.iter().all(|code| ceiling.europol_codes.contains(code))
    }
}

#[test]
fn a_record_leaves_through_the_first_clause_that_covers_it_and_through_nothing_else() {
    let (mut granted, mut reasons) = (0, std::collections::BTreeMap::new());
    for seed in 0..DRAWS {
        let case = Draw(seed).case();
        let excluded = case.agreement.exclusions.iter().any(|exclusion| exclusion.covers(&case.facts));
        let first = case.agreement.clauses.iter().find(|clause| case.is_within(clause));
        let expected = first.filter(|_| case.passes_gates() && !excluded);
        match case.decision() {
            Decision::Grant(clause) => {
                assert_eq!(Some(clause), expected, "seed {seed}: {case:?}");
                granted += 1;
            }
            Decision::Deny(reason) => {
                assert_eq!(expected, None, "seed {seed}: {reason}, {case:?}");
                *reasons.entry(reason).or_insert(0) += 1;
            }
        }
    }
    // Otherwise the drawn cases would show nothing: each way to be granted and to be denied comes up.
    assert!(granted > DRAWS / 400, "{granted}");
    let unmet: Vec<_> = DenyReason::ALL.iter().filter(|reason| !reasons.contains_key(reason)).collect();
    // A record of the recipient's own is another owner's first of all.
    assert_eq!(unmet, [&DenyReason::RecipientIsOwner], "{reasons:?}");
}

#[test]
fn what_protects_more_never_grants_more() {
    for seed in 0..DRAWS / 3 {
        let mut draw = Draw(seed);
        let case = draw.case();
        let granted = case.is_granted();
        let narrower: [fn(&mut Case, &mut Draw); 9] = [
            |case, _| drop(case.agreement.clauses.pop()),
            |case, _| case.agreement.clauses.clear(),
            |case, draw| {
                let (kinds, filter) = (vec![Kind::VictimProfile, Kind::TraffickingRoute], draw.filter());
                case.agreement.exclusions.push(Exclusion { id: "c99".parse().expect("an id"), kinds, filter });
            },
            |case, _| case.standing = Standing::Suspended,
            |case, _| case.agreement.clauses.iter_mut().for_each(|clause| clause.children = false),
            |case, _| case.agreement.clauses.iter_mut().for_each(|clause| clause.ceiling.tlp = Tlp::Clear),
            |case, _| case.agreement.clauses.iter_mut().for_each(|clause| clause.ceiling.action_codes.clear()),
            |case, _| case.facts.releasable_to.clear(),
            |case, _| case.facts.processing_restricted = true,
        ];
        for (at, narrow) in narrower.into_iter().enumerate() {
            let mut changed = Case {
                agreement: case.agreement.clone(),
                owner: case.owner.clone(),
                facts: case.facts.clone(),
                ..case
            };
            narrow(&mut changed, &mut draw);
            assert!(granted || !changed.is_granted(), "seed {seed}, change {at}: {case:?}");
        }
    }
}

#[test]
fn an_exclusion_that_covers_wins_over_every_clause() {
    let mut won = 0;
    for seed in 0..DRAWS {
        let mut case = Draw(seed).case();
        if !case.is_granted() {
            continue;
        }
        let kinds = vec![case.facts.kind];
        case.agreement.exclusions.push(Exclusion {
            id: "c99".parse().expect("an id"),
            kinds,
            filter: Filter::default(),
        });
        assert_eq!(case.decision(), Decision::Deny(DenyReason::Excluded), "seed {seed}");
        won += 1;
    }
    assert!(won > DRAWS / 400, "{won}");
}
