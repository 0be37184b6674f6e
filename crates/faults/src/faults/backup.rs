//! A backup of a gateway under load that is killed again and again, in turns with the gateway itself, and goes on each time; at the end
//! it takes the journal's place, and all that was acknowledged has to be in it.

use std::ffi::OsStr;
use std::fs;
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use super::{Context, runtime};
use crate::Failed;
use crate::load::{Amount, Ledger, Load, everything};
use crate::table::Row;
use causeway_rig::{Installation, Launch, Process, command};

/// Each so many times it is the gateway that is killed.
const GATEWAY_EACH: u64 = 4;

/// Interrupts backups of one journal, restores the last one in its place, and looks for everything.
pub(crate) fn run(context: &Context) -> Result<Row, Failed> {
    let times = if context.short { 8 } else { 80 };
    let installation = Installation::new()?;
    let pair = installation.path("recipient").display().to_string();
    ended_well(causeway(&["keys", "new", "--out", &pair])?.wait()?, "making a pair of keys")?;
    let named = format!("[backup]\nrecipient = \"{pair}/sealing.pub\"\n");
    installation.edit(|settings| settings.replace("[backup]\n", &named))?;
    let (ledger, runtime) = (Ledger::default(), runtime()?);
    let mut process = installation.start(&Launch::default())?;
    for round in 0..times {
        let amount = Amount { seed: context.seed, round, streamed: 500, single: 40, turns: 10 };
        process = interrupted(&installation, process, amount, &ledger, &runtime)?;
    }
    ended_well(back_up(&installation, &process)?.wait()?, "the last backup")?;
    process.kill()?;
    let begun = Instant::now();
    put_back(&installation)?;
    let process = installation.start(&Launch::default())?;
    let took = u64::try_from(begun.elapsed().as_millis())?;
    let checked = runtime.block_on(everything(&installation.reach(&process), &ledger.all()))?;
    checked.lost.iter().take(10).for_each(crate::complain_of);
    process.stop()?;
    let (acknowledged, lost) = (checked.acknowledged, checked.lost());
    Ok(Row { name: "backup", injected: times, acknowledged, lost, recovered_ms: Some(took) })
}

/// A load with a backup beside it, of which one or the other side is killed. Gives the gateway that runs afterwards.
fn interrupted(
    installation: &Installation,
    process: Process,
    amount: Amount,
    ledger: &Ledger,
    runtime: &Runtime,
) -> Result<Process, Failed> {
    let reach = installation.reach(&process);
    let left = runtime.block_on(async move {
        let load = Load::begin(&reach, amount, ledger);
        let mut backup = back_up(installation, &process)?;
        tokio::time::sleep(Duration::from_millis(50 + amount.round * 53 % 300)).await;
        let left = if amount.round % GATEWAY_EACH == GATEWAY_EACH - 1 {
            process.kill()?;
            None
        } else {
            backup.kill()?;
            Some(process)
        };
        // Without a gateway it ends by itself.
        backup.wait()?;
        load.ended().await?;
        Ok::<_, Failed>(left)
    })?;
    left.map_or_else(|| installation.start(&Launch::default()), Ok)
}

/// Restores the backup in the journal's place.
fn put_back(installation: &Installation) -> Result<(), Failed> {
    let journal = installation.path("data/journal");
    fs::rename(&journal, installation.path("data/lost"))?;
    let [from, identity, to, config] =
        [installation.path("backup"), installation.path("recipient/sealing.key"), journal, installation.settings()]
            .map(|path| path.display().to_string());
    let words = ["restore", "--from", &from, "--identity", &identity, "--to", &to, "--config", &config, "--quiet"];
    ended_well(causeway(&words)?.wait()?, "the restore")
}

fn back_up(installation: &Installation, process: &Process) -> Result<Child, Failed> {
    let [to, certs] = ["backup", "certs-dev"].map(|name| installation.path(name).display().to_string());
    let gateway = format!("https://{}", process.address());
    let call = ["--as", "gb-nca/operations", "--certs-dir", &certs, "--gateway", &gateway];
    causeway(&[&["backup", "--to", &to, "--quiet"][..], &call].concat())
}

/// A command of `causeway`, with nothing of what it says.
fn causeway(words: &[&str]) -> Result<Child, Failed> {
    let words: Vec<&OsStr> = words.iter().map(OsStr::new).collect();
    let mut command = command(&words)?;
    Ok(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?)
}

fn ended_well(status: ExitStatus, what: &str) -> Result<(), Failed> {
    if status.success() { Ok(()) } else { Err(format!("{what} ended with {status}").into()) }
}
