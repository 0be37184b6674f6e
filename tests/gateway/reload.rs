//! What follows a document that comes into force while the gateway runs: schemas, words, certificates, agencies and feeds, with calls
//! under way all the time and no restart.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use causeway_agreement::AgencyFile;
use causeway_cli::certs::{Authority, Issued, Profile};
use causeway_gateway::client::Statement;
use causeway_model::SystemId;
use causeway_proto::v1;
use causeway_proto::v1::feed_service_client::FeedServiceClient;
use serde_json::{Value, json};
use tonic::transport::Channel;
use tonic::{Code, Status, Streaming};

use crate::feed::{ALBANIA, VIET_NAM, released_in};
use crate::governance::office::{self, Document, NCA};
use crate::harness::calls::{items, raw_request, reason, released, request, send, submit, within};
use crate::harness::{Gateway, Stated, World, documents};
use crate::rotation::agency;

const SUBMITTER: &str = "gb-nca/case-management";

fn config(world: &World, file: &str) -> String {
    fs::read_to_string(world.path(&format!("config/{file}"))).expect("the file is there")
}

/// The profiles' schema with one open field more.
fn with_a_field_more(world: &World) -> Document {
    let text = config(world, "schemas/victim-profile-1.1.json").replace("victim-profile/1.1", "victim-profile/1.2");
    let mut file: Value = serde_json::from_str(&text).expect("it is JSON");
    file["properties"]["desk_colour"] = json!({
        "description": "The colour of the desk that the referral came over.", "type": "string", "minLength": 1,
        "maxLength": 16, "x-field": 901, "x-class": "open", "x-floor": "exact", "x-group": "referral"
    });
    Document::schema("victim-profile/1.2", file.to_string())
}

/// The Albanian agreement with that field listed.
fn listing_it(world: &World, version: u32) -> Document {
    Document::next(world, ALBANIA, version, |text| {
        text.replacen("\"nrm_route\" = \"exact\"", "\"nrm_route\" = \"exact\"\n\"desk_colour\" = \"exact\"", 1)
    })
}

fn coloured(id: &str) -> v1::SubmitRequest {
    let document = documents::with(documents::profile(), json!({ "desk_colour": "green" }));
    let mut request = raw_request(id, "victim-profile", document.to_string().into_bytes());
    request.record.as_mut().expect("a record").schema_version = "1.2".into();
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_comes_into_force_while_records_come_in() {
    let world = World::new();
    let gateway = world.start().await;
    let first = submit(&mut gateway.ingest(SUBMITTER).await, "first", &documents::profile()).await.expect("accepted");
    released_in(&world, ALBANIA, &first).await;
    let mut ingest = gateway.ingest(SUBMITTER).await;
    let status = send(&mut ingest, coloured("early")).await.expect_err("it is not in force yet");
    assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "unknown-schema"));
    let early = office::send(&gateway, listing_it(&world, 2).signed(&world, &NCA)).await.expect_err("nor its field");
    assert!(early.message().contains("desk_colour"), "{}", early.message());

    let over = Arc::new(AtomicBool::new(false));
    let (mut busy, until) = (gateway.ingest(SUBMITTER).await, Arc::clone(&over));
    let load = tokio::spawn(async move {
        let mut number = 0_u64;
        while !until.load(Ordering::Relaxed) || number < 50 {
            submit(&mut busy, &format!("load-{number}"), &documents::profile()).await.expect("accepted all the time");
            number += 1;
        }
        number
    });
    office::bring(&world, &gateway, &with_a_field_more(&world)).await;
    let taken = send(&mut ingest, coloured("in-force")).await.expect("it is in force");
    office::bring(&world, &gateway, &listing_it(&world, 2)).await;
    let listed = send(&mut ingest, coloured("listed")).await.expect("accepted");
    over.store(true, Ordering::Relaxed);
    let sent = load.await.expect("no submission failed");
    released_in(&world, ALBANIA, &taken).await;
    released_in(&world, ALBANIA, &listed).await;
    office::evaluated(&world, ALBANIA, 2).await;
    let last = submit(&mut ingest, "last", &documents::profile()).await.expect("accepted");
    released_in(&world, ALBANIA, &last).await;
    let schemas = ingest.list_schemas(v1::ListSchemasRequest {}).await.expect("listed").into_inner().schemas;
    assert!(schemas.iter().any(|schema| schema.schema_version == "1.2"), "{schemas:?}");

    let seen = colours(&gateway).await;
    assert_eq!(seen.len() as u64, sent + 4, "every record once");
    assert_eq!(seen.values().filter(|colour| colour.as_deref() == Some("green")).count(), 2, "{seen:?}");
    gateway.stop().await;
    let gateway = world.start().await;
    assert_eq!(colours(&gateway).await, seen, "and after a restart the same");
    gateway.stop().await;
}

/// The colour that each live item shows, by its id.
async fn colours(gateway: &Gateway) -> std::collections::BTreeMap<String, Option<String>> {
    let mut live = std::collections::BTreeMap::new();
    for item in items(&mut gateway.feed("al-police/feed").await).await {
        match released(&item) {
            Some(document) => {
                let Some(v1::item::Content::Released(record)) = &item.content else { panic!("it is released") };
                live.remove(&record.replaces_item_id);
                live.insert(item.item_id, document["desk_colour"].as_str().map(str::to_owned));
            }
            None => {
                let Some(v1::item::Content::Withdrawn(gone)) = &item.content else { panic!("it is withdrawn") };
                live.remove(&gone.item_id);
            }
        }
    }
    live
}

/// The regions of exploitation that a feed shows, in its order.
async fn regions(gateway: &Gateway) -> Vec<String> {
    let items = items(&mut gateway.feed("vn-police/feed").await).await;
    let region = |item| released(item).expect("released")["exploitation_countries"][0].as_str().map(str::to_owned);
    items.iter().map(|item| region(item).expect("a region")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_list_comes_into_force_live_and_what_was_released_keeps_its_words() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SUBMITTER).await;
    let record = documents::with(documents::profile(), json!({ "exploitation_countries": ["GB"] }));
    let first = submit(&mut ingest, "first", &record).await.expect("accepted");
    released_in(&world, VIET_NAM, &first).await;
    assert_eq!(regions(&gateway).await, ["Northern Europe"]);
    let list = config(&world, "schemas/codes/country.json").replacen("\"version\": 1", "\"version\": 2", 1);
    let moved: Vec<String> = list
        .lines()
        .map(
            |line| {
                if line.contains("\"GB\"") { line.replace("Northern Europe", "Western Europe") } else { line.into() }
            },
        )
        .collect();
    office::bring(&world, &gateway, &Document::code_list("country", 2, moved.join("\n"))).await;
    let second = submit(&mut ingest, "second", &record).await.expect("accepted");
    released_in(&world, VIET_NAM, &second).await;
    assert_eq!(regions(&gateway).await, ["Northern Europe", "Western Europe"]);
    gateway.stop().await;
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SUBMITTER).await;
    assert_eq!(regions(&gateway).await, ["Northern Europe", "Western Europe"], "after a restart too");
    let third = submit(&mut ingest, "third", &record).await.expect("accepted");
    released_in(&world, VIET_NAM, &third).await;
    assert_eq!(regions(&gateway).await, ["Northern Europe", "Western Europe", "Western Europe"]);
    gateway.stop().await;
}

/// A certificate of the feed's system from this CA.
fn issued(world: &World, authority: &Authority) -> Issued {
    let system: SystemId = "al-police/feed".parse().expect("well formed");
    let now = world.journal().read(|state| state.last_time());
    authority.issue(&Profile::client(&system, now)).expect("minted")
}

fn feed_over(channel: Channel) -> FeedServiceClient<Stated> {
    let statement = Statement::new("investigation", "test.operator").expect("well formed");
    FeedServiceClient::with_interceptor(channel, statement)
}

async fn cut(mut pages: Streaming<v1::WatchResponse>) -> Status {
    let end = async {
        loop {
            match pages.message().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("the watch ends without a reason"),
                Err(status) => return status,
            }
        }
    };
    within("the end of the watch", end).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_ca_takes_the_place_of_the_old_one_while_the_gateway_runs() {
    // The lists of a CA that is not in force yet are another matter (docs/trust.md).
    let world = World::with(|setup| setup.configure(|config| config.revocation.folder = None));
    let gateway = world.start().await;
    let now = world.journal().read(|state| state.last_time());
    let old = world.authority("al-police");
    let new = Authority::generate(&"al-police".parse().expect("an agency"), now).expect("a CA");
    let (old_leaf, new_leaf) = (issued(&world, &old), issued(&world, &new));
    let connected = gateway.connect_with(&old_leaf, "old").await.expect("the old one is known");
    assert!(gateway.connect_with(&new_leaf, "new").await.is_err(), "nobody knows the new one yet");
    let pages = feed_over(connected.clone()).watch(v1::WatchRequest::default()).await.expect("it opens").into_inner();

    // Both for a while, as one would do it.
    let mut file = agency::next(&world, "al-police");
    file.trust_bundle_pem = format!("{}{}", old.certificate_pem(), new.certificate_pem());
    office::bring(&world, &gateway, &Document::agency(&file)).await;
    let both = gateway.connect_with(&new_leaf, "new").await.expect("the new one is known now");
    feed_over(both.clone()).pull(v1::PullRequest::default()).await.expect("and serves");
    feed_over(connected.clone()).pull(v1::PullRequest::default()).await.expect("as does the old one");

    // Then the new one alone; the world's clock stands still all the time.
    let file = AgencyFile { version: file.version + 1, trust_bundle_pem: new.certificate_pem().to_owned(), ..file };
    office::bring(&world, &gateway, &Document::agency(&file)).await;
    let status = feed_over(connected).pull(v1::PullRequest::default()).await.expect_err("on the next call");
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unauthenticated, "identity-lapsed"));
    let status = cut(pages).await;
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unauthenticated, "identity-lapsed"));
    assert!(gateway.connect_with(&old_leaf, "old").await.is_err(), "nor does it connect anew");
    feed_over(both).pull(v1::PullRequest::default()).await.expect("the new one goes on");

    // Another agency's CA is taken by nobody.
    let theirs = world.authority("vn-police").certificate_pem().to_owned();
    let stolen = AgencyFile { version: file.version + 1, trust_bundle_pem: theirs, ..file };
    let before = world.journal().size();
    let answer = office::send(&gateway, Document::agency(&stolen).signed(&world, &NCA)).await;
    let status = office::assert_refused(&world, before, answer, Code::InvalidArgument, "documents-faulty");
    assert!(status.message().contains("the same key is in both trust bundles"), "{}", status.message());
    gateway.stop().await;
    let gateway = world.start().await;
    assert!(gateway.connect_with(&old_leaf, "old").await.is_err(), "after a restart too");
    gateway.connect_with(&new_leaf, "new").await.expect("and the new one serves");
    gateway.stop().await;
}

const ROMANIA: &str = "ISA-RO-2026-031";

/// An agency that is not in force, with identities and persons' keys.
fn newcomer(world: &World) -> Document {
    let template = config(world, "agencies/al-police.toml").replace("al-police", "ro-police");
    fs::write(world.path("config/agencies/ro-police.toml"), template).expect("writable");
    world.reissue();
    let text = fs::read_to_string(world.path("certs-dev/agencies/ro-police.toml")).expect("rendered");
    Document::agency(&AgencyFile::parse(&text).expect("it reads"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_agency_and_its_agreement_come_in_live_over_the_records_that_are_there() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SUBMITTER).await;
    let named = |number: usize, releasable: &str| {
        let members = json!({
            "subject_reference": format!("SUBJECT-{number}"), "nationalities": ["RO"], "releasable_to": [releasable]
        });
        documents::with(documents::profile(), members)
    };
    for number in 0..20 {
        let whose = if number % 2 == 0 { "RO" } else { "AL" };
        submit(&mut ingest, &format!("r-{number}"), &named(number, whose)).await.expect("accepted");
    }
    let agency = newcomer(&world);
    let agreement = Document::next(&world, ALBANIA, 1, |text| {
        text.replace(ALBANIA, ROMANIA).replace("\"al-police\"", "\"ro-police\"").replace("[\"AL\"]", "[\"RO\"]")
    });
    let before = world.journal().size();
    let early = office::send(&gateway, agreement.signed(&world, &NCA)).await;
    let status = office::assert_refused(&world, before, early, Code::InvalidArgument, "documents-faulty");
    assert!(status.message().contains("ro-police has no agency file"), "{}", status.message());
    office::bring(&world, &gateway, &agency).await;
    let mut feed = gateway.feed("ro-police/feed").await;
    let status = feed.pull(v1::PullRequest::default()).await.expect_err("it has no agreement");
    assert_eq!((status.code(), reason(&status).as_str()), (Code::NotFound, "unknown-feed"));
    office::bring(&world, &gateway, &agreement).await;
    world.journal().settle(ROMANIA, 10).await;
    office::evaluated(&world, ROMANIA, 1).await;
    let later = submit(&mut ingest, "later", &named(20, "RO")).await.expect("accepted");
    released_in(&world, ROMANIA, &later).await;
    let shown = items(&mut feed).await;
    assert_eq!(shown.len(), 11, "all that it may have, once");
    assert!(shown.iter().all(|item| released(item).is_some_and(|document| document["nationalities"] == json!(["RO"]))));
    gateway.stop().await;
    let gateway = world.start().await;
    assert_eq!(items(&mut gateway.feed("ro-police/feed").await).await, shown, "after a restart the same");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_narrowed_agreement_takes_back_what_it_no_longer_grants_and_a_wider_one_gives_it_again() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SUBMITTER).await;
    let profile = send(&mut ingest, request("profile", &documents::profile())).await.expect("accepted");
    let route = send(&mut ingest, request("route", &documents::route())).await.expect("accepted");
    for receipt in [&profile, &route] {
        released_in(&world, ALBANIA, receipt).await;
    }
    let mut feed = gateway.feed("al-police/feed").await;
    assert_eq!(items(&mut feed).await.len(), 2);
    let narrow = |text: &str| text.replacen("route_countries = [\"AL\", \"XK\"]", "route_countries = [\"RO\"]", 1);
    office::bring(&world, &gateway, &Document::next(&world, ALBANIA, 2, narrow)).await;
    // Between the activation and the end of the evaluation it is not shown either: the stricter of both holds.
    let shown = items(&mut feed).await;
    assert!(released(&shown[0]).is_some() && released(&shown[1]).is_none(), "{shown:?}");
    office::evaluated(&world, ALBANIA, 2).await;
    assert_eq!(world.journal().positions(ALBANIA), 3, "the route's withdrawal and nothing else");
    office::bring(&world, &gateway, &Document::next(&world, ALBANIA, 3, str::to_owned)).await;
    office::evaluated(&world, ALBANIA, 3).await;
    released_in(&world, ALBANIA, &route).await;
    let shown = items(&mut feed).await;
    assert_eq!(shown.len(), 4);
    assert!(released(&shown[3]).is_some_and(|document| document.get("legs").is_some()), "{shown:?}");
    gateway.stop().await;
}
