//! Certificates: how long the gateway's own and the agencies' roots hold, and whether the agencies' revocation lists are fresh.

use std::path::Path;

use causeway_agreement::AgencyFile;
use causeway_gateway::client::certificate_ends;
use causeway_gateway::{Config, expiry};
use causeway_model::Timestamp;

use super::{Findings, Ground};

/// From so many days before the end on, a certificate is warned of.
const WARN_DAYS: u64 = 30;

const DAY_MICROS: u64 = 86_400_000_000;

pub(super) fn look(ground: &Ground<'_>, findings: &mut Findings) {
    let (config, now) = (ground.config, ground.now);
    file("the gateway's own certificate", &config.tls.certificate, now, RENEW, findings);
    let entries = std::fs::read_dir(&config.start.agencies).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).filter(|path| is_toml(path)).collect();
    paths.sort();
    for path in paths {
        // One that does not read is the start's to refuse.
        let Some(agency) = std::fs::read_to_string(&path).ok().and_then(|text| AgencyFile::parse(&text).ok()) else {
            continue;
        };
        let what = format!("{}'s roots ({})", agency.id, path.display());
        judge(&what, certificate_ends(agency.trust_bundle_pem.as_bytes()), now, REPLACE_ROOT, findings);
        lists(config, &agency, now, findings);
    }
}

/// The revocation lists of one agency. They are replaced every few days as a rule, so their last days are no warning.
fn lists(config: &Config, agency: &AgencyFile, now: Timestamp, findings: &mut Findings) {
    const TODO: &str =
        "have the agency's PKI give out its newest list, and put it in place (docs/trust.md); it is read at once";
    let terms = config.revocation.terms_of(&agency.id);
    match expiry::agency_lists(config, agency, now) {
        None => {}
        Some(Err(fault)) if terms.required => findings.failure("certificates", fault, TODO),
        Some(Err(fault)) => findings.warning("certificates", fault, TODO),
        Some(Ok(due)) if due > now => {
            findings.ok("certificates", format!("{}'s revocation lists: due {due}", agency.id))
        }
        Some(Ok(due)) => {
            let stops = due.plus_seconds(terms.budget.as_secs());
            let what = format!("{}'s revocation lists: overdue since {due}", agency.id);
            match terms.required && stops <= now {
                true => {
                    findings.failure("certificates", format!("{what}, past the budget: it gets withdrawals only"), TODO)
                }
                false => findings.warning("certificates", what, TODO),
            }
        }
    }
}

fn is_toml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "toml")
}

const RENEW: &str = "have its CA issue the next one and put both files in place; they are read at once";

const REPLACE_ROOT: &str = "have the agency add its next root to its file, and bring that into force (causeway document propose, approve, activate)";

/// What the certificates of a PEM file say.
pub(super) fn file(what: &str, path: &Path, now: Timestamp, todo: &'static str, findings: &mut Findings) {
    let ends = std::fs::read(path).map_err(|error| error.to_string()).and_then(|pem| certificate_ends(&pem));
    judge(&format!("{what} ({})", path.display()), ends, now, todo, findings);
}

/// The one of several that ends first.
fn judge(
    what: &str,
    ends: Result<Vec<Timestamp>, String>,
    now: Timestamp,
    todo: &'static str,
    findings: &mut Findings,
) {
    match ends.map(|ends| ends.into_iter().min()) {
        Ok(Some(end)) => until(what, end, now, todo, findings),
        Ok(None) => findings.failure("certificates", format!("{what}: none is there"), todo),
        Err(fault) => findings.failure("certificates", format!("{what}: {fault}"), "put a PEM file there that reads"),
    }
}

/// Says how long something holds.
pub(super) fn until(what: &str, end: Timestamp, now: Timestamp, todo: &'static str, findings: &mut Findings) {
    match end.0.checked_sub(now.0).map(|left| left / DAY_MICROS) {
        Some(days) if days >= WARN_DAYS => findings.ok("certificates", format!("{what}: {days} days left")),
        Some(days) => findings.warning("certificates", format!("{what}: {days} days left"), todo),
        None => findings.failure("certificates", format!("{what}: over since {end}"), todo),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::findings::State;

    #[test]
    fn thirty_days_before_the_end_it_is_warned_of_and_after_it_it_is_over() {
        let now = Timestamp(100 * DAY_MICROS);
        for (end, state) in [
            (Timestamp(130 * DAY_MICROS), State::Ok),
            (Timestamp(130 * DAY_MICROS - 1), State::Warning),
            (now, State::Warning),
            (Timestamp(now.0 - 1), State::Failure),
        ] {
            let mut findings = Findings::default();
            until("it", end, now, RENEW, &mut findings);
            assert_eq!(findings.count(state), 1, "{end}");
        }
    }
}
