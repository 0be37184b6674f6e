//! Reading from a classified body the facts that a release decision looks at. What is missing, and what is there but
//! cannot be read, has its protective value.

use causeway_model::{
    Class, Country, Date, EuropolCode, FieldNumber, Floor, Handling, InfoGrade, Kind, Ladder, PartialDate, RecordFacts,
    SourceGrade, Step, Tlp,
};

use crate::classified::{Cell, CellValue, Cells, Classified};
use crate::ladder::Scalar;
use crate::schema::Schema;
use crate::shape::Shape;

/// Every fact's field.
const COMMON: &[&str] = &[
    "exploitation_types[]",
    "tlp",
    "source_grade",
    "info_grade",
    "handling",
    "action_code",
    "sanitisation_code",
    "europol_handling[]",
    "releasable_to[]",
    "processing_restricted",
    "retain_until",
];
const PROFILE: &[&str] = &[
    "nationalities[]",
    "birth_country",
    "recruitment_country",
    "exploitation_countries[]",
    "is_minor",
    "anonymous",
    "referral_date",
];
const ROUTE: &[&str] = &[
    "legs[].from.country",
    "legs[].to.country",
    "victim_groups[].group",
    "means_of_recruitment[]",
    "first_observed",
    "last_observed",
];

/// Codes of a route that speak of children whoever else is moved on it: only a child is put to child labour, adopted or
/// fostered. `ThreatensChildrenFamily` is not among them, since it is about the victim's own children at home.
pub(crate) const CHILD_EXPLOITATION: &[&str] = &["ChildLabour", "ForcedAdoption"];
pub(crate) const CHILD_RECRUITMENT: &[&str] = &["child_fostering"];
/// The groups that are surely adults.
pub(crate) const ADULT_GROUPS: &[&str] = &["women", "men"];

/// What each field of a leg begins with.
const LEG: &str = "legs[].";

/// The numbers of the fields that facts are read from.
#[derive(Debug)]
pub(crate) struct FactFields {
    by_number: Vec<FactField>,
    retain_until: Option<FieldNumber>,
    review_due: Option<FieldNumber>,
}

/// What a field is read for.
#[derive(Debug, Clone, Copy, Default)]
struct FactField {
    /// The fact's path, where it is one.
    path: Option<&'static str>,
    /// Whether it is of a leg: a leg is there once it has any of its fields.
    of_leg: bool,
}

impl FactFields {
    /// Finds the fields; one that the classified body would not hold in a form that can be read is a fault.
    pub(crate) fn find(kind: Kind, shape: &Shape, faults: &mut Vec<String>) -> Self {
        let own: &[&str] = match kind {
            Kind::VictimProfile => PROFILE,
            Kind::TraffickingRoute => ROUTE,
        };
        let numbers = shape.table.iter().map(|spec| usize::from(spec.number.0) + 1);
        let mut fields = vec![FactField::default(); numbers.max().unwrap_or(0)];
        for path in COMMON.iter().chain(own) {
            let leaf = shape.number(path).and_then(|number| shape.by_number(number));
            let readable = leaf.filter(|leaf| match (leaf.spec.class, leaf.spec.floor) {
                _ if leaf.withheld.is_some() => false,
                (Class::Open, _) => true,
                // Whatever the step, it spans days that can be told.
                (Class::Coarse, Floor::Finest(_)) if leaf.spec.ladder == Some(Ladder::Date) => true,
                (Class::Coarse, Floor::Finest(step)) => matches!(step, Step::Exact | Step::Band | Step::Country),
                _ => false,
            });
            match readable {
                Some(leaf) => fields[usize::from(leaf.spec.number.0)].path = Some(*path),
                None => faults
                    .push(format!("{path}: decisions read this field, and it is not open or coarse at its finest")),
            }
        }
        for spec in shape.table.iter().filter(|spec| spec.path.as_str().starts_with(LEG)) {
            fields[usize::from(spec.number.0)].of_leg = true;
        }
        let (retain_until, review_due) = (shape.number("retain_until"), shape.number("retention_review_due"));
        Self { by_number: fields, retain_until, review_due }
    }

    /// The facts of one record.
    ///
    /// A profile is of a child unless it says "no", for it is about one person, whose age its schema demands. A route
    /// is of children once any code on it speaks of children, or a group on it is not surely adult. A route that says
    /// nothing of groups is not: it describes ways and means rather than persons, its groups are often unknown when
    /// it is first reported, and to hold all such routes back would keep from partners what stops the transport
    /// without protecting any child that could be recognised.
    pub(crate) fn read(&self, kind: Kind, cells: &Cells<'_>) -> RecordFacts {
        let mut facts = RecordFacts {
            kind,
            nationalities: Vec::new(),
            birth_country: None,
            recruitment_country: None,
            exploitation_countries: Vec::new(),
            route_countries: Vec::new(),
            route_start: None,
            route_end: None,
            route_has_unknown_stop: false,
            dates: None,
            exploitation_types: Vec::new(),
            tlp: Tlp::Red,
            source_grade: SourceGrade::NotReliable,
            info_grade: InfoGrade::SuspectedFalse,
            handling: Handling::Conditions,
            action_code: None,
            sanitisation_code: None,
            releasable_to: Vec::new(),
            europol_codes: Vec::new(),
            dissemination_permission_needed: false,
            child: kind == Kind::VictimProfile,
            anonymous: false,
            processing_restricted: false,
            retain_until: None,
        };
        let (mut stops, mut last_leg) = (Vec::new(), None);
        let mut dates = Dates::default();
        for cell in cells.all() {
            let field = self.by_number.get(usize::from(cell.field.0)).copied().unwrap_or_default();
            if field.of_leg {
                last_leg = last_leg.max(cell.indices.first().copied());
            }
            let Some(path) = field.path else { continue };
            match (path, cell.text()) {
                ("anonymous", _) => facts.anonymous = flag(cell),
                ("processing_restricted", _) => facts.processing_restricted = flag(cell),
                (path, Some(text)) => {
                    fact(&mut facts, path, text);
                    stops.extend(stop(path, cell, text));
                    dates.read(path, text);
                }
                // No code and no date: the fact is then as protective as for any other text that cannot be read.
                (path, None) => {
                    fact(&mut facts, path, "");
                    stops.extend(stop(path, cell, ""));
                }
            }
        }
        if kind == Kind::TraffickingRoute {
            stops.sort_unstable();
            travel(&mut facts, &stops, last_leg);
        }
        facts.dates = dates.span(kind);
        facts
    }
}

/// One end of a leg, in the order of travel: the leg, its end (0 leaves, 1 reaches), and the country where it can be read.
type Stop = (u8, u8, Option<Country>);

/// What the stops of a route say: where it starts and ends, and what it touches. An end that is absent or cannot be read is not
/// guessed from the other end of its leg, nor from the leg before or after it.
fn travel(facts: &mut RecordFacts, stops: &[Stop], last_leg: Option<u8>) {
    let at = |leg: u8, end: u8| stops.iter().find(|stop| (stop.0, stop.1) == (leg, end)).and_then(|stop| stop.2);
    facts.route_start = at(0, 0);
    facts.route_end = last_leg.and_then(|last| at(last, 1));
    facts.route_has_unknown_stop =
        last_leg.is_none_or(|last| (0..=last).any(|leg| at(leg, 0).is_none() || at(leg, 1).is_none()));
    for country in stops.iter().filter_map(|stop| stop.2) {
        if !facts.route_countries.contains(&country) {
            facts.route_countries.push(country);
        }
    }
}

/// The spans of the dates that a record is of: each from the first to the last day that its stored step can mean.
#[derive(Default)]
struct Dates {
    referral: Option<(Date, Date)>,
    first_observed: Option<(Date, Date)>,
    last_observed: Option<(Date, Date)>,
}

impl Dates {
    fn read(&mut self, path: &str, text: &str) {
        match path {
            "referral_date" => self.referral = span(text),
            "first_observed" => self.first_observed = span(text),
            "last_observed" => self.last_observed = span(text),
            _ => {}
        }
    }

    /// The whole span, where both of its ends are known and in order.
    fn span(&self, kind: Kind) -> Option<(Date, Date)> {
        let span = match kind {
            Kind::VictimProfile => self.referral?,
            Kind::TraffickingRoute => (self.first_observed?.0, self.last_observed?.1),
        };
        (span.0 <= span.1).then_some(span)
    }
}

/// The first and last day of a date at any step: `2026`, `2026-Q1`, `2026-03`, `2026-03-14`.
fn span(text: &str) -> Option<(Date, Date)> {
    let Some((year, quarter)) = text.split_once("-Q") else {
        let date: PartialDate = text.parse().ok()?;
        return Some((date.earliest(), date.latest()));
    };
    let year = year.parse().ok().filter(|date: &PartialDate| date.month.is_none())?;
    let last = match quarter {
        "1" => 3,
        "2" => 6,
        "3" => 9,
        "4" => 12,
        _ => return None,
    };
    let month = |month| PartialDate { month: Some(month), ..year };
    Some((month(last - 2).earliest(), month(last).latest()))
}

/// What a record says of how long it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// The last day; none where it states none, and over long ago where what it states cannot be read.
    pub until: Option<Date>,
    /// The day by which somebody has to look whether it is still needed; none where it states none that can be read.
    pub review_due: Option<Date>,
}

/// Over long ago where it cannot be read: `None` would mean that it may be kept for ever.
fn last_day(text: &str) -> Option<Date> {
    text.parse().ok().or_else(|| Date::new(1, 1, 1))
}

impl Schema {
    /// How long a record is kept: what [`Schema::facts`] says of it, and the day of review, without the other facts.
    pub fn retention(&self, body: &Classified) -> Retention {
        let FactFields { retain_until, review_due, .. } = self.compiled().facts;
        let mut retention = Retention { until: None, review_due: None };
        for cell in body.walk() {
            if Some(cell.field) == retain_until {
                retention.until = last_day(cell.text().unwrap_or_default());
            } else if Some(cell.field) == review_due {
                retention.review_due = cell.text().and_then(|text| text.parse().ok());
            }
        }
        retention
    }

    /// Whether a record is about the person with this internal pseudonym: by its own `subject_reference`. A route that only names
    /// victims is about none of them.
    pub fn is_of_person(&self, body: &Classified, pseudonym: &[u8; 32]) -> bool {
        let field = self.compiled().shape.number("subject_reference");
        body.walk().any(|cell| Some(cell.field) == field && cell.value() == Some(CellValue::Pseudonym(pseudonym)))
    }

    /// Whether a record names the person with this internal pseudonym as one that was moved on its route: by its `victim_refs`,
    /// which are pseudonyms under the same scheme as a profile's `subject_reference`.
    pub fn names_person(&self, body: &Classified, pseudonym: &[u8; 32]) -> bool {
        let field = self.compiled().shape.number("victim_refs[]");
        body.walk().any(|cell| Some(cell.field) == field && cell.value() == Some(CellValue::Pseudonym(pseudonym)))
    }
}

/// A stop of a route with its place in the order of travel.
fn stop(path: &str, cell: &Cell<'_>, text: &str) -> Option<Stop> {
    let end = match path {
        "legs[].from.country" => 0,
        "legs[].to.country" => 1,
        _ => return None,
    };
    Some((*cell.indices.first()?, end, text.parse().ok()))
}

/// Both flags protect, so what is not surely false is true.
fn flag(cell: &Cell<'_>) -> bool {
    cell.value() != Some(CellValue::Scalar(Scalar::Flag(false)))
}

fn fact(facts: &mut RecordFacts, path: &str, text: &str) {
    match path {
        "nationalities[]" => facts.nationalities.extend(text.parse::<Country>()),
        "birth_country" => facts.birth_country = text.parse().ok(),
        "recruitment_country" => facts.recruitment_country = text.parse().ok(),
        "exploitation_countries[]" => facts.exploitation_countries.extend(text.parse::<Country>()),
        "exploitation_types[]" => {
            facts.exploitation_types.push(text.into());
            facts.child |= facts.kind == Kind::TraffickingRoute && CHILD_EXPLOITATION.contains(&text);
        }
        "tlp" => facts.tlp = text.parse().unwrap_or(Tlp::Red),
        "source_grade" => facts.source_grade = text.parse().unwrap_or(SourceGrade::NotReliable),
        "info_grade" => facts.info_grade = text.parse().unwrap_or(InfoGrade::SuspectedFalse),
        "handling" => facts.handling = text.parse().unwrap_or(Handling::Conditions),
        "action_code" => facts.action_code = text.parse().ok(),
        "sanitisation_code" => facts.sanitisation_code = text.parse().ok(),
        "europol_handling[]" => {
            let code = text.parse().ok();
            facts.europol_codes.extend(code);
            facts.dissemination_permission_needed |= !matches!(code, Some(EuropolCode::H0 | EuropolCode::H1));
        }
        "releasable_to[]" => facts.releasable_to.extend(text.parse().ok()),
        "retain_until" => facts.retain_until = last_day(text),
        "is_minor" => facts.child = text != "no",
        "victim_groups[].group" => facts.child |= !ADULT_GROUPS.contains(&text),
        "means_of_recruitment[]" => facts.child |= CHILD_RECRUITMENT.contains(&text),
        _ => {}
    }
}
