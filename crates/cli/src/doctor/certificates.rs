//! Certificates and revocation lists: how long the gateway's own, the agencies' roots and their lists hold.

use std::path::Path;

use causeway_agreement::AgencyFile;
use causeway_gateway::client::certificate_ends;
use causeway_gateway::expiry::{WARN_DAYS, agency_lists};
use causeway_model::{AgencyId, Timestamp};

use super::{Findings, Ground};

const DAY_MICROS: u64 = 86_400_000_000;

pub(super) fn look(ground: &Ground<'_>, findings: &mut Findings) {
    let (config, now) = (ground.config, ground.now);
    let entries = std::fs::read_dir(&config.start.agencies).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).filter(|path| is_toml(path)).collect();
    paths.sort();
    file("the gateway's own certificate", &config.tls.certificate, now, RENEW, findings);
    for path in paths {
        // One that does not read is the start's to refuse.
        let Some(agency) = std::fs::read_to_string(&path).ok().and_then(|text| AgencyFile::parse(&text).ok()) else {
            continue;
        };
        let what = format!("{}'s roots ({})", agency.id, path.display());
        judge(&what, certificate_ends(agency.trust_bundle_pem.as_bytes()), now, REPLACE_ROOT, findings);
        match agency_lists(config, &agency, now) {
            Some(Ok(due)) => lists(ground, &agency.id, due, findings),
            Some(Err(fault)) => {
                let todo = "get lists of all its authorities from its PKI and put them in place (docs/trust.md)";
                findings.failure("revocation", format!("the lists of {}: {fault}", agency.id), todo);
            }
            None => {}
        }
    }
    if config.revocation.folder.is_none() {
        findings.warning(
            "revocation",
            "no revocation lists are looked at: a stolen certificate is good until it ends",
            "set folder in [revocation], and put every agency's list there (docs/trust.md)",
        );
    }
    narrowed(ground, findings);
}

/// An agency's lists, by the terms that the settings have for it.
fn lists(ground: &Ground<'_>, agency: &AgencyId, due: Timestamp, findings: &mut Findings) {
    let terms = ground.config.revocation.terms_of(agency);
    let Some(late) = ground.now.0.checked_sub(due.0) else {
        let hours = (due.0 - ground.now.0) / (DAY_MICROS / 24);
        findings.ok("revocation", format!("the lists of {agency}: the next are due in {hours} hours"));
        return;
    };
    let late = std::time::Duration::from_micros(late);
    let seen = format!("the lists of {agency} should have been replaced {} hours ago", late.as_secs() / 3600);
    if terms.required && late >= terms.budget {
        findings.failure("revocation", seen, "get new ones from its PKI: until then it gets withdrawals only");
    } else {
        findings.warning(
            "revocation",
            seen,
            "get new ones from its PKI; once budget_hours are over it gets withdrawals only",
        );
    }
}

/// What the running gateway says of it, by the documents in force.
fn narrowed(ground: &Ground<'_>, findings: &mut Findings) {
    let Some(told) = &ground.told else { return };
    for (agency, stale) in told.family("causeway_revocation_stale") {
        if stale > 0.0 {
            let seen = format!("{agency} gets withdrawals only, for want of fresh lists");
            findings.failure("revocation", seen, "get new ones from its PKI and put them in place (docs/trust.md)");
        }
    }
    for (files, faults) in told.family("causeway_reload_faults") {
        if faults > 0.0 {
            let seen = format!("changed files of the gateway ({files}) are not taken as they are");
            findings.failure("reload", seen, "mend them: the line `reload-refused` in the log names file and fault");
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
