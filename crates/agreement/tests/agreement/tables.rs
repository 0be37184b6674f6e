//! Tables of numbers: what may be counted by what, with its protective defaults.

use causeway_agreement::{Agreement, Dimension, Table, TablePeriod};
use causeway_model::{Date, Kind, Timestamp};

use crate::{AGREEMENT, edited, lines};

const TABLE: &str = "[[tables]]\nid = \"t1\"\nclause = \"c3.1\"\ndimensions = [\"gender\", \"nationality\"]\n";

fn with(tables: &str) -> String {
    format!("{AGREEMENT}{tables}")
}

fn read(tables: &str) -> Vec<Table> {
    Agreement::parse(&with(tables)).expect("well formed").tables
}

fn faults(text: &str) -> Vec<String> {
    lines(Agreement::parse(text).expect_err("has a fault"))
}

#[test]
fn a_table_has_its_protective_defaults() {
    let tables = read(TABLE);
    let (gender, nationality) = (Dimension::Gender, Dimension::Nationality);
    assert_eq!(
        tables,
        [Table {
            id: "t1".parse().expect("an id"),
            clause: "c3.1".parse().expect("an id"),
            kind: Kind::VictimProfile,
            dimensions: vec![gender, nationality],
            levels: vec![vec![], vec![gender], vec![nationality], vec![gender, nationality]],
            period: TablePeriod::Quarter,
            threshold: 11,
            rounding: 5,
        }]
    );
    let agreement = Agreement::parse(&with(TABLE)).expect("well formed");
    assert_eq!(agreement.table(&"t1".parse().expect("an id")), Some(&tables[0]));
    assert_eq!(agreement.table(&"t2".parse().expect("an id")), None);
}

#[test]
fn every_key_of_a_table_is_read() {
    let stated = "levels = [[], [\"nationality\", \"gender\"]]\nperiod = \"year\"\nkind = \"victim-profile\"\n\
                  threshold = 3\nthreshold_reason = \"the recipient has the records\"\n\
                  rounding = 1\nrounding_reason = \"the recipient has the records\"\n";
    let table = read(&format!("{TABLE}{stated}")).remove(0);
    assert_eq!((table.threshold, table.rounding, table.period), (3, 1, TablePeriod::Year));
    let both = vec![Dimension::Gender, Dimension::Nationality];
    assert_eq!(table.levels, [vec![], both], "in the order of the dimensions");
    assert_eq!(read(&format!("{TABLE}threshold = 20\nrounding = 10\n"))[0].threshold, 20, "more needs no reason");
    let routes =
        "[[tables]]\nid = \"t2.1\"\nclause = \"c3.2\"\ndimensions = [\"route_corridor\"]\nperiod = \"month\"\n";
    assert_eq!(read(&format!("{TABLE}{routes}"))[1].kind, Kind::TraffickingRoute);
}

#[test]
fn each_fault_of_a_table_is_named() {
    let low = |key: &str| format!("tables[0].{key}_reason: relaxing {key} needs a reason of at least 10 characters");
    let known =
        "nationality, age_band, gender, exploitation_type, stage, quarter, country_of_exploitation, route_corridor";
    let unknown = format!("is not a dimension; the dimensions are {known}");
    let cases = [
        ("\"t1\"", "\"c1\"", "tables[0].id: is a malformed table id".into()),
        ("\"t1\"", "\"t\"", "tables[0].id: is a malformed table id".into()),
        ("id = \"t1\"\n", "", "tables[0].id: is missing".into()),
        ("\"c3.1\"", "\"c9\"", "tables[0].clause: names no clause of this agreement".into()),
        ("\"gender\"", "\"shoe_size\"", format!("tables[0].dimensions[0]: {unknown}")),
        ("\"gender\"", "\"nationality\"", "tables[0].dimensions[1]: is there twice".into()),
        (
            "\"gender\"",
            "\"route_corridor\"",
            "tables[0].dimensions: victim-profile is not counted by route_corridor: use nationality, age_band, gender, \
             exploitation_type, stage, quarter, country_of_exploitation"
                .into(),
        ),
        ("\"gender\"", "\"gender\", \"stage\", \"age_band\", \"quarter\"", "tables[0].dimensions: are more than 4".into()),
        ("dimensions = [\"gender\", \"nationality\"]", "kind = \"victim-profile\"", "tables[0].dimensions: is missing".into()),
        ("id =", "kind = \"trafficking-route\"\nid =", "tables[0].kind: trafficking-route is no kind of its clause".into()),
        ("id =", "threshold = 10\nid =", low("threshold")),
        ("id =", "rounding = 1\nid =", low("rounding")),
        (
            "id =",
            "threshold_reason = \"for no reason at all\"\nid =",
            "tables[0].threshold_reason: gives a reason, but threshold is not relaxed".into(),
        ),
        ("id =", "threshold = 0\nid =", "tables[0].threshold: is not a whole number of at least 1, within range".into()),
        ("id =", "period = \"day\"\nid =", "tables[0].period: is a malformed period of a table".into()),
        ("id =", "levels = []\nid =", "tables[0].levels: is an empty list: leave it out or state what it holds".into()),
        ("id =", "levels = [\"gender\"]\nid =", "tables[0].levels[0]: is not a list of dimensions".into()),
        (
            "id =",
            "levels = [[\"gender\"], [\"stage\"]]\nid =",
            "tables[0].levels[1]: has stage, which is not a dimension of the table".into(),
        ),
        ("id =", "levels = [[\"gender\", \"gender\"]]\nid =", "tables[0].levels[0]: has a dimension twice".into()),
        (
            "id =",
            "levels = [[\"gender\", \"nationality\"], [\"nationality\", \"gender\"]]\nid =",
            "tables[0].levels[1]: is there twice".into(),
        ),
        ("id =", "sensitive = true\nid =", "tables[0].sensitive: is not a known key".into()),
    ];
    for (from, to, expected) in cases {
        assert!(TABLE.contains(from), "{from}");
        assert_eq!(faults(&with(&TABLE.replacen(from, to, 1))), [expected], "{to}");
    }
}

#[test]
fn two_tables_that_could_be_subtracted_are_refused() {
    let second = TABLE.replace("t1", "t2").replace("\"gender\"", "\"stage\"");
    assert_eq!(
        faults(&with(&format!("{TABLE}{second}"))),
        ["tables: t1 and t2 both count victim-profile under c3.1, and their difference could show single persons: \
          state one table with the dimensions of both"]
    );
    let routes = "[[tables]]\nid = \"t1\"\nclause = \"c3.2\"\ndimensions = [\"quarter\"]\n";
    assert_eq!(faults(&with(&format!("{TABLE}{routes}"))), ["tables: two tables have the id t1"]);
}

#[test]
fn a_table_of_a_clause_of_both_kinds_names_its_kind() {
    let both = edited("kinds = [\"victim-profile\"]", "kinds = [\"victim-profile\", \"trafficking-route\"]")
        .replace("{ nationalities = [\"AL\", \"XK\"] }", "{ exploitation_types = [\"ForcedLabour\"] }");
    let table = TABLE.replace("\"gender\", \"nationality\"", "\"exploitation_type\"");
    assert_eq!(faults(&format!("{both}{table}")), ["tables[0].kind: is missing: its clause covers several kinds"]);
    let of = |kind: &str, id: &str| table.replace("id = \"t1\"", &format!("id = \"{id}\"\nkind = \"{kind}\""));
    let text = format!("{both}{}{}", of("victim-profile", "t1"), of("trafficking-route", "t2"));
    assert_eq!(Agreement::parse(&text).expect("one table a kind").tables.len(), 2);
}

#[test]
fn what_a_table_says_of_an_unreadable_clause_is_not_held_against_it() {
    let text = with(TABLE).replace("id = \"c3.1\"", "id = \"3.1\"");
    assert_eq!(faults(&text), ["clauses[0].id: is a malformed clause id"]);
}

#[test]
fn periods_have_labels_and_bounds() {
    let at = |date: &str| date.parse::<Date>().expect("a date").start();
    let last = |date: &str| Timestamp(at(date).0 + 86_399_999_999);
    for (period, day, label, first, after) in [
        (TablePeriod::Month, "2026-07-31", "2026-07", "2026-07-01", "2026-08-01"),
        (TablePeriod::Month, "2026-12-31", "2026-12", "2026-12-01", "2027-01-01"),
        (TablePeriod::Quarter, "2026-09-30", "2026-Q3", "2026-07-01", "2026-10-01"),
        (TablePeriod::Quarter, "2026-12-31", "2026-Q4", "2026-10-01", "2027-01-01"),
        (TablePeriod::Year, "2026-12-31", "2026", "2026-01-01", "2027-01-01"),
    ] {
        assert_eq!(period.label_of(last(day)), label);
        assert_eq!(period.bounds(label), Some((at(first), at(after))), "{label}");
        assert_eq!(
            period.previous(at(after)),
            (label.to_owned(), at(first), at(after)),
            "it is over with its last day"
        );
        assert_eq!(
            period.previous(Timestamp(period.bounds(label).expect("bounds").1.0 - 1)).2,
            at(first),
            "not before"
        );
    }
    for bad in ["", "2026", "2026-Q0", "2026-Q5", "2026-07", "2026-q3", "26-Q3", "2026-Q33", "+026-Q3"] {
        assert_eq!(TablePeriod::Quarter.bounds(bad), None, "{bad:?}");
    }
    for bad in ["2026-13", "2026-00", "2026-7", "2026-+7", "2026-Q1"] {
        assert_eq!(TablePeriod::Month.bounds(bad), None, "{bad:?}");
    }
    assert_eq!(TablePeriod::Quarter.previous(at("1970-01-01")).0, "1969-Q4", "before all time");
}

#[test]
fn a_dimension_is_counted_of_the_kinds_that_have_it() {
    for dimension in Dimension::ALL {
        assert_eq!(dimension.as_str().parse(), Ok(*dimension));
        assert!(Kind::ALL.iter().any(|kind| dimension.counts(*kind)), "{dimension}");
    }
    assert!(Dimension::Quarter.counts(Kind::TraffickingRoute) && !Dimension::Gender.counts(Kind::TraffickingRoute));
}
