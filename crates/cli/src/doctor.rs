//! What `causeway doctor` looks at, one file for each thing; every finding says what was seen and what to do about it. Nothing is
//! changed, created or locked.

mod call;
mod certificates;
mod clock;
mod findings;
mod journal;
mod keys;
mod monitoring;
mod partner;
mod volumes;
mod witnesses;

use std::path::Path;

use causeway_gateway::Config;
use causeway_model::Timestamp;
use causeway_store::Clock;

use crate::client_options::ClientOptions;
pub(crate) use findings::{Findings, State};
use monitoring::Told;

/// What every check goes by.
#[derive(Debug)]
struct Ground<'a> {
    config: &'a Config,
    now: Timestamp,
    /// What the running gateway's metrics say; none where it does not run, or serves none.
    told: Option<Told>,
}

/// Checks an installation by its settings, and calls the gateway where `client` says as whom.
pub(crate) async fn installation(place: &Path, client: &ClientOptions) -> Findings {
    let mut findings = Findings::default();
    let loaded = std::fs::metadata(place).map_err(|error| vec![error.to_string()]).and_then(|_| Config::load(place));
    let config = match loaded {
        Ok(config) => config,
        Err(faults) => {
            for fault in faults {
                let todo = "mend it; the gateway does not start with it";
                findings.failure("configuration", format!("{}: {fault}", place.display()), todo);
            }
            return findings;
        }
    };
    findings.ok("configuration", format!("{}: no fault", place.display()));
    let told = monitoring::ask(&config, &mut findings).await;
    let ground = Ground { config: &config, now: Clock::system().now(), told };
    keys::look(&ground, &mut findings);
    volumes::look(&ground, &mut findings);
    clock::look(&ground, &mut findings);
    certificates::look(&ground, &mut findings);
    journal::look(&ground, &mut findings);
    witnesses::look(&ground, &mut findings).await;
    call::look(&ground, client, &mut findings).await;
    findings
}

/// Checks a partner's own side: its files, its clock, and what the gateway makes of it.
pub(crate) async fn partner(client: &ClientOptions, agreement: &str, cursor: Option<&Path>) -> Findings {
    let mut findings = Findings::default();
    partner::look(client, agreement, cursor, &mut findings).await;
    findings
}
