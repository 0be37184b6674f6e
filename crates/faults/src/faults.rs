//! The list of faults. Each is a file beside; a new one is its `mod` line and its line in [`ALL`].

use crate::Failed;
use crate::table::Row;

pub(crate) use index_cut::journal;

mod backup;
mod backup_cut;
mod clock;
mod disk_full;
mod eio;
mod half_open;
mod index_cut;
mod kill;
mod noisy;
mod overload;
mod power_cut;
mod slow_readers;
mod witness_cut;

/// What every fault is told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context {
    /// Whether the short form is wanted.
    pub(crate) short: bool,
    /// Where chances come from.
    pub(crate) seed: u64,
}

/// A fault that can be injected.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&Context) -> Result<Row, Failed>,
}

/// All of them, in the order in which they are run.
const ALL: &[Fault] = &[
    Fault { name: "kill-9", run: kill::run },
    Fault { name: "power-cut", run: power_cut::run },
    Fault { name: "power-cut-restart", run: power_cut::run_again },
    Fault { name: "power-cut-index", run: index_cut::run },
    Fault { name: "power-cut-witness", run: witness_cut::run },
    Fault { name: "power-cut-backup", run: backup_cut::run },
    Fault { name: "disk-full", run: disk_full::run },
    Fault { name: "eio", run: eio::run },
    Fault { name: "backup", run: backup::run },
    Fault { name: "clock", run: clock::run },
    Fault { name: "half-open", run: half_open::run },
    Fault { name: "slow-readers", run: slow_readers::run },
    Fault { name: "noisy", run: noisy::run },
    Fault { name: "overload", run: overload::run },
];

/// The faults of these names; all where there are none.
pub(crate) fn chosen(names: &[String]) -> Result<Vec<Fault>, Failed> {
    if names.is_empty() {
        return Ok(ALL.to_vec());
    }
    let find = |name: &String| {
        let known = || ALL.iter().map(|fault| fault.name).collect::<Vec<_>>().join(", ");
        let found = ALL.iter().find(|fault| fault.name == name);
        found.copied().ok_or_else(|| format!("there is no fault {name}; there are {}", known()).into())
    };
    names.iter().map(find).collect()
}

/// A runtime for the clients of a fault.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Failed> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}
