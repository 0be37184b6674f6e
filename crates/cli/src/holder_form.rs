//! The holders of a record, for people and as JSON.

use causeway_model::Timestamp;
use causeway_proto::v1::Holder;
use serde::Serialize;

use crate::text_table::{TextTable, free_text};

const MICROS_A_SECOND: u64 = 1_000_000;

/// A holder as JSON. A member that does not apply is left out.
#[derive(Debug, Serialize)]
pub(crate) struct HolderForm<'a> {
    agency: &'a str,
    agreement: &'a str,
    disclosed_at: Option<String>,
    versions: &'a [u32],
    #[serde(skip_serializing_if = "Option::is_none")]
    shown_version: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recalled_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acknowledge_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acknowledged_at: Option<String>,
    #[serde(skip_serializing_if = "str::is_empty")]
    acknowledged_by: &'a str,
    overdue: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds_to_acknowledge: Option<u64>,
}

fn time(micros: u64) -> Option<String> {
    (micros > 0).then(|| Timestamp(micros).to_string())
}

impl<'a> HolderForm<'a> {
    pub(crate) fn new(holder: &'a Holder) -> Self {
        let to_acknowledge = holder.time_to_acknowledge_micros;
        Self {
            agency: &holder.agency,
            agreement: &holder.agreement,
            disclosed_at: time(holder.disclosed_at_micros),
            versions: &holder.versions,
            shown_version: Some(holder.shown_version).filter(|version| *version > 0),
            recalled_at: time(holder.recalled_at_micros),
            acknowledge_by: time(holder.acknowledge_by_micros),
            acknowledged_at: time(holder.acknowledged_at_micros),
            acknowledged_by: &holder.acknowledged_by,
            overdue: holder.overdue,
            seconds_to_acknowledge: (to_acknowledge > 0).then(|| to_acknowledge.div_ceil(MICROS_A_SECOND)),
        }
    }
}

/// Who holds a record, one line each below a heading; no line where nobody does.
pub(crate) fn lines(holders: &[Holder]) -> Vec<String> {
    if holders.is_empty() {
        return Vec::new();
    }
    let mut table = TextTable::new(["PARTNER", "UNDER", "SINCE", "VERSIONS", "RECALLED", "ACKNOWLEDGED", "DUE"]);
    for holder in holders {
        let versions: Vec<String> = holder.versions.iter().map(ToString::to_string).collect();
        table.row([
            holder.agency.clone(),
            holder.agreement.clone(),
            time(holder.disclosed_at_micros).unwrap_or_else(|| "-".into()),
            versions.join(","),
            time(holder.recalled_at_micros).unwrap_or_else(|| "no".into()),
            acknowledged(holder),
            due(holder),
        ]);
    }
    table.lines()
}

fn acknowledged(holder: &Holder) -> String {
    let Some(mut text) = time(holder.acknowledged_at_micros) else {
        return if holder.recalled_at_micros > 0 { "no" } else { "-" }.into();
    };
    if !holder.acknowledged_by.is_empty() {
        text.push_str(&format!(" by {}", free_text(&holder.acknowledged_by)));
    }
    if holder.time_to_acknowledge_micros > 0 {
        text.push_str(&format!(", after {} s", holder.time_to_acknowledge_micros.div_ceil(MICROS_A_SECOND)));
    }
    text
}

fn due(holder: &Holder) -> String {
    let by = time(holder.acknowledge_by_micros).unwrap_or_else(|| "-".into());
    if holder.overdue { format!("{by} OVERDUE") } else { by }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder() -> Holder {
        Holder {
            agency: "al-police".into(),
            agreement: "ISA-AL-2026-014".into(),
            disclosed_at_micros: 1_795_219_200_000_000,
            versions: vec![1, 2],
            shown_version: 2,
            ..Holder::default()
        }
    }

    #[test]
    fn what_is_overdue_is_said_and_what_is_acknowledged_is_said_by_whom() {
        let recalled = Holder {
            recalled_at_micros: 1_795_219_260_000_000,
            acknowledge_by_micros: 1_795_305_660_000_000,
            ..holder()
        };
        let overdue = Holder { overdue: true, ..recalled.clone() };
        let acknowledged = Holder {
            acknowledged_at_micros: 1_795_219_320_000_000,
            acknowledged_by: "inspector\nHoxha".into(),
            time_to_acknowledge_micros: 60_000_001,
            ..recalled
        };
        let lines = lines(&[holder(), overdue, acknowledged]);
        assert_eq!(lines.len(), 4, "{lines:#?}");
        assert!(lines[1].contains("1,2") && lines[1].ends_with('-'), "{}", lines[1]);
        assert!(lines[2].ends_with("OVERDUE") && !lines[1].contains("OVERDUE"), "{}", lines[2]);
        assert!(lines[3].contains("by \"inspector\u{fffd}Hoxha\", after 61 s"), "{}", lines[3]);
        let json = serde_json::to_string(&HolderForm::new(&holder())).expect("JSON");
        assert!(!json.contains("acknowledged") && json.contains(r#""overdue":false"#), "{json}");
    }
}
