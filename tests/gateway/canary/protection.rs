//! The paths of protection with canaries in everything that a caller states: restriction, hold, identities, rotation, retention,
//! erasure by person; and what a backup of all that holds.

use std::fs;

use causeway_crypto::SealingPrivateKey;
use causeway_gateway::client::Statement;
use causeway_proto::v1;
use causeway_proto::v1::admin_service_client::AdminServiceClient;
use causeway_proto::v1::protection_service_client::ProtectionServiceClient;
use causeway_store::RootSource;
use tonic::Code;

use super::{Ingest, Watch, records, submit};
use crate::feed::{ALBANIA, released_in};
use crate::harness::calls::{items, released};
use crate::harness::{Gateway, Stated, World};
use crate::identity::desk::{self, Desk, signature};

type Protection = ProtectionServiceClient<Stated>;

async fn office(gateway: &Gateway, system: &str, statement: Statement) -> Protection {
    ProtectionServiceClient::with_interceptor(gateway.channel(system).await, statement)
}

/// Everything that can be done to one record's protection, ending in its erasure by person; refusals in between.
pub(super) async fn protected(watch: &mut Watch, world: &World, gateway: &Gateway, ingest: &mut Ingest) {
    let record = records::profile(&mut watch.canaries);
    let reference = record["subject_reference"].as_str().expect("a reference").to_owned();
    let receipt = submit(watch, ingest, &record).await;
    released_in(world, ALBANIA, &receipt).await;
    restricted(watch, ingest, &receipt).await;
    released_in(world, ALBANIA, &receipt).await;
    let shown = items(&mut gateway.feed("al-police/feed").await).await;
    let document = shown.iter().rev().find_map(released).expect("it is released");
    let pseudonym = document["subject_reference"].as_str().expect("a pseudonym").to_owned();
    identified(watch, world, gateway, &pseudonym).await;
    rotated(watch, gateway).await;
    erased(watch, world, gateway, &receipt.record_id, reference).await;
}

async fn restricted(watch: &mut Watch, ingest: &mut Ingest, receipt: &v1::Receipt) {
    let restriction = |id: String, expected_version, restricted| v1::RestrictRequest {
        submission_id: id,
        record_id: receipt.record_id.clone(),
        expected_version,
        restricted,
    };
    let (first, second, third) = (watch.canaries.word(), watch.canaries.word(), watch.canaries.word());
    let done = ingest.restrict(restriction(first.clone(), 1, true)).await.expect("restricted").into_inner();
    watch.answer("the receipt of a restriction", done);
    watch.refused("other content", Code::AlreadyExists, ingest.restrict(restriction(first, 1, false)).await);
    watch.refused("a moved version", Code::AlreadyExists, ingest.restrict(restriction(second, 9, true)).await);
    let done = ingest.restrict(restriction(third, 1, false)).await.expect("freed").into_inner();
    watch.answer("the receipt of its end", done);
}

/// A request with its case and purpose in canaries: approved and handed over once, refused in words once.
async fn identified(watch: &mut Watch, world: &World, gateway: &Gateway, pseudonym: &str) {
    let stated = watch.statement("investigation");
    let mut partner = office(gateway, "al-police/protection", stated).await;
    let ask = |case_reference: String, pseudonym: String| v1::RequestIdentityRequest {
        pseudonym,
        case_reference,
        ..v1::RequestIdentityRequest::default()
    };
    let mistyped = ask(watch.canaries.word(), watch.canaries.word());
    watch.refused("a mistyped pseudonym", Code::InvalidArgument, partner.request_identity(mistyped).await);
    let mut requests = Vec::new();
    for _ in 0..2 {
        let question = ask(watch.canaries.word(), pseudonym.to_owned());
        let answer = partner.request_identity(question).await.expect("requested").into_inner();
        requests.push(watch.answer("a request's id", answer).identity_request_id);
    }
    let mut owner = Desk::of(world, gateway, "gb-nca").await;
    let reason = watch.canaries.word();
    owner.refuse(&requests[1], &reason).await.expect("refused");
    // The owner's list shows the case, and the requester's the reason of the refusal: they are meant to.
    let listed = partner.list_identity_requests(v1::ListIdentityRequestsRequest { open_only: true }).await;
    watch.answer("what waits, to the partner", listed.expect("listed").into_inner());
    for person in ["director", "dpo"] {
        let approved = owner.approve(&requests[0], person).await.expect("approved");
        watch.answer("an approval", approved);
    }
    let out = owner.release(&requests[0]).await.expect("released");
    let opened = owner.open(out.sealed.as_ref().expect("sealed")).expect("the owner's key opens it");
    assert!(watch.canaries.find(&opened).is_some(), "the identity is what canaries are in");
    let out = watch.answer("what is released, sealed", out);
    let sealed = desk::reseal(&out, &requests[0], &opened);
    owner.deliver(&requests[0], sealed).await.expect("delivered");
    let collect = v1::CollectIdentityRequest { identity_request_id: requests[0].clone() };
    let collected = partner.collect_identity(collect).await.expect("collected").into_inner();
    watch.answer("what is collected, sealed", collected);
}

async fn rotated(watch: &mut Watch, gateway: &Gateway) {
    let stated = watch.statement("integrity");
    let mut operations = AdminServiceClient::with_interceptor(gateway.channel("gb-nca/operations").await, stated);
    let feed = format!("feed/{ALBANIA}");
    for (key, compromised) in
        [(feed.as_str(), false), (&feed, true), ("checkpoint-signing", false), ("pages", false), ("root", false)]
    {
        let request = v1::RotateKeyRequest { key: key.into(), compromised };
        watch.answer(key, operations.rotate_key(request).await.expect("rotated").into_inner());
    }
    let unknown = v1::RotateKeyRequest { key: watch.canaries.word(), compromised: false };
    watch.refused("an unknown key", Code::InvalidArgument, operations.rotate_key(unknown).await);
    let text = watch.canaries.word().into_bytes();
    let document =
        v1::ActivateDocumentRequest { kind: "agency".into(), id: "gb-nca".into(), version: 9, text, approvals: vec![] };
    watch.refused("no agency file", Code::InvalidArgument, operations.activate_document(document).await);
}

async fn erased(watch: &mut Watch, world: &World, gateway: &Gateway, record_id: &str, subject_reference: String) {
    let stated = watch.statement("safeguarding");
    let mut office = office(gateway, "gb-nca/protection", stated).await;
    let unknown = v1::PlanErasureRequest { subject_reference: watch.canaries.word(), record_ids: Vec::new() };
    watch.refused("an unknown person", Code::NotFound, office.plan_erasure(unknown).await);
    let plan = v1::PlanErasureRequest { subject_reference: subject_reference.clone(), record_ids: Vec::new() };
    let plan = watch.answer("a plan", office.plan_erasure(plan).await.expect("planned").into_inner());
    assert_eq!(plan.record_ids, [record_id]);
    for held in [true, false] {
        let hold = v1::HoldRequest { record_id: record_id.into(), held };
        watch.answer("a hold", office.hold(hold).await.expect("recorded").into_inner());
    }
    let listed = office.list_retention(v1::ListRetentionRequest { review_within_days: 366 }).await.expect("listed");
    watch.answer("what is due", listed.into_inner());
    let run = office.run_retention(v1::RunRetentionRequest {}).await.expect("run");
    watch.answer("a run", run.into_inner());
    let order = |person: &str, approvals| v1::EraseRequest {
        record_ids: plan.record_ids.clone(),
        subject_reference: person.into(),
        approvals,
    };
    let director = || signature(world, "gb-nca", "director", &plan.digest);
    let stranger = v1::PersonSignature { person: "nobody-here".into(), ..director() };
    let refused = office.erase(order(&subject_reference, vec![director(), stranger])).await;
    watch.refused("a stranger's approval", Code::PermissionDenied, refused);
    let other_person = watch.canaries.word();
    watch.refused("another person", Code::NotFound, office.erase(order(&other_person, vec![director()])).await);
    let approvals = vec![director(), signature(world, "gb-nca", "dpo", &plan.digest)];
    let done = office.erase(order(&subject_reference, approvals)).await.expect("erased").into_inner();
    watch.answer("an erasure", done);
}

/// A backup: a copy of the data directory, and the keys' bundle, sealed and as its recipient opens it.
pub(super) fn backed_up(watch: &Watch, world: &World) {
    let recipient = SealingPrivateKey::generate();
    let keys = world.path("data/keys");
    let bundle = causeway_store::seal_keys(&keys, &RootSource::File, &recipient.public_key()).expect("sealed");
    watch.canaries.assert_none_in("the keys' bundle", &bundle);
    let restored = world.path("restored");
    causeway_store::open_keys(&bundle, &recipient, &restored).expect("opened");
    assert_eq!(fs::read(restored.join("root.key")).expect("there"), fs::read(keys.join("root.key")).expect("there"));
    let (found, files) = watch.canaries.find_below(&restored);
    assert_eq!((found, files >= 2), (Vec::new(), true));
}
