//! Whether trust bundles and the gateway's own certificate are in order, and together: at a start, before one, and before an agency file
//! comes into force.

use std::sync::Arc;

use causeway_agreement::AgencyFile;
use causeway_store::Clock;

use crate::config::Config;
use crate::tls::{self, Own};
use crate::trust::Authority;
use crate::{access, reload};

/// The trust bundles and the gateway's own certificate, found in order together.
pub(crate) fn secured<'a>(
    config: &Config,
    agencies: impl IntoIterator<Item = &'a AgencyFile>,
    clock: &Clock,
) -> Result<(Arc<Authority>, Own), Vec<String>> {
    match Authority::new(config.suffix.clone(), agencies).map(Arc::new) {
        Ok(authority) => {
            reload::first_lists(config, &authority, clock);
            let own = tls::server_config(&config.tls, &config.operator, &authority, clock)?;
            Ok((authority, own))
        }
        Err(faults) => Err(faults.into_iter().chain(key_pair_faults(config)).collect()),
    }
}

/// What can be known to be wrong from the configuration's own files, before the journal says which agencies there are.
pub(crate) fn own_faults(config: &Config) -> Vec<String> {
    let mut faults = access::table_faults(config.reflection);
    faults.extend(key_pair_faults(config));
    faults
}

/// The same, where these agencies are to come into force. Where there should be more of them, whom the gateway's own
/// certificate speaks for cannot be said.
pub(crate) fn faults_with(config: &Config, agencies: &[AgencyFile], all: bool, clock: &Clock) -> Vec<String> {
    if all {
        let mut faults = access::table_faults(config.reflection);
        faults.extend(secured(config, agencies, clock).err().unwrap_or_default());
        return faults;
    }
    let mut faults = own_faults(config);
    faults.extend(Authority::new(config.suffix.clone(), agencies).err().unwrap_or_default());
    faults
}

fn key_pair_faults(config: &Config) -> Vec<String> {
    tls::KeyPair::load(&config.tls.certificate, &config.tls.key).err().unwrap_or_default()
}
