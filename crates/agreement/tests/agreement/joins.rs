//! What could join items is noted, and only that.

use causeway_agreement::{Agreement, Form};
use causeway_model::Step;

use crate::fields::{profiles, routes};
use crate::sample;

fn notes(agreement: &Agreement) -> Vec<(String, String)> {
    let (profiles, routes) = (profiles(), routes());
    let tables = |kind| match kind {
        causeway_model::Kind::VictimProfile => vec![&profiles],
        causeway_model::Kind::TraffickingRoute => vec![&routes],
    };
    agreement.joins(&tables).into_iter().map(|note| (note.place, note.what)).collect()
}

/// An agreement of which nothing is to be noted: batches, whole cells, no links.
fn quiet() -> Agreement {
    let mut agreement = sample();
    agreement.clauses.iter_mut().for_each(|clause| clause.minimum_cell = 11);
    agreement
}

#[test]
fn an_agreement_with_the_protective_defaults_has_no_note() {
    assert_eq!(notes(&quiet()), []);
    assert_eq!(quiet().joins_with(&quiet()), []);
}

#[test]
fn each_way_of_joining_is_noted_in_its_place() {
    let noted = |edit: &dyn Fn(&mut Agreement), place: &str, said: &str| {
        let mut agreement = quiet();
        edit(&mut agreement);
        let found = notes(&agreement);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].0 == place && found[0].1.contains(said), "{found:?}");
    };
    let list = |agreement: &mut Agreement, path: &str, form| {
        agreement.clauses[0].fields.push((path.parse().expect("a path"), form));
    };
    noted(
        &|agreement| agreement.clauses[1].release = causeway_agreement::ReleasePeriod::Immediate,
        "clauses[1].release",
        "as soon as",
    );
    noted(&|agreement| agreement.clauses[0].minimum_cell = 3, "clauses[0].minimum_cell", "as few as 3");
    noted(
        &|agreement| {
            agreement.clauses[0].link_persons = true;
            list(agreement, "phones[]", Form::Pseudonym);
        },
        "clauses[0].link_persons",
        "phones[]",
    );
    noted(&|agreement| list(agreement, "referral_date", Form::Step(Step::Month)), "clauses[0].fields", "referral_date");
    noted(&|agreement| list(agreement, "place.unlocode", Form::AsIs), "clauses[0].fields", "place.unlocode");
    let mut unlinked = quiet();
    list(&mut unlinked, "phones[]", Form::Pseudonym);
    list(&mut unlinked, "referral_date", Form::Step(Step::Year));
    assert_eq!(notes(&unlinked), [], "a pseudonym of one item alone joins nothing, and many share a year");
}

#[test]
fn two_feeds_that_show_the_same_fields_are_noted() {
    let (own, mut other) = (sample(), sample());
    other.id = "ISA-VN-2026-021".parse().expect("an id");
    other.clauses[0].fields[0].1 = Form::Step(Step::AdultChild);
    let notes = own.joins_with(&other);
    let said: Vec<(&str, &str)> = notes.iter().map(|note| (note.place.as_str(), note.what.as_str())).collect();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].0 == "clauses[0].fields" && said[0].1.ends_with("by nrm_stage"), "{said:?}");
    assert!(said[0].1.starts_with("ISA-VN-2026-021/c3.1 shows victim-profile"), "{said:?}");
    assert!(said[1].0 == "clauses[1].fields" && said[1].1.ends_with("by legs[].from.country"), "{said:?}");
}
