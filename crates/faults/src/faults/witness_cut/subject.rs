//! The witness on the disks that cuts leave.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use causeway_crypto::Digest;
use causeway_witness::{Config, last_held};

use crate::Failed;
use crate::load::Checked;
use crate::power::{Looking, Subject};

/// What is played.
pub(super) const PLAYED: [&str; 1] = ["state"];

/// What a witness has cosigned.
#[derive(Debug)]
pub(super) struct Remembering {
    folder: PathBuf,
    cosigned: Vec<(u64, Digest)>,
}

impl Remembering {
    pub(super) fn new(folder: &Path, cosigned: Vec<(u64, Digest)>) -> Self {
        Self { folder: folder.to_owned(), cosigned }
    }
}

impl Subject for Remembering {
    fn complete(&self, folder: &Path) -> Result<Vec<String>, Failed> {
        for name in ["witness.toml", "witness.key"] {
            fs::copy(self.folder.join(name), folder.join(name))?;
        }
        Ok(Vec::new())
    }

    fn look(&self, folder: PathBuf, kept: usize) -> Looking {
        let (last, after) = (kept.checked_sub(1).map(|last| self.cosigned[last]), self.cosigned.get(kept).copied());
        Box::pin(async move {
            let begun = Instant::now();
            let config = Config::load(&folder.join("witness.toml")).map_err(|faults| faults.join("; "))?;
            let mut checked = Checked::default();
            if last.is_none() && causeway_witness::begin(&config).is_ok() {
                // Cut before it had begun: beginning again is what its operator does.
                return Ok((checked, begun.elapsed()));
            }
            let held = last_held(&config)?.into_iter().next().and_then(|log| log.checkpoint);
            let held = held.map(|checkpoint| (checkpoint.size, checkpoint.root));
            // Or the one that it was about to cosign.
            let holds = held == last || (held.is_some() && held == after);
            checked.look(holds.then_some(()).ok_or_else(|| format!("it holds {held:?}, and has cosigned {last:?}")));
            Ok((checked, begun.elapsed()))
        })
    }
}
