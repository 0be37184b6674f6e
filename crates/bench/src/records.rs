//! Records to submit, made before any clock runs: the sample's, cut or padded to a size; and submitting them all, where that is not what
//! is measured.

use causeway_cli::sample;
use causeway_gateway::client::Clients;
use causeway_model::Kind;
use causeway_proto::v1;
use causeway_proto::v1::submit_stream_response::Verdict;
use causeway_rig::Failed;
use serde_json::{Map, Value};

/// Bytes of the record that the design's numbers are about.
pub(crate) const DESIGN_BYTES: usize = 1_250;

/// Members of a profile that go, in this order, from one that is too large. None decides to whom it is released, and no rule asks for one.
const SPARE_OF_PROFILES: &[&str] = &[
    "purpose",
    "identity_documents",
    "exploitation_uk_places",
    "external_references",
    "current_location",
    "first_responder",
    "recruitment_methods",
    "police_force",
    "last_contact_band",
    "recruiter_relationship",
    "recruitment_platforms",
    "retention_review_due",
    "vulnerabilities",
    "birth_place",
    "was_minor_at_exploitation",
    "support_organisation_type",
    "trafficking_status_decided_by",
    "competent_authority",
    "phones",
    "means_of_control",
];

/// The same of a route. Its legs stay: they are what it is.
const SPARE_OF_ROUTES: &[&str] = &[
    "purpose",
    "facilitators",
    "documents_used",
    "fees",
    "vehicles",
    "victim_refs",
    "means_of_recruitment",
    "means_of_control",
    "retention_review_due",
    "victim_groups",
    "network_types",
    "frequency",
    "confidence",
];

/// Most characters of a free text, as the schemas have it.
const LONGEST_TEXT: usize = 15_000;

/// What a free text is filled with.
const FILLER: &str = "Synthetic record: describes nobody. ";

/// `count` records of the sample as submissions `<id_prefix>-0`, `<id_prefix>-1` and so on, each of about `size` bytes of JSON (of 1,000
/// to 16,000; a route of many legs may be larger). From one seed always the same.
pub(crate) fn requests(seed: u64, count: usize, size: usize, id_prefix: &str) -> Vec<v1::SubmitRequest> {
    requests_with(seed, count, size, id_prefix, |_, _| {})
}

/// The same, each record changed by `change` before it is brought to its size: given its number and its members.
pub(crate) fn requests_with(
    seed: u64,
    count: usize,
    size: usize,
    id_prefix: &str,
    change: impl Fn(usize, &mut Map<String, Value>),
) -> Vec<v1::SubmitRequest> {
    let made = sample::clean(seed, count).enumerate().map(|(number, record)| {
        let mut members: Map<String, Value> =
            serde_json::from_slice(&record.document).expect("the sample writes objects");
        change(number, &mut members);
        fit(record.schema.kind, &mut members, size);
        v1::SubmitRequest {
            submission_id: format!("{id_prefix}-{number}"),
            record: Some(v1::Record {
                kind: record.schema.kind.to_string(),
                schema_version: record.schema.version.to_string(),
                document: Value::Object(members).to_string().into_bytes(),
            }),
            ..Default::default()
        }
    });
    made.collect()
}

/// Bytes of JSON of all these records over their number; 0 of none.
pub(crate) fn mean_bytes(requests: &[v1::SubmitRequest]) -> f64 {
    let bytes: usize = requests.iter().filter_map(|request| request.record.as_ref()).map(|it| it.document.len()).sum();
    bytes as f64 / requests.len().max(1) as f64
}

/// Submits all of them over one stream; gives their receipts, in the same order.
pub(crate) async fn submit_all(
    clients: &Clients,
    requests: Vec<v1::SubmitRequest>,
) -> Result<Vec<v1::Receipt>, Failed> {
    let mut receipts = Vec::with_capacity(requests.len());
    let count = requests.len();
    let requests = requests.into_iter().map(|request| v1::SubmitStreamRequest { submission: Some(request) });
    let mut verdicts = clients.ingest().submit_stream(tokio_stream::iter(requests)).await?.into_inner();
    while let Some(verdict) = verdicts.message().await? {
        receipts.push(taken(verdict)?);
    }
    if receipts.len() == count { Ok(receipts) } else { Err("a stream ended before its last verdict".into()) }
}

/// The receipt of a submission that was taken.
///
/// # Errors
/// For a refusal, with its reason.
pub(crate) fn taken(verdict: v1::SubmitStreamResponse) -> Result<v1::Receipt, Failed> {
    match verdict.verdict {
        Some(Verdict::Receipt(receipt)) => Ok(receipt),
        Some(Verdict::Refusal(refusal)) => Err(format!("a record was refused: {}", refusal.reason).into()),
        None => Err("a verdict that says nothing".into()),
    }
}

/// Takes members away until the record is of so many bytes, or has none to spare; then fills its free text up to them.
fn fit(kind: Kind, record: &mut Map<String, Value>, size: usize) {
    let (text, spare) = match kind {
        Kind::VictimProfile => ("narrative", SPARE_OF_PROFILES),
        Kind::TraffickingRoute => ("description", SPARE_OF_ROUTES),
    };
    record.remove(text);
    let mut bytes = length(record);
    for name in spare {
        if bytes <= size {
            break;
        }
        record.remove(*name);
        bytes = length(record);
    }
    let worded = |words: &str| match kind {
        Kind::VictimProfile => serde_json::json!({ "account": words }),
        Kind::TraffickingRoute => words.into(),
    };
    record.insert(text.into(), worded(""));
    let room = size.saturating_sub(length(record)).min(LONGEST_TEXT);
    // A text that is empty breaks the schema.
    if room == 0 {
        record.remove(text);
    } else {
        record.insert(text.into(), worded(&FILLER.chars().cycle().take(room).collect::<String>()));
    }
}

/// Bytes of a record as JSON.
fn length(record: &Map<String, Value>) -> usize {
    serde_json::to_vec(record).expect("members of JSON are written as JSON").len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_kind<'a>(requests: &'a [v1::SubmitRequest], kind: &'a str) -> impl Iterator<Item = &'a v1::Record> {
        requests.iter().filter_map(|request| request.record.as_ref()).filter(move |record| record.kind == kind)
    }

    #[test]
    fn records_are_of_their_size_and_always_the_same() {
        let made = requests(3, 200, 3_000, "a");
        assert!(made == requests(3, 200, 3_000, "a") && made != requests(4, 200, 3_000, "a"));
        let profiles: Vec<usize> = of_kind(&made, "victim-profile").map(|record| record.document.len()).collect();
        assert!(profiles.len() > 100 && profiles.iter().all(|bytes| *bytes == 3_000), "{profiles:?}");
        let small = requests(3, 200, DESIGN_BYTES, "a");
        let profiles: Vec<usize> = of_kind(&small, "victim-profile").map(|record| record.document.len()).collect();
        let near = |bytes: &usize| (DESIGN_BYTES - 50..=DESIGN_BYTES).contains(bytes);
        assert!(profiles.iter().all(near), "{profiles:?}");
        assert!((1_200.0..1_450.0).contains(&mean_bytes(&small)), "{}", mean_bytes(&small));
    }

    #[test]
    fn what_is_changed_stays_changed() {
        let made = requests_with(3, 20, DESIGN_BYTES, "a", |number, members| {
            members.insert("releasable_to".into(), serde_json::json!([format!("N{number}")]));
        });
        for (number, request) in made.iter().enumerate() {
            let document: Value =
                serde_json::from_slice(&request.record.as_ref().expect("a record").document).expect("JSON");
            assert_eq!(document["releasable_to"][0], format!("N{number}"));
            assert_eq!(request.submission_id, format!("a-{number}"));
        }
    }

    #[test]
    fn only_a_receipt_is_taken() {
        let refusal = v1::Refusal { reason: "schema-violation".into(), ..Default::default() };
        let verdict = |verdict| v1::SubmitStreamResponse { index: 0, verdict };
        let refused = taken(verdict(Some(Verdict::Refusal(refusal)))).expect_err("refused");
        assert!(refused.to_string().contains("schema-violation"));
        taken(verdict(None)).expect_err("no verdict");
        taken(verdict(Some(Verdict::Receipt(v1::Receipt::default())))).expect("a receipt");
    }
}
