//! Bringing documents into force and suspending them while the gateway runs, by the persons who may.

use causeway_cli::certs;
use causeway_crypto::Digest;
use causeway_journal::v1::{Approval, DocumentKind};
use causeway_journal::{approval_message, document_digest, suspension_digest};
use causeway_proto::v1;
use prost::Message;
use tonic::Status;

use crate::harness::{Gateway, World};

/// A document's kind as calls name it.
fn kind_of(kind: &str) -> DocumentKind {
    match kind {
        "agency" => DocumentKind::Agency,
        "agreement" => DocumentKind::Agreement,
        "schema" => DocumentKind::Schema,
        other => panic!("no kind of document: {other}"),
    }
}

fn approval(world: &World, person: &str, digest: &Digest) -> Vec<u8> {
    let (agency, id) = ("gb-nca".parse().expect("an agency"), person.parse().expect("a person"));
    let key = certs::person_key(&world.path("certs-dev"), &agency, &id).expect("issued with the world");
    let approval = Approval {
        agency: "gb-nca".into(),
        person: person.into(),
        public_key: key.public_key().0.to_vec(),
        signature: key.sign(&approval_message(digest)).to_vec(),
    };
    approval.encode_to_vec()
}

/// Brings a document into force, approved by two persons.
pub(crate) async fn activate(
    world: &World,
    gateway: &Gateway,
    (kind, id, version): (&str, &str, u32),
    text: &str,
) -> Result<u64, Status> {
    let digest = document_digest(kind_of(kind), id, version, text.as_bytes());
    let request = v1::ActivateDocumentRequest {
        kind: kind.into(),
        id: id.into(),
        version,
        text: text.into(),
        approvals: ["director", "dpo"].iter().map(|person| approval(world, person, &digest)).collect(),
    };
    let mut admin = gateway.admin("gb-nca/operations").await;
    Ok(admin.activate_document(request).await?.into_inner().leaf_index)
}

/// Brings the next version of an agreement into force: the world's file, changed.
pub(crate) async fn amend(
    world: &World,
    gateway: &Gateway,
    id: &str,
    version: u32,
    change: impl FnOnce(&str) -> String,
) {
    let file = format!("config/agreements/{id}.toml");
    let text = std::fs::read_to_string(world.path(&file)).expect("the agreement");
    let changed = change(&text).replacen("version = 1\n", &format!("version = {version}\n"), 1);
    assert_ne!(changed, text.replacen("version = 1\n", &format!("version = {version}\n"), 1), "it changes nothing");
    activate(world, gateway, ("agreement", id, version), &changed).await.expect("in force");
}

/// Suspends what is in force, approved by one person.
pub(crate) async fn suspend(
    world: &World,
    gateway: &Gateway,
    (kind, id, version): (&str, &str, u32),
) -> Result<u64, Status> {
    let digest = suspension_digest(kind_of(kind), id, version);
    let approval = approval(world, "dpo", &digest);
    let request = v1::SuspendRequest { kind: kind.into(), id: id.into(), approval, version };
    Ok(gateway.admin("gb-nca/operations").await.suspend(request).await?.into_inner().leaf_index)
}
