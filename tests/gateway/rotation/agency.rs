//! New versions of agency files, brought into force while the gateway runs: roles, systems, rosters and sealing keys.

use causeway_agreement::AgencyFile;
use causeway_cli::certs::{self, Profile};
use causeway_crypto::SealingPrivateKey;
use causeway_journal::v1::{Approval, Decision, DocumentKind};
use causeway_journal::{approval_message, document_digest};
use causeway_model::SystemId;
use causeway_proto::v1;
use prost::Message;
use serde_json::json;
use tonic::{Code, Status};

use crate::feed::{ALBANIA, released_in};
use crate::harness::calls::{reason, submit, within};
use crate::harness::{Gateway, World, documents};
use crate::identity::desk::{self, Desk};

/// An agency's file in force, as the next version.
pub(crate) fn next(world: &World, agency: &str) -> AgencyFile {
    let agency = agency.parse().expect("an agency");
    let mut file = world.journal().read(|state| AgencyFile::clone(state.agency(&agency).expect("in force")));
    file.version += 1;
    file
}

fn approval(world: &World, person: &str, file: &AgencyFile) -> Vec<u8> {
    let digest = document_digest(DocumentKind::Agency, file.id.as_str(), file.version, file.render().as_bytes());
    let (agency, id) = ("gb-nca".parse().expect("an agency"), person.parse().expect("a person"));
    let key = certs::person_key(&world.path("certs-dev"), &agency, &id).expect("issued with the world");
    let approval = Approval {
        agency: "gb-nca".into(),
        person: person.into(),
        public_key: key.public_key().0.to_vec(),
        signature: key.sign(&approval_message(&digest)).to_vec(),
    };
    approval.encode_to_vec()
}

async fn send(gateway: &Gateway, request: v1::ActivateDocumentRequest) -> Result<u64, Status> {
    let mut admin = gateway.admin("gb-nca/operations").await;
    Ok(admin.activate_document(request).await?.into_inner().leaf_index)
}

fn proposed(world: &World, file: &AgencyFile, persons: &[&str]) -> v1::ActivateDocumentRequest {
    v1::ActivateDocumentRequest {
        kind: "agency".into(),
        id: file.id.to_string(),
        version: file.version,
        text: file.render().into_bytes(),
        approvals: persons.iter().map(|person| approval(world, person, file)).collect(),
    }
}

pub(crate) async fn activate(world: &World, gateway: &Gateway, file: &AgencyFile) -> Result<u64, Status> {
    send(gateway, proposed(world, file, &["director", "dpo"])).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_submitted_after_a_new_sealing_key_is_sealed_to_it_and_the_old_one_opens_the_rest() {
    let world = World::new();
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let named = |subject: &str| documents::with(documents::profile(), json!({ "subject_reference": subject }));
    let old = submit(&mut ingest, "old", &named("OLD")).await.expect("accepted");
    let key = SealingPrivateKey::generate();
    let mut file = next(&world, "gb-nca");
    file.sealing_public_key = key.public_key().to_bytes();
    activate(&world, &gateway, &file).await.expect("in force");
    let new = submit(&mut ingest, "new", &named("NEW")).await.expect("accepted");
    assert_eq!(new.sealing_key_id, key.public_key().key_id().0);
    assert_ne!(old.sealing_key_id, new.sealing_key_id);
    let mut owner = Desk::of(&world, &gateway, "gb-nca").await;
    let earlier = desk::private_key(&world, "gb-nca");
    for (receipt, opens, other) in [(&old, &earlier, &key), (&new, &key, &earlier)] {
        let id = owner.request_record(&receipt.record_id).await.expect("requested");
        owner.approve(&id, "director").await.expect("approved");
        owner.approve(&id, "dpo").await.expect("approved");
        let sealed = owner.release(&id).await.expect("released").sealed.expect("sealed");
        desk::open(opens, &sealed).expect("the key of its time opens it");
        desk::open(other, &sealed).expect_err("the other does not");
    }
    gateway.stop().await;
    let gateway = world.start().await;
    let mut ingest = gateway.ingest("gb-nca/case-management").await;
    let later = submit(&mut ingest, "later", &named("LATER")).await.expect("accepted");
    assert_eq!(later.sealing_key_id, new.sealing_key_id, "after a restart too");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn systems_and_roles_come_and_go_while_the_gateway_runs() {
    let world = World::new();
    let gateway = world.start().await;
    let system: SystemId = "al-police/night-desk".parse().expect("well formed");
    let issued = world.authority("al-police").issue(&Profile::client(&system, world_time(&world))).expect("minted");
    assert!(gateway.connect_with(&issued, "night-desk").await.is_err(), "nobody knows it yet");
    let mut feed = gateway.feed("al-police/feed").await;
    let mut watch = feed.watch(v1::WatchRequest::default()).await.expect("the watch opens").into_inner();
    let mut file = next(&world, "al-police");
    let reader = file.systems.iter().position(|known| known.name.as_str() == "feed").expect("the feed's system");
    let mut added = file.systems.remove(reader);
    added.name = system.system.clone();
    file.systems.push(added);
    activate(&world, &gateway, &file).await.expect("in force");
    gateway.connect_with(&issued, "night-desk").await.expect("it is known now");
    world.clock().advance(2);
    let status = loop {
        match within("the end of the watch", watch.message()).await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the watch ends without a reason"),
            Err(status) => break status,
        }
    };
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unauthenticated, "identity-lapsed"));
    gateway.stop().await;
}

fn world_time(world: &World) -> causeway_model::Timestamp {
    world.journal().read(|state| state.last_time())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agency_file_that_is_not_approved_not_sound_or_not_later_stays_out() {
    let world = World::new();
    let gateway = world.start().await;
    let file = next(&world, "al-police");
    let receipt = submit(&mut gateway.ingest("gb-nca/case-management").await, "one", &documents::profile()).await;
    released_in(&world, ALBANIA, &receipt.expect("accepted")).await;
    for persons in [&[][..], &["director"], &["director", "director"]] {
        refused(&world, &gateway, proposed(&world, &file, persons), Code::PermissionDenied, "unapproved").await;
    }
    let other = AgencyFile { name: "Another name".into(), ..file.clone() };
    let swapped = v1::ActivateDocumentRequest {
        text: other.render().into_bytes(),
        ..proposed(&world, &file, &["director", "dpo"])
    };
    refused(&world, &gateway, swapped, Code::PermissionDenied, "unapproved").await;
    let bundle = std::fs::read_to_string(world.path("certs-dev/vn-police/ca.pem")).expect("a CA");
    let faulty = [
        (AgencyFile { trust_bundle_pem: bundle, ..file.clone() }, "the same key is in both trust bundles"),
        (AgencyFile { sealing_public_key: vec![0xff; 1216], ..file.clone() }, "sealing"),
        (AgencyFile { id: "fr-ocriest".parse().expect("an agency"), ..file.clone() }, "the same key is in both"),
        (
            {
                let mut own = next(&world, "gb-nca");
                own.persons.truncate(1);
                own
            },
            "two persons",
        ),
        (
            {
                let mut own = next(&world, "gb-nca");
                own.systems.retain(|system| system.name.as_str() != "gateway");
                own
            },
            "gateway",
        ),
    ];
    for (file, words) in faulty {
        let request = proposed(&world, &file, &["director", "dpo"]);
        let status = refused(&world, &gateway, request, Code::InvalidArgument, "documents-faulty").await;
        assert!(status.message().contains(words), "{words}: {}", status.message());
    }
    let same = AgencyFile { version: file.version - 1, ..file.clone() };
    let request = proposed(&world, &same, &["director", "dpo"]);
    refused(&world, &gateway, request, Code::AlreadyExists, "version-not-later").await;
    activate(&world, &gateway, &file).await.expect("and the true one is taken");
    gateway.stop().await;
}

/// Sends what must be refused, with one entry that says so.
async fn refused(
    world: &World,
    gateway: &Gateway,
    request: v1::ActivateDocumentRequest,
    code: Code,
    expected: &str,
) -> Status {
    let before = world.journal().size();
    let status = send(gateway, request).await.expect_err(expected);
    assert_eq!((status.code(), reason(&status).as_str()), (code, expected), "{}", status.message());
    let left = world.journal().entries_from(before);
    let denials = left.iter().filter(|seen| seen.entry.decision() == Decision::Denied);
    assert_eq!(denials.map(|seen| seen.entry.reason.as_str()).collect::<Vec<_>>(), [expected]);
    assert!(left.iter().all(|seen| seen.entry.document.is_none()), "the document is in the log");
    status
}
