//! Seeded records of both kinds, drawn so that every gate of an agreement opens for some and stops others. Each link and
//! sealed value holds a mark that nothing else holds, so that one found in a page can have come from nowhere else.

use serde_json::{Map, Value, json};

/// What every value holds that no partner may see as it is: texts the first (however they are cased), numbers the second.
pub(crate) const MARKS: [&str; 2] = ["qzx07", "355697"];

/// Draws the same records from the same seed.
#[derive(Debug)]
pub(crate) struct Seeded {
    state: u64,
    marks: u64,
}

const COUNTRIES: [&str; 6] = ["AL", "VN", "RO", "AL", "VN", "XK"];
const EXPLOITATION: [&str; 7] = [
    "ForcedLabour",
    "SexualExploitation",
    "Servitude",
    "ForcedCriminality",
    "ForcedBegging",
    "OrganRemoval",
    "ChildLabour",
];
const RELEASABLE: [&[&str]; 10] = [
    &["AL", "VN"],
    &["AL", "VN"],
    &["AL", "VN"],
    &["VN", "AL", "RO"],
    &["al-police", "vn-police"],
    &["AL"],
    &["VN"],
    &["al-police"],
    &["RO", "gb-nca"],
    &[],
];
const DATES: [&str; 6] = ["2023", "2024-02", "2024-11-30", "2025-04-01", "2025-09", "2025-12-31"];

impl Seeded {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed, marks: 0 }
    }

    /// A record: two profiles to each route.
    pub(crate) fn record(&mut self) -> Value {
        if self.below(3) == 0 { self.route() } else { self.profile() }
    }

    fn profile(&mut self) -> Value {
        let mut record = self.handling();
        let minor = self.pick(&["no", "no", "no", "no", "no", "no", "yes", "not_sure"]);
        let band = match minor {
            "yes" => self.pick(&["0-8", "9-17", "unknown"]),
            "no" => self.pick(&["18-20", "24-26", "30-38", "48+", "unknown"]),
            _ => "unknown",
        };
        let anonymous = self.chance(6);
        set(&mut record, "is_minor", minor);
        set(&mut record, "age_band", band);
        set(&mut record, "anonymous", anonymous);
        set(&mut record, "nationalities", self.some(&COUNTRIES, 2));
        set(&mut record, "birth_country", self.pick(&COUNTRIES));
        set(&mut record, "gender", self.pick(&["female", "male", "transgender_female", "non_conforming"]));
        set(&mut record, "exploitation_types", self.some(&EXPLOITATION, 3));
        set(&mut record, "exploitation_countries", self.some(&["GB", "AL", "VN", "RO"], 2));
        set(&mut record, "recruitment_country", self.pick(&COUNTRIES));
        set(&mut record, "referral_date", self.pick(&["2025-02-03", "2025-08-31", "2024-10-01"]));
        set(&mut record, "exploitation_start", self.pick(&DATES[..2]));
        set(&mut record, "exploitation_end", self.pick(&DATES[3..]));
        set(&mut record, "labour_sector", self.pick(&["A", "F", "S"]));
        set(&mut record, "means_of_control", self.some(&["DebtBondage", "FalsePromises", "TakesEarnings"], 2));
        set(&mut record, "vulnerabilities", json!(["Poverty"]));
        set(&mut record, "still_in_situation", "not_sure");
        set(&mut record, "marital_status", "Widowed");
        set(&mut record, "nrm_route", "nrm");
        set(&mut record, "narrative", json!({ "account": self.secret("told"), "exploiter": self.secret("named") }));
        if !anonymous {
            self.identify(&mut record);
        }
        Value::Object(record)
    }

    fn identify(&mut self, record: &mut Map<String, Value>) {
        set(record, "subject_reference", self.secret("SUBJ"));
        set(record, "nrm_reference", self.secret("NRM"));
        set(record, "given_name", self.secret("Given"));
        set(record, "family_name", self.secret("Family"));
        set(record, "aliases", json!([self.secret("alias"), self.secret("alias")]));
        set(record, "birth_place", self.secret("village"));
        set(record, "email", format!("{}@example.org", self.secret("mail")));
        set(record, "phones", json!([format!("+{}", self.digits())]));
        set(record, "address", json!({ "street": self.secret("street"), "postcode": self.secret("PC") }));
        set(record, "current_location", json!({ "city": self.secret("hiding") }));
        set(record, "external_references", json!([{ "scheme": "cid", "value": self.secret("CID") }]));
        let document = json!({ "type": "passport", "number": self.secret("PASS"), "issuing_country": "AL" });
        set(record, "identity_documents", json!([document]));
    }

    fn route(&mut self) -> Value {
        let mut record = self.handling();
        let length = 1 + self.below(3);
        let mut stops: Vec<Value> = Vec::new();
        for _ in 0..=length {
            stops.push(self.stop());
        }
        let legs: Vec<Value> = stops.windows(2).enumerate().map(|(index, ends)| self.leg(index, ends)).collect();
        set(&mut record, "origin_country", stops[0]["country"].clone());
        set(&mut record, "destination_country", stops[stops.len() - 1]["country"].clone());
        set(&mut record, "legs", legs);
        set(&mut record, "exploitation_types", self.some(&EXPLOITATION, 2));
        set(&mut record, "route_status", self.pick(&["suspected", "confirmed"]));
        set(&mut record, "route_reference", self.secret("ROUTE"));
        set(&mut record, "confidence", self.below(101));
        set(&mut record, "first_observed", self.pick(&DATES[..2]));
        set(&mut record, "last_observed", self.pick(&DATES[3..]));
        set(&mut record, "victim_refs", json!([self.secret("SUBJ")]));
        let group = self.pick(&["women", "men", "girls", "women", "men", "transgender"]);
        set(&mut record, "victim_groups", json!([{ "group": group, "count": 3 }]));
        let facilitator = json!({
            "role": "Transporter",
            "name": self.secret("driver"),
            "alias": self.secret("alias"),
            "nationality": self.pick(&COUNTRIES),
            "phones": [format!("+{}", self.digits())],
            "handles": [self.secret("handle")],
            "emails": [format!("{}@example.org", self.secret("boss"))],
        });
        set(&mut record, "facilitators", json!([facilitator]));
        set(&mut record, "vehicles", json!([{ "registration": self.secret("REG"), "country": "RO" }]));
        set(&mut record, "documents_used", json!([{ "type": "visa", "number": self.secret("VISA") }]));
        set(&mut record, "description", self.secret("seen"));
        Value::Object(record)
    }

    fn stop(&mut self) -> Value {
        let (country, subdivision, port) = self.pick(&[
            ("AL", "AL-01", "ALDRZ"),
            ("VN", "VN-SG", "VNSGN"),
            ("RO", "RO-B", "ROCND"),
            ("GB", "GB-KEN", "GBDVR"),
            ("FR", "FR-62", "FRCQF"),
        ]);
        json!({ "country": country, "subdivision": subdivision, "unlocode": port, "name": "a place",
                "street": self.secret("house"), "latitude": 51.25, "longitude": 1.5 })
    }

    fn leg(&mut self, index: usize, ends: &[Value]) -> Value {
        json!({
            "seq": index + 1,
            "role": self.pick(&["Recruitment", "Transit", "Exploitation"]),
            "mode": self.pick(&["road", "sea", "air"]),
            "carrier": "a line of coaches",
            "depart_on": self.pick(&DATES[..3]),
            "arrive_on": self.pick(&DATES[3..]),
            "border_crossing": { "irregular": self.chance(2) },
            "from": ends[0],
            "to": ends[1],
        })
    }

    /// The handling block, each code drawn so that most records pass most gates.
    fn handling(&mut self) -> Map<String, Value> {
        let mut record = Map::new();
        set(&mut record, "source_grade", self.pick(&["1", "2", "2", "1", "3"]));
        set(&mut record, "info_grade", self.pick(&["A", "B", "C", "C", "C", "D"]));
        set(&mut record, "tlp", self.pick(&["CLEAR", "GREEN", "GREEN", "GREEN", "AMBER", "AMBER+STRICT", "RED"]));
        set(&mut record, "releasable_to", self.pick(&RELEASABLE));
        set(&mut record, "retain_until", "2099-12-31");
        set(&mut record, "purpose", self.secret("because"));
        if self.chance(12) {
            set(&mut record, "processing_restricted", true);
        }
        if self.chance(6) {
            set(&mut record, "europol_handling", json!([self.pick(&["H0", "H1", "H2"])]));
        }
        let conditions = self.chance(4);
        set(&mut record, "handling", if conditions { "C" } else { "P" });
        if conditions {
            set(&mut record, "action_code", self.pick(&["A1", "A2", "A3"]));
            set(&mut record, "sanitisation_code", "S1");
        }
        record
    }

    /// A text that is written once, and that no partner may see.
    fn secret(&mut self, label: &str) -> String {
        self.marks += 1;
        format!("{label}Qzx07{:05}", self.marks)
    }

    fn digits(&mut self) -> String {
        self.marks += 1;
        format!("355697{:07}", self.marks)
    }

    fn some(&mut self, from: &[&'static str], most: usize) -> Vec<&'static str> {
        let count = 1 + self.below(most);
        let first = self.below(from.len());
        (0..count).map(|step| from[(first + step) % from.len()]).collect()
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    fn chance(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }

    /// SplitMix64; the bias of the remainder does not matter here.
    fn below(&mut self, end: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % end as u64).expect("less than a usize")
    }
}

fn set(record: &mut Map<String, Value>, name: &str, value: impl Into<Value>) {
    record.insert(name.to_owned(), value.into());
}
