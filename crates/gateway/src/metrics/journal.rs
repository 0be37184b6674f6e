//! The journal: its size and health, what waits for it, how long appends take, and what is summed up in it.

use std::path::Path;

use causeway_exchange::Measures;
use causeway_store::{APPEND_CLASSES, AppendTimes, folder_bytes};
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::registry::Unit;

use super::whole;

/// Microseconds of a second.
const SECOND: u64 = 1_000_000;

pub(super) fn of_journal(
    encoder: &mut DescriptorEncoder<'_>,
    measures: &Measures,
    data_dir: &Path,
) -> Result<(), std::fmt::Error> {
    let Measures { journal, entries, .. } = measures;
    let index = journal.index;
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    for (name, help, number) in [
        ("causeway_healthy", "Whether the journal can be written: 1, or 0", u64::from(measures.is_healthy)),
        ("causeway_journal_entries", "Entries of the journal", *entries),
        ("causeway_journal_size_bytes", "Bytes of the journal's folder, indexes included", folder_bytes(data_dir)),
        (
            "causeway_checkpoint_timestamp_seconds",
            "Time of the newest entry, which the newest checkpoint covers, since 1970",
            journal.newest.0 / SECOND,
        ),
        ("causeway_append_queue_drafts", "Drafts that wait for the journal", count(journal.queued)),
        ("causeway_append_queue_limit_drafts", "Drafts that may wait for the journal", count(journal.queue_depth)),
        ("causeway_index_memory_entries", "Entries that are indexed in memory only", index.in_memory),
        (
            "causeway_index_lag_entries",
            "Entries that are not indexed yet, and that searches read from the log",
            entries.saturating_sub(index.in_memory).saturating_sub(index.in_blocks),
        ),
        ("causeway_index_size_bytes", "Bytes of the index's blocks", index.bytes),
        (
            "causeway_erasures_due_records",
            "Records whose erasure was ordered and is not complete; nothing of them is read",
            measures.erasures_due,
        ),
        (
            "causeway_erasures_waited_for_nodes",
            "Nodes of the cluster that have not destroyed the keys of those records yet",
            measures.erasures_wait_for,
        ),
        (
            "causeway_releaser",
            "Whether this gateway is the one that decides releases: 1, or 0; of the nodes of a cluster one is",
            u64::from(measures.is_releaser),
        ),
        (
            "causeway_releaser_term",
            "The newest term of the releaser in the log; 0 where no log is shared",
            measures.releaser_term,
        ),
        ("causeway_audit_entries_looked_at", "Entries that auditors' answers have looked at", measures.looked_at),
    ] {
        whole(encoder, (name, help), number)?;
    }
    appends(encoder, &journal.appends)?;
    let help = "What is summed into one entry a minute and source, by the entry's reason";
    let mut family = encoder.encode_descriptor("causeway_tallied", help, None, MetricType::Counter)?;
    for (reason, total) in &measures.tallied {
        ConstCounter::new(*total).encode(family.encode_family(&[("reason", *reason)])?)?;
    }
    Ok(())
}

fn appends(encoder: &mut DescriptorEncoder<'_>, appends: &AppendTimes) -> Result<(), std::fmt::Error> {
    let ends = APPEND_CLASSES.iter().map(std::time::Duration::as_secs_f64).chain([f64::INFINITY]);
    let classes: Vec<(f64, u64)> = ends.zip(appends.classes).collect();
    let help = "Time to make a frame of entries durable, the sync of the disk included";
    let unit = Unit::Seconds;
    let name = "causeway_append_duration";
    let mut family = encoder.encode_descriptor(name, help, Some(&unit), MetricType::Histogram)?;
    let count = classes.iter().map(|(_, count)| count).sum();
    family.encode_histogram::<[(&str, &str); 0]>(appends.total.as_secs_f64(), count, &classes, None)
}
