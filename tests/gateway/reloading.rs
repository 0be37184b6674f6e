//! What is taken while the gateway runs, and what is not: its own certificate, its settings and revocation lists, with calls under way
//! and no restart.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use causeway_cli::certs::{Issued, Profile, Validity};
use causeway_journal::v1::Decision;
use causeway_model::{Date, SystemId};
use causeway_proto::v1;
use tonic::{Code, Streaming};

use crate::feed::{ALBANIA, released_in};
use crate::harness::calls::{items, pull, reason, released, submit, withdraw, within};
use crate::harness::raw_tls::Client;
use crate::harness::{Gateway, World, documents};
use crate::metrics::{number, scrape};

const SUBMITTER: &str = "gb-nca/case-management";

fn with_metrics() -> World {
    World::with(|setup| setup.configure(|config| config.metrics = Some("127.0.0.1:0".parse().expect("an address"))))
}

fn day(year: u16, month: u8, day: u8) -> Date {
    Date::new(year, month, day).expect("a day")
}

/// A certificate for a server, of one agency's CA.
fn server(world: &World, authority: &str, system: &str, until: Date) -> Issued {
    let system: SystemId = system.parse().expect("well formed");
    let profile = Profile::gateway(&system, world.time().now());
    let profile = Profile { validity: Validity { from: day(2020, 1, 1), until }, ..profile };
    world.authority(authority).issue(&profile).expect("any profile can be minted")
}

/// Replaces a file in one step, as whoever renews certificates should.
fn replace(world: &World, file: &str, text: &str) {
    let (path, beside) = (world.path(file), world.path(&format!("{file}.new")));
    fs::write(&beside, text).expect("writable");
    fs::rename(beside, path).expect("replaced");
}

/// The certificate that the gateway shows to whoever connects now.
async fn shown(world: &World, gateway: &Gateway) -> Vec<u8> {
    let ca = fs::read_to_string(world.path("certs-dev/gb-nca/ca.pem")).expect("issued with the world");
    let own = |end: &str| fs::read_to_string(world.path(&format!("certs-dev/{SUBMITTER}.{end}"))).expect("issued");
    let issued = Issued { certificate_pem: own("pem"), key_pem: own("key") };
    Client::new(Some(&issued), &ca).shown(gateway.address()).await
}

/// How often the journal says this of the gateway itself, and not of what it denied.
fn noted(world: &World, reason: &str) -> usize {
    let entries = world.journal().entries();
    entries.iter().filter(|seen| seen.entry.reason == reason && seen.entry.decision() == Decision::Allowed).count()
}

async fn note(world: &World, reason: &str, times: usize) {
    while noted(world, reason) < times {
        let size = world.journal().size();
        within(reason, async {
            while world.journal().size() == size {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
    }
    assert_eq!(noted(world, reason), times, "{reason}");
}

async fn goes_on(world: &World, gateway: &Gateway, pages: &mut Streaming<v1::WatchResponse>, id: &str) {
    let receipt = submit(&mut gateway.ingest(SUBMITTER).await, id, &documents::route()).await.expect("accepted");
    released_in(world, ALBANIA, &receipt).await;
    loop {
        let answer = within("the release", pages.message()).await.expect("the stream runs on").expect("a page");
        if !answer.page.expect("a page").items.is_empty() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_is_shown_to_new_connections_and_a_bad_one_to_nobody() {
    let world = with_metrics();
    let gateway = world.start().await;
    let mut feed = gateway.feed("al-police/feed").await;
    let mut pages = feed.watch(v1::WatchRequest::default()).await.expect("it opens").into_inner();
    let first = shown(&world, &gateway).await;

    let renewed = server(&world, "gb-nca", "gb-nca/gateway", day(2120, 1, 1));
    // The one after the other, with a moment between in which they do not fit together.
    replace(&world, "certs-dev/gb-nca/gateway.key", &renewed.key_pem);
    replace(&world, "certs-dev/gb-nca/gateway.pem", &renewed.certificate_pem);
    note(&world, "reloaded", 1).await;
    let second = shown(&world, &gateway).await;
    assert_ne!(first, second);
    goes_on(&world, &gateway, &mut pages, "one").await;

    let other = server(&world, "gb-nca", "gb-nca/gateway", day(2120, 1, 1));
    let expired = server(&world, "gb-nca", "gb-nca/gateway", day(2026, 1, 1));
    let foreign = server(&world, "al-police", "gb-nca/gateway", day(2120, 1, 1));
    let partners = server(&world, "al-police", "al-police/feed", day(2120, 1, 1));
    let half = &other.certificate_pem[..other.certificate_pem.len() / 2];
    let bad = [
        ("half written", half, &other.key_pem, "PEM"),
        ("with another key", &other.certificate_pem, &renewed.key_pem, "is not the private key"),
        ("that has ended", &expired.certificate_pem, &expired.key_pem, "certificate-not-valid-now"),
        ("of another CA", &foreign.certificate_pem, &foreign.key_pem, "chain-not-of-agency"),
        ("of another agency", &partners.certificate_pem, &partners.key_pem, "not for a system of the operator"),
    ];
    for (number_of, (what, certificate, key, fault)) in bad.into_iter().enumerate() {
        // Written over in place.
        fs::write(world.path("certs-dev/gb-nca/gateway.pem"), certificate).expect("writable");
        fs::write(world.path("certs-dev/gb-nca/gateway.key"), key).expect("writable");
        // What is refused is said once for what the files hold, however often they are looked at.
        gateway.reloads().ask();
        note(&world, "reload-refused", number_of + 1).await;
        assert_eq!(shown(&world, &gateway).await, second, "a certificate {what} took the place of a good one");
        let lines = World::log_lines();
        let own = lines.lines().filter(|line| line.contains("changed files are not taken") && line.contains(fault));
        assert!(own.count() > 0, "no line names the fault of a certificate {what}");
    }
    let text = scrape(&gateway).await;
    assert_eq!(number(&text, "causeway_reload_faults{files=\"certificate\"}"), Some(1));
    goes_on(&world, &gateway, &mut pages, "two").await;

    fs::write(world.path("certs-dev/gb-nca/gateway.pem"), &other.certificate_pem).expect("writable");
    fs::write(world.path("certs-dev/gb-nca/gateway.key"), &other.key_pem).expect("writable");
    note(&world, "reloaded", 2).await;
    assert_ne!(shown(&world, &gateway).await, second);
    let text = scrape(&gateway).await;
    assert_eq!(number(&text, "causeway_reload_faults{files=\"certificate\"}"), Some(0));
    goes_on(&world, &gateway, &mut pages, "three").await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_change_while_calls_are_under_way_and_malformed_settings_change_nothing() {
    let world = World::with(|setup| {
        setup.edit("config/gateway.toml", |text| text.replace("# heartbeat_seconds = 15", "heartbeat_seconds = 3600"));
    });
    let gateway = world.start().await;
    let mut feed = gateway.feed("al-police/feed").await;
    let mut first = feed.watch(v1::WatchRequest::default()).await.expect("it opens").into_inner();
    world.edit("config/gateway.toml", |text| text.replace("# streams = 128", "streams = \"many\""));
    note(&world, "reload-refused", 1).await;
    world.edit("config/gateway.toml", |text| {
        let text = text.replace("streams = \"many\"", "# streams = 128").replace("\"node-1\"", "\"node-of-later\"");
        text.replace("heartbeat_seconds = 3600", "heartbeat_seconds = 1")
    });
    note(&world, "reloaded", 1).await;
    let lines = World::log_lines();
    let waits = |line: &&str| line.contains("read at the next start only") && line.contains("node, listen");
    assert_eq!(lines.lines().filter(waits).count(), 1, "what has to wait is named, and once");
    let mut pages = feed.watch(v1::WatchRequest::default()).await.expect("it opens").into_inner();
    for _ in 0..3 {
        within("a heartbeat of the new limit", pages.message()).await.expect("open").expect("a page");
    }
    goes_on(&world, &gateway, &mut first, "one").await;
    gateway.stop().await;
}

fn lists(world: &World, agency: &str) -> PathBuf {
    world.path(&format!("certs-dev/crls/{agency}.pem"))
}

#[tokio::test(flavor = "multi_thread")]
async fn old_lists_narrow_their_own_agency_to_withdrawals_until_there_are_fresh_ones() {
    let world = with_metrics();
    world.list("al-police", day(2026, 11, 23));
    let gateway = world.start().await;
    let mut ingest = gateway.ingest(SUBMITTER).await;
    let gone = submit(&mut ingest, "gone", &documents::profile()).await.expect("accepted");
    let kept = submit(&mut ingest, "kept", &documents::route()).await.expect("accepted");
    for receipt in [&gone, &kept] {
        released_in(&world, ALBANIA, receipt).await;
    }
    let mut feed = gateway.feed("al-police/feed").await;
    assert!(items(&mut feed).await.iter().all(|item| released(item).is_some()));
    let mut audit = gateway.audit("al-police/audit").await;
    audit.get_checkpoint(v1::GetCheckpointRequest::default()).await.expect("served");

    // Two hours after they were due, on the 23rd: an alarm, and nothing else.
    world.clock().advance(38 * 3600);
    let overdue = "causeway_revocation_overdue_seconds{agency=\"al-police\"}";
    within("the alarm", async {
        while number(&scrape(&gateway).await, overdue).is_none_or(|seconds| seconds == 0) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    assert!(World::log_lines().contains("the agency's revocation lists are overdue"));
    audit.get_checkpoint(v1::GetCheckpointRequest::default()).await.expect("served");
    withdraw(&mut ingest, "w", &gone.record_id, 1).await.expect("withdrawn");
    world.journal().settle(ALBANIA, 3).await;

    world.clock().advance(24 * 3600);
    note(&world, "revocation-stale", 1).await;
    let status = audit.get_checkpoint(v1::GetCheckpointRequest::default()).await.expect_err("narrowed");
    assert_eq!((status.code(), reason(&status).as_str()), (Code::PermissionDenied, "revocation-stale"));
    let page = pull(&mut feed, "", 10).await.expect("withdrawals are served");
    assert!(page.items.iter().all(|item| released(item).is_none()), "{page:?}");
    let withdrawn = |item: &&v1::Item| matches!(item.content, Some(v1::item::Content::Withdrawn(_)));
    assert_eq!(
        page.items.iter().filter(withdrawn).count(),
        2,
        "the withdrawal, and in its place what it withdrew: {page:?}"
    );
    let acknowledge = v1::AcknowledgeRequest { up_to_position: 3, ..v1::AcknowledgeRequest::default() };
    feed.acknowledge(acknowledge).await.expect("acknowledged");
    // Nobody else is narrowed.
    assert!(items(&mut gateway.feed("vn-police/feed").await).await.iter().any(|item| released(item).is_some()));
    submit(&mut ingest, "later", &documents::route()).await.expect("accepted");
    assert_eq!(number(&scrape(&gateway).await, "causeway_revocation_stale{agency=\"al-police\"}"), Some(1));
    assert_eq!(number(&scrape(&gateway).await, "causeway_revocation_stale{agency=\"vn-police\"}"), Some(0));

    world.list("al-police", day(2036, 1, 1));
    note(&world, "revocation-fresh", 1).await;
    audit.get_checkpoint(v1::GetCheckpointRequest::default()).await.expect("served again");
    assert!(items(&mut feed).await.iter().any(|item| released(item).is_some()), "what waited is given");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_lists_are_not_taken_and_missing_ones_narrow_only_where_they_are_required() {
    let mut world = World::new();
    let good = fs::read_to_string(lists(&world, "al-police")).expect("made with the world");
    fs::remove_file(lists(&world, "al-police")).expect("removed");
    let gateway = world.start().await;
    note(&world, "revocation-stale", 1).await;
    let mut audit = gateway.audit("al-police/audit").await;
    let status = audit.get_checkpoint(v1::GetCheckpointRequest::default()).await.expect_err("narrowed");
    assert_eq!(reason(&status), "revocation-stale");
    gateway.audit("vn-police/audit").await.get_checkpoint(v1::GetCheckpointRequest::default()).await.expect("served");
    let theirs = fs::read_to_string(lists(&world, "vn-police")).expect("made with the world");
    for (times, bad) in [&theirs, &good[..good.len() / 2], &" ".repeat((4 << 20) + 1)].into_iter().enumerate() {
        replace(&world, "certs-dev/crls/al-police.pem", bad);
        note(&world, "reload-refused", times + 1).await;
        audit.get_checkpoint(v1::GetCheckpointRequest::default()).await.expect_err("still narrowed");
    }
    gateway.audit("vn-police/audit").await.get_checkpoint(v1::GetCheckpointRequest::default()).await.expect("served");
    replace(&world, "certs-dev/crls/al-police.pem", &good);
    note(&world, "revocation-fresh", 1).await;
    audit.get_checkpoint(v1::GetCheckpointRequest::default()).await.expect("served");
    // What is in force stays in force without its file.
    fs::remove_file(lists(&world, "al-police")).expect("removed");
    note(&world, "reload-refused", 4).await;
    audit.get_checkpoint(v1::GetCheckpointRequest::default()).await.expect("served");
    gateway.stop().await;

    world.config().revocation.terms.required = false;
    let gateway = world.start().await;
    let mut audit = gateway.audit("al-police/audit").await;
    audit.get_checkpoint(v1::GetCheckpointRequest::default()).await.expect("not asked for");
    assert_eq!(noted(&world, "revocation-stale"), 1);
    gateway.stop().await;
}
