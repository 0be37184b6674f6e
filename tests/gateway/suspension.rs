//! Suspension: of an agreement and of an agency, by one person; what stops at once, what still arrives, and what ends it.

use causeway_gateway::client::Statement;
use causeway_journal::v1::{Decision, DocumentKind, Operation};
use causeway_model::AgreementId;
use causeway_proto::v1;
use causeway_proto::v1::audit_service_client::AuditServiceClient;
use prost::Message;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Code, Status};
use tonic_prost::ProstCodec;

use crate::feed::{ALBANIA, VIET_NAM, released_in};
use crate::governance::office::{self, Document, NCA, assert_refused, suspend, suspension};
use crate::harness::calls::{items, pull, reason, released, submit, withdraw, within};
use crate::harness::{Gateway, World, documents};
use crate::rotation::agency;

const SUBMITTER: &str = "gb-nca/case-management";
const DIRECTOR: office::Person = NCA[0];

/// Albania's agreement, by which copies of routes may be kept, and those of profiles not.
pub(crate) fn routes_may_stay(text: &str) -> String {
    let (profiles, routes) = text.split_once("# Routes that touch").expect("two clauses");
    let kept = "copies_stay = true\ncopies_stay_reason = \"routes are on file at every border post\"\nminimum_cell = 1";
    format!("{profiles}# Routes that touch{}", routes.replacen("minimum_cell = 1", kept, 1))
}

/// A profile and a route that both partners have.
async fn shared(world: &World, gateway: &Gateway) -> [v1::Receipt; 2] {
    let mut ingest = gateway.ingest(SUBMITTER).await;
    let profile = submit(&mut ingest, "profile", &documents::profile()).await.expect("accepted");
    let route = submit(&mut ingest, "route", &documents::route()).await.expect("accepted");
    for agreement in [ALBANIA, VIET_NAM] {
        released_in(world, agreement, &profile).await;
        released_in(world, agreement, &route).await;
    }
    [profile, route]
}

fn is_live(world: &World, agreement: &str, receipt: &v1::Receipt) -> bool {
    let (id, record) = (agreement.parse::<AgreementId>().expect("an id"), receipt.record_id.parse().expect("an id"));
    world.journal().read(|state| state.feed(&id).is_some_and(|feed| feed.live(&record).is_some()))
}

/// Waits until a record has left a feed.
async fn gone(world: &World, agreement: &str, receipt: &v1::Receipt) {
    let (id, record) = (agreement.parse::<AgreementId>().expect("an id"), receipt.record_id.parse().expect("an id"));
    let left = |state: &causeway_journal::State| state.feed(&id).is_some_and(|feed| feed.live(&record).is_none());
    world.journal().until("the withdrawal", left).await;
}

/// The end of a watch, with the positions that it showed a record in after `opened` of them.
async fn watched(pages: &mut tonic::Streaming<v1::WatchResponse>) -> (Vec<v1::Item>, Status) {
    let mut seen = Vec::new();
    loop {
        match within("the end of the watch", pages.message()).await {
            Ok(Some(answer)) => seen.extend(answer.page.expect("a page").items),
            Ok(None) => panic!("the watch ends without a reason"),
            Err(status) => return (seen, status),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_agreement_shows_nothing_at_once_and_its_withdrawals_arrive() {
    let world = World::with(|setup| setup.agreement(ALBANIA, routes_may_stay));
    let gateway = world.start().await;
    let [profile, route] = shared(&world, &gateway).await;
    let mut feed = gateway.feed("al-police/feed").await;
    assert!(items(&mut feed).await.iter().all(|item| released(item).is_some()));
    let mut pages = feed.watch(v1::WatchRequest::default()).await.expect("the watch opens").into_inner();
    let suspended = suspend(&gateway, suspension(&world, DocumentKind::Agreement, ALBANIA, 1, DIRECTOR)).await;
    let leaf = suspended.expect("suspended");
    let entry = world.journal().entries().into_iter().find(|seen| seen.leaf == leaf).expect("its entry").entry;
    assert_eq!((entry.operation(), entry.reason.as_str()), (Operation::Document, "suspended"));
    assert_eq!(entry.approvals.len(), 1);

    // From here on nothing is shown, whether the releaser has come to it or not.
    let shown = items(&mut feed).await;
    assert!(shown.iter().all(|item| released(item).is_none()), "{shown:?}");
    let (_, status) = watched(&mut pages).await;
    assert_eq!(status.code(), Code::PermissionDenied, "{}", status.message());
    assert!(["agreement-ended", "agreement-suspended"].contains(&reason(&status).as_str()), "{}", reason(&status));
    gone(&world, ALBANIA, &profile).await;
    let late = submit(&mut gateway.ingest(SUBMITTER).await, "late", &documents::route()).await.expect("accepted");
    released_in(&world, VIET_NAM, &late).await;
    assert!(!is_live(&world, ALBANIA, &late), "released under a suspended agreement");
    assert!(is_live(&world, ALBANIA, &route), "what may be kept was called back");
    assert!(is_live(&world, VIET_NAM, &profile), "another agreement goes on");
    assert_eq!(world.journal().positions(ALBANIA), 3);

    // Opened anew, the watch brings what is to be deleted; and it is acknowledged.
    let mut pages = feed.watch(v1::WatchRequest::default()).await.expect("it opens").into_inner();
    let withdrawal = async {
        loop {
            let page = pages.message().await.expect("served").expect("a page").page.expect("a page");
            if let Some(item) = page.items.iter().find(|item| item.position == 3) {
                return item.clone();
            }
        }
    };
    let item = within("the withdrawal", withdrawal).await;
    assert!(matches!(item.content, Some(v1::item::Content::Withdrawn(_))), "{item:?}");
    let acknowledge = v1::AcknowledgeRequest { up_to_position: 3, ..v1::AcknowledgeRequest::default() };
    let taken = feed.acknowledge(acknowledge).await.expect("acknowledged").into_inner();
    assert_eq!(taken.acknowledged_position, 3);

    gateway.stop().await;
    let gateway = world.start().await;
    let mut feed = gateway.feed("al-police/feed").await;
    assert!(items(&mut feed).await.iter().all(|item| released(item).is_none()), "it outlasts a restart");
    let text = office::agreement_text(&world, ALBANIA).replacen("version = 1", "version = 2", 1);
    office::bring(&world, &gateway, &Document::agreement(text)).await;
    office::evaluated(&world, ALBANIA, 2).await;
    for receipt in [&profile, &route, &late] {
        released_in(&world, ALBANIA, receipt).await;
    }
    let shown = items(&mut feed).await;
    assert_eq!(shown.iter().filter(|item| released(item).is_some()).count(), 3, "a later version ends it");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_agencys_systems_take_back_what_they_have_and_do_nothing_else() {
    let world = World::new();
    let gateway = world.start().await;
    let [profile, _] = shared(&world, &gateway).await;
    let mut feed = gateway.feed("al-police/feed").await;
    assert_eq!(items(&mut feed).await.len(), 2);
    let mut health = tonic::client::Grpc::new(gateway.channel("al-police/audit").await);
    health.ready().await.expect("the connection stands");
    let path = PathAndQuery::from_static("/grpc.health.v1.Health/Watch");
    let opened = health.server_streaming(tonic::Request::new(()), path, ProstCodec::<(), ()>::default()).await;
    let mut states = opened.expect("the watch opens").into_inner();
    within("the first state", states.message()).await.expect("open").expect("a state");

    suspend(&gateway, suspension(&world, DocumentKind::Agency, "al-police", 1, DIRECTOR)).await.expect("suspended");
    let status = within("the end of the watch", states.message()).await.expect_err("it is cut");
    assert_eq!((status.code(), reason(&status).as_str()), (Code::PermissionDenied, "agency-suspended"));
    let stated = Statement::new("lawfulness", "test.operator").expect("well formed");
    let mut audit = AuditServiceClient::with_interceptor(gateway.channel("al-police/audit").await, stated);
    for attempt in 0..2 {
        let before = world.journal().size();
        let status = audit.get_checkpoint(v1::GetCheckpointRequest::default()).await.expect_err("suspended");
        assert_eq!((status.code(), reason(&status).as_str()), (Code::PermissionDenied, "agency-suspended"));
        let left = world.journal().entries_from(before);
        let denials = left.iter().filter(|seen| seen.entry.reason == "agency-suspended");
        assert!(denials.clone().all(|seen| seen.entry.decision() == Decision::Denied));
        assert_eq!(denials.count(), 1, "{attempt}");
    }
    gone(&world, ALBANIA, &profile).await;
    world.journal().settle(ALBANIA, 4).await;
    let shown = items(&mut feed).await;
    assert_eq!(shown.len(), 4);
    assert!(shown.iter().all(|item| released(item).is_none()), "{shown:?}");
    let acknowledge = v1::AcknowledgeRequest { up_to_position: 4, ..v1::AcknowledgeRequest::default() };
    assert_eq!(feed.acknowledge(acknowledge).await.expect("taken").into_inner().acknowledged_position, 4);
    let mut pages = feed.watch(v1::WatchRequest::default()).await.expect("it opens").into_inner();
    within("a page", pages.message()).await.expect("served").expect("a page");
    // The other partner is not touched.
    assert!(items(&mut gateway.feed("vn-police/feed").await).await.iter().all(|item| released(item).is_some()));

    office::bring(&world, &gateway, &Document::agency(&agency::next(&world, "al-police"))).await;
    audit.get_checkpoint(v1::GetCheckpointRequest::default()).await.expect("a later version of the file ends it");
    released_in(&world, ALBANIA, &profile).await;
    assert_eq!(items(&mut feed).await.iter().filter(|item| released(item).is_some()).count(), 2);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_owner_still_takes_its_own_records_back() {
    let world = World::with(|setup| {
        setup.edit("config/agencies/al-police.toml", |text| {
            text.replacen("roles = [\"reader\"]", "roles = [\"reader\", \"submitter\"]", 1)
        });
    });
    let gateway = world.start().await;
    let mut own = gateway.ingest("al-police/feed").await;
    let mut records = Vec::new();
    for name in ["one", "two", "three"] {
        records.push(submit(&mut own, name, &documents::profile()).await.expect("accepted").record_id);
    }
    suspend(&gateway, suspension(&world, DocumentKind::Agency, "al-police", 1, DIRECTOR)).await.expect("suspended");
    withdraw(&mut own, "gone", &records[0], 1).await.expect("what takes back stays open");
    let restrict = v1::RestrictRequest {
        submission_id: "restricted".into(),
        record_id: records[1].clone(),
        expected_version: 1,
        restricted: true,
    };
    own.restrict(restrict).await.expect("restricted");
    let flag = v1::FlagAtRiskRequest { submission_id: "flag".into(), record_id: records[2].clone() };
    own.flag_at_risk(flag).await.expect("flagged");
    own.list_holders(v1::ListHoldersRequest { record_id: records[2].clone() }).await.expect("listed");
    let before = world.journal().size();
    let refused = submit(&mut own, "four", &documents::profile()).await;
    assert_refused(&world, before, refused, Code::PermissionDenied, "agency-suspended");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspension_takes_one_person_who_answers_for_it_and_stands_for_one_version() {
    let world = World::new();
    let gateway = world.start().await;
    shared(&world, &gateway).await;
    let agreement = |version, by| suspension(&world, DocumentKind::Agreement, ALBANIA, version, by);
    let agency_file = |id: &str, version, by| suspension(&world, DocumentKind::Agency, id, version, by);
    let unsigned = v1::SuspendRequest { approval: Vec::new(), ..agreement(1, DIRECTOR) };
    let status = suspend(&gateway, unsigned).await.expect_err("nobody signed it");
    assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "field-malformed"));
    // What was signed for another version, for bringing it into force, or for another agreement.
    let older = v1::SuspendRequest { approval: agreement(2, DIRECTOR).approval, ..agreement(1, DIRECTOR) };
    let text = Document::agreement(office::agreement_text(&world, ALBANIA));
    let activating = office::approval(&world, &text.digest(), DIRECTOR).encode_to_vec();
    let activating = v1::SuspendRequest { approval: activating, ..agreement(1, DIRECTOR) };
    let other = suspension(&world, DocumentKind::Agreement, VIET_NAM, 1, DIRECTOR).approval;
    let other = v1::SuspendRequest { approval: other, ..agreement(1, DIRECTOR) };
    let denied = (Code::PermissionDenied, "unapproved");
    let refusals = [
        (agreement(1, ("al-police", "chief")), denied),
        (agency_file("al-police", 1, ("al-police", "chief")), denied),
        (older, denied),
        (activating, denied),
        (other, denied),
        (agreement(2, DIRECTOR), (Code::AlreadyExists, "version-not-in-force")),
        (agency_file("ro-police", 1, DIRECTOR), (Code::NotFound, "unknown-document")),
        (agency_file("gb-nca", 1, DIRECTOR), (Code::InvalidArgument, "operator-not-suspendable")),
    ];
    for (request, (code, expected)) in refusals {
        let before = world.journal().size();
        assert_refused(&world, before, suspend(&gateway, request).await, code, expected);
    }
    let mut feed = gateway.feed("al-police/feed").await;
    assert!(items(&mut feed).await.iter().all(|item| released(item).is_some()), "none of that did anything");

    let first = agreement(1, DIRECTOR);
    suspend(&gateway, first.clone()).await.expect("suspended");
    let before = world.journal().size();
    assert_refused(&world, before, suspend(&gateway, first.clone()).await, Code::AlreadyExists, "already-suspended");
    office::bring(&world, &gateway, &Document::next(&world, ALBANIA, 2, str::to_owned)).await;
    // The same signature again, as it was and under the new version's number.
    let before = world.journal().size();
    let answer = suspend(&gateway, first.clone()).await;
    assert_refused(&world, before, answer, Code::AlreadyExists, "version-not-in-force");
    let before = world.journal().size();
    let renamed = v1::SuspendRequest { version: 2, ..first };
    assert_refused(&world, before, suspend(&gateway, renamed).await, Code::PermissionDenied, "unapproved");
    office::evaluated(&world, ALBANIA, 2).await;
    assert_eq!(pull(&mut feed, "", 0).await.expect("a page").agreement_version, 2);
    for kind in ["schema", "code-list", "passport"] {
        let request = v1::SuspendRequest { kind: kind.into(), ..agreement(2, DIRECTOR) };
        let status = suspend(&gateway, request).await.expect_err("not suspendable");
        assert_eq!(status.code(), Code::InvalidArgument, "{kind}");
    }
    gateway.stop().await;
}
