//! Names, types, units and label values of all metrics, held to the rules that Prometheus and this project have for them.

use std::collections::{BTreeMap, BTreeSet};

use super::{number, scrape, with_metrics};
use crate::harness::calls::{items, reason, request, send, submit};
use crate::harness::documents;

/// A family of metrics, as its lines tell.
#[derive(Debug, Default)]
struct Family {
    kind: String,
    help: String,
    unit: String,
    series: Vec<Series>,
}

/// One line with a number.
#[derive(Debug)]
struct Series {
    name: String,
    labels: Vec<(String, String)>,
}

/// Reads OpenMetrics text. What is none fails the test.
fn families(text: &str) -> BTreeMap<String, Family> {
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    for line in text.lines().filter(|line| *line != "# EOF") {
        if let Some(about) = line.strip_prefix("# ") {
            let mut words = about.splitn(3, ' ');
            let mut word = || words.next().unwrap_or_default().to_owned();
            let (what, name, said) = (word(), word(), word());
            let family = families.entry(name).or_default();
            match what.as_str() {
                "TYPE" => family.kind = said,
                "HELP" => family.help = said,
                "UNIT" => family.unit = said,
                _ => panic!("{line}"),
            }
            continue;
        }
        let series = series(line);
        let of = families.iter_mut().find(|(name, family)| belongs(&series.name, name, &family.kind));
        of.unwrap_or_else(|| panic!("{line} has no family before it")).1.series.push(series);
    }
    families
}

fn series(line: &str) -> Series {
    let (series, number) = line.rsplit_once(' ').expect("a series and its number");
    number.parse::<f64>().expect("a number");
    let (name, labels) = series
        .split_once('{')
        .map_or((series, ""), |(name, rest)| (name, rest.strip_suffix('}').expect("labels in braces")));
    let label = |pair: &str| {
        let (name, value) = pair.split_once("=\"").expect("a name and a value");
        (name.to_owned(), value.strip_suffix('"').expect("in quotes").to_owned())
    };
    let labels = labels.split(',').filter(|pair| !pair.is_empty()).map(label).collect();
    Series { name: name.to_owned(), labels }
}

fn belongs(series: &str, family: &str, kind: &str) -> bool {
    let suffixes: &[&str] = match kind {
        "counter" => &["_total"],
        "histogram" => &["_bucket", "_sum", "_count"],
        "info" => &["_info"],
        _ => &[""],
    };
    suffixes.iter().any(|suffix| series.strip_suffix(suffix) == Some(family))
}

/// Words of a name that stand for something with a unit, and the units that it then ends with.
const UNITS: [(&str, &[&str]); 6] = [
    ("duration", &["_seconds"]),
    ("age", &["_seconds"]),
    ("timestamp", &["_seconds"]),
    ("time", &["_seconds"]),
    ("memory", &["_bytes", "_entries"]),
    ("size", &["_bytes", "_witnessed_size"]),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_metric_is_named_by_the_rules_and_no_label_says_what_somebody_sent() {
    let world = with_metrics();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    submit(&mut ingest, "QZX-ONE", &documents::profile()).await.expect("accepted");
    let refused = send(&mut ingest, request("QZX-TWO", &serde_json::json!({ "QZX-FIELD": "QZX-VALUE" }))).await;
    assert_eq!(reason(&refused.expect_err("it breaks rules")), "schema-violation");
    items(&mut gateway.feed("al-police/feed").await).await;
    let text = scrape(&gateway).await;
    assert!(!text.contains("QZX"), "{text}");
    let families = families(&text);

    let own = |name: &str| name.starts_with("causeway_") || name.starts_with("process_");
    for (name, family) in &families {
        assert!(own(name) && name.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{name}");
        assert!(!name.ends_with("_total") && !name.ends_with("_info"), "{name}: its kind adds that");
        assert!(["counter", "gauge", "histogram", "info"].contains(&family.kind.as_str()), "{name}: {family:?}");
        assert!(family.help.chars().next().is_some_and(char::is_uppercase), "{name}: {family:?}");
        assert!(family.unit.is_empty() || name.ends_with(&format!("_{}", family.unit)), "{name}: {family:?}");
        for (word, ends) in UNITS {
            let has = name.split('_').any(|found| found == word);
            assert!(!has || ends.iter().any(|end| name.ends_with(end)), "{name} has no unit");
        }
    }
    // Of a family that is there and empty, a rule would be kept by nothing.
    for name in ["causeway_requests", "causeway_request_duration_seconds", "causeway_append_duration_seconds"] {
        assert!(!families[name].series.is_empty(), "{name}");
    }
    let agencies = ["gb-nca", "al-police", "vn-police"];
    let codes = ["OK", "INVALID_ARGUMENT"];
    let known = |label: &str, value: &str| match label {
        "agency" => agencies.contains(&value),
        "agreement" => value.starts_with("ISA-") && value.len() <= 16,
        "code" => codes.contains(&value),
        "method" => value.starts_with("causeway.v1."),
        "reason" => value.chars().all(|c| c.is_ascii_lowercase() || c == '-'),
        "version" => value == env!("CARGO_PKG_VERSION"),
        "le" => value == "+Inf" || value.parse::<f64>().is_ok(),
        _ => {
            ["witness", "volume", "condition", "limit", "kind", "system", "files", "outcome", "whose"].contains(&label)
        }
    };
    for series in families.values().flat_map(|family| &family.series) {
        for (label, value) in &series.labels {
            assert!(known(label, value), "{series:?}");
        }
        let labels: BTreeSet<_> = series.labels.iter().map(|(label, _)| label).collect();
        assert_eq!(labels.len(), series.labels.len(), "{series:?}");
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_connections_appends_and_what_is_summed_up_are_counted() {
    let world = with_metrics();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let before = scrape(&gateway).await;
    let appends = |text: &str| number(text, "causeway_append_duration_seconds_count").expect("it is there");
    submit(&mut ingest, "one", &documents::profile()).await.expect("accepted");
    submit(&mut ingest, "one", &documents::profile()).await.expect("accepted before");
    let refused = send(&mut ingest, request("two", &serde_json::json!({}))).await;
    refused.expect_err("it breaks rules");
    let after = scrape(&gateway).await;
    let of =
        |code: &str| format!("causeway_requests_total{{method=\"causeway.v1.IngestService/Submit\",code=\"{code}\"}}");
    assert_eq!((number(&after, &of("OK")), number(&after, &of("INVALID_ARGUMENT"))), (Some(2), Some(1)), "{after}");
    let took = "causeway_request_duration_seconds_count{method=\"causeway.v1.IngestService/Submit\"}";
    assert_eq!(number(&after, took), Some(3));
    assert!(appends(&after) > appends(&before), "{after}");
    assert_eq!(number(&after, "causeway_append_duration_seconds_bucket{le=\"+Inf\"}"), Some(appends(&after)));
    assert_eq!(number(&after, "causeway_open_connections{agency=\"gb-nca\"}"), Some(1));
    assert_eq!(number(&after, "causeway_open_calls{agency=\"gb-nca\"}"), Some(0));
    assert_eq!(number(&after, "causeway_tallied_total{reason=\"repeated-submissions\"}"), Some(1));
    assert_eq!(number(&after, "causeway_tallied_total{reason=\"handshakes-refused\"}"), Some(0));
    assert!(number(&after, "causeway_journal_size_bytes").is_some_and(|bytes| bytes > 1_000), "{after}");
    assert!(number(&after, "process_resident_memory_bytes").is_some_and(|bytes| bytes > 1 << 20), "{after}");
    let version = format!("causeway_build_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION"));
    assert!(after.contains(&version), "{after}");
    gateway.stop().await;
}
