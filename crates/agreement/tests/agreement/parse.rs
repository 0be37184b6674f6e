//! Reading: every fault is found, named by its place, and nothing unknown passes.

use causeway_agreement::{Agreement, Form, IdentityTerms, Quota, ReleasePeriod};
use causeway_model::{EuropolCode, Kind, OnwardTransfer, SanitisationCode, Step, Tlp, TransferCondition};

use crate::{AGREEMENT, edited, lines, sample};

fn faults(text: &str) -> Vec<String> {
    lines(Agreement::parse(text).expect_err("has a fault"))
}

/// What is changed in the sample, into what, and the only fault of the changed text.
fn each_named(cases: &[(&str, &str, &str)]) {
    for (from, to, expected) in cases {
        assert_eq!(faults(&edited(from, to)), [*expected], "{from:?} -> {to:?}");
    }
}

#[test]
fn a_well_formed_agreement_is_read_with_its_protective_defaults() {
    let agreement = sample();
    assert_eq!(agreement.id.as_str(), "ISA-AL-2026-014");
    assert_eq!(agreement.transfer_condition, TransferCondition::Instrument);
    assert_eq!(agreement.onward_transfer, OnwardTransfer::WithOriginatorAuthorisation);
    assert_eq!(agreement.quota.records_per_day, Some(5000));
    assert_eq!(agreement.valid_until.to_string(), "2027-12-31");
    let clause = agreement.clause(&"c3.1".parse().expect("a clause id")).expect("is there");
    assert_eq!(clause.kinds, [Kind::VictimProfile]);
    assert_eq!(clause.ceiling.tlp, Tlp::Amber);
    assert_eq!(clause.fields[0].1, Form::Step(Step::Band));
    assert_eq!(clause.fields[1].1, Form::AsIs);
    assert_eq!((clause.release, clause.link_persons, clause.children), (ReleasePeriod::Daily, false, false));
    assert!(!clause.copies_stay && clause.child_fields.is_empty());
    let ceiling = &agreement.clauses[1].ceiling;
    assert!(ceiling.action_codes.is_empty() && ceiling.sanitisation_codes.is_empty(), "no code unless it is listed");
    assert!(ceiling.europol_codes.is_empty());
    assert_eq!((agreement.quota.requests_per_second, agreement.transfer_condition_until), (None, None));
    assert_eq!(agreement.acknowledge_hours, 72);
    assert!(agreement.tables.is_empty());
}

#[test]
fn relaxations_are_read_with_their_reasons() {
    let relaxed = edited(
        "minimum_cell = 1\n",
        "minimum_cell = 1\nrelease = \"immediate\"\nrelease_reason = \"live victims are moved within days\"\n\
         link_persons = true\nlink_persons_reason = \"return is followed up\"\n\
         children = true\nchildren_reason = \"child protection units assist\"\n\
         copies_stay = true\ncopies_stay_reason = \"they are evidence in trials\"\n",
    );
    let clause = Agreement::parse(&relaxed).expect("well formed").clauses.remove(0);
    assert_eq!((clause.release, clause.link_persons, clause.children), (ReleasePeriod::Immediate, true, true));
    assert_eq!((clause.minimum_cell, clause.copies_stay), (1, true));
}

#[test]
fn every_key_of_the_language_is_read() {
    let text = AGREEMENT
        .replace("onward_transfer", "transfer_condition_until = 2026-12-31\nacknowledge_hours = 8760\nonward_transfer")
        .replace("records_per_day = 5000", "records_per_day = 5000\nrequests_per_second = 3")
        .replace("{ nationalities = [\"AL\", \"XK\"] }", "{ nationalities = [\"AL\"], dates_from = 2026-01-01 }")
        .replace(
            "{ route_countries = [\"AL\"] }",
            "{ route_starts = [\"AL\"], route_ends = [\"GB\", \"IE\"], dates_until = 2026-03-31 }",
        )
        .replace("action_codes = [\"A2\"]", "europol_codes = [\"H0\", \"H1\"], action_codes = [\"A2\"]")
        .replace("minimum_cell = 1\nminimum_cell_reason = \"a route is no person's record\"", "release = \"weekly\"");
    let agreement = Agreement::parse(&text).expect("well formed");
    let date = |text: &str| Some(text.parse().expect("a date"));
    assert_eq!((agreement.transfer_condition_until, agreement.acknowledge_hours), (date("2026-12-31"), 8760));
    assert_eq!(agreement.quota, Quota { records_per_day: Some(5000), requests_per_second: Some(3) });
    let [profiles, routes] = &agreement.clauses[..] else { panic!("two clauses") };
    assert_eq!((profiles.filter.dates_from, profiles.filter.dates_until), (date("2026-01-01"), None));
    assert_eq!(profiles.ceiling.europol_codes, [EuropolCode::H0, EuropolCode::H1]);
    assert_eq!(profiles.ceiling.sanitisation_codes, [SanitisationCode::S2]);
    assert_eq!((routes.filter.dates_from, routes.filter.dates_until), (None, date("2026-03-31")));
    assert_eq!(routes.filter.route_countries, None);
    assert_eq!(routes.filter.route_starts.as_deref().map(<[_]>::len), Some(1));
    assert_eq!(routes.filter.route_ends.as_deref().map(<[_]>::len), Some(2));
    assert_eq!((routes.release, routes.minimum_cell), (ReleasePeriod::Weekly, 11));
}

#[test]
fn each_fault_of_the_agreement_is_named() {
    each_named(&[
        ("version = 1\n", "", "version: is missing"),
        ("version = 1\n", "version = 0\n", "version: is not a whole number of at least 1, within range"),
        ("version = 1\n", "version = 4294967296\n", "version: is not a whole number of at least 1, within range"),
        ("version = 1\n", "version = 1\nvalid = true\n", "valid: is not a known key"),
        ("ISA-AL-2026-014", "isa-al", "id: is a malformed agreement id"),
        ("\"al-police\"", "\"gb-nca\"", "recipient: is the granting agency itself"),
        ("2027-12-31", "2025-12-31", "valid_until: is before valid_from"),
        ("2027-12-31", "\"2027-12-31\"", "valid_until: is not a date: write 2026-01-31, without quotes"),
        ("2027-12-31", "2027-12-31T00:00:00Z", "valid_until: is not a date: write 2026-01-31, without quotes"),
        ("s75_instrument", "s75", "transfer_condition: is a malformed transfer condition"),
        ("with_originator_authorisation", "any", "onward_transfer: is a malformed condition on onward transfer"),
        (
            "[\"investigation\", \"safeguarding\"]",
            "[]",
            "purposes: is an empty list: leave it out or state what it holds",
        ),
        ("\"investigation\", \"saf", "\"curiosity\", \"saf", "purposes[0]: is a malformed purpose code"),
        ("\"investigation\", \"saf", "\"safeguarding\", \"saf", "purposes[1]: is there twice"),
        ("records_per_day", "records_per_week", "quota.records_per_week: is not a known key"),
        (
            "records_per_day = 5000",
            "records_per_day = 0",
            "quota.records_per_day: is not a whole number of at least 1, within range",
        ),
        (
            "records_per_day = 5000",
            "requests_per_second = 0",
            "quota.requests_per_second: is not a whole number of at least 1, within range",
        ),
        (
            "version = 1\n",
            "version = 1\nacknowledge_hours = 0\n",
            "acknowledge_hours: is not a number of hours from 1 to 8760",
        ),
        (
            "version = 1\n",
            "version = 1\nacknowledge_hours = 8761\n",
            "acknowledge_hours: is not a number of hours from 1 to 8760",
        ),
        (
            "version = 1\n",
            "version = 1\ntransfer_condition_until = 2025-12-31\n",
            "transfer_condition_until: is before valid_from",
        ),
        (
            "version = 1\n",
            "version = 1\ntransfer_condition_until = \"for ever\"\n",
            "transfer_condition_until: is not a date: write 2026-01-31, without quotes",
        ),
    ]);
}

#[test]
fn each_fault_of_a_filter_is_named() {
    each_named(&[
        (
            "\"XK\"] }",
            "\"XK\"], dates_from = 2026-02-01, dates_until = 2026-01-31 }",
            "clauses[0].filter.dates_until: is before dates_from",
        ),
        (
            "\"XK\"] }",
            "\"XK\"], route_starts = [\"AL\"] }",
            "clauses[0].filter.route_starts: narrows trafficking-route, which kinds does not list",
        ),
        (
            "{ route_countries = [\"AL\"] }",
            "{ route_ends = [\"AL\"], birth_countries = [\"AL\"] }",
            "clauses[1].filter.birth_countries: narrows victim-profile, which kinds does not list",
        ),
        ("\"XK\"] }", "\"XK\"], dates_to = 2026-02-01 }", "clauses[0].filter.dates_to: is not a known key"),
        (
            "{ route_countries = [\"AL\"] }",
            "{ dates_from = 2026-01-01 }",
            "clauses[1].filter: states nothing that narrows trafficking-route: missing means no",
        ),
    ]);
}

#[test]
fn each_fault_of_a_clause_is_named() {
    each_named(&[
        ("[\"S2\"]", "[\"S3\"]", "clauses[0].ceiling.sanitisation_codes[0]: is a malformed sanitisation code"),
        (
            "[\"S2\"]",
            "[\"S2\"], europol_codes = [\"H4\"]",
            "clauses[0].ceiling.europol_codes[0]: is a malformed Europol handling code",
        ),
        (
            "[\"S2\"]",
            "[\"S2\"], europol_codes = [\"H1\", \"H2\"]",
            "clauses[0].ceiling.europol_codes: H2 and H3 need the provider's permission for each record and cannot be agreed",
        ),
        ("id = \"c3.2\"", "id = \"c3.1\"", "clauses: two clauses have the id c3.1"),
        ("[\"victim-profile\"]", "[\"victim\"]", "clauses[0].kinds[0]: is a malformed kind"),
        ("\"AL\", \"XK\"", "\"AL\", \"ALB\"", "clauses[0].filter.nationalities[1]: is a malformed country code"),
        ("\"AMBER\"", "\"WHITE\"", "clauses[0].ceiling.tlp: is a malformed TLP code"),
        ("\"AMBER\"", "\"RED\"", "clauses[0].ceiling.tlp: TLP:RED never leaves: state a lower ceiling"),
        ("info_grade = \"C\", ", "", "clauses[0].ceiling.info_grade: is missing"),
        (
            "\"A2\"",
            "\"A1\"",
            "clauses[0].ceiling.action_codes: A1 needs the originator's permission for each record and cannot be agreed",
        ),
        ("\"band\"", "\"coarse\"", "clauses[0].fields.age_band: is not \"exact\", \"pseudonym\" or a step"),
        (
            "\"legs[].from.country\" = ",
            "place.country = ",
            "clauses[1].fields.place: is a table: put the whole path in quotes",
        ),
        ("\"age_band\"", "\"Age Band\"", "clauses[0].fields.Age Band: is a malformed field path"),
    ]);
}

#[test]
fn identities_may_be_asked_for_on_stated_terms_only() {
    assert_eq!(sample().identity, None, "missing means no");
    let with =
        |terms: &str| edited("[[clauses]]\nid = \"c3.1\"", &format!("[identity]\n{terms}\n[[clauses]]\nid = \"c3.1\""));
    let read = |terms: &str| Agreement::parse(&with(terms)).expect("well formed").identity.expect("stated");
    assert_eq!(
        read("monthly_cap = 3"),
        IdentityTerms { monthly_cap: 3, to_source_country: false, stands_hours: 72 },
        "what is not stated protects"
    );
    let widest = "monthly_cap = 1\nstands_hours = 720\nto_source_country = true\n\
                  to_source_country_reason = \"reception on return\"";
    assert_eq!(read(widest), IdentityTerms { monthly_cap: 1, to_source_country: true, stands_hours: 720 });
    for (terms, expected) in [
        ("", "identity.monthly_cap: is missing"),
        ("monthly_cap = 0", "identity.monthly_cap: is not a whole number of at least 1, within range"),
        ("monthly_cap = 1\nstands_hours = 721", "identity.stands_hours: is not a number of hours from 1 to 720"),
        ("monthly_cap = 1\nstands_hours = 0", "identity.stands_hours: is not a number of hours from 1 to 720"),
        ("monthly_cap = 1\nfor_ever = true", "identity.for_ever: is not a known key"),
        (
            "monthly_cap = 1\nto_source_country = true",
            "identity.to_source_country_reason: relaxing to_source_country needs a reason of at least 10 characters",
        ),
    ] {
        assert_eq!(faults(&with(terms)), [expected], "{terms}");
    }
}

#[test]
fn a_filter_that_narrows_nothing_is_a_fault() {
    let profiles = "filter = { nationalities = [\"AL\", \"XK\"] }";
    assert_eq!(
        faults(&edited(profiles, "")),
        ["clauses[0].filter: states nothing that narrows victim-profile: missing means no"]
    );
    assert_eq!(
        faults(&edited(profiles, "filter = { route_countries = [\"AL\"] }")),
        [
            "clauses[0].filter.route_countries: narrows trafficking-route, which kinds does not list",
            "clauses[0].filter: states nothing that narrows victim-profile: missing means no"
        ]
    );
    assert_eq!(
        faults(&edited("[\"victim-profile\"]", "[\"victim-profile\", \"trafficking-route\"]")),
        ["clauses[0].filter: states nothing that narrows trafficking-route: missing means no"],
        "a nationality does not narrow routes"
    );
    assert_eq!(
        faults(&edited("{ nationalities = [\"AL\", \"XK\"] }", "{ nationalities = [] }")),
        ["clauses[0].filter.nationalities: is an empty list: leave it out or state what it holds"]
    );
}

#[test]
fn a_relaxation_needs_its_reason() {
    let at = "minimum_cell = 1\nminimum_cell_reason = \"each person is assisted by name on return\"\n";
    let with = |line: &str| edited(at, &format!("{at}{line}\n"));
    let cases = [
        ("release = \"immediate\"", "release"),
        ("link_persons = true", "link_persons"),
        ("children = true", "children"),
        ("copies_stay = true", "copies_stay"),
        ("release = \"immediate\"\nrelease_reason = \"too short\"", "release"),
        ("children = true\nchildren_reason = \"  padded   \"", "children"),
    ];
    for (line, key) in cases {
        let expected = format!("clauses[0].{key}_reason: relaxing {key} needs a reason of at least 10 characters");
        assert_eq!(faults(&with(line)), [expected], "{line}");
    }
    assert_eq!(
        faults(&edited("minimum_cell_reason = \"each person is assisted by name on return\"\n", "")),
        ["clauses[0].minimum_cell_reason: relaxing minimum_cell needs a reason of at least 10 characters"]
    );
    assert_eq!(
        faults(&with("children_reason = \"a reason for nothing\"")),
        ["clauses[0].children_reason: gives a reason, but children is not relaxed"]
    );
    assert_eq!(
        faults(&with("release = \"hourly\"")),
        ["clauses[0].release: is not \"daily\", \"weekly\" or \"immediate\""]
    );
}

#[test]
fn a_minimum_cell_needs_a_release_period() {
    let at = "minimum_cell = 1\nminimum_cell_reason = \"each person is assisted by name on return\"\n";
    let cell = |text: &str| Agreement::parse(text).expect("well formed").clauses[0].minimum_cell;
    assert_eq!(cell(&edited(at, "")), 11, "the default");
    assert_eq!(cell(&edited(at, "minimum_cell = 20\n")), 20);
    assert_eq!(cell(&edited(at, "release = \"weekly\"\n")), 11, "a longer period needs no reason");
    assert_eq!(cell(&edited("minimum_cell = 1\n", "minimum_cell = 5\n")), 5);
    let immediate = "release = \"immediate\"\nrelease_reason = \"live victims are moved within days\"\n";
    assert_eq!(cell(&edited(at, &format!("{at}{immediate}"))), 1);
    let needs = "clauses[0].release: a minimum cell needs a release period: state release = \"daily\" or \"weekly\", \
                 or minimum_cell = 1 with its reason";
    assert_eq!(faults(&edited(at, immediate)), [needs], "the default of 11");
    assert_eq!(faults(&edited(at, &format!("{immediate}minimum_cell = 20\n"))), [needs]);
    assert_eq!(faults(&edited("minimum_cell = 1\n", &format!("minimum_cell = 2\n{immediate}"))), [needs]);
    let unreadable = "clauses[0].minimum_cell: is not a whole number of at least 1, within range";
    assert_eq!(faults(&edited(at, &format!("{immediate}minimum_cell = 0\n"))), [unreadable]);
    assert_eq!(faults(&edited(at, "minimum_cell = \"11\"\n")), [unreadable]);
}

#[test]
fn a_minimum_cell_is_one_that_an_entry_can_hold_and_that_no_link_takes_apart() {
    let at = "minimum_cell = 1\nminimum_cell_reason = \"each person is assisted by name on return\"\n";
    let cell = |text: &str| Agreement::parse(text).expect("well formed").clauses[0].minimum_cell;
    assert_eq!(cell(&edited(at, "minimum_cell = 100\n")), 100);
    assert_eq!(
        faults(&edited(at, "minimum_cell = 101\n")),
        ["clauses[0].minimum_cell: is more than 100: a group leaves in one entry, which holds 200 releases"]
    );
    let linked = "link_persons = true\nlink_persons_reason = \"return is followed up\"\n";
    assert_eq!(cell(&edited(at, &format!("{at}{linked}"))), 1, "persons are linked where no cell is promised");
    let apart = "clauses[0].link_persons: items of one person could be joined, and what they show together is in no cell: a \
                 minimum cell does not hold where persons are linked; leave link_persons out, or state minimum_cell = 1 \
                 with its reason";
    assert_eq!(faults(&edited(at, linked)), [apart], "the default of 11");
    assert_eq!(faults(&edited("minimum_cell = 1\n", &format!("minimum_cell = 2\n{linked}"))), [apart]);
}

#[test]
fn all_faults_are_listed_at_once() {
    let text = AGREEMENT.replace("gb-nca", "nca").replace("\"GREEN\"", "\"RED\"").replace("\"band\"", "7");
    assert_eq!(
        faults(&text),
        [
            "granting: is a malformed agency id",
            "clauses[0].fields.age_band: is not a text",
            "clauses[1].ceiling.tlp: TLP:RED never leaves: state a lower ceiling",
        ]
    );
    assert!(faults("").len() > 8, "an empty text has a fault for each missing key");
}

#[test]
fn a_text_that_is_not_toml_names_its_line() {
    let found = faults("id = \"ISA-AL-2026-014\"\nversion = = 1\n");
    assert!(found[0].starts_with("line 2: "), "{found:?}");
    assert_eq!(faults("id = 1\nid = 2\n").len(), 1, "a key stated twice is refused");
    assert!(faults(&"#".repeat(128 * 1024 + 1))[0].starts_with("text: is longer than"));
    assert_eq!(faults(&format!("x = {}", "[".repeat(4000))).len(), 1, "deep nesting is a fault, not a crash");
}
