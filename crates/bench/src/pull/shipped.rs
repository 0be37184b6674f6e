//! `causeway pull` as it is shipped, in a process of its own: what a partner's reader costs that checks everything.

use std::ffi::OsString;
use std::io::Read as _;
use std::process::Stdio;

use causeway_proto::v1;
use causeway_rig::{Failed, command};

use super::feed::Read;
use super::partner::{self, Partner};
use super::stage::Stage;
use crate::processor;

/// The key that the journal's checkpoints are signed with.
pub(super) async fn verifier_key(stage: &Stage) -> Result<String, Failed> {
    let clients = stage.reach.clients("gb-nca/audit", "lawfulness").await?;
    Ok(clients.audit().get_checkpoint(v1::GetCheckpointRequest::default()).await?.into_inner().verifier_key)
}

/// Pulls and checks a partner's whole feed; gives the items that it says it had, and the seconds of processor time that it took.
pub(super) async fn pull_all(stage: &Stage, partner: &Partner, page: u32, key: &str) -> Result<(Read, f64), Failed> {
    let words: Vec<OsString> = [
        "pull".into(),
        "--all".into(),
        "--limit".into(),
        page.to_string().into(),
        "--agreement".into(),
        partner.agreement.clone().into(),
        "--verifier-key".into(),
        key.into(),
        "--as".into(),
        partner.system().into(),
        "--purpose".into(),
        partner::PURPOSE.into(),
        "--certs-dir".into(),
        stage.ground.installation.path("certs-dev").into(),
        "--gateway".into(),
        format!("https://{}", stage.gateway.address()).into(),
    ]
    .into();
    tokio::task::spawn_blocking(move || run(&words)).await?
}

fn run(words: &[OsString]) -> Result<(Read, f64), Failed> {
    let words: Vec<_> = words.iter().map(OsString::as_os_str).collect();
    let mut child = command(&words)?.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let mut said = String::new();
    if let Some(mut lines) = child.stderr.take() {
        lines.read_to_string(&mut said)?;
    }
    // It has ended and nobody has waited for it: the system still says what it used.
    let seconds = processor::seconds_of(child.id());
    if !child.wait()?.success() {
        return Err(format!("causeway pull failed: {said}").into());
    }
    let read = Read { items: items_in(&said).ok_or_else(|| format!("causeway pull said: {said}"))?, ..Read::default() };
    Ok((read, seconds))
}

/// The number of records in `ISA-FR-2026-000: 9000 records, 0 withdrawals, now at position 9000, 0 more; ...`.
fn items_in(said: &str) -> Option<u64> {
    let line = said.lines().find(|line| line.contains(" records, 0 withdrawals, now at position "))?;
    line.split_once(" records, ")?.0.rsplit(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_records_is_read_from_its_last_line() {
        let said = "pulling\nISA-FR-2026-000: 9000 records, 0 withdrawals, now at position 9000, 0 more; chain holds\n";
        assert_eq!(items_in(said), Some(9_000));
        assert_eq!(items_in("ISA-FR-2026-000: 9 records, 2 withdrawals, now at position 11, 0 more"), None);
    }
}
