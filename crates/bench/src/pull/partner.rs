//! Partners of the bench's own: their agreements let leave, at once, all that may leave at all, so that who is named in a record alone
//! decides how much of all each of them is released.

use std::fs;
use std::path::Path;

use causeway_rig::Failed;
use serde_json::{Map, Value, json};

/// The country of all of them, which no record of the sample names.
pub(crate) const COUNTRY: &str = "FR";

/// The purpose that they state.
pub(crate) const PURPOSE: &str = "investigation";

/// Every type of exploitation of the sample: a filter that covers every record.
const EVERY_TYPE: &str = r#"exploitation_types = ["ForcedLabour", "ForcedCriminality", "SexualExploitation", "Servitude", "ForcedBegging", "OrganRemoval", "NotSpecified"]"#;

/// Put after the minimum cell of each clause.
const CHILDREN: &str =
    "minimum_cell = 1\nchildren = true\nchildren_reason = \"a measurement that takes all records alike\"\n";

/// A partner with one agreement.
#[derive(Debug, Clone)]
pub(crate) struct Partner {
    pub(crate) agency: String,
    pub(crate) agreement: String,
}

impl Partner {
    /// The partner with a number of its own.
    pub(crate) fn new(number: usize) -> Self {
        Self { agency: format!("fr-bench-{number}"), agreement: format!("ISA-FR-2026-{number:03}") }
    }

    /// Its system that reads.
    pub(crate) fn system(&self) -> String {
        format!("{}/feed", self.agency)
    }

    /// Adds its agency and its agreement to a configuration: those of Albania, made as wide as they can be.
    pub(crate) fn add_to(&self, config: &Path) -> Result<(), Failed> {
        let read = |name: &str| fs::read_to_string(config.join(name));
        let agency = swapped(&read("agencies/al-police.toml")?, &[("al-police", &self.agency)])?;
        fs::write(config.join(format!("agencies/{}.toml", self.agency)), agency)?;
        let agreement = swapped(
            &read("agreements/ISA-AL-2026-014.toml")?,
            &[
                ("ISA-AL-2026-014", &self.agreement),
                ("al-police", &self.agency),
                ("nationalities = [\"AL\"]", EVERY_TYPE),
                ("route_countries = [\"AL\", \"XK\"]", EVERY_TYPE),
                ("tlp = \"AMBER\"", "tlp = \"AMBER+STRICT\""),
                ("source_grade = \"2\"", "source_grade = \"3\""),
                ("info_grade = \"C\"", "info_grade = \"E\""),
                ("minimum_cell = 1\n", CHILDREN),
            ],
        )?;
        Ok(fs::write(config.join(format!("agreements/{}.toml", self.agreement)), agreement)?)
    }
}

/// Makes of a record one that may leave, and names to whom, agencies or a country, beside those that it names already.
pub(crate) fn release_to(record: &mut Map<String, Value>, named: &[&str]) {
    if record.get("tlp").is_some_and(|code| code == "RED") {
        record.insert("tlp".into(), json!("AMBER"));
    }
    if record.get("action_code").is_some_and(|code| code == "A1") {
        record.insert("action_code".into(), json!("A2"));
    }
    record.insert("processing_restricted".into(), json!(false));
    if let Some(Value::Array(parties)) = record.get_mut("releasable_to") {
        parties.extend(named.iter().map(|party| json!(party)));
    }
}

/// The text with each of these put in the other's place. One that is not there is a mistake: the text has changed since.
fn swapped(text: &str, swaps: &[(&str, &str)]) -> Result<String, Failed> {
    swaps.iter().try_fold(text.to_owned(), |text, (from, to)| match text.contains(from) {
        true => Ok(text.replace(from, to)),
        false => Err(format!("the shipped configuration does not say {from:?} any more").into()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_not_swapped_in_silence() {
        assert_eq!(swapped("a = 1", &[("1", "2"), ("a", "b")]).expect("both are there"), "b = 2");
        assert!(swapped("a = 1", &[("c", "d")]).is_err());
    }

    #[test]
    fn a_record_is_made_one_that_may_leave() {
        let record =
            json!({ "tlp": "RED", "action_code": "A1", "processing_restricted": true, "releasable_to": ["AL"] });
        let Value::Object(mut record) = record else { panic!("an object") };
        release_to(&mut record, &[COUNTRY]);
        let expected = json!({
            "tlp": "AMBER", "action_code": "A2", "processing_restricted": false, "releasable_to": ["AL", "FR"]
        });
        assert_eq!(Value::Object(record), expected);
    }
}
