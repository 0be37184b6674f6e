//! What becomes of a record when one version takes the place of another.

use causeway_agreement::{Agreement, Change, DenyReason, Form, Standing, difference};
use causeway_model::{RecordFacts, Step};

use crate::decide::{on, owner, profile, route};
use crate::sample;

fn change<'a>(old: Option<&'a Agreement>, new: Option<&'a Agreement>, facts: &RecordFacts) -> Change<'a> {
    let in_force = |agreement| (agreement, Standing::InForce);
    difference(old.map(in_force), new.map(in_force), &owner(), facts, on("2026-06-01"))
}

#[test]
fn the_same_agreement_changes_nothing() {
    let agreement = sample();
    assert_eq!(change(Some(&agreement), Some(&agreement), &profile()), Change::Same);
    assert_eq!(change(None, None, &profile()), Change::Same);
    let mut reordered = sample();
    reordered.clauses[0].fields.reverse();
    reordered.clauses.reverse();
    assert_eq!(change(Some(&agreement), Some(&reordered), &profile()), Change::Same);
}

#[test]
fn what_is_gained_and_lost_is_named_by_its_clause() {
    let agreement = sample();
    let (first, second) = (&agreement.clauses[0].id, &agreement.clauses[1].id);
    assert_eq!(change(None, Some(&agreement), &profile()), Change::Gained { clause: first });
    let ended = DenyReason::AgreementNotInForce;
    assert_eq!(change(Some(&agreement), None, &route()), Change::Lost { clause: second, reason: ended });
    let mut narrower = sample();
    narrower.clauses[0].filter.nationalities = Some(vec!["XK".parse().expect("a country")]);
    let reason = DenyReason::OutsideFilter;
    assert_eq!(change(Some(&agreement), Some(&narrower), &profile()), Change::Lost { clause: first, reason });
    assert_eq!(change(Some(&narrower), Some(&agreement), &profile()), Change::Gained { clause: first });
    assert_eq!(change(Some(&narrower), Some(&agreement), &route()), Change::Same, "the other clause is as it was");
}

#[test]
fn a_suspension_loses_and_its_end_gains() {
    let agreement = sample();
    let decided =
        |old, new| difference(Some((&agreement, old)), Some((&agreement, new)), &owner(), &profile(), on("2026-06-01"));
    let clause = &agreement.clauses[0].id;
    let reason = DenyReason::AgreementSuspended;
    assert_eq!(decided(Standing::InForce, Standing::Suspended), Change::Lost { clause, reason });
    assert_eq!(decided(Standing::Suspended, Standing::InForce), Change::Gained { clause });
}

#[test]
fn another_form_is_a_change() {
    let agreement = sample();
    let clause = &agreement.clauses[0].id;
    let changed = |edit: &dyn Fn(&mut Agreement), facts: &RecordFacts| {
        let mut other = sample();
        edit(&mut other);
        change(Some(&agreement), Some(&other), facts) == Change::Changed { from: clause, to: &other.clauses[0].id }
    };
    assert!(changed(&|other| other.clauses[0].fields[0].1 = Form::Step(Step::AdultChild), &profile()));
    assert!(changed(&|other| drop(other.clauses[0].fields.pop()), &profile()));
    let added = |other: &mut Agreement| other.clauses[0].fields.push(("gender".parse().expect("a path"), Form::AsIs));
    assert!(changed(&added, &profile()));
    let linked = |other: &mut Agreement| other.clauses[0].link_persons = true;
    assert!(changed(&linked, &profile()));
    assert!(
        !changed(&linked, &RecordFacts { anonymous: true, ..profile() }),
        "an anonymous record is not linked either way"
    );
    assert!(!changed(&|other| other.clauses[0].child_fields.clear(), &profile()), "no child's record");
}
