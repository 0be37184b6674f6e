//! Exclusions: a denial wins wherever it stands, each key from both sides, and what a record does not say is covered.

use causeway_agreement::{
    Agreement, Change, Decision, DenyReason, Exclusion, Standing, decide, difference, excluded_by,
};
use causeway_model::{Country, Date, Kind, RecordFacts};

use crate::decide::{on, owner, profile, route};
use crate::{AGREEMENT, edited, lines, sample};

/// The sample with this exclusion, in TOML, behind its clauses.
fn with(exclusion: &str) -> String {
    format!("{AGREEMENT}\n[[exclusions]]\n{exclusion}")
}

/// An exclusion of profiles or of routes by this filter.
fn of(kind: Kind, filter: &str) -> String {
    format!(
        "id = \"c9.1\"\nkinds = [\"{kind}\"]\nfilter = {{ {filter} }}\nreason = \"subject to an order of the court\"\n"
    )
}

fn read(text: &str) -> Agreement {
    Agreement::parse(text).unwrap_or_else(|faults| panic!("{:?}", lines(faults)))
}

fn country(code: &str) -> Country {
    code.parse().expect("a country")
}

fn countries(codes: &[&str]) -> Vec<Country> {
    codes.iter().map(|code| country(code)).collect()
}

fn span(first: &str, last: &str) -> Option<(Date, Date)> {
    Some((first.parse().expect("a date"), last.parse().expect("a date")))
}

/// A route from Albania to Britain, all of which is known.
fn whole_route() -> RecordFacts {
    RecordFacts { route_start: Some(country("AL")), route_end: Some(country("GB")), ..route() }
}

/// Whether `agreement` excludes the record, which it grants where it does not.
fn is_excluded(agreement: &Agreement, facts: &RecordFacts) -> bool {
    let named = excluded_by(agreement, facts).map(ToString::to_string);
    match decide(agreement, Standing::InForce, &owner(), facts, on("2026-06-01")) {
        Decision::Grant(_) => {
            assert_eq!(named, None);
            false
        }
        Decision::Deny(reason) => {
            assert_eq!((reason, named.as_deref()), (DenyReason::Excluded, Some("c9.1")));
            true
        }
    }
}

fn excludes(filter: &str, facts: &RecordFacts) -> bool {
    is_excluded(&read(&with(&of(facts.kind, filter))), facts)
}

#[test]
fn an_exclusion_is_read_and_is_no_clause() {
    assert!(sample().exclusions.is_empty());
    let agreement = read(&with(&of(Kind::VictimProfile, "nationalities = [\"AL\"]")));
    let [Exclusion { id, kinds, filter }] = &agreement.exclusions[..] else { panic!("one exclusion") };
    assert_eq!((id.to_string().as_str(), kinds.as_slice()), ("c9.1", &[Kind::VictimProfile][..]));
    assert_eq!(filter.nationalities, Some(countries(&["AL"])));
    assert_eq!(agreement.clause(id), None);
    assert_eq!(agreement.clauses, sample().clauses);
}

#[test]
fn a_denial_wins_wherever_it_stands() {
    let exclusion = of(Kind::VictimProfile, "nationalities = [\"AL\"]");
    let behind = with(&exclusion);
    let before = edited("[[clauses]]", &format!("[[exclusions]]\n{exclusion}\n[[clauses]]"));
    for text in [behind, before] {
        let mut agreement = read(&text);
        for _ in 0..2 {
            assert!(is_excluded(&agreement, &profile()));
            assert!(!is_excluded(&agreement, &whole_route()), "the other kind");
            assert!(!is_excluded(&agreement, &RecordFacts { nationalities: countries(&["XK"]), ..profile() }));
            agreement.clauses.reverse();
        }
        let granted = agreement.clauses[0].clone();
        agreement.clauses.extend((0..3).map(|_| granted.clone()));
        assert!(is_excluded(&agreement, &profile()), "however many clauses grant");
    }
    let other = of(Kind::VictimProfile, "exploitation_types = [\"Servitude\"]").replace("c9.1", "c9.2");
    let mut two = read(&format!("{}\n[[exclusions]]\n{other}", with(&exclusion)));
    assert!(is_excluded(&two, &profile()), "one of two covers");
    two.exclusions.reverse();
    assert!(is_excluded(&two, &profile()));
}

#[test]
fn the_gates_come_first_and_the_clauses_after() {
    let agreement = read(&with(&of(Kind::VictimProfile, "nationalities = [\"AL\"]")));
    let decided = |standing, facts: &RecordFacts| decide(&agreement, standing, &owner(), facts, on("2026-06-01"));
    assert_eq!(decided(Standing::Suspended, &profile()), Decision::Deny(DenyReason::AgreementSuspended));
    let restricted = RecordFacts { processing_restricted: true, ..profile() };
    assert_eq!(decided(Standing::InForce, &restricted), Decision::Deny(DenyReason::ProcessingRestricted));
    let child = RecordFacts { child: true, ..profile() };
    assert_eq!(decided(Standing::InForce, &child), Decision::Deny(DenyReason::Excluded), "no clause grants it either");
}

#[test]
fn each_list_covers_what_shares_a_member_and_what_says_nothing() {
    let profiles = |facts: &dyn Fn(&mut RecordFacts)| {
        let mut changed = profile();
        facts(&mut changed);
        changed
    };
    let (al, xk) = ("nationalities = [\"VN\", \"AL\"]", countries(&["XK"]));
    assert!(excludes(al, &profile()));
    assert!(!excludes(al, &profiles(&|facts| facts.nationalities = xk.clone())));
    assert!(excludes(al, &profiles(&|facts| facts.nationalities.extend(&xk))), "one of two nationalities");
    let born = "birth_countries = [\"XK\"]";
    assert!(excludes(born, &profiles(&|facts| facts.birth_country = Some(country("XK")))));
    assert!(!excludes(born, &profiles(&|facts| facts.birth_country = Some(country("AL")))));
    assert!(excludes(born, &profile()), "no country of birth is known");
    let types = "exploitation_types = [\"ForcedLabour\", \"Surrogacy\"]";
    assert!(excludes(types, &profile()));
    let typed = |types: &[&str]| {
        profiles(&|facts| facts.exploitation_types = types.iter().map(|name| (*name).into()).collect())
    };
    assert!(!excludes(types, &typed(&["Servitude"])));
    assert!(excludes(types, &typed(&[])) && excludes(types, &typed(&["Servitude", "Surrogacy"])));
    assert!(excludes(types, &typed(&["NotSpecified"])) && excludes(types, &typed(&["Servitude", "NotSpecified"])));
}

/// The clause for profiles grants nobody without a nationality, so that the reason tells which of the two denied.
#[test]
fn an_unknown_nationality_is_excluded_rather_than_outside_every_filter() {
    let unknown = RecordFacts { nationalities: vec![], ..profile() };
    assert!(excludes("nationalities = [\"VN\"]", &unknown));
    let decided = sample();
    let decided = decide(&decided, Standing::InForce, &owner(), &unknown, on("2026-06-01"));
    assert_eq!(decided, Decision::Deny(DenyReason::OutsideFilter));
}

#[test]
fn routes_are_covered_by_what_they_may_touch() {
    let from_to = |start: Option<&str>, end: Option<&str>| RecordFacts {
        route_start: start.map(country),
        route_end: end.map(country),
        route_has_unknown_stop: start.is_none() || end.is_none(),
        ..route()
    };
    for filter in ["route_starts = [\"AL\"]", "route_ends = [\"GB\"]", "route_countries = [\"BE\", \"GB\"]"] {
        assert!(excludes(filter, &whole_route()), "{filter}");
    }
    let (starts, ends, touched) = ("route_starts = [\"BE\"]", "route_ends = [\"BE\"]", "route_countries = [\"BE\"]");
    for filter in [starts, ends, touched] {
        assert!(!excludes(filter, &whole_route()), "{filter}: neither starts, ends nor passes there");
    }
    assert!(excludes(starts, &from_to(None, Some("GB"))) && excludes(ends, &from_to(Some("AL"), None)));
    assert!(!excludes(ends, &from_to(None, Some("GB"))) && !excludes(starts, &from_to(Some("AL"), None)));
    assert!(excludes(ends, &from_to(Some("AL"), Some("BE"))));
    assert!(excludes(touched, &from_to(None, Some("GB"))), "the leg that is not known may begin there");
    assert!(excludes(touched, &from_to(Some("AL"), None)));
    assert!(excludes(touched, &RecordFacts { route_countries: vec![], ..from_to(None, None) }), "no legs");
    let unknown_between = RecordFacts { route_has_unknown_stop: true, ..whole_route() };
    assert!(excludes(touched, &unknown_between), "a stop on the way may be there");
    assert!(!excludes(starts, &unknown_between) && !excludes(ends, &unknown_between), "both ends are known");
}

#[test]
fn every_stated_list_has_to_cover_or_to_be_unknown() {
    let both = "nationalities = [\"AL\"], birth_countries = [\"XK\"], exploitation_types = [\"ForcedLabour\"]";
    let born = |code| RecordFacts { birth_country: Some(country(code)), ..profile() };
    assert!(excludes(both, &born("XK")) && excludes(both, &profile()));
    assert!(!excludes(both, &born("AL")), "born elsewhere for certain");
    assert!(!excludes(both, &RecordFacts { nationalities: countries(&["XK"]), ..born("XK") }));
    assert!(!excludes(both, &RecordFacts { exploitation_types: vec!["Servitude".into()], ..born("XK") }));
    assert!(!excludes("nationalities = [\"VN\"], birth_countries = [\"AL\"]", &profile()), "the known one does not");
    let dated = "nationalities = [\"AL\"], dates_from = 2026-01-01";
    assert!(!excludes(dated, &RecordFacts { dates: span("2025-01-01", "2025-12-31"), ..profile() }));
    assert!(!excludes("nationalities = [\"VN\"], dates_from = 2026-01-01", &profile()));
}

#[test]
fn dates_cover_what_they_touch_and_what_has_none() {
    let stated = "exploitation_types = [\"ForcedLabour\"], dates_from = 2026-02-15, dates_until = 2026-03-31";
    for facts in [profile(), whole_route()] {
        let covered = |dates| excludes(stated, &RecordFacts { dates, ..facts.clone() });
        assert!(covered(span("2026-01-01", "2026-03-31")), "a quarter of which some days are meant");
        assert!(covered(span("2026-03-01", "2026-03-01")) && covered(span("2024-01-01", "2026-12-31")));
        assert!(covered(span("2025-12-01", "2026-02-15")) && covered(span("2026-03-31", "2027-01-31")), "one day");
        assert!(!covered(span("2025-12-01", "2026-02-14")) && !covered(span("2026-04-01", "2026-06-30")));
        assert!(covered(None), "it may be of any day");
    }
    let from = "exploitation_types = [\"ForcedLabour\"], dates_from = 2026-02-15";
    let dated = |first, last| RecordFacts { dates: span(first, last), ..profile() };
    assert!(excludes(from, &dated("2030-01-01", "2030-12-31")) && !excludes(from, &dated("2025-01-01", "2025-12-31")));
}

#[test]
fn a_kind_without_exclusion_is_left_to_the_clauses() {
    let exclusion = of(Kind::TraffickingRoute, "exploitation_types = [\"ForcedLabour\"]");
    let mut agreement = read(&with(&exclusion));
    assert!(!is_excluded(&agreement, &profile()) && is_excluded(&agreement, &whole_route()));
    agreement = read(&with(&exclusion.replace("\"trafficking-route\"", "\"trafficking-route\", \"victim-profile\"")));
    assert!(is_excluded(&agreement, &profile()) && is_excluded(&agreement, &whole_route()));
}

#[test]
fn a_new_exclusion_loses_and_its_end_gains() {
    let (old, new) = (sample(), read(&with(&of(Kind::VictimProfile, "nationalities = [\"AL\"]"))));
    let in_force = |agreement| Some((agreement, Standing::InForce));
    let change = |old, new| difference(in_force(old), in_force(new), &owner(), &profile(), on("2026-06-01"));
    let clause = &old.clauses[0].id;
    assert_eq!(change(&old, &new), Change::Lost { clause, reason: DenyReason::Excluded });
    assert_eq!(change(&new, &old), Change::Gained { clause });
}

#[test]
fn each_fault_is_named() {
    let sound = of(Kind::VictimProfile, "nationalities = [\"AL\"]");
    let cases = [
        ("id = \"c9.1\"\n", "", "exclusions[0].id: is missing"),
        ("\"c9.1\"", "\"9.1\"", "exclusions[0].id: is a malformed clause id"),
        ("\"c9.1\"", "\"c3.2\"", "exclusions: c3.2 is the id of a clause too"),
        ("kinds = [\"victim-profile\"]\n", "", "exclusions[0].kinds: is missing"),
        ("nationalities", "nationality", "exclusions[0].filter.nationality: is not a known key"),
        ("reason", "children = true\nreason", "exclusions[0].children: is not a known key"),
        ("[\"AL\"]", "[]", "exclusions[0].filter.nationalities: is an empty list: leave it out or state what it holds"),
        (
            "[\"AL\"]",
            "[\"AL\"], route_ends = [\"AL\"]",
            "exclusions[0].filter.route_ends: narrows trafficking-route, which kinds does not list",
        ),
        (
            "[\"victim-profile\"]",
            "[\"victim-profile\", \"trafficking-route\"]",
            "exclusions[0].filter: states nothing that narrows trafficking-route: it would exclude every record of that kind",
        ),
        (
            "nationalities = [\"AL\"]",
            "dates_from = 2026-01-01",
            "exclusions[0].filter: states nothing that narrows victim-profile: it would exclude every record of that kind",
        ),
        (
            "[\"AL\"]",
            "[\"AL\"], dates_from = 2026-01-02, dates_until = 2026-01-01",
            "exclusions[0].filter.dates_until: is before dates_from",
        ),
        ("reason = \"subject to an order of the court\"\n", "", "exclusions[0].reason: is missing"),
        (
            "subject to an order of the court",
            "   court   ",
            "exclusions[0].reason: is no reason: it needs at least 10 characters",
        ),
    ];
    for (from, to, expected) in cases {
        assert!(sound.contains(from), "{from:?}");
        let text = with(&sound.replacen(from, to, 1));
        let mut faults = Agreement::parse(&text).expect_err("has a fault");
        // An unknown key leaves the filter empty too.
        faults.retain(|fault| from != "nationalities" || fault.place.ends_with("nationality"));
        assert!(faults.iter().all(|fault| fault.line.is_some_and(|line| line > AGREEMENT.lines().count())));
        assert_eq!(lines(faults), [expected], "{from:?} -> {to:?}");
    }
    let twice = format!("{}\n[[exclusions]]\n{sound}", with(&sound));
    assert_eq!(lines(Agreement::parse(&twice).expect_err("a fault")), ["exclusions: two exclusions have the id c9.1"]);
    let table = "[[tables]]\nid = \"t1\"\nclause = \"c9.1\"\nkind = \"victim-profile\"\ndimensions = [\"gender\"]\n";
    let faults = Agreement::parse(&format!("{}\n{table}", with(&sound))).expect_err("a fault");
    assert_eq!(lines(faults), ["tables[0].clause: names no clause of this agreement"]);
}
