//! Evidence that the journal's history was changed: the signed checkpoints that contradict each other, in files for a court.

use std::path::{Path, PathBuf};

use causeway_crypto::sha256;

use crate::error::StoreError;
use crate::folder;

/// The folder's name in the data directory.
const NAME: &str = "evidence";

/// The folder.
#[derive(Debug, Clone)]
pub(crate) struct Evidence {
    dir: PathBuf,
}

impl Evidence {
    pub(crate) fn in_dir(data_dir: &Path) -> Self {
        Self { dir: data_dir.join(NAME) }
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Keeps a text in a file that is named after what it holds, so that each is kept once, however often it is met.
    pub(crate) fn keep(&self, kind: &str, text: &str) -> Result<(), StoreError> {
        let digest = sha256(&[text.as_bytes()]);
        let name: String = digest.0[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        let path = self.dir.join(format!("{kind}-{name}"));
        let failed = |source| StoreError::io("keep evidence of a changed history", &path, source);
        folder::create_private(&self.dir).map_err(failed)?;
        if path.exists() {
            return Ok(());
        }
        folder::replace(&path, text.as_bytes()).map_err(failed)
    }
}
