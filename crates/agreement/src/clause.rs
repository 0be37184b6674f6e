//! One grant of an agreement: which records, which of their fields, in which form, and under which protection.

use causeway_model::{
    ActionCode, ClauseId, EuropolCode, FieldPath, InfoGrade, Kind, Ladder, RecordFacts, SanitisationCode, SourceGrade,
    Step, Tlp,
};

use crate::{Filter, ReleasePeriod};

/// One grant: which records, which of their fields, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    /// Its id, as on paper.
    pub id: ClauseId,
    /// The kinds of record that it covers.
    pub kinds: Vec<Kind>,
    /// Which records of those kinds.
    pub filter: Filter,
    /// How sensitive a record may be at most.
    pub ceiling: HandlingCeiling,
    /// The fields that leave, each with its form. What is not listed does not leave.
    pub fields: Vec<(FieldPath, Form)>,
    /// The fields that leave of a child's record; empty where children are not covered. Where the clause does not state them,
    /// they are those of `fields`, each at its coarsest.
    pub child_fields: Vec<(FieldPath, Form)>,
    /// When what becomes releasable is released.
    pub release: ReleasePeriod,
    /// Whether one person's records may be linked within the feed.
    pub link_persons: bool,
    /// How many persons must share an item's coarse fields and its set of open values, over all that was ever released to the
    /// feed: 1 to 100, and above 1 only where persons are not linked. Every listed field but the pseudonyms takes part: coarse ones
    /// may be made coarser for a batch, open ones stay.
    pub minimum_cell: u32,
    /// Whether records of children are covered.
    pub children: bool,
    /// Whether the recipient may keep what was released under it once the agreement has ended or is suspended. Otherwise
    /// withdrawals go out then.
    pub copies_stay: bool,
}

/// How sensitive a record may be at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandlingCeiling {
    /// The strictest Traffic Light Protocol code; never RED.
    pub tlp: Tlp,
    /// The least reliable source.
    pub source_grade: SourceGrade,
    /// The weakest information.
    pub info_grade: InfoGrade,
    /// The action codes under which a record shared with conditions may leave; empty means none. Never A1.
    pub action_codes: Vec<ActionCode>,
    /// The sanitisation codes under which a record shared with conditions may leave; empty means none.
    pub sanitisation_codes: Vec<SanitisationCode>,
    /// The Europol handling codes that a record may have; empty means that only records without one leave. Of H0 and H1 only:
    /// the others need a permission.
    pub europol_codes: Vec<EuropolCode>,
}

/// The form in which a field leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As it is recorded; written `exact`.
    AsIs,
    /// At this step of its ladder.
    Step(Step),
    /// As this feed's own pseudonym.
    Pseudonym,
    /// At the coarsest step of its ladder, whichever that is; an open field as it is. It has no written form: a child's fields
    /// have it where the clause does not state them.
    Coarsest,
}

impl Clause {
    /// The fields that leave of a record, each with its form; of a child's record fewer or coarser ones.
    pub fn fields_of(&self, child: bool) -> &[(FieldPath, Form)] {
        if child { &self.child_fields } else { &self.fields }
    }

    /// The form in which a field leaves of a record; none where it does not.
    pub fn form_for(&self, child: bool, path: &FieldPath) -> Option<Form> {
        self.fields_of(child).iter().find(|(listed, _)| listed == path).map(|(_, form)| *form)
    }

    /// Whether a record's pseudonyms are those of the person's other records: never of an anonymous one, never of a child's.
    pub fn links(&self, facts: &RecordFacts) -> bool {
        self.link_persons && !facts.anonymous && !facts.child
    }

    /// What leaves of a child where the clause does not state it: the same fields, each at its coarsest.
    pub(crate) fn coarsest_of(fields: &[(FieldPath, Form)]) -> Vec<(FieldPath, Form)> {
        let coarsest = |form: Form| if form == Form::Pseudonym { form } else { Form::Coarsest };
        fields.iter().map(|(path, form)| (path.clone(), coarsest(*form))).collect()
    }
}

impl Form {
    /// This form on a field of this ladder (none for an open or a link field), with `Coarsest` made definite. None where
    /// nothing leaves: a value that has no coarser form is left out.
    pub fn on(self, ladder: Option<Ladder>) -> Option<Self> {
        match (self, ladder) {
            (Self::Coarsest, Some(ladder)) => ladder.coarsest().map(Self::Step),
            (Self::Coarsest, None) => Some(Self::AsIs),
            (form, _) => Some(form),
        }
    }

    /// Whether this form tells no more than `allowed` does, on a field of this ladder.
    pub(crate) fn is_within(self, allowed: Self, ladder: Option<Ladder>) -> bool {
        let (Some(own), Some(allowed)) = (self.on(ladder), allowed.on(ladder)) else {
            // What does not leave at all is within everything, and nothing else is within it.
            return self.on(ladder).is_none();
        };
        let place = |form| match (form, ladder) {
            (Self::AsIs, _) => Some(0),
            (Self::Step(step), Some(ladder)) => ladder.place_of(step),
            _ => None,
        };
        own == allowed || matches!((place(own), place(allowed)), (Some(own), Some(allowed)) if own >= allowed)
    }
}

/// Whether all that `frozen` lets leave of a record is still allowed by `present`: each of its fields is listed there in a form at
/// least as fine, and persons are linked only if they are linked there. `ladder` gives a field's ladder, none for an open or a link
/// field.
pub fn permits(present: &Clause, frozen: &Clause, child: bool, ladder: &dyn Fn(&FieldPath) -> Option<Ladder>) -> bool {
    let links_more = !child && frozen.link_persons && !present.link_persons;
    let within = |(path, form): &(FieldPath, Form)| {
        let ladder = ladder(path);
        let stays_back = form.on(ladder).is_none();
        stays_back || present.form_for(child, path).is_some_and(|allowed| form.is_within(allowed, ladder))
    };
    !links_more && frozen.fields_of(child).iter().all(within)
}
