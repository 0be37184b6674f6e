//! What gateways are measured on: the shipped configuration with partners of twenty agreements, and limits that no benchmark meets.

use std::fs;
use std::path::Path;

use causeway_rig::{Failed, Installation, Launch, Process, Reach};

/// Partners in all, the two that are shipped among them.
pub(crate) const PARTNERS: usize = 20;

/// The system that submits.
pub(crate) const SUBMITTER: &str = "gb-nca/case-management";
/// The purpose that it states.
pub(crate) const PURPOSE: &str = "victim-identification";

/// Countries of the partners that are not shipped. What they get, the agreement of Albania says, for their own nationals.
const COUNTRIES: [&str; PARTNERS - 2] =
    ["RO", "BG", "HU", "PL", "SK", "LT", "IN", "PK", "BD", "NG", "GH", "ER", "SD", "ET", "IQ", "IR", "AF", "PH"];

/// An installation and the gateway on it.
#[derive(Debug)]
pub(crate) struct Ground {
    pub(crate) installation: Installation,
}

impl Ground {
    /// In a folder of this one.
    pub(crate) fn within(parent: &Path) -> Result<Self, Failed> {
        Self::prepared_within(parent, |_| Ok(()))
    }

    /// The same, with what else has to be in the configuration's folder.
    pub(crate) fn prepared_within(
        parent: &Path,
        prepare: impl FnOnce(&Path) -> Result<(), Failed>,
    ) -> Result<Self, Failed> {
        fs::create_dir_all(parent)?;
        let installation = Installation::prepared_within(parent, |config| {
            COUNTRIES.iter().try_for_each(|country| add_partner(config, country))?;
            prepare(config)
        })?;
        installation.edit(|settings| {
            settings
                .replace("# connections = 256", "connections = 1024")
                .replace("# calls = 1024", "calls = 8192")
                .replace("# connections = 128", "connections = 1024")
                .replace("# calls = 512", "calls = 8192")
                .replace("# requests_per_second = 10000", "requests_per_second = 1000000")
                .replace("# bytes_per_second = 134217728", "bytes_per_second = 1073741824")
                .replace("# records_per_day = 2000000", "records_per_day = 1000000000")
        })?;
        Ok(Self { installation })
    }

    /// Starts the gateway in a process of its own.
    pub(crate) fn start(&self) -> Result<(Process, Reach), Failed> {
        let process = self.installation.start(&Launch::default())?;
        let reach = self.installation.reach(&process);
        Ok((process, reach))
    }
}

/// A partner after the pattern of Albania: the agency `xx-police` and the agreement `ISA-XX-2026-001`.
fn add_partner(config: &Path, country: &str) -> Result<(), Failed> {
    let agency = format!("{}-police", country.to_lowercase());
    let agreement = format!("ISA-{country}-2026-001");
    let read = |name: &str| fs::read_to_string(config.join(name));
    let template = read("agencies/al-police.toml")?.replace("al-police", &agency);
    fs::write(config.join(format!("agencies/{agency}.toml")), template)?;
    let text = read("agreements/ISA-AL-2026-014.toml")?
        .replace("ISA-AL-2026-014", &agreement)
        .replace("al-police", &agency)
        .replace("nationalities = [\"AL\"]", &format!("nationalities = [\"{country}\"]"))
        .replace("route_countries = [\"AL\", \"XK\"]", &format!("route_countries = [\"{country}\"]"));
    Ok(fs::write(config.join(format!("agreements/{agreement}.toml")), text)?)
}
