//! A list filled from several columns that each say yes, no or nothing.

use serde_json::Value;

use super::rows::Cells;

/// How flag columns become the members of a list.
#[derive(Debug)]
pub(super) struct FlagsRule {
    /// Each column with the member that it stands for, in the order of the columns' names.
    pub(super) members: Vec<(String, String)>,
    /// Texts that say yes.
    pub(super) set: Vec<String>,
    /// Texts that say no.
    pub(super) clear: Vec<String>,
    /// Texts that say nothing. A text that is listed as yes or no is one, whatever stands here.
    pub(super) missing: Vec<String>,
    /// The member where no column says yes and all say no.
    pub(super) when_clear: Option<String>,
    /// The member where no column says yes and some say nothing.
    pub(super) when_unknown: Option<String>,
}

impl FlagsRule {
    pub(super) fn value(&self, cells: &Cells<'_>) -> Result<Option<Value>, &'static str> {
        let mut members: Vec<Value> = Vec::new();
        let mut unknown = false;
        for (column, member) in &self.members {
            let text = cells.text(column)?;
            let says = |texts: &[String]| texts.iter().any(|listed| listed == text);
            if says(&self.set) {
                let member = Value::from(member.as_str());
                if !members.contains(&member) {
                    members.push(member);
                }
            } else if says(&self.clear) {
                continue;
            } else if says(&self.missing) {
                unknown = true;
            } else {
                return Err("not-a-flag");
            }
        }
        if members.is_empty() {
            let fallback = if unknown { &self.when_unknown } else { &self.when_clear };
            members.extend(fallback.as_deref().map(Value::from));
        }
        Ok((!members.is_empty()).then_some(Value::Array(members)))
    }
}
