//! Agencies of whose certificates it is not known any more which are revoked: nothing but withdrawals is given to them.
//!
//! The gateway looks at the revocation lists (`gateway::revocation`) and says here whose are too old. A feed goes on where it was once
//! there are newer ones: what waited is given then, and nothing is withdrawn for it.

use std::collections::BTreeSet;
use std::sync::{PoisonError, RwLock};

use causeway_model::AgencyId;

use crate::witnessed::RETRY;
use crate::{Class, Error, Exchange};

/// The reason of whatever is refused because an agency's revocation lists are too old.
pub const REVOCATION_STALE: &str = "revocation-stale";

/// Those agencies.
#[derive(Debug, Default)]
pub(crate) struct Narrowed(RwLock<BTreeSet<AgencyId>>);

impl Exchange {
    /// From here on these agencies, and no others, get withdrawals only.
    pub fn narrow(&self, agencies: BTreeSet<AgencyId>) {
        *self.narrowed().0.write().unwrap_or_else(PoisonError::into_inner) = agencies;
    }

    /// Whether an agency gets withdrawals only.
    pub fn is_narrowed(&self, agency: &AgencyId) -> bool {
        self.narrowed().0.read().unwrap_or_else(PoisonError::into_inner).contains(agency)
    }

    /// Whether anything is disclosed to an agency at this moment, as far as the witnesses and the agency's revocation lists go.
    pub fn discloses_to(&self, agency: &AgencyId) -> bool {
        !self.disclosures_stopped() && !self.is_narrowed(agency)
    }

    /// As [`Exchange::may_disclose`], to one agency.
    ///
    /// # Errors
    /// `Unavailable` where the witnesses are away, `Denied` where the agency's revocation lists are too old.
    pub(crate) fn may_disclose_to(&self, agency: &AgencyId) -> Result<(), Error> {
        self.may_disclose()?;
        if !self.is_narrowed(agency) {
            return Ok(());
        }
        let message = "the revocation lists of this agency's certificates are too old: nothing but withdrawals is given out until the \
                       gateway has newer ones";
        Err(Error { retry_after: Some(RETRY), ..Error::new(Class::Denied, REVOCATION_STALE, message) })
    }
}
