//! The answer to a question, page after page, as a stream of checked parts.

use std::pin::Pin;

use causeway_gateway::client::Refusal;
use causeway_proto::v1::{QueryRequest, QueryResponse};
use tokio_stream::{Stream, StreamExt};

use super::checks::{Checks, Told};
use crate::Failure;
use crate::session::Session;

/// The parts of one page, as they come.
type Parts = Pin<Box<dyn Stream<Item = Result<QueryResponse, Refusal>> + Send>>;

/// An answer that is being read.
pub(crate) struct Answer<'s> {
    session: &'s Session,
    request: QueryRequest,
    checks: Checks,
    follow: bool,
    parts: Option<Parts>,
    ended: bool,
}

impl<'s> Answer<'s> {
    /// The answer to this question: all pages of it with `follow`, otherwise one.
    pub(crate) fn new(session: &'s Session, request: QueryRequest, checks: Checks, follow: bool) -> Self {
        Self { session, request, checks, follow, parts: None, ended: false }
    }

    /// The next part; none after the end.
    ///
    /// # Errors
    /// A refusal, a connection that broke, or the first thing that does not hold.
    pub(crate) async fn next(&mut self) -> Result<Option<Told>, Failure> {
        while !self.ended {
            let Some(response) = self.received().await? else {
                return Err(self.session.lost("the answer ended before its end; ask again"));
            };
            let told = self.checks.take(response)?;
            if let Some(Told::End(cursor)) = &told {
                self.parts = None;
                self.ended = cursor.is_empty() || !self.follow;
                self.request.cursor.clone_from(cursor);
            }
            if told.is_some() {
                return Ok(told);
            }
        }
        Ok(None)
    }

    /// The checks, with what the answer rests on.
    pub(crate) const fn checks(&self) -> &Checks {
        &self.checks
    }

    async fn received(&mut self) -> Result<Option<QueryResponse>, Failure> {
        let parts = match &mut self.parts {
            Some(parts) => parts,
            None => {
                let answer = self.session.audit().query(self.request.clone()).await;
                let answer = answer.map_err(|status| self.session.failure(status))?.into_inner();
                self.parts.insert(Box::pin(answer.map(|part| part.map_err(Refusal::from))))
            }
        };
        parts.next().await.transpose().map_err(|refusal| self.session.failure(refusal))
    }
}
