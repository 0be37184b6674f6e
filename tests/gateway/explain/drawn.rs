//! Random agreements, drawn from a seed: filters, ceilings, periods, cells, children, links, and fields with their steps.

use serde_json::{Value, json};

use crate::harness::documents;

/// Draws the same from the same seed.
#[derive(Debug)]
pub(super) struct Drawn {
    state: u64,
}

const REASON: &str = "the property relaxes this default";

const PROFILE: [(&str, &[&str]); 12] = [
    ("subject_reference", &["pseudonym"]),
    ("nrm_reference", &["pseudonym"]),
    ("age_band", &["band", "adult-child"]),
    ("gender", &["female-male"]),
    ("nationalities[]", &["country", "region"]),
    ("referral_date", &["quarter", "year"]),
    ("exploitation_types[]", &["exact"]),
    ("labour_sector", &["exact"]),
    ("means_of_control[]", &["exact"]),
    ("recruitment_country", &["country", "region"]),
    ("exploitation_start", &["year"]),
    ("tlp", &["exact"]),
];

const ROUTE: [(&str, &[&str]); 11] = [
    ("route_reference", &["pseudonym"]),
    ("route_status", &["exact"]),
    ("legs[].seq", &["exact"]),
    ("legs[].mode", &["exact"]),
    ("legs[].depart_on", &["month", "quarter", "year"]),
    ("legs[].from.country", &["exact"]),
    ("legs[].from.unlocode", &["port", "country"]),
    ("origin_country", &["exact"]),
    ("first_observed", &["month", "quarter", "year"]),
    ("vehicles[].registration", &["pseudonym"]),
    ("confidence", &["exact"]),
];

/// A record that every drawn agreement grants, by its first clause and at once.
pub(super) fn marker() -> Value {
    let ends =
        json!([{ "seq": 1, "role": "Transit", "from": { "country": "NG" }, "to": { "country": "NG" }, "mode": "air" }]);
    documents::with(documents::route(), json!({ "legs": ends }))
}

impl Drawn {
    pub(super) fn new(seed: u64) -> Self {
        Self { state: seed.wrapping_mul(0x2545_f491_4f6c_dd1d).wrapping_add(77) }
    }

    /// The text of an agreement in a version.
    pub(super) fn agreement(&mut self, id: &str, recipient: &str, version: u32) -> String {
        let mut text = format!(
            "id = \"{id}\"\nversion = {version}\ngranting = \"gb-nca\"\nrecipient = \"{recipient}\"\nvalid_from = 2026-01-01\n\
             valid_until = 2028-12-31\ntransfer_condition = \"s75_instrument\"\nonward_transfer = \"forbidden\"\n\
             purposes = [\"investigation\"]\n\n"
        );
        text += &format!(
            "[[clauses]]\nid = \"c0\"\nkinds = [\"trafficking-route\"]\nrelease = \"immediate\"\nrelease_reason = \"{REASON}\"\n\
             minimum_cell = 1\nminimum_cell_reason = \"{REASON}\"\n[clauses.filter]\nroute_countries = [\"NG\"]\n\
             [clauses.ceiling]\ntlp = \"AMBER\"\nsource_grade = \"3\"\ninfo_grade = \"E\"\n[clauses.fields]\n\"tlp\" = \"exact\"\n\n"
        );
        for number in 1..2 + self.below(2) {
            text += &self.clause(&format!("c1.{number}"), "victim-profile", &PROFILE);
        }
        text + &self.clause("c2.1", "trafficking-route", &ROUTE)
    }

    fn clause(&mut self, id: &str, kind: &str, fields: &[(&str, &[&'static str])]) -> String {
        let mut text = format!("[[clauses]]\nid = \"{id}\"\nkinds = [\"{kind}\"]\n");
        let cell = if self.below(3) == 0 { 2 + self.below(3) } else { 1 };
        text += &format!("minimum_cell = {cell}\nminimum_cell_reason = \"{REASON}\"\n");
        match self.below(3) {
            0 if cell == 1 => text += &format!("release = \"immediate\"\nrelease_reason = \"{REASON}\"\n"),
            1 => text += "release = \"weekly\"\n",
            _ => text += "release = \"daily\"\n",
        }
        let mut links = false;
        for relaxed in ["link_persons", "children", "copies_stay"] {
            // A minimum cell does not hold where persons are linked.
            if self.below(2) == 0 && (cell == 1 || relaxed != "link_persons") {
                text += &format!("{relaxed} = true\n{relaxed}_reason = \"{REASON}\"\n");
                links |= relaxed == "link_persons";
            }
        }
        let countries = self.pick(&[
            "[\"AL\", \"XK\"]",
            "[\"VN\"]",
            "[\"AL\", \"VN\", \"RO\"]",
            "[\"AL\", \"VN\", \"RO\", \"XK\"]",
        ]);
        let filter = if kind == "victim-profile" { "nationalities" } else { "route_countries" };
        text += &format!("[clauses.filter]\n{filter} = {countries}\n");
        let (tlp, source, info) = (self.pick(&["GREEN", "AMBER"]), self.pick(&["2", "3"]), self.pick(&["C", "D"]));
        text += &format!("[clauses.ceiling]\ntlp = \"{tlp}\"\nsource_grade = \"{source}\"\ninfo_grade = \"{info}\"\n");
        text += "action_codes = [\"A2\"]\nsanitisation_codes = [\"S1\"]\neuropol_codes = [\"H0\"]\n[clauses.fields]\n";
        let first = 1 + self.below(fields.len() - 1);
        for (index, (path, steps)) in fields.iter().enumerate() {
            // What links persons is listed only where the clause links them.
            if (index == first || self.below(3) > 0) && (links || *path != "subject_reference") {
                text += &format!("\"{path}\" = \"{}\"\n", self.pick(steps));
            }
        }
        text + "\n"
    }

    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// SplitMix64; the bias of the remainder does not matter here.
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % end as u64).expect("less than a usize")
    }
}
