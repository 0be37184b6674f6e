//! What leaves of a child: nothing unless it is stated, and then at its coarsest unless that is stated too.

use causeway_agreement::{Agreement, Clause, Form, permits};
use causeway_model::{FieldPath, Ladder, RecordFacts, Step};

use crate::decide::profile;
use crate::{edited, lines, sample};

const CHILDREN: &str = "children = true\nchildren_reason = \"child protection units assist\"\n";

fn path(text: &str) -> FieldPath {
    text.parse().expect("a path")
}

/// The first clause of the sample, with more in it and these fields of a child.
fn text(more: &str, child_fields: &str) -> String {
    let base = edited("id = \"c3.1\"\n", &format!("id = \"c3.1\"\n{CHILDREN}{more}"));
    base.replacen("\"nrm_stage\" = \"exact\"\n", &format!("\"nrm_stage\" = \"exact\"\n{child_fields}"), 1)
}

fn clause(text: &str) -> Clause {
    Agreement::parse(text).expect("well formed").clauses.remove(0)
}

fn faults(text: &str) -> Vec<String> {
    lines(Agreement::parse(text).expect_err("has a fault"))
}

fn ladder(path: &FieldPath) -> Option<Ladder> {
    match path.as_str() {
        "age_band" => Some(Ladder::Age),
        "gender" => Some(Ladder::Gender),
        "referral_date" => Some(Ladder::Date),
        "labour_sector" => Some(Ladder::Drop),
        _ => None,
    }
}

#[test]
fn nothing_leaves_of_a_child_unless_it_is_stated() {
    assert!(sample().clauses[0].fields_of(true).is_empty());
    assert_eq!(sample().clauses[0].form_for(true, &path("age_band")), None);
    assert_eq!(
        faults(&edited("[clauses.fields]\n", "[clauses.child_fields]\n\"age_band\" = \"band\"\n[clauses.fields]\n")),
        ["clauses[0].child_fields: states what leaves of a child, but children is not relaxed"]
    );
}

#[test]
fn a_childs_fields_are_at_their_coarsest() {
    let clause = clause(&text("", "\"subject_reference\" = \"pseudonym\"\n"));
    assert_eq!(clause.form_for(false, &path("age_band")), Some(Form::Step(Step::Band)));
    assert_eq!(clause.form_for(true, &path("age_band")), Some(Form::Coarsest));
    assert_eq!(clause.form_for(true, &path("nrm_stage")), Some(Form::Coarsest));
    assert_eq!(clause.form_for(true, &path("subject_reference")), Some(Form::Pseudonym));
    assert_eq!(clause.form_for(true, &path("gender")), None, "what is not listed does not leave");
    // What the coarsest form is, the field's ladder says.
    assert_eq!(Form::Coarsest.on(Some(Ladder::Age)), Some(Form::Step(Step::AdultChild)));
    assert_eq!(Form::Coarsest.on(None), Some(Form::AsIs), "an open field has no steps");
    assert_eq!(Form::Coarsest.on(Some(Ladder::Drop)), None, "as recorded or not at all");
    assert_eq!(Form::Step(Step::Band).on(Some(Ladder::Age)), Some(Form::Step(Step::Band)));
}

#[test]
fn what_is_stated_of_a_child_is_all_that_leaves() {
    let clause = clause(&text("", "[clauses.child_fields]\n\"age_band\" = \"band\"\n"));
    assert_eq!(clause.fields_of(true), [(path("age_band"), Form::Step(Step::Band))]);
    assert_eq!(clause.fields_of(false).len(), 2);
    assert_eq!(
        faults(&text("", "[clauses.child_fields]\n\"gender\" = \"exact\"\n")),
        ["clauses[0].child_fields.gender: is not among the fields of the clause"]
    );
    assert_eq!(
        faults(&text("", "[clauses.child_fields]\n")),
        ["clauses[0].child_fields.*: lists no field that leaves"]
    );
}

#[test]
fn a_child_is_never_linked() {
    let linking = "link_persons = true\nlink_persons_reason = \"return is followed up\"\n";
    let clause = clause(&text(linking, ""));
    assert!(clause.links(&profile()));
    assert!(!clause.links(&RecordFacts { child: true, ..profile() }));
    assert!(!clause.links(&RecordFacts { anonymous: true, ..profile() }));
    assert!(!sample().clauses[0].links(&profile()), "off unless it is stated");
}

#[test]
fn a_frozen_clause_is_permitted_where_the_present_one_is_as_wide() {
    let with = |fields: &[(&str, Form)]| Clause {
        fields: fields.iter().map(|(field, form)| (path(field), *form)).collect(),
        ..sample().clauses[0].clone()
    };
    let allowed =
        |present: &[(&str, Form)], frozen: &[(&str, Form)]| permits(&with(present), &with(frozen), false, &ladder);
    let (month, quarter, year) = (Form::Step(Step::Month), Form::Step(Step::Quarter), Form::Step(Step::Year));
    let date = "referral_date";
    assert!(allowed(&[(date, quarter)], &[(date, quarter)]));
    assert!(allowed(&[(date, month)], &[(date, year)]) && !allowed(&[(date, year)], &[(date, month)]));
    assert!(
        allowed(&[(date, quarter)], &[(date, Form::Coarsest)])
            && !allowed(&[(date, Form::Coarsest)], &[(date, quarter)])
    );
    assert!(allowed(&[(date, year)], &[(date, Form::Coarsest)]) && allowed(&[(date, Form::Coarsest)], &[(date, year)]));
    assert!(allowed(&[(date, Form::AsIs)], &[(date, month)]) && !allowed(&[(date, month)], &[(date, Form::AsIs)]));
    assert!(
        allowed(&[("gender", Form::Step(Step::Exact))], &[("gender", Form::AsIs)]),
        "the finest step, in other words"
    );
    assert!(!allowed(&[(date, quarter)], &[(date, Form::Step(Step::Band))]), "a step of another ladder");
    assert!(!allowed(&[], &[(date, year)]), "it is no longer listed");
    assert!(allowed(&[(date, year), ("nrm_stage", Form::AsIs)], &[(date, year)]), "more may leave than did");
    assert!(
        allowed(&[("nrm_stage", Form::AsIs)], &[("nrm_stage", Form::Coarsest)]),
        "an open field is whole or absent"
    );
    assert!(!allowed(&[("nrm_stage", Form::Pseudonym)], &[("nrm_stage", Form::AsIs)]));
    assert!(!allowed(&[("nrm_stage", Form::AsIs)], &[("nrm_stage", Form::Pseudonym)]));
    let sector = "labour_sector";
    assert!(
        allowed(&[(sector, Form::Coarsest)], &[(sector, Form::Coarsest)]) && allowed(&[], &[(sector, Form::Coarsest)])
    );
    assert!(!allowed(&[(sector, Form::Coarsest)], &[(sector, Form::AsIs)]), "it may not leave any more");
}

#[test]
fn a_frozen_clause_that_links_is_permitted_by_one_that_links() {
    let linking =
        Clause { link_persons: true, child_fields: sample().clauses[0].fields.clone(), ..sample().clauses[0].clone() };
    let single = Clause { link_persons: false, ..linking.clone() };
    assert!(permits(&linking, &linking, false, &ladder) && permits(&linking, &single, false, &ladder));
    assert!(!permits(&single, &linking, false, &ladder));
    assert!(permits(&single, &linking, true, &ladder), "a child was not linked");
    let no_children = Clause { child_fields: vec![], ..single.clone() };
    assert!(!permits(&no_children, &linking, true, &ladder) && permits(&no_children, &single, false, &ladder));
}
