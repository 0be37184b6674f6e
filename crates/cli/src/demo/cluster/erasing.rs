//! What comes after the partners have pulled, through whatever node: they acknowledge, the owner erases a record, and the partner that had
//! it is told so.

use std::path::Path;
use std::time::{Duration, Instant};

use causeway_crypto::Digest;
use causeway_journal::{VerifierKey, approval_message};
use causeway_model::AgencyId;
use causeway_proto::v1::{AcknowledgeRequest, EraseRequest, PersonSignature, PlanErasureRequest, item};

use super::site::Site;
use crate::demo::Clients;
use crate::demo::partner::Pulled;
use crate::session::Doing;
use crate::{Failure, certs};

const OFFICER: &str = "gb-nca/protection";
/// The two persons who approve.
const PERSONS: [&str; 2] = ["director", "dpo"];

/// A withdrawal follows its erasure at once, and gets to another node in a moment.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(50);

/// The entries of an erasure.
#[derive(Debug)]
pub(super) struct Erased {
    /// That ordered it.
    pub(super) ordered: u64,
    /// That says that the keys are destroyed on every node.
    pub(super) complete: u64,
}

/// A partner acknowledges what it has pulled, at another node than it has pulled from.
pub(super) async fn acknowledge(clients: &Clients<'_>, pulled: &Pulled) -> Result<(), Failure> {
    let session = clients.session(&format!("{}/feed", pulled.agency), Doing::Reading).await?;
    let request = AcknowledgeRequest {
        agreement: pulled.agreement.to_string(),
        up_to_position: pulled.standing.position,
        item_position: 0,
    };
    let answer = session.feed().acknowledge(request).await.map_err(|status| session.failure(status))?.into_inner();
    match answer.acknowledged_position == pulled.standing.position {
        true => Ok(()),
        false => Err(Failure::does_not_hold(format!("{} acknowledged another position", pulled.agency))),
    }
}

/// Erases a record by the owner's two approvals. It is complete only once every node has destroyed its keys.
pub(super) async fn erase(site: &Site, node: usize, certs_dir: &Path, record: &str) -> Result<Erased, Failure> {
    let session = site.session(node, OFFICER, Doing::Protecting).await?;
    let plan = PlanErasureRequest { record_ids: vec![record.to_owned()], subject_reference: String::new() };
    let plan = session.protection().plan_erasure(plan).await.map_err(|status| session.failure(status))?.into_inner();
    let digest = Digest::try_from(plan.digest.as_slice());
    let digest = digest.map_err(|_| Failure::does_not_hold("the plan's digest is malformed"))?;
    let owner: AgencyId = certs::OPERATOR.parse().expect("well formed");
    let mut approvals = Vec::new();
    for person in PERSONS {
        let key = certs::person_key(certs_dir, &owner, &person.parse().expect("well formed"))?;
        let signature = key.sign(&approval_message(&digest)).to_vec();
        approvals.push(PersonSignature { person: person.into(), signature });
    }
    let order = EraseRequest { record_ids: plan.record_ids, subject_reference: String::new(), approvals };
    let erased = session.protection().erase(order).await.map_err(|status| session.failure(status))?.into_inner();
    Ok(Erased { ordered: erased.ordered_leaf_index, complete: erased.complete_leaf_index })
}

/// The partner goes on where it stopped, at another node: there is one withdrawal, and nothing else.
pub(super) async fn pull_withdrawal(
    clients: &Clients<'_>,
    pulled: &mut Pulled,
    key: &VerifierKey,
) -> Result<(), Failure> {
    let session = clients.session(&format!("{}/feed", pulled.agency), Doing::Reading).await?;
    let since = Instant::now();
    loop {
        let page = pulled.next(&session).await?;
        pulled.standing.take(&page, Some(&key.clone().into()))?;
        match page.items.as_slice() {
            [] if since.elapsed() > PATIENCE => {
                return Err(Failure::does_not_hold(format!("{} is never told of the erasure", pulled.agency)));
            }
            [] => tokio::time::sleep(PAUSE).await,
            [item] if matches!(item.content, Some(item::Content::Withdrawn(_))) => return Ok(()),
            _ => return Err(Failure::does_not_hold(format!("{} got more than one withdrawal", pulled.agency))),
        }
    }
}
