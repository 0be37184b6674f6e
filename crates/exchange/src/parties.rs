//! What the agency files in force say of those who call.

use std::sync::Arc;

use causeway_agreement::{AgencyFile, Role};
use causeway_model::{AgencyId, SystemId};

use crate::Exchange;

impl Exchange {
    /// The roles that the agency file in force gives to a system; none for an unknown system.
    pub fn roles(&self, system: &SystemId) -> Vec<Role> {
        self.journal().read(|state| {
            let agency = state.agency(&system.agency);
            let found = agency.and_then(|file| file.systems.iter().find(|known| known.name == system.system));
            found.map(|known| known.roles.clone()).unwrap_or_default()
        })
    }

    /// The trust bundle (PEM) of every agency in force: that agency's own roots, and nobody else's.
    pub fn bundles(&self) -> Vec<(AgencyId, String)> {
        self.journal()
            .read(|state| state.agencies().map(|file| (file.id.clone(), file.trust_bundle_pem.clone())).collect())
    }

    /// The agency files in force.
    pub fn agencies(&self) -> Vec<Arc<AgencyFile>> {
        self.journal().read(|state| state.agencies().cloned().collect())
    }
}
