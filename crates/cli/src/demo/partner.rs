//! A partner agency: pulls its whole feed page by page, checks every page, and compares what it got with what the
//! agreement grants.

use std::time::{Duration, Instant};

use causeway_journal::VerifierKey;
use causeway_model::AgreementId;
use causeway_proto::v1::{Page, PullRequest, item};
use serde_json::Value;

use super::expectation::Expectation;
use super::{Clients, auditor};
use crate::Failure;
use crate::feed::Standing;
use crate::session::{Doing, Session};

/// Items a page.
const PAGE_ITEMS: u32 = 50;
/// Releases follow a submission by a moment; a feed that stays short for so long is short.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at a feed that has nothing new yet.
const PAUSE: Duration = Duration::from_millis(50);

/// What one partner got.
#[derive(Debug)]
pub(super) struct Pulled {
    pub(super) agency: &'static str,
    pub(super) agreement: AgreementId,
    /// Where it stands in its feed.
    pub(super) standing: Standing,
    pub(super) records: u64,
    /// Pages with a disclosure, each proven.
    pub(super) pages: u64,
    /// One record as it reached the partner, to show.
    pub(super) example: Option<Value>,
}

pub(super) async fn pull(
    clients: &Clients<'_>,
    agency: &'static str,
    expected: &Expectation,
    key: &VerifierKey,
) -> Result<Pulled, Failure> {
    // The partner's own auditor tells the key; it must be the one that the operator's auditor was told.
    let auditor = clients.session(&format!("{agency}/audit"), Doing::Auditing).await?;
    if auditor::pin_key(&auditor).await? != *key {
        return Err(Failure::does_not_hold(format!("{agency} was told of another checkpoint key than gb-nca")));
    }
    let (agreement, share) = expected.of(agency)?;
    let wanted = share.granted.len() as u64;
    let session = clients.session(&format!("{agency}/feed"), Doing::Reading).await?;
    let (standing, agreement) = (Standing::start(), agreement.clone());
    let mut pulled = Pulled { agency, agreement, standing, records: 0, pages: 0, example: None };
    let mut since = Instant::now();
    while pulled.records < wanted {
        let page = pulled.next(&session).await?;
        pulled.standing.take(&page, Some(&key.clone().into()))?;
        pulled.count(&page, expected)?;
        match page.items.is_empty() {
            false => since = Instant::now(),
            true if since.elapsed() > PATIENCE => {
                let (got, agreement) = (pulled.records, &pulled.agreement);
                return Err(Failure::does_not_hold(format!(
                    "{agency} got {got} of {wanted} records under {agreement}"
                )));
            }
            true => tokio::time::sleep(PAUSE).await,
        }
    }
    Ok(pulled)
}

/// The feed must have ended where the partner stopped: not one record more than the agreement grants.
pub(super) async fn check_no_more(clients: &Clients<'_>, pulled: &Pulled) -> Result<(), Failure> {
    let session = clients.session(&format!("{}/feed", pulled.agency), Doing::Reading).await?;
    let page = pulled.next(&session).await?;
    match page.items.is_empty() {
        true => Ok(()),
        false => Err(Failure::does_not_hold(format!(
            "{} gets records that {} does not grant",
            pulled.agency, pulled.agreement
        ))),
    }
}

/// The whole of a partner's feed, pulled again from its beginning and checked page by page: where it ends.
pub(super) async fn feed(clients: &Clients<'_>, pulled: &Pulled, key: &VerifierKey) -> Result<Standing, Failure> {
    let session = clients.session(&format!("{}/feed", pulled.agency), Doing::Reading).await?;
    let (agreement, standing) = (pulled.agreement.clone(), Standing::start());
    let mut again = Pulled { agency: pulled.agency, agreement, standing, records: 0, pages: 0, example: None };
    loop {
        let page = again.next(&session).await?;
        again.standing.take(&page, Some(&key.clone().into()))?;
        if page.items.is_empty() {
            return Ok(again.standing);
        }
    }
}

impl Pulled {
    pub(super) async fn next(&self, session: &Session) -> Result<Page, Failure> {
        let request = PullRequest {
            agreement: self.agreement.to_string(),
            cursor: self.standing.cursor.clone(),
            limit: PAGE_ITEMS,
        };
        let response = session.feed().pull(request).await.map_err(|status| session.failure(status))?.into_inner();
        response.page.ok_or_else(|| Failure::does_not_hold("the gateway answered without a page"))
    }

    fn count(&mut self, page: &Page, expected: &Expectation) -> Result<(), Failure> {
        self.pages += u64::from(!page.items.is_empty());
        for item in &page.items {
            let Some(item::Content::Released(record)) = &item.content else {
                return Err(Failure::does_not_hold(format!(
                    "{} got a withdrawal where nothing was withdrawn",
                    self.agency
                )));
            };
            let not_json = |_| Failure::does_not_hold("a record of the feed is not JSON");
            let document: Value = serde_json::from_slice(&record.document).map_err(not_json)?;
            if expected.leaks(&document) {
                return Err(Failure::does_not_hold(format!("{} got an identifier of a record", self.agency)));
            }
            if document.get("tlp").is_some_and(|tlp| tlp == "RED") {
                return Err(Failure::does_not_hold(format!("{} got a record marked TLP:RED", self.agency)));
            }
            if !record.clause.starts_with(&format!("{}/c", self.agreement)) {
                return Err(Failure::does_not_hold(format!("{} got a record under another agreement", self.agency)));
            }
            self.records += 1;
            self.example.get_or_insert(document);
        }
        Ok(())
    }
}
