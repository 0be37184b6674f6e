//! The what-if before an activation, held against what the feed shows once the same text is in force.

use std::collections::BTreeMap;

use causeway_journal::v1::Operation;
use causeway_model::{AgreementId, RecordId};
use causeway_proto::v1;
use serde_json::Value;
use tonic::Code;

use super::office::{self, Document, agreement_text, assert_refused};
use crate::feed::records::Seeded;
use crate::feed::{ALBANIA, released_in, submit_all};
use crate::harness::calls::{items, released, request, submit};
use crate::harness::{Gateway, World, documents};

/// Records that are compared over.
const RECORDS: usize = 500;

/// What a partner's feed shows of each record now: the clause and the document.
async fn shown(world: &World, gateway: &Gateway) -> BTreeMap<RecordId, (String, Value)> {
    let id: AgreementId = ALBANIA.parse().expect("an agreement");
    let mut feed = gateway.feed("al-police/feed").await;
    let mut shown = BTreeMap::new();
    for item in items(&mut feed).await {
        let Some(document) = released(&item) else { continue };
        let Some(v1::item::Content::Released(record)) = &item.content else { continue };
        let position = causeway_model::Position(item.position);
        let of = world.journal().read(|state| {
            let feed = state.feed(&id).expect("it is there");
            let of = feed.item(position).expect("it is there").record_id;
            (feed.live(&of) == Some(position)).then_some(of)
        });
        shown.extend(of.map(|of| (of, (record.clause.clone(), document))));
    }
    shown
}

fn sum(answer: &v1::CompareAgreementResponse, change: &str) -> u64 {
    answer.changes.iter().filter(|row| row.change == change).map(|row| row.count).sum()
}

/// Changes of the agreement, one after the other.
type Step = (&'static str, fn(&str) -> String);

const STEPS: [Step; 7] = [
    ("other nationals", |text| text.replacen("nationalities = [\"AL\"]", "nationalities = [\"AL\", \"RO\"]", 1)),
    ("a lower ceiling", |text| text.replacen("tlp = \"AMBER\"", "tlp = \"GREEN\"", 1)),
    ("a coarser step", |text| text.replacen("\"referral_date\" = \"quarter\"", "\"referral_date\" = \"year\"", 1)),
    ("one field less", |text| text.replacen("\"labour_sector\" = \"exact\"\n", "", 1)),
    ("other routes", |text| text.replacen("route_countries = [\"AL\", \"XK\"]", "route_countries = [\"RO\"]", 1)),
    ("some kinds of exploitation", |text| {
        let filter = "nationalities = [\"AL\"]\nexploitation_types = [\"ForcedLabour\", \"Servitude\"]";
        text.replacen("nationalities = [\"AL\"]", filter, 1)
    }),
    ("as it was", str::to_owned),
];

#[tokio::test(flavor = "multi_thread")]
async fn what_would_be_gained_and_lost_is_what_the_feed_shows_once_it_is_in_force() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let mut seeded = Seeded::new(4_004);
    let requests = (0..RECORDS).map(|index| request(&format!("record-{index}"), &seeded.record()));
    submit_all(&mut ingest, requests.collect()).await;
    let last = submit(&mut ingest, "last", &documents::profile()).await.expect("accepted");
    released_in(&world, ALBANIA, &last).await;
    let mut before = shown(&world, &gateway).await;
    let (mut gains, mut losses, mut changes) = (0, 0, 0);
    for (version, (name, change)) in (2..).zip(STEPS) {
        let document = Document::next(&world, ALBANIA, version, change);
        let size = world.journal().size();
        let answer = office::compare(&gateway, "", &document.text).await.expect("compared");
        let left = world.journal().entries_from(size);
        assert_eq!(left.len(), 1, "{name}");
        assert_eq!(left[0].entry.operation(), Operation::Combination);
        assert_eq!((left[0].entry.reason.as_str(), left[0].entry.count), ("agreement-compared", RECORDS as u64 + 1));
        assert_eq!((answer.agreement.as_str(), answer.recipient.as_str()), (ALBANIA, "al-police"));
        assert_eq!(answer.records, RECORDS as u64 + 1);
        assert_eq!(answer.granted_before, before.len() as u64, "{name}");
        office::bring(&world, &gateway, &document).await;
        office::evaluated(&world, ALBANIA, version).await;
        let after = shown(&world, &gateway).await;
        assert_eq!(answer.granted_after, after.len() as u64, "{name}");
        let gained = after.keys().filter(|id| !before.contains_key(*id)).count() as u64;
        let lost = before.keys().filter(|id| !after.contains_key(*id)).count() as u64;
        let other = |(id, seen): (&RecordId, &(String, Value))| before.get(id).is_some_and(|earlier| earlier != seen);
        let changed = after.iter().filter(|pair| other(*pair)).count() as u64;
        assert_eq!((sum(&answer, "gained"), sum(&answer, "lost")), (gained, lost), "{name}: {answer:?}");
        // A field that a record has not is not missed in it.
        assert!(sum(&answer, "changed") >= changed, "{name}: {answer:?}");
        let in_feed = |row: &v1::AgreementChange| if row.change == "gained" { 0 } else { row.count };
        for row in &answer.changes {
            assert_eq!(row.in_feed, in_feed(row), "{name}: {row:?}");
            assert_eq!(row.old_clause.is_empty(), row.change == "gained", "{row:?}");
            assert_eq!(row.new_clause.is_empty(), row.change == "lost", "{row:?}");
            assert_eq!(row.reason.is_empty(), row.change == "changed", "{row:?}");
        }
        (gains, losses, changes) = (gains + gained, losses + lost, changes + changed);
        before = after;
    }
    assert!(gains > 20 && losses > 20 && changes > 20, "{gains} {losses} {changes}");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_to_come_is_looked_at_as_of_its_first_day_and_two_texts_may_be_given() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    for (id, record) in [("profile", documents::profile()), ("route", documents::route())] {
        let receipt = submit(&mut ingest, id, &record).await.expect("accepted");
        released_in(&world, ALBANIA, &receipt).await;
    }
    let text = agreement_text(&world, ALBANIA);
    let next =
        text.replacen("version = 1", "version = 2", 1).replace("valid_from = 2026-01-01", "valid_from = 2027-01-01");
    let answer = office::compare(&gateway, "", &next).await.expect("compared");
    assert_eq!((answer.granted_before, answer.granted_after, answer.changes.len()), (2, 2, 0), "{answer:?}");
    // On that day the earlier one may have ended.
    let after = next.replace("valid_from = 2027-01-01", "valid_from = 2029-01-01");
    let after = after.replace("valid_until = 2028-12-31", "valid_until = 2029-12-31");
    let answer = office::compare(&gateway, "", &after).await.expect("compared");
    assert_eq!((answer.granted_before, answer.granted_after, sum(&answer, "gained")), (0, 2, 2), "{answer:?}");
    let narrow = next.replacen("nationalities = [\"AL\"]", "nationalities = [\"RO\"]", 1);
    let answer = office::compare(&gateway, &next, &narrow).await.expect("compared");
    let [row] = &answer.changes[..] else { panic!("{answer:?}") };
    assert_eq!((row.change.as_str(), row.old_clause.as_str(), row.new_clause.as_str()), ("lost", "c3.1", ""));
    assert_eq!((row.reason.as_str(), row.count, row.in_feed), ("outside-filter", 1, 1));
    // One that there is not yet grants nothing before.
    let new = text.replace(ALBANIA, "ISA-AL-2027-001");
    let answer = office::compare(&gateway, "", &new).await.expect("compared");
    assert_eq!((answer.granted_before, answer.granted_after, sum(&answer, "gained")), (0, 2, 2));
    assert!(answer.changes.iter().all(|row| row.in_feed == 0 && row.reason == "agreement-not-in-force"), "{answer:?}");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_with_faults_is_not_compared_and_each_fault_has_its_line() {
    let world = World::new();
    let gateway = world.start().await;
    let text = agreement_text(&world, ALBANIA);
    let line_of = |text: &str, words: &str| 1 + text.lines().position(|line| line.contains(words)).expect("there");
    let red = text.replacen("tlp = \"AMBER\"", "tlp = \"RED\"", 1);
    let shoe = text.replacen("\"gender\"", "\"shoe_size\"", 1);
    let unknown = text.replacen("\"XK\"", "\"UK\"", 1);
    let cases = [
        (String::new(), red.clone(), format!("the new text: line {}: ", line_of(&red, "\"RED\""))),
        (red.clone(), text.clone(), format!("the old text: line {}: ", line_of(&red, "\"RED\""))),
        (String::new(), shoe.clone(), format!("the new text: line {}: ", line_of(&shoe, "shoe_size"))),
        (String::new(), unknown.clone(), format!("the new text: line {}: ", line_of(&unknown, "\"UK\""))),
        (String::new(), text.replace("\"al-police\"", "\"ro-police\""), "ro-police has no agency file".into()),
        (text.clone(), text.replace(ALBANIA, "ISA-AL-2026-015"), "not of one agreement".into()),
        (String::new(), text.replace("\"al-police\"", "\"vn-police\""), "not of one agreement".into()),
    ];
    for (old, new, words) in cases {
        let before = world.journal().size();
        let answer = office::compare(&gateway, &old, &new).await;
        let status = assert_refused(&world, before, answer, Code::InvalidArgument, "documents-faulty");
        assert!(status.message().contains(&words), "{words}: {}", status.message());
    }
    gateway.stop().await;
}
