//! What is refused for a limit's sake: of what there is too much, and when to come again.

use std::time::Duration;

/// What there is too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quantity {
    /// Connections at a time.
    Connections,
    /// Calls at a time.
    Calls,
    /// Requests a second.
    Requests,
    /// Bytes of requests a second.
    Bytes,
    /// Records a day.
    Records,
    /// Pages made and not taken.
    Pages,
}

impl Quantity {
    /// What there is too much of, in words.
    pub(crate) const fn what(self) -> &'static str {
        match self {
            Self::Connections => "there are more connections open than may be",
            Self::Calls => "there are more calls under way than may be at a time",
            Self::Requests => "there were more requests in this second than may be",
            Self::Bytes => "the requests of this second had more bytes than may be",
            Self::Records => "as many records were accepted today as may be; the next day begins at midnight UTC",
            Self::Pages => "pages that were made before are waiting to be read",
        }
    }

    /// The stable reason of what is refused for it.
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::Connections => "connections-over-limit",
            Self::Calls => "calls-over-limit",
            Self::Requests => "requests-over-limit",
            Self::Bytes => "bytes-over-limit",
            Self::Records => causeway_exchange::RECORDS_OVER_LIMIT,
            Self::Pages => "pages-over-limit",
        }
    }
}

/// A refusal: of what there is too much, and when to come again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Over {
    pub(crate) quantity: Quantity,
    pub(crate) retry: Duration,
}
