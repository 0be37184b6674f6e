//! What ends a party's open streams, each within a second and with everybody else's running on: a revoked certificate, a system that
//! its agency no longer has, a role that it no longer has, and an agreement that has ended.

use std::time::{Duration, Instant};

use causeway_cli::certs;
use causeway_model::Timestamp;
use causeway_proto::v1;
use causeway_proto::v1::submit_stream_response::Verdict;
use serde_json::json;
use tokio_stream::StreamExt;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Code, Status, Streaming};
use tonic_prost::ProstCodec;

use crate::feed::{ALBANIA, VIET_NAM, released_in};
use crate::harness::calls::{reason, request, submit, within};
use crate::harness::{Gateway, World, documents};
use crate::rotation::agency;

const SUBMITTER: &str = "gb-nca/case-management";

/// The issue asks for a second; a machine that does a dozen other things is given more.
const SOON: Duration = Duration::from_secs(10);

/// What a partner has open: its feed's watch, and a watch of the gateway's health.
struct Open {
    pages: Streaming<v1::WatchResponse>,
    states: Streaming<()>,
}

impl Open {
    async fn of(gateway: &Gateway, system: &str) -> Self {
        let pages = gateway.feed(system).await.watch(v1::WatchRequest::default()).await.expect("it opens").into_inner();
        let mut client = tonic::client::Grpc::new(gateway.channel(system).await);
        client.ready().await.expect("the connection stands");
        let path = PathAndQuery::from_static("/grpc.health.v1.Health/Watch");
        let answer = client.server_streaming(tonic::Request::new(()), path, ProstCodec::<(), ()>::default()).await;
        let mut states = answer.expect("it opens").into_inner();
        within("the first state", states.message()).await.expect("open").expect("a state");
        Self { pages, states }
    }

    /// How the watch of the feed ends.
    async fn pages_end(&mut self) -> (Code, String) {
        let end = async {
            loop {
                match self.pages.message().await {
                    Ok(Some(_)) => {}
                    Ok(None) => panic!("it ends without a reason"),
                    Err(status) => return told(&status),
                }
            }
        };
        within("the end of the watch", end).await
    }

    async fn states_end(&mut self) -> (Code, String) {
        told(&within("the end of the health watch", self.states.message()).await.expect_err("it is cut"))
    }

    /// Waits until the watch of the feed has shown so many records.
    async fn shows(&mut self, records: usize) {
        let mut seen = 0;
        while seen < records {
            let answer = within("a page", self.pages.message()).await.expect("it runs on").expect("a page");
            seen += answer.page.expect("a page").items.len();
        }
    }
}

fn told(status: &Status) -> (Code, String) {
    (status.code(), reason(status))
}

fn lapsed() -> (Code, String) {
    (Code::Unauthenticated, "identity-lapsed".into())
}

/// A record that both partners get.
async fn both_get(world: &World, gateway: &Gateway, id: &str) {
    let document = documents::with(documents::profile(), json!({ "subject_reference": id }));
    let receipt = submit(&mut gateway.ingest(SUBMITTER).await, id, &document).await.expect("accepted");
    released_in(world, VIET_NAM, &receipt).await;
}

/// How long something took, which has to be soon.
fn soon(what: &str, since: Instant) {
    let took = since.elapsed();
    assert!(took < SOON, "{what} took {took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_certificate_is_cut_off_everywhere_and_connects_no_more() {
    let world = World::new();
    let gateway = world.start().await;
    let (mut albania, mut viet_nam) =
        (Open::of(&gateway, "al-police/feed").await, Open::of(&gateway, "vn-police/feed").await);
    let first = tokio_stream::once(v1::SubmitStreamRequest { submission: Some(request("1", &documents::profile())) });
    let sent = first.chain(tokio_stream::pending());
    let mut ingest = gateway.ingest(SUBMITTER).await;
    let mut verdicts = ingest.submit_stream(sent).await.expect("it opens").into_inner();
    let verdict = within("a verdict", verdicts.message()).await.expect("open").expect("a verdict");
    assert!(matches!(verdict.verdict, Some(Verdict::Receipt(_))), "{verdict:?}");
    let auditor = gateway.audit("al-police/audit").await;

    let revoke = |system: &str| {
        let now: Timestamp = world.time().now();
        certs::revoke(&world.path("certs-dev"), &system.parse().expect("a system"), now).expect("revoked")
    };
    revoke("al-police/feed");
    let since = Instant::now();
    assert_eq!((albania.pages_end().await, albania.states_end().await), (lapsed(), lapsed()));
    soon("a revoked certificate's streams", since);
    both_get(&world, &gateway, "after").await;
    viet_nam.shows(1).await;
    let mut auditor = auditor;
    auditor
        .get_checkpoint(v1::GetCheckpointRequest::default())
        .await
        .expect("another system of the same agency goes on");

    revoke(SUBMITTER);
    let status = within("the end of the stream", verdicts.message()).await.expect_err("it is cut");
    assert_eq!(told(&status), lapsed());
    let status = submit(&mut ingest, "2", &documents::route()).await.expect_err("nothing at all");
    // The connection that was open is refused its calls; a new one is not made.
    assert!([Code::Unauthenticated, Code::Unavailable].contains(&status.code()), "{status:?}");
    for system in ["al-police/feed", SUBMITTER] {
        let issued = certs::Issued {
            certificate_pem: std::fs::read_to_string(world.path(&format!("certs-dev/{system}.pem"))).expect("there"),
            key_pem: std::fs::read_to_string(world.path(&format!("certs-dev/{system}.key"))).expect("there"),
        };
        gateway.connect_with(&issued, "revoked").await.expect_err("refused in the handshake");
    }
    // Development gives it another certificate, which is taken.
    world.reissue();
    gateway.feed("al-police/feed").await.pull(v1::PullRequest::default()).await.expect("served");
    viet_nam.shows(0).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_that_its_agency_no_longer_has_is_cut_off() {
    let world = World::new();
    let gateway = world.start().await;
    let (mut albania, mut viet_nam) =
        (Open::of(&gateway, "al-police/feed").await, Open::of(&gateway, "vn-police/feed").await);
    let mut file = agency::next(&world, "al-police");
    file.systems.retain(|known| known.name.as_str() != "feed");
    agency::activate(&world, &gateway, &file).await.expect("in force");
    let since = Instant::now();
    assert_eq!((albania.pages_end().await, albania.states_end().await), (lapsed(), lapsed()));
    soon("a removed system's streams", since);
    both_get(&world, &gateway, "after").await;
    viet_nam.shows(1).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_with_another_role_loses_the_streams_of_the_one_it_had() {
    let world = World::new();
    let gateway = world.start().await;
    let (mut albania, mut viet_nam) =
        (Open::of(&gateway, "al-police/feed").await, Open::of(&gateway, "vn-police/feed").await);
    let mut file = agency::next(&world, "al-police");
    for system in file.systems.iter_mut().filter(|known| known.name.as_str() == "feed") {
        system.roles = vec![causeway_agreement::Role::Protection];
    }
    agency::activate(&world, &gateway, &file).await.expect("in force");
    let since = Instant::now();
    assert_eq!(albania.pages_end().await, (Code::PermissionDenied, "role-missing".into()));
    soon("a changed role's streams", since);
    both_get(&world, &gateway, "after").await;
    viet_nam.shows(1).await;
    // Health is anybody's who can authenticate.
    let open = tokio::time::timeout(Duration::ZERO, albania.states.message()).await;
    assert!(open.is_err(), "{open:?}");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agreement_that_ends_takes_its_watch_with_it() {
    let world = World::with(|setup| setup.agreement(ALBANIA, |text| text.replace("2028-12-31", "2026-11-22")));
    let gateway = world.start().await;
    let (mut albania, mut viet_nam) =
        (Open::of(&gateway, "al-police/feed").await, Open::of(&gateway, "vn-police/feed").await);
    world.clock().advance(2 * 86_400);
    let since = Instant::now();
    assert_eq!(albania.pages_end().await, (Code::PermissionDenied, "agreement-ended".into()));
    soon("an ended agreement's watch", since);
    both_get(&world, &gateway, "after").await;
    viet_nam.shows(1).await;
    gateway.stop().await;
}
