//! Whether the journal can be written and, if not, why; and how much room its volumes have.

use causeway_exchange::{Condition, Exchange};
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;

use super::gauge;

pub(super) fn of_disk(encoder: &mut DescriptorEncoder<'_>, exchange: &Exchange) -> Result<(), std::fmt::Error> {
    let (free, now) = (exchange.free_bytes(), exchange.condition());
    let help = "Bytes that are free on a volume that the journal writes to";
    let mut family = encoder.encode_descriptor("causeway_disk_free_bytes", help, None, MetricType::Gauge)?;
    for (volume, bytes) in [("journal", free.journal), ("keys", free.keys), ("mirror", free.mirror)] {
        if let Some(bytes) = bytes {
            gauge(bytes).encode(family.encode_family(&[("volume", volume)])?)?;
        }
    }
    let help = "Whether the journal is in this condition: 1, or 0; where it is writable, everything is taken";
    let mut family = encoder.encode_descriptor("causeway_journal_condition", help, None, MetricType::Gauge)?;
    for word in Condition::WORDS {
        gauge(u64::from(word == now.word())).encode(family.encode_family(&[("condition", word)])?)?;
    }
    Ok(())
}
