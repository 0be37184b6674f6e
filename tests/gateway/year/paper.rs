//! An agreement on paper, with the few terms that the simulation varies: its text for the gateway, and, worked out from the same
//! terms with no code of the gateway's, what its partner is to see of a record.

use std::fmt::Write;

use serde_json::{Map, Value};

use super::draw::Draw;
use super::facts::{EXPLOITATION, Facts, TLP, date};

/// Stands for any pseudonym.
pub(super) const PSEUDONYM: &str = "<pseudonym>";

/// When a clause's records leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Period {
    Immediate,
    Daily,
    Weekly,
}

impl Period {
    /// Whether what became due on a day may leave on another. Weeks begin on Monday; day 0 was a Thursday.
    pub(super) fn is_over(self, since: u64, today: u64) -> bool {
        match self {
            Self::Immediate => true,
            Self::Daily => since < today,
            Self::Weekly => (since + 3) / 7 < (today + 3) / 7,
        }
    }
}

/// A version of an agreement.
#[derive(Debug, Clone)]
pub(super) struct Paper {
    pub(super) id: &'static str,
    pub(super) recipient: &'static str,
    pub(super) version: u32,
    pub(super) last_day: u64,
    onward: &'static str,
    clauses: Vec<Clause>,
}

/// A clause.
#[derive(Debug, Clone)]
pub(super) struct Clause {
    id: &'static str,
    is_route: bool,
    countries: Vec<&'static str>,
    exploitation: Option<Vec<&'static str>>,
    tlp: usize,
    children: bool,
    links: bool,
    /// The same in all versions, so that it does not matter which of them an item was released under.
    pub(super) copies_stay: bool,
    pub(super) period: Period,
    fields: Vec<(&'static str, &'static str)>,
}

/// What may be listed, and in which forms, finest first.
const PROFILE: [(&str, &[&str]); 8] = [
    ("age_band", &["band", "adult-child"]),
    ("gender", &["exact", "female-male"]),
    ("nationalities[]", &["country", "region"]),
    ("recruitment_country", &["country", "region"]),
    ("referral_date", &["quarter", "year"]),
    ("labour_sector", &["exact"]),
    ("exploitation_types[]", &["exact"]),
    ("nrm_reference", &["pseudonym"]),
];

const ROUTE: [(&str, &[&str]); 7] = [
    ("confidence", &["exact"]),
    ("route_status", &["exact"]),
    ("first_observed", &["month", "quarter", "year"]),
    ("legs[].from.country", &["exact"]),
    ("legs[].to.country", &["exact"]),
    ("exploitation_types[]", &["exact"]),
    ("route_reference", &["pseudonym"]),
];

/// Says why, wherever a protective default is relaxed.
const REASON: &str = "the simulation relaxes this default";

impl Paper {
    /// The first version, in force until `last_day`; its profile clauses begin with this period.
    pub(super) fn draw(
        draw: &mut Draw,
        (id, recipient): (&'static str, &'static str),
        last_day: u64,
        period: Period,
    ) -> Self {
        let stays = recipient == "al-police";
        let mut clauses = vec![
            Clause::draw(draw, "c1.1", false, !stays),
            Clause::draw(draw, "c1.2", false, stays),
            Clause::draw(draw, "c2.1", true, stays),
        ];
        clauses[0].period = period;
        Self { id, recipient, version: 1, last_day, onward: "forbidden", clauses }
    }

    /// The text of an agreement that only what touches Romania is released under, at once.
    pub(super) fn of_markers(id: &'static str, last_day: u64) -> String {
        let clause = Clause {
            id: "c1.1",
            is_route: true,
            countries: vec!["RO"],
            exploitation: None,
            tlp: 1,
            children: false,
            links: false,
            copies_stay: false,
            period: Period::Immediate,
            fields: vec![("route_status", "exact")],
        };
        let (recipient, onward) = ("vn-police", "forbidden");
        Self { id, recipient, version: 1, last_day, onward, clauses: vec![clause] }.text()
    }

    /// The next version: one clause drawn anew, or gone, or back.
    pub(super) fn amended(&self, draw: &mut Draw, last_day: u64) -> Self {
        let mut next = Self { version: self.version + 1, last_day, ..self.clone() };
        next.onward = draw.pick(&["forbidden", "forbidden", "forbidden", "with_originator_authorisation"]);
        let has_second = next.clauses.len() == 3;
        match draw.below(5) {
            0 if has_second => drop(next.clauses.remove(1)),
            0 => next.clauses.insert(1, Clause::draw(draw, "c1.2", false, self.recipient == "al-police")),
            1 => {
                let place = draw.below(next.clauses.len());
                next.clauses[place].period = Clause::draw_period(draw);
            }
            _ => {
                let place = draw.below(next.clauses.len());
                let Clause { id, is_route, copies_stay, .. } = next.clauses[place];
                next.clauses[place] = Clause::draw(draw, id, is_route, copies_stay);
            }
        }
        next
    }

    /// The clause that grants a record on a day; none where the partner is not to have it.
    pub(super) fn grants(&self, facts: &Facts, today: u64) -> Option<&Clause> {
        let country = self.recipient[..2].to_uppercase();
        let is_named = facts.releasable_to.iter().any(|party| *party == self.recipient || *party == country);
        let is_over = self.last_day < today || facts.last_day.is_some_and(|last| last < today);
        if is_over || !is_named || TLP[facts.tlp] == "RED" {
            return None;
        }
        self.clauses.iter().find(|clause| clause.covers(facts))
    }

    /// The text that persons approve.
    pub(super) fn text(&self) -> String {
        let Self { id, recipient, version, onward, .. } = self;
        let mut text = format!(
            "id = \"{id}\"\nversion = {version}\ngranting = \"gb-nca\"\nrecipient = \"{recipient}\"\n\
             valid_from = 2026-01-01\nvalid_until = {}\ntransfer_condition = \"s75_instrument\"\n\
             onward_transfer = \"{onward}\"\npurposes = [\"investigation\"]\n",
            date(self.last_day)
        );
        for clause in &self.clauses {
            clause.write(&mut text).expect("a text takes everything");
        }
        text
    }
}

impl Clause {
    fn draw(draw: &mut Draw, id: &'static str, is_route: bool, copies_stay: bool) -> Self {
        let links = draw.once_in(2);
        let menu: &[(&str, &[&str])] = if is_route { &ROUTE } else { &PROFILE };
        let mut fields: Vec<_> = draw.some(menu).into_iter().map(|(path, forms)| (path, draw.pick(forms))).collect();
        if links && !is_route {
            fields.push(("subject_reference", "pseudonym"));
        }
        Self {
            id,
            is_route,
            countries: draw.some(&["AL", "VN"]),
            exploitation: draw.once_in(2).then(|| draw.some(&EXPLOITATION)),
            tlp: draw.pick(&[1, 2, 2]),
            children: draw.once_in(2),
            links,
            copies_stay,
            period: Self::draw_period(draw),
            fields,
        }
    }

    fn draw_period(draw: &mut Draw) -> Period {
        draw.pick(&[Period::Immediate, Period::Immediate, Period::Daily, Period::Daily, Period::Weekly])
    }

    fn covers(&self, facts: &Facts) -> bool {
        let shares = |listed: &[&str], found: &[&str]| listed.iter().any(|one| found.contains(one));
        self.is_route == facts.is_route
            && shares(&self.countries, &facts.countries)
            && self.exploitation.as_ref().is_none_or(|listed| shares(listed, &facts.exploitation))
            && facts.tlp <= self.tlp
            && (self.children || !facts.is_child)
    }

    /// Whether the pseudonyms of a record are those of the person's others.
    pub(super) fn links(&self, facts: &Facts) -> bool {
        self.links && !facts.is_anonymous && !facts.is_child
    }

    /// What the partner is to see of a record.
    pub(super) fn shows(&self, facts: &Facts) -> Value {
        self.project(&facts.document, "", facts.is_child).unwrap_or_else(|| Value::Object(Map::new()))
    }

    fn project(&self, value: &Value, path: &str, is_child: bool) -> Option<Value> {
        match value {
            Value::Object(members) => {
                let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
                let kept: Map<String, Value> = members
                    .iter()
                    .filter_map(|(name, value)| Some((name.clone(), self.project(value, &below(name), is_child)?)))
                    .collect();
                (!kept.is_empty()).then_some(Value::Object(kept))
            }
            Value::Array(items) => {
                let kept: Vec<Value> =
                    items.iter().filter_map(|item| self.project(item, &format!("{path}[]"), is_child)).collect();
                (!kept.is_empty()).then_some(Value::Array(kept))
            }
            leaf => {
                let (_, form) = self.fields.iter().find(|(listed, _)| *listed == path)?;
                shown(path, if is_child { coarsest(path, form) } else { form }, leaf)
            }
        }
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        let kind = if self.is_route { "trafficking-route" } else { "victim-profile" };
        writeln!(text, "\n[[clauses]]\nid = \"{}\"\nkinds = [\"{kind}\"]", self.id)?;
        writeln!(text, "minimum_cell = 1\nminimum_cell_reason = \"{REASON}\"")?;
        match self.period {
            Period::Immediate => writeln!(text, "release = \"immediate\"\nrelease_reason = \"{REASON}\"")?,
            // Daily is what is not stated.
            Period::Daily => {}
            Period::Weekly => writeln!(text, "release = \"weekly\"")?,
        }
        let relaxed = [("children", self.children), ("link_persons", self.links), ("copies_stay", self.copies_stay)];
        for (name, _) in relaxed.iter().filter(|(_, is_relaxed)| *is_relaxed) {
            writeln!(text, "{name} = true\n{name}_reason = \"{REASON}\"")?;
        }
        let countries = if self.is_route { "route_countries" } else { "nationalities" };
        writeln!(text, "\n[clauses.filter]\n{countries} = {:?}", self.countries)?;
        if let Some(listed) = &self.exploitation {
            writeln!(text, "exploitation_types = {listed:?}")?;
        }
        writeln!(text, "\n[clauses.ceiling]\ntlp = \"{}\"\nsource_grade = \"2\"\ninfo_grade = \"C\"", TLP[self.tlp])?;
        writeln!(text, "\n[clauses.fields]")?;
        self.fields.iter().try_for_each(|(path, form)| writeln!(text, "\"{path}\" = \"{form}\""))
    }
}

/// The form in which a listed field leaves of a child, where the clause does not say.
fn coarsest(path: &str, stated: &'static str) -> &'static str {
    match path {
        "age_band" => "adult-child",
        "gender" => "female-male",
        "nationalities[]" | "recruitment_country" => "region",
        "referral_date" | "first_observed" => "year",
        "labour_sector" => "nothing",
        _ => stated,
    }
}

/// A leaf in a form.
fn shown(path: &str, form: &str, leaf: &Value) -> Option<Value> {
    let text = || leaf.as_str().expect("a ladder is of texts");
    let coarse = match form {
        "exact" | "band" | "country" => return Some(leaf.clone()),
        "nothing" => return None,
        "pseudonym" => PSEUDONYM.to_owned(),
        "year" => text()[..4].to_owned(),
        "month" => text()[..7].to_owned(),
        "quarter" => {
            let month: u32 = text()[5..7].parse().expect("a month");
            format!("{}-Q{}", &text()[..4], month.div_ceil(3))
        }
        "female-male" => if matches!(text(), "female" | "male") { text() } else { "unknown" }.to_owned(),
        "adult-child" => match text() {
            "unknown" => return None,
            "0-8" | "9-17" => "child".to_owned(),
            _ => "adult".to_owned(),
        },
        "region" => match text() {
            "AL" => "Southern Europe",
            "VN" => "South-eastern Asia",
            "RO" => "Eastern Europe",
            other => panic!("the reference has no region for {other}"),
        }
        .to_owned(),
        other => panic!("the reference does not know the form {other} of {path}"),
    };
    Some(coarse.into())
}
