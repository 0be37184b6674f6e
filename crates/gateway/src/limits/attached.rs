//! What comes with every request of a connection: whose it is, their accounts, and the connection itself.

use tonic::body::Body;

use super::arriving::Arriving;
use super::leaving::{Leaving, Pages};
use super::link::Link;
use super::over::Over;
use super::parties::{Manner, Party, Place};
use crate::peer::Peer;

/// A connection's peer and its limits. A cheap clone.
#[derive(Debug, Clone)]
pub(crate) struct Attached {
    pub(crate) peer: Peer,
    pub(crate) party: Party,
    pub(crate) link: Link,
}

impl Attached {
    /// A place for one request more. Whoever is refused one too often is not read for a while.
    ///
    /// # Errors
    /// Of what there is too much, and when to come again.
    pub(crate) fn request(&self, manner: Manner) -> Result<Place, Over> {
        self.party.request(manner).inspect_err(|_| self.link.pause(self.party.passed(), self.party.pause()))
    }

    /// The same request, whose body is held to the limits as it arrives.
    pub(crate) fn arriving(&self, request: http::Request<Body>, streams: bool) -> http::Request<Body> {
        request.map(|body| Body::new(Arriving::new(body, self.party.clone(), streams)))
    }

    /// The same answer, whose body holds the call's place until it has been taken.
    pub(crate) fn leaving(&self, answer: http::Response<Body>, pages: Pages, place: Place) -> http::Response<Body> {
        answer.map(|body| Body::new(Leaving::new(body, self.party.clone(), self.link.answer(), pages, place)))
    }
}
