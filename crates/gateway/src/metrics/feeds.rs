//! Feeds and witnesses: how far partners are behind, and whether checkpoints are cosigned.

use causeway_exchange::{FeedMeasures, WitnessMeasures};
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;

use super::{gauge, whole};

/// What a gauge of feeds is called, what it says, and where its number is.
type OfFeeds = (&'static str, &'static str, fn(&FeedMeasures) -> u64);

const OF_FEEDS: [OfFeeds; 3] = [
    ("causeway_overdue_acknowledgements", "Recalls not acknowledged in time", |feed| feed.overdue),
    ("causeway_feed_newest_position", "Newest position of the feed", |feed| feed.newest),
    ("causeway_feed_acknowledged_position", "Position up to which the feed is acknowledged", |feed| feed.acknowledged),
];

pub(super) fn of_feeds(encoder: &mut DescriptorEncoder<'_>, feeds: &[FeedMeasures]) -> Result<(), std::fmt::Error> {
    for (name, help, number) in OF_FEEDS {
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for feed in feeds {
            let label = [("agreement", feed.agreement.as_str())];
            gauge(number(feed)).encode(family.encode_family(&label)?)?;
        }
    }
    Ok(())
}

pub(super) fn of_witnesses(
    encoder: &mut DescriptorEncoder<'_>,
    witnesses: &WitnessMeasures,
) -> Result<(), std::fmt::Error> {
    let age = ("causeway_witness_quorum_age_seconds", "Seconds since a quorum of witnesses has cosigned");
    let size = ("causeway_witnessed_size", "Tree size of the newest witnessed checkpoint, in entries");
    whole(encoder, age, witnesses.quorum_age_seconds)?;
    whole(encoder, size, witnesses.size)?;
    let help = "Whether the witness's last answer was a cosignature: 1, or 0";
    let mut family = encoder.encode_descriptor("causeway_witness_up", help, None, MetricType::Gauge)?;
    for (witness, up) in &witnesses.up {
        gauge(u64::from(*up)).encode(family.encode_family(&[("witness", witness.as_str())])?)?;
    }
    Ok(())
}
