//! A record as the simulation submits it: the document, and the few facts that decide who is to have it.

use causeway_model::Date;
use serde_json::{Map, Value, json};

use super::draw::Draw;

pub(super) const EXPLOITATION: [&str; 4] = ["ForcedLabour", "SexualExploitation", "Servitude", "ForcedBegging"];

/// From the least sensitive to the most.
pub(super) const TLP: [&str; 5] = ["CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED"];

/// Few persons, so that most have several records.
const PERSONS: usize = 12;

const DATES: [&str; 4] = ["2025-02-03", "2025-08-31", "2026-01-15", "2026-10-01"];

const PARTIES: [&[&str]; 7] =
    [&["AL", "VN"], &["AL", "VN"], &["al-police", "vn-police"], &["AL"], &["VN"], &["RO"], &[]];

/// One version of a record.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub(super) is_route: bool,
    /// The owner's reference of the person; of a route its own.
    pub(super) subject: String,
    pub(super) is_anonymous: bool,
    pub(super) is_child: bool,
    /// Nationalities; of a route the countries that it touches.
    pub(super) countries: Vec<&'static str>,
    pub(super) exploitation: Vec<&'static str>,
    /// Its place in [`TLP`].
    pub(super) tlp: usize,
    pub(super) releasable_to: &'static [&'static str],
    /// The last day on which it may be kept.
    pub(super) last_day: Option<u64>,
    /// What is submitted.
    pub(super) document: Value,
}

impl Facts {
    /// A new record, on this day.
    pub(super) fn draw(draw: &mut Draw, today: u64) -> Self {
        let is_route = draw.once_in(3);
        let subject = format!("{}-{}", if is_route { "ROUTE" } else { "SUBJECT" }, draw.below(PERSONS));
        Self::draw_of(draw, today, is_route, subject)
    }

    /// The same record with other facts.
    pub(super) fn corrected(&self, draw: &mut Draw, today: u64) -> Self {
        Self::draw_of(draw, today, self.is_route, self.subject.clone())
    }

    fn draw_of(draw: &mut Draw, today: u64, is_route: bool, subject: String) -> Self {
        let mut facts = Self {
            is_route,
            subject,
            is_anonymous: !is_route && draw.once_in(6),
            is_child: draw.once_in(5),
            countries: draw.pick::<&[&str]>(&[&["AL"], &["VN"], &["AL", "VN"], &["AL", "VN"], &["RO"]]).to_vec(),
            exploitation: draw.some(&EXPLOITATION),
            tlp: draw.pick(&[0, 1, 1, 1, 2, 2, 3, 4]),
            releasable_to: draw.pick(&PARTIES),
            last_day: draw.once_in(6).then(|| today + draw.up_to(1, 40)),
            document: Value::Null,
        };
        let mut document = Map::new();
        facts.handling(&mut document);
        if is_route {
            facts.route(draw, &mut document)
        } else {
            facts.profile(draw, &mut document)
        }
        facts.document = Value::Object(document);
        facts
    }

    /// What decides, in a line.
    pub(super) fn told(&self) -> String {
        let Self { subject, countries, exploitation, tlp, releasable_to, .. } = self;
        let (child, anonymous) =
            (if self.is_child { ", child" } else { "" }, if self.is_anonymous { ", anonymous" } else { "" });
        let until = self.last_day.map(|day| format!(", until {}", date(day))).unwrap_or_default();
        format!(
            "{subject}, {countries:?}, {exploitation:?}, {}, to {releasable_to:?}{child}{anonymous}{until}",
            TLP[*tlp]
        )
    }

    fn handling(&self, document: &mut Map<String, Value>) {
        set(document, "source_grade", "2");
        set(document, "info_grade", "C");
        set(document, "handling", "P");
        set(document, "tlp", TLP[self.tlp]);
        set(document, "releasable_to", self.releasable_to);
        set(document, "exploitation_types", self.exploitation.clone());
        if let Some(day) = self.last_day {
            set(document, "retain_until", date(day).to_string());
        }
    }

    fn profile(&self, draw: &mut Draw, document: &mut Map<String, Value>) {
        set(document, "is_minor", if self.is_child { draw.pick(&["yes", "not_sure"]) } else { "no" });
        let band = if document["is_minor"] == "yes" { draw.pick(&["0-8", "9-17"]) } else { "24-26" };
        set(document, "age_band", if document["is_minor"] == "not_sure" { "unknown" } else { band });
        set(document, "gender", draw.pick(&["female", "male", "transgender_female"]));
        set(document, "nationalities", self.countries.clone());
        set(document, "recruitment_country", draw.pick(&["AL", "VN", "RO"]));
        set(document, "referral_date", draw.pick(&DATES));
        set(document, "labour_sector", draw.pick(&["A", "F", "S"]));
        if self.is_anonymous {
            set(document, "anonymous", true);
        } else {
            set(document, "subject_reference", self.subject.clone());
            set(document, "nrm_reference", format!("NRM {}", self.subject));
        }
    }

    fn route(&self, draw: &mut Draw, document: &mut Map<String, Value>) {
        let ends = [self.countries[0], self.countries[self.countries.len() - 1]];
        let leg = json!({ "seq": 1, "role": "Transit", "mode": "road",
                          "from": { "country": ends[0] }, "to": { "country": ends[1] } });
        set(document, "legs", vec![leg]);
        set(document, "route_reference", self.subject.clone());
        set(document, "route_status", draw.pick(&["suspected", "confirmed"]));
        set(document, "confidence", draw.below(101));
        set(document, "first_observed", draw.pick(&DATES));
        let group = if self.is_child { "girls" } else { "women" };
        set(document, "victim_groups", json!([{ "group": group }]));
    }
}

/// A day since 1970-01-01 as a date.
pub(super) fn date(day: u64) -> Date {
    Date::from_day(u32::try_from(day).expect("a day of this century"))
}

fn set(document: &mut Map<String, Value>, name: &str, value: impl Into<Value>) {
    document.insert(name.to_owned(), value.into());
}
