//! The owner of a record: asks who may see it and why, and who has received it.

use causeway_model::AgreementId;
use causeway_proto::v1::{ExplainRequest, Holder, ListHoldersRequest};

use super::expectation::Expectation;
use super::partner::Pulled;
use crate::Failure;
use crate::command::explain::{explanations, verdict};
use crate::session::Session;

/// What the owner was told.
#[derive(Debug)]
pub(super) struct Told {
    /// Each partner's decision, in words.
    pub(super) verdicts: Vec<String>,
    /// Who has received the record.
    pub(super) holders: Vec<Holder>,
}

/// Asks about the record at a place of the sample, and holds the answers against what the agreements say and what the partners got.
pub(super) async fn ask(
    session: &Session,
    record: &str,
    place: u64,
    expected: &Expectation,
    pulled: &[Pulled],
) -> Result<Told, Failure> {
    let granted = |agreement: &AgreementId| {
        expected.shares.get(agreement).is_some_and(|(_, share)| share.granted.contains(&place))
    };
    let mut verdicts = Vec::new();
    for partner in pulled {
        let request = ExplainRequest {
            record_id: record.to_owned(),
            agreement: partner.agreement.to_string(),
            ..ExplainRequest::default()
        };
        let explained = explanations(session, request, false).await?;
        let [explanation] = explained.as_slice() else {
            return Err(Failure::does_not_hold("one agreement was asked about, and the answer is of another number"));
        };
        if explanation.shown != granted(&partner.agreement) {
            let what = format!("{} is said to see a record other than {} says", partner.agency, partner.agreement);
            return Err(Failure::does_not_hold(what));
        }
        verdicts.push(format!("{}: {}", partner.agency, verdict(explanation)));
    }
    let request = ListHoldersRequest { record_id: record.to_owned() };
    let response = session.ingest().list_holders(request).await.map_err(|status| session.failure(status))?;
    let holders = response.into_inner().holders;
    let holding = |partner: &Pulled| holders.iter().any(|holder| holder.agency == partner.agency);
    match pulled.iter().all(|partner| holding(partner) == granted(&partner.agreement)) {
        true => Ok(Told { verdicts, holders }),
        false => Err(Failure::does_not_hold("the holders of a record are not those that it went to")),
    }
}
