//! An agency's office for identities as a test plays it: its calls, its persons' signatures, and its own private sealing key.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use causeway_cli::certs;
use causeway_crypto::{CryptoError, Digest, SealContext, Sealed, SealingPrivateKey, SealingPublicKey, SealingWindow};
use causeway_gateway::client::Statement;
use causeway_journal::v1::{Entry, SealedBody};
use causeway_journal::{approval_message, decode_entry};
use causeway_model::{AgencyId, RecordId, RecordVersion};
use causeway_proto::v1;
use causeway_proto::v1::protection_service_client::ProtectionServiceClient;
use causeway_proto::v1::query_response::Part;
use prost::Message;
use tonic::Status;

use crate::harness::{Gateway, Stated, World};

/// One agency's office.
pub(crate) struct Desk<'w> {
    world: &'w World,
    agency: &'static str,
    client: ProtectionServiceClient<Stated>,
}

impl<'w> Desk<'w> {
    pub(crate) async fn of(world: &'w World, gateway: &Gateway, agency: &'static str) -> Self {
        Self::stating(world, gateway, agency, "investigation", "test.operator").await
    }

    pub(crate) async fn acting_as(world: &'w World, gateway: &Gateway, agency: &'static str, operator: &str) -> Self {
        Self::stating(world, gateway, agency, "investigation", operator).await
    }

    pub(crate) async fn for_purpose(world: &'w World, gateway: &Gateway, agency: &'static str, purpose: &str) -> Self {
        Self::stating(world, gateway, agency, purpose, "test.operator").await
    }

    async fn stating(world: &'w World, gateway: &Gateway, agency: &'static str, purpose: &str, operator: &str) -> Self {
        let channel = gateway.channel(&format!("{agency}/protection")).await;
        let statement = Statement::new(purpose, operator).expect("well formed");
        Self { world, agency, client: ProtectionServiceClient::with_interceptor(channel, statement) }
    }

    pub(crate) async fn request(&mut self, pseudonym: &str, position: u64) -> Result<String, Status> {
        let request = v1::RequestIdentityRequest {
            pseudonym: pseudonym.into(),
            position,
            case_reference: "CASE-7".into(),
            ..v1::RequestIdentityRequest::default()
        };
        Ok(self.client.request_identity(request).await?.into_inner().identity_request_id)
    }

    pub(crate) async fn request_record(&mut self, record_id: &str) -> Result<String, Status> {
        let request = v1::RequestIdentityRequest {
            record_id: record_id.into(),
            case_reference: "CASE-7".into(),
            ..v1::RequestIdentityRequest::default()
        };
        Ok(self.client.request_identity(request).await?.into_inner().identity_request_id)
    }

    pub(crate) async fn rows(&mut self, open_only: bool) -> Vec<v1::IdentityRequest> {
        let request = v1::ListIdentityRequestsRequest { open_only };
        self.client.list_identity_requests(request).await.expect("a list").into_inner().requests
    }

    pub(crate) async fn row(&mut self, id: &str) -> v1::IdentityRequest {
        let rows = self.rows(false).await;
        rows.into_iter().find(|row| row.identity_request_id == id).expect("the request is listed")
    }

    /// Approves by the signature of one of the agency's own persons.
    pub(crate) async fn approve(&mut self, id: &str, person: &str) -> Result<v1::ApproveIdentityResponse, Status> {
        let digest = self.row(id).await.approval_digest;
        let signature = signature(self.world, self.agency, person, &digest);
        self.approve_with(id, signature).await
    }

    pub(crate) async fn approve_with(
        &mut self,
        id: &str,
        approval: v1::PersonSignature,
    ) -> Result<v1::ApproveIdentityResponse, Status> {
        let request = v1::ApproveIdentityRequest { identity_request_id: id.into(), approval: Some(approval) };
        Ok(self.client.approve_identity(request).await?.into_inner())
    }

    pub(crate) async fn refuse(&mut self, id: &str, reason: &str) -> Result<u64, Status> {
        let request = v1::RefuseIdentityRequest { identity_request_id: id.into(), reason: reason.into() };
        Ok(self.client.refuse_identity(request).await?.into_inner().leaf_index)
    }

    pub(crate) async fn release(&mut self, id: &str) -> Result<v1::ReleaseIdentityResponse, Status> {
        let request = v1::ReleaseIdentityRequest { identity_request_id: id.into() };
        Ok(self.client.release_identity(request).await?.into_inner())
    }

    pub(crate) async fn deliver(&mut self, id: &str, sealed: v1::SealedIdentity) -> Result<u64, Status> {
        let request = v1::DeliverIdentityRequest { identity_request_id: id.into(), sealed: Some(sealed) };
        Ok(self.client.deliver_identity(request).await?.into_inner().leaf_index)
    }

    pub(crate) async fn collect(&mut self, id: &str) -> Result<v1::SealedIdentity, Status> {
        let request = v1::CollectIdentityRequest { identity_request_id: id.into() };
        Ok(self.client.collect_identity(request).await?.into_inner().sealed.expect("sealed"))
    }

    /// Erases one of the agency's records, with the approvals of two of its persons.
    pub(crate) async fn erase(&mut self, record_id: &str) {
        let record_ids = vec![record_id.to_owned()];
        let plan = v1::PlanErasureRequest { record_ids: record_ids.clone(), subject_reference: String::new() };
        let digest = self.client.plan_erasure(plan).await.expect("planned").into_inner().digest;
        let approvals = ["director", "dpo"].map(|person| signature(self.world, self.agency, person, &digest)).to_vec();
        let order = v1::EraseRequest { record_ids, subject_reference: String::new(), approvals };
        self.client.erase(order).await.expect("erased");
    }

    /// Opens something with the agency's own private key, as its own system would.
    pub(crate) fn open(&self, sealed: &v1::SealedIdentity) -> Result<Vec<u8>, CryptoError> {
        open(&private_key(self.world, self.agency), sealed)
    }
}

/// An agency's private sealing key, which is on its own machine.
pub(crate) fn private_key(world: &World, agency: &str) -> SealingPrivateKey {
    let text = std::fs::read_to_string(world.path(&format!("certs-dev/{agency}/sealing.key"))).expect("issued");
    SealingPrivateKey::from_bytes(&STANDARD.decode(text.trim()).expect("base64")).expect("a key")
}

pub(crate) fn open(key: &SealingPrivateKey, sealed: &v1::SealedIdentity) -> Result<Vec<u8>, CryptoError> {
    let agency: AgencyId = sealed.agency.parse().expect("an agency");
    let body = SealedBody::decode(sealed.sealed_body.as_slice()).expect("a sealed body");
    let context = SealContext {
        owner: &agency,
        record_id: sealed.context_id.parse().expect("an id"),
        version: RecordVersion(sealed.version),
        kind: sealed.kind.parse().expect("a kind"),
    };
    let body = Sealed::try_from(body).expect("a suite's ids");
    causeway_crypto::open_sealed(key, &sealed.encapsulation, &context, &body).map(|opened| opened.to_vec())
}

/// Seals what was opened again, to the partner that asked, bound to the request.
pub(crate) fn reseal(released: &v1::ReleaseIdentityResponse, id: &str, opened: &[u8]) -> v1::SealedIdentity {
    let agency: AgencyId = released.requester.parse().expect("an agency");
    let kind = released.sealed.as_ref().expect("sealed").kind.clone();
    let public = SealingPublicKey::from_bytes(&released.requester_sealing_key).expect("a key");
    let window = SealingWindow::new(&public, &agency);
    let record_id: RecordId = id.parse().expect("an id");
    let context =
        SealContext { owner: &agency, record_id, version: RecordVersion(1), kind: kind.parse().expect("a kind") };
    let sealed = window.seal(&context, opened);
    let body = SealedBody::from(sealed);
    v1::SealedIdentity {
        agency: released.requester.clone(),
        context_id: id.to_owned(),
        version: 1,
        kind,
        sealed_body: body.encode_to_vec(),
        encapsulation: window.encapsulation().to_vec(),
    }
}

/// One person's signature over a digest.
pub(crate) fn signature(world: &World, agency: &str, person: &str, digest: &[u8]) -> v1::PersonSignature {
    let digest = Digest::try_from(digest).expect("32 bytes");
    let (agency, id) = (agency.parse().expect("an agency"), person.parse().expect("a person"));
    let key = certs::person_key(&world.path("certs-dev"), &agency, &id).expect("issued with the world");
    v1::PersonSignature { person: person.into(), signature: key.sign(&approval_message(&digest)).to_vec() }
}

/// The entries that an auditor finds about a record, or all that it finds.
pub(crate) async fn audit(gateway: &Gateway, system: &str, record_id: &str) -> Vec<Entry> {
    let query = v1::QueryRequest { record_id: record_id.into(), ..crate::audit::everything() };
    let mut answer = gateway.audit(system).await.query(query).await.expect("an answer").into_inner();
    let mut entries = Vec::new();
    while let Some(response) = answer.message().await.expect("it goes on") {
        if let Some(Part::Row(row)) = response.part {
            entries.push(decode_entry(&row.entry).expect("an entry"));
        }
    }
    entries
}
