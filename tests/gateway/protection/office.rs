//! An agency's data-protection office as a test plays it: its calls, and its persons' signatures.

use causeway_cli::certs;
use causeway_crypto::Digest;
use causeway_journal::approval_message;
use causeway_proto::v1;
use causeway_proto::v1::protection_service_client::ProtectionServiceClient;
use tonic::Status;

use crate::harness::{Gateway, Stated, World};

pub(crate) struct Office<'w> {
    world: &'w World,
    pub(crate) client: ProtectionServiceClient<Stated>,
}

impl<'w> Office<'w> {
    pub(crate) async fn of(world: &'w World, gateway: &Gateway, agency: &str) -> Self {
        Self { world, client: gateway.protection(&format!("{agency}/protection")).await }
    }

    pub(crate) async fn plan(&mut self, ids: &[&str]) -> Result<v1::PlanErasureResponse, Status> {
        let record_ids = ids.iter().map(|id| (*id).to_owned()).collect();
        let request = v1::PlanErasureRequest { record_ids, subject_reference: String::new() };
        Ok(self.client.plan_erasure(request).await?.into_inner())
    }

    pub(crate) async fn plan_person(&mut self, reference: &str) -> Result<v1::PlanErasureResponse, Status> {
        let request = v1::PlanErasureRequest { record_ids: Vec::new(), subject_reference: reference.into() };
        Ok(self.client.plan_erasure(request).await?.into_inner())
    }

    pub(crate) fn sign(&self, digest: &[u8], agency: &str, person: &str) -> v1::PersonSignature {
        let (agency, named) = (agency.parse().expect("well formed"), person.parse().expect("well formed"));
        let key = certs::person_key(&self.world.path("certs-dev"), &agency, &named).expect("issued with the world");
        let message = approval_message(&Digest(digest.try_into().expect("32 bytes")));
        v1::PersonSignature { person: person.into(), signature: key.sign(&message).to_vec() }
    }

    /// The signatures of the owner's two persons over a plan's digest.
    pub(crate) fn both(&self, digest: &[u8]) -> Vec<v1::PersonSignature> {
        ["director", "dpo"].map(|person| self.sign(digest, "gb-nca", person)).to_vec()
    }

    pub(crate) async fn erase(
        &mut self,
        record_ids: Vec<String>,
        reference: &str,
        approvals: Vec<v1::PersonSignature>,
    ) -> Result<v1::EraseResponse, Status> {
        let request = v1::EraseRequest { record_ids, subject_reference: reference.into(), approvals };
        Ok(self.client.erase(request).await?.into_inner())
    }

    /// Plans and erases with both approvals.
    pub(crate) async fn erase_all(&mut self, ids: &[&str]) -> Result<v1::EraseResponse, Status> {
        let plan = self.plan(ids).await?;
        let approvals = self.both(&plan.digest);
        self.erase(plan.record_ids, "", approvals).await
    }

    pub(crate) async fn hold(&mut self, record_id: &str, held: bool) -> Result<u64, Status> {
        let request = v1::HoldRequest { record_id: record_id.into(), held };
        Ok(self.client.hold(request).await?.into_inner().leaf_index)
    }
}
