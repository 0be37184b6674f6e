//! Holders of a record, as they are sent.

use causeway_exchange::Holder;
use causeway_proto::v1;

/// A partner that has received a record.
pub(crate) fn holder(holder: Holder) -> v1::Holder {
    let recall = holder.recall;
    let recalled = recall.as_ref();
    v1::Holder {
        agency: holder.agency.to_string(),
        agreement: holder.agreement.to_string(),
        disclosed_at_micros: holder.disclosed.0,
        recalled_at_micros: recalled.map_or(0, |recall| recall.at.0),
        acknowledged_at_micros: recalled.and_then(|recall| recall.acknowledged).map_or(0, |time| time.0),
        overdue: recalled.is_some_and(|recall| recall.overdue),
        acknowledge_by_micros: recalled.map_or(0, |recall| recall.acknowledge_by.0),
        time_to_acknowledge_micros: recalled.and_then(|recall| recall.time_to_acknowledge_micros).unwrap_or(0),
        acknowledged_by: recall.and_then(|recall| recall.acknowledged_by).unwrap_or_default(),
        versions: holder.versions.into_iter().map(|version| version.0).collect(),
        shown_version: holder.shown.map_or(0, |version| version.0),
    }
}
