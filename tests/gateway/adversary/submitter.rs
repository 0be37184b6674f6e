//! A submitter that would poison a feed or the log: texts that act where they are shown, names that act where they are parsed, and
//! bytes that grow where they are unpacked.

use causeway_journal::v1::Decision;
use causeway_proto::v1;
use serde_json::{Value, json};
use tonic::{Code, Request};

use crate::feed::{ALBANIA, VIET_NAM, released_in};
use crate::harness::calls::{items, reason, released, request, send, submit};
use crate::harness::{World, documents};

const SYSTEM: &str = "gb-nca/case-management";

/// Part of every hostile text here, and of nothing else.
const MARK: &str = "zqx7poison";

/// The largest answer to one refused record, in bytes.
const LARGEST_REFUSAL: usize = 256 * 1024;

/// Members that mean something to a parser, a template, a shell or a spreadsheet; the last two are long, and many.
fn hostile_members() -> Vec<(String, Value)> {
    let mut members: Vec<_> = [
        "__proto__",
        "constructor",
        "prototype",
        "$ref",
        "$schema",
        "toString",
        "",
        "\u{0}",
        "\u{202e}gnitiolpxe",
        "exploitation_types\u{200b}",
        "exploitation_typеs",
        "../../etc/passwd",
        "=cmd|'/c calc'!A0",
        "${jndi:ldap://127.0.0.1/a}",
        "\r\n2026-11-21T12:00:00Z  INFO causeway: accepted",
        "\u{1b}]0;owned\u{7}",
    ]
    .into_iter()
    .map(|name| (name.to_owned(), json!(MARK)))
    .collect();
    members.push((format!("{MARK}{}", "k".repeat(100_000)), json!(1)));
    members
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_mean_something_elsewhere_are_unknown_fields_and_are_repeated_nowhere() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SYSTEM).await;
    let before = world.journal().size();
    let hostile = hostile_members();
    let count = hostile.len();
    for (name, value) in hostile {
        let mut record = documents::profile();
        record.as_object_mut().expect("an object").insert(name.clone(), value);
        let status = send(&mut ingest, request("hostile", &record)).await.expect_err("an unknown field");
        let shown: String = name.escape_debug().take(40).collect();
        let expected = if name.contains('\0') { "nul-character" } else { "schema-violation" };
        assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, expected), "{shown}");
        assert!(status.details().len() < LARGEST_REFUSAL, "{shown}: {}", status.details().len());
        let said = String::from_utf8_lossy(status.details()).into_owned() + status.message();
        assert!(!said.contains(MARK), "{shown}: the refusal repeats what was sent");
    }
    // The one with NUL is no document, and is summed up with what else is none.
    let left = world.journal().entries_from(before);
    assert_eq!(left.iter().filter(|seen| seen.entry.decision() == Decision::Denied).count(), count - 1);

    let many: serde_json::Map<_, _> = (0..5_000).map(|n| (format!("{MARK}{n}"), json!(n))).collect();
    let mut record = documents::profile();
    record.as_object_mut().expect("an object").extend(many);
    let status = send(&mut ingest, request("many", &record)).await.expect_err("unknown fields");
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(status.details().len() < LARGEST_REFUSAL, "{}", status.details().len());
    assert!(!World::log_lines().contains(MARK), "a log line repeats what was sent");
    submit(&mut ingest, "after", &documents::profile()).await.expect("the gateway goes on");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_that_act_where_they_are_shown_reach_neither_a_feed_nor_a_log_line() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SYSTEM).await;
    let texts = [
        format!("{MARK}\n2026-11-21T12:00:00Z  INFO causeway: accepted"),
        format!("{MARK}\u{1b}[2J\u{1b}]0;owned\u{7}"),
        format!("\u{202e}{MARK}\u{2066}"),
        format!("=HYPERLINK(\"http://127.0.0.1/{MARK}\")"),
        format!("<script>{MARK}</script>"),
    ];
    let mut newest = None;
    for (number, text) in texts.iter().enumerate() {
        let members =
            json!({ "subject_reference": format!("S-{number}"), "given_name": text, "narrative": { "account": text } });
        let record = documents::with(documents::profile(), members);
        match submit(&mut ingest, &format!("text {number}"), &record).await {
            Ok(receipt) => newest = Some(receipt),
            Err(status) => assert_eq!(reason(&status), "schema-violation", "{status:?}"),
        }
    }
    if let Some(newest) = newest {
        for (agreement, system) in [(ALBANIA, "al-police/feed"), (VIET_NAM, "vn-police/feed")] {
            released_in(&world, agreement, &newest).await;
            for item in items(&mut gateway.feed(system).await).await {
                let document = released(&item).expect("released").to_string();
                assert!(!document.contains(MARK), "{document}");
            }
        }
    }
    // A submission's id is in the submitter's own words, without control characters: the journal keeps a keyed digest of it.
    let before = world.journal().size();
    for id in [format!("{MARK}\n\r"), format!("{MARK}\u{1b}[2J"), format!("\u{202e}{MARK}"), format!("{MARK}\u{0}")] {
        if let Err(status) = submit(&mut ingest, &id, &documents::profile()).await {
            assert_eq!(reason(&status), "field-malformed", "{id:?}");
        }
    }
    for seen in world.journal().entries_from(before) {
        assert!(!format!("{:?}", seen.entry).contains(MARK), "{seen:?}");
    }
    assert!(!World::log_lines().contains(MARK), "a log line repeats what was sent");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn look_alikes_are_neither_countries_nor_the_same_person() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SYSTEM).await;
    // Cyrillic letters where Latin ones belong.
    for (field, value) in [("releasable_to", json!(["АL"])), ("nationalities", json!(["VΝ"])), ("tlp", json!("GRЕEN"))]
    {
        let record = documents::with(documents::profile(), json!({ field: value }));
        let status = send(&mut ingest, request("look-alike", &record)).await.expect_err(field);
        assert_eq!(reason(&status), "schema-violation", "{field}");
    }
    let mut newest = None;
    for (number, subject) in ["SUBJECT-1", "ＳＵＢＪＥＣＴ－１", "SUBJЕCT-1"].into_iter().enumerate() {
        let record = documents::with(documents::profile(), json!({ "subject_reference": subject }));
        newest = Some(submit(&mut ingest, &format!("subject {number}"), &record).await.expect("accepted"));
    }
    released_in(&world, ALBANIA, &newest.expect("submitted")).await;
    world.journal().settle(ALBANIA, 3).await;
    let all = items(&mut gateway.feed("al-police/feed").await).await;
    let pseudonyms: Vec<_> =
        all.iter().map(|item| released(item).expect("released")["subject_reference"].to_string()).collect();
    // In this feed persons are linked: the same letters in another width are the same person, other letters are another.
    assert_eq!(pseudonyms[0], pseudonyms[1]);
    assert_ne!(pseudonyms[0], pseudonyms[2]);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_was_packed_is_unpacked() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SYSTEM).await;
    for encoding in ["gzip", "deflate", "zstd", "br"] {
        let mut packed = Request::new(request("packed", &documents::profile()));
        packed.metadata_mut().insert("grpc-encoding", encoding.parse().expect("ASCII"));
        let status = ingest.submit(packed).await.expect_err("nobody agreed to it");
        assert!(matches!(status.code(), Code::Unimplemented | Code::InvalidArgument), "{encoding}: {status:?}");
    }
    let unlimited = v1::ValidateRequest::default();
    assert_eq!(ingest.validate(unlimited).await.expect_err("no record").code(), Code::InvalidArgument);
    submit(&mut ingest, "after", &documents::profile()).await.expect("the gateway goes on");
    gateway.stop().await;
}
