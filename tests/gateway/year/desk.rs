//! What persons decide in the simulation: documents brought into force or suspended, and records erased, each with its signatures.

use causeway_cli::certs;
use causeway_crypto::Digest;
use causeway_journal::v1::{Approval, DocumentKind};
use causeway_journal::{approval_message, document_digest, suspension_digest};
use causeway_proto::v1;
use causeway_proto::v1::admin_service_client::AdminServiceClient;
use causeway_proto::v1::protection_service_client::ProtectionServiceClient;
use prost::Message;
use tonic::Status;

use super::paper::Paper;
use crate::harness::{Stated, World};

const OWNER: &str = "gb-nca";

/// Brings a version of an agreement into force, with two approvals.
pub(super) async fn activate(
    world: &World,
    admin: &mut AdminServiceClient<Stated>,
    paper: &Paper,
) -> Result<(), Status> {
    let text = paper.text().into_bytes();
    let digest = document_digest(DocumentKind::Agreement, paper.id, paper.version, &text);
    let approvals = ["director", "dpo"].map(|person| approval(world, person, &digest)).to_vec();
    let request = v1::ActivateDocumentRequest {
        kind: "agreement".into(),
        id: paper.id.into(),
        version: paper.version,
        text,
        approvals,
    };
    admin.activate_document(request).await.map(|_| ())
}

/// Suspends the version in force, with one approval.
pub(super) async fn suspend(
    world: &World,
    admin: &mut AdminServiceClient<Stated>,
    (agreement, version): (&str, u32),
) -> Result<(), Status> {
    let digest = suspension_digest(DocumentKind::Agreement, agreement, version);
    let request = v1::SuspendRequest {
        kind: "agreement".into(),
        id: agreement.into(),
        approval: approval(world, "director", &digest),
        version,
    };
    admin.suspend(request).await.map(|_| ())
}

/// Erases a record, with two approvals of the plan.
pub(super) async fn erase(
    world: &World,
    office: &mut ProtectionServiceClient<Stated>,
    record_id: &str,
) -> Result<(), Status> {
    let plan = v1::PlanErasureRequest { record_ids: vec![record_id.into()], subject_reference: String::new() };
    let plan = office.plan_erasure(plan).await?.into_inner();
    let digest = Digest(plan.digest.as_slice().try_into().expect("32 bytes"));
    let approvals = ["director", "dpo"].map(|person| signed(world, person, &digest)).to_vec();
    let order = v1::EraseRequest { record_ids: plan.record_ids, subject_reference: String::new(), approvals };
    office.erase(order).await.map(|_| ())
}

fn key(world: &World, person: &str) -> causeway_crypto::SigningKey {
    let (agency, person) = (OWNER.parse().expect("an agency"), person.parse().expect("a person"));
    certs::person_key(&world.path("certs-dev"), &agency, &person).expect("issued with the world")
}

fn signed(world: &World, person: &str, digest: &Digest) -> v1::PersonSignature {
    let signature = key(world, person).sign(&approval_message(digest)).to_vec();
    v1::PersonSignature { person: person.into(), signature }
}

fn approval(world: &World, person: &str, digest: &Digest) -> Vec<u8> {
    let key = key(world, person);
    let approval = Approval {
        agency: OWNER.into(),
        person: person.into(),
        public_key: key.public_key().0.to_vec(),
        signature: key.sign(&approval_message(digest)).to_vec(),
    };
    approval.encode_to_vec()
}
